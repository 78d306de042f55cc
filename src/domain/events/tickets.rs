//! Tickets: one id for each seat of a booking, which nothing has to remember.
//!
//! A ticket's id is a UUID of version 8. Of its 122 free bits 32 say who holds the booking, 20 which event it is
//! of and 20 which seat, as the state numbers them; so it is looked up without a table of tickets. The other 50
//! are a hash that also takes the booking's *mark*, which is made of the session and number of the command
//! that booked. A ticket is therefore valid for that booking only, not for a later one of the same seat.
//!
//! Deriving instead of drawing keeps commands small (16 bytes a seat less), makes the answer to a retry the same
//! word for word, and takes no memory: a booking keeps its mark, whatever number of seats it has.

use super::ids::{IdError, Uuid};
use super::written::{Written, as_text};
use crate::domain::ids::{Seat, SessionId};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use xxhash_rust::xxh3::xxh3_64;

const SEAT_BITS: u32 = 20;
const EVENT_BITS: u32 = 20;
const CHECK_BITS: u32 = 50;

/// One seat's ticket. Shown as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId(Uuid);

as_text!(TicketId);

/// What all tickets of a booking have in common: with a seat it gives the [`TicketId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TicketStem {
    /// The holder, as the state numbers them.
    pub party: u32,
    /// The event, as the state numbers them, below 2^20.
    pub event: u32,
    /// Of the booking.
    pub mark: u64,
}

/// The mark of a booking that this command makes.
pub fn mark(session: SessionId, sequence: u64) -> u64 {
    let [birth, random, sequence] = [session.birth_ms, session.random, sequence].map(u64::to_le_bytes);
    xxh3_64(&[birth, random, sequence].concat())
}

impl TicketStem {
    /// The ticket of one seat, which the booking should have.
    pub fn ticket(&self, seat: Seat) -> TicketId {
        let place = u64::from(self.event) << 32 | u64::from(seat.0);
        let [mark, party, place] = [self.mark, u64::from(self.party), place].map(u64::to_le_bytes);
        let check = xxh3_64(&[mark, party, place].concat()) >> (u64::BITS - CHECK_BITS);
        let (party, event, seat) = (u128::from(self.party), u128::from(self.event), u128::from(seat.0));
        debug_assert!(event >> EVENT_BITS == 0 && seat >> SEAT_BITS == 0, "numbers that no state gives");
        let payload = ((party << EVENT_BITS | event) << SEAT_BITS | seat) << CHECK_BITS | u128::from(check);
        TicketId(Uuid(spread(payload).to_be_bytes()))
    }
}

impl TicketId {
    /// Holder, event and seat, as the state numbers them.
    pub(super) fn parts(self) -> (u32, u32, Seat) {
        let rest = gather(u128::from_be_bytes(self.0.0)) >> CHECK_BITS;
        let seat = rest as u32 & ((1 << SEAT_BITS) - 1);
        let event = (rest >> SEAT_BITS) as u32 & ((1 << EVENT_BITS) - 1);
        ((rest >> (SEAT_BITS + EVENT_BITS)) as u32, event, Seat(seat))
    }
}

/// Puts 122 bits around version and variant.
fn spread(payload: u128) -> u128 {
    let (high, middle, low) = (payload >> 74, payload >> 62 & 0xfff, payload & ((1 << 62) - 1));
    high << 80 | 8 << 76 | middle << 64 | 0b10 << 62 | low
}

/// Takes them from there.
fn gather(uuid: u128) -> u128 {
    (uuid >> 80) << 74 | (uuid >> 64 & 0xfff) << 62 | (uuid & ((1 << 62) - 1))
}

impl FromStr for TicketId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(TicketId)
    }
}

impl Written for TicketId {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        self.0.with_text(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_says_whose_and_which_seat() {
        for (party, event, seat) in [(0, 0, 1), (u32::MAX, (1 << 20) - 1, 1_000_000), (7, 1 << 19, 300)] {
            let ticket = TicketStem { party, event, mark: 9 }.ticket(Seat(seat));
            assert_eq!(ticket.parts(), (party, event, Seat(seat)));
            let text = ticket.to_string();
            assert_eq!((&text[14..15], text.parse()), ("8", Ok(ticket)), "version 8");
            assert!("89ab".contains(&text[19..20]), "variant of RFC 9562: {text}");
        }
    }

    #[test]
    fn another_booking_of_the_seat_has_another_ticket() {
        let id = SessionId { birth_ms: 1, random: 2 };
        let stem = |sequence| TicketStem { party: 3, event: 4, mark: mark(id, sequence) };
        assert_ne!(stem(1).ticket(Seat(5)), stem(2).ticket(Seat(5)));
        assert_ne!(stem(1).ticket(Seat(5)), stem(1).ticket(Seat(6)));
        assert_eq!(stem(1).ticket(Seat(5)), stem(1).ticket(Seat(5)));
    }

    #[test]
    fn ids_never_change_between_versions() {
        // People keep tickets longer than servers run.
        let stem = TicketStem { party: 3, event: 4, mark: mark(SessionId { birth_ms: 1, random: 2 }, 3) };
        assert_eq!(stem.ticket(Seat(5)).to_string(), "00000003-0000-8400-8016-d41b24088fd8");
    }
}
