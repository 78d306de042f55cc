//! No seat is sold twice: all answers of a run, held against each other while they come in.
//!
//! A seat is certainly a client's from the answer to its reservation until it *sends* the deletion. All clients are on one
//! thread, so two of these times that overlap are two people with one seat, and nothing else.

use crate::backend::Seats;

/// Most seats that are followed, over all events: 32 MiB. Beyond them nothing is checked, and
/// [`Sold::is_complete`] says so.
const SEATS_MAX: u64 = 1 << 28;

/// Which seats somebody has.
#[derive(Debug)]
pub struct Sold {
    seats_per_event: u64,
    bits: Vec<u64>,
    twice: u64,
    held: u64,
    is_complete: bool,
}

impl Sold {
    /// Nothing is sold of events with so many seats each, numbered from 0 or 1.
    pub fn new(seats_per_event: u64) -> Sold {
        Sold { seats_per_event: seats_per_event + 1, bits: Vec::new(), twice: 0, held: 0, is_complete: true }
    }

    /// A client was told that these are its seats.
    pub fn take(&mut self, event: u32, seats: Seats) {
        for seat in seats {
            let Some((word, bit)) = self.place(event, seat) else { continue };
            if self.bits.len() <= word {
                self.bits.resize(word + 1, 0);
            }
            self.twice += u64::from(self.bits[word] & bit != 0);
            self.bits[word] |= bit;
        }
        self.held += seats.len() as u64;
    }

    /// A client sends the deletion.
    pub fn give_back(&mut self, event: u32, seats: Seats) {
        for seat in seats {
            let Some((word, bit)) = self.place(event, seat) else { continue };
            if let Some(bits) = self.bits.get_mut(word) {
                *bits &= !bit;
            }
        }
        self.held = self.held.saturating_sub(seats.len() as u64);
    }

    /// How often somebody was told to have a seat that another one had.
    pub fn twice(&self) -> u64 {
        self.twice
    }

    /// How many seats somebody has.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Whether every seat was followed.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn place(&mut self, event: u32, seat: u32) -> Option<(usize, u64)> {
        let at = u64::from(event) * self.seats_per_event + u64::from(seat);
        if at >= SEATS_MAX {
            self.is_complete = false;
            return None;
        }
        Some(((at / 64) as usize, 1 << (at % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_two_have_is_found() {
        let mut sold = Sold::new(100);
        sold.take(0, [1, 2]);
        sold.take(0, [3, 2]);
        assert_eq!((sold.twice(), sold.held()), (1, 4));
    }

    #[test]
    fn a_seat_may_be_sold_again_once_its_deletion_is_sent() {
        let mut sold = Sold::new(100);
        sold.take(0, [1, 2]);
        sold.give_back(0, [1, 2]);
        sold.take(0, [2, 1]);
        assert_eq!((sold.twice(), sold.held()), (0, 2));
    }

    #[test]
    fn events_have_seats_of_their_own() {
        let mut sold = Sold::new(100);
        sold.take(0, [99, 100]);
        sold.take(1, [0, 1]);
        assert_eq!(sold.twice(), 0);
    }

    #[test]
    fn what_is_not_followed_is_said() {
        let mut sold = Sold::new(SEATS_MAX);
        assert!(sold.is_complete());
        sold.take(1, [1, 2]);
        assert!(!sold.is_complete());
    }
}
