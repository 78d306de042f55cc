//! What is answered, and the exact words for it.

use super::events::answer::EventAnswer;
use super::events::outcome::EventOutcome;
use super::ids::{Name, SEATS_MAX, Seat};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// What executing a command came to. Refusals are replicated data like successes: every server computes
/// the same one, and a retry is told it word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The seats are taken now.
    Reserved {
        /// By whom.
        name: Name,
        /// Ascending.
        seats: Vec<Seat>,
    },
    /// Fewer seats are free than were asked for. Checked first.
    NotEnough {
        /// Free seats.
        left: u32,
        /// Seats asked for.
        count: u32,
    },
    /// The name has a reservation already. Checked second.
    AlreadyBooked {
        /// Whose.
        name: Name,
        /// Its seats, ascending.
        seats: Vec<Seat>,
    },
    /// Some of the seats that were picked are taken; none was reserved. Checked third.
    Taken {
        /// Every clash, ascending.
        seats: Vec<Seat>,
    },
    /// Some of the seats that were picked do not exist; none was reserved. Checked before all else.
    NoSuchSeats {
        /// Those seats, ascending.
        seats: Vec<Seat>,
        /// How many seats the theatre has.
        capacity: u32,
    },
    /// The seats are free again.
    Released {
        /// How many.
        count: u32,
        /// Free seats now.
        left: u32,
    },
    /// Nobody of that name has a reservation.
    NoReservation {
        /// The name asked for.
        name: Name,
    },
    /// The session was forgotten (age, or too many sessions); nothing was executed now. Whether an earlier
    /// try of this command was executed is not known.
    SessionExpired,
    /// The outcome of that sequence number was forgotten; nothing was executed now.
    SequenceForgotten,
    /// The same session and number came with another operation; nothing was executed.
    SequenceReused,
    /// The command could not be understood; nothing was executed.
    Malformed,
    /// The command's idempotency key was used for another operation; nothing was executed.
    KeyReused,
    /// There is no room for another idempotency key; nothing was executed.
    KeysFull,
    /// What an operation on events came to.
    Events(Arc<EventOutcome>),
}

impl Outcome {
    /// Whether the users' exit code for this is "done" (0) and not "refused" (1).
    pub fn is_success(&self) -> bool {
        match self {
            Outcome::Reserved { .. } | Outcome::Released { .. } => true,
            Outcome::Events(outcome) => outcome.is_success(),
            Outcome::NotEnough { .. }
            | Outcome::AlreadyBooked { .. }
            | Outcome::Taken { .. }
            | Outcome::NoSuchSeats { .. }
            | Outcome::NoReservation { .. }
            | Outcome::SessionExpired
            | Outcome::SequenceForgotten
            | Outcome::SequenceReused
            | Outcome::Malformed
            | Outcome::KeyReused
            | Outcome::KeysFull => false,
        }
    }
}

/// Seats as people read them: `1,2,5`.
pub struct SeatList<'a>(pub &'a [Seat]);

impl fmt::Display for SeatList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, seat) in self.0.iter().enumerate() {
            write!(f, "{}{seat}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Reserved { name, seats } => {
                write!(f, "The seats have been reserved for {name}: {}.", SeatList(seats))
            }
            Outcome::NotEnough { left, count } => {
                write!(f, "Failed: only {left} seats left but {count} seats are requested.")
            }
            Outcome::AlreadyBooked { name, seats } => {
                write!(f, "Failed: {name} has booked the following seats: {}.", SeatList(seats))
            }
            Outcome::Taken { seats } => {
                write!(f, "Failed: the following seats are taken already: {}.", SeatList(seats))
            }
            Outcome::NoSuchSeats { seats, capacity } => {
                write!(f, "Failed: there are no seats {}; the seats are 1 to {capacity}.", SeatList(seats))
            }
            Outcome::Released { count, left } => {
                write!(f, "{count} seats have been released. {left} seats are now available.")
            }
            Outcome::NoReservation { name } => write!(f, "Failed: no reservation is made by {name}."),
            Outcome::SessionExpired => {
                f.write_str("the session of this command has expired; it was not executed now")
            }
            Outcome::SequenceForgotten => {
                f.write_str("the outcome of this command is no longer kept; it was not executed again")
            }
            Outcome::SequenceReused => {
                f.write_str("the number of this command was used for another one; it was not executed")
            }
            Outcome::Malformed => f.write_str("the command could not be understood; it was not executed"),
            Outcome::KeyReused => {
                f.write_str("the key of this command was used for another one; it was not executed")
            }
            Outcome::KeysFull => f.write_str("no more keys can be kept now; the command was not executed"),
            Outcome::Events(outcome) => outcome.fmt(f),
        }
    }
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The seats of a name, ascending; `None` when it has no reservation.
    Search {
        /// The name asked for.
        name: Name,
        /// Its seats.
        seats: Option<Vec<Seat>>,
    },
    /// The seat map.
    Seats(SeatMap),
    /// What a question about events found.
    Events(Box<EventAnswer>),
}

/// All seats of the theatre, free or taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawSeatMap")]
pub struct SeatMap {
    /// How many seats there are.
    pub capacity: u32,
    /// How many of them are free.
    pub left: u32,
    /// One bit a seat, set when it is free: seat `s` is bit `(s-1) % 64` of word `(s-1) / 64`. Bits past the
    /// capacity are clear.
    pub free: Vec<u64>,
}

/// A seat map as it comes over a wire: whoever draws it must not be led to count seats that nobody has.
#[derive(Deserialize)]
struct RawSeatMap {
    capacity: u32,
    left: u32,
    free: Vec<u64>,
}

impl TryFrom<RawSeatMap> for SeatMap {
    type Error = &'static str;

    fn try_from(raw: RawSeatMap) -> Result<SeatMap, &'static str> {
        let RawSeatMap { capacity, left, free } = raw;
        if capacity > SEATS_MAX || free.len() != capacity.div_ceil(64) as usize {
            return Err("the seat map is not as long as the theatre is large");
        }
        let ones: u32 = free.iter().map(|word| word.count_ones()).sum();
        let past = free.last().map_or(0, |last| last.checked_shr((capacity - 1) % 64 + 1).unwrap_or(0));
        if ones != left || past != 0 {
            return Err("the seat map does not add up");
        }
        Ok(SeatMap { capacity, left, free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_map_that_does_not_add_up_is_refused() {
        let read = |capacity, left, free: &[u64]| {
            let bytes = postcard::to_stdvec(&(capacity, left, free)).unwrap();
            postcard::from_bytes::<SeatMap>(&bytes).ok()
        };
        for (capacity, left, free) in [(0, 0, &[][..]), (64, 1, &[1 << 63]), (65, 2, &[1, 1]), (3, 3, &[7])] {
            assert_eq!(read(capacity, left, free), Some(SeatMap { capacity, left, free: free.to_vec() }));
        }
        assert_eq!(read(u32::MAX, 0, &[]), None, "a theatre that nobody has");
        assert_eq!(read(64, 0, &[]), None, "seats that nothing is said of");
        assert_eq!(read(3, 2, &[7]), None, "another sum");
        assert_eq!(read(3, 1, &[8]), None, "a free seat past the last");
    }
}
