//! The reservations that all clients hold together, and which operation comes next to keep them as many as they shall be.

use crate::backend::{Action, Op, Seats};
use fastrand::Rng;
use std::fmt::Write as _;

/// Searches, in a hundred operations.
const SEARCHES: u8 = 10;
/// Events follow each other in steps of so many, so that neighbours in time are none in memory. Prime, and no divisor of a
/// round number: every event is met equally often.
const EVENT_STEP: u64 = 61_803_397;

/// A reservation that is held.
#[derive(Clone, Copy, Debug)]
struct Held {
    number: u32,
    event: u32,
    seats: Seats,
}

/// An operation that is under way.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// What was asked.
    pub action: Action,
    held: Held,
}

impl Pending {
    /// About which event.
    pub fn event(&self) -> u32 {
        self.held.event
    }

    /// The seats that are known, except of a reservation.
    pub fn seats(&self) -> Seats {
        self.held.seats
    }
}

/// All that is held. One client may give back what another one has reserved: whom a name belongs to is nobody's affair.
#[derive(Debug)]
pub struct Pool {
    prefix: String,
    events: u32,
    chance: Rng,
    held: Vec<Held>,
    /// Reservations that are under way.
    begun: u64,
    /// Held, and just being searched for.
    lent: u64,
    next: u32,
    name: String,
}

impl Pool {
    /// Nothing is held; names begin with `prefix`, and are never used again.
    pub fn new(prefix: String, events: u32, chance: Rng) -> Pool {
        Pool { prefix, events, chance, held: Vec::new(), begun: 0, lent: 0, next: 0, name: String::new() }
    }

    /// How many reservations are held.
    pub fn len(&self) -> u64 {
        self.held.len() as u64 + self.lent
    }

    /// How many are held when all is answered that is under way.
    pub fn len_soon(&self) -> u64 {
        self.len() + self.begun
    }

    /// A search now and then, else a reservation where fewer than `target` are held, a deletion otherwise: in the long run
    /// as many of one as of the other.
    pub fn next(&mut self, target: u64) -> Pending {
        let is_search = self.chance.u8(0..100) < SEARCHES;
        if self.held.is_empty() || !is_search && self.len_soon() < target {
            return self.reserve();
        }
        let at = self.chance.usize(0..self.held.len());
        self.lent += u64::from(is_search);
        // While it is searched for, nobody may give it back.
        let held = self.held.swap_remove(at);
        Pending { action: if is_search { Action::Search } else { Action::Delete }, held }
    }

    /// A reservation.
    pub fn reserve(&mut self) -> Pending {
        let number = self.next;
        self.next += 1;
        self.begun += 1;
        let event = (u64::from(number) * EVENT_STEP % u64::from(self.events)) as u32;
        Pending { action: Action::Reserve, held: Held { number, event, seats: [0; 2] } }
    }

    /// As the operation is sent.
    pub fn op(&mut self, pending: &Pending) -> Op<'_> {
        self.name.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name, "{}-{}", self.prefix, pending.held.number);
        Op { action: pending.action, name: &self.name, event: pending.held.event, seats: pending.held.seats }
    }

    /// It was answered: a reservation with these seats, or with none. What was searched for is held as before.
    pub fn settle(&mut self, pending: Pending, reserved: Option<Seats>) {
        match pending.action {
            Action::Reserve => {
                self.begun -= 1;
                self.held.extend(reserved.map(|seats| Held { seats, ..pending.held }));
            }
            Action::Search => {
                self.lent -= 1;
                self.held.push(pending.held);
            }
            Action::Delete => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many operations at a time, all answered before the next ones.
    fn work(pool: &mut Pool, rounds: usize, at_a_time: usize, target: u64) -> [u32; 3] {
        let mut counts = [0; 3];
        for _ in 0..rounds {
            let under_way: Vec<_> = (0..at_a_time).map(|_| pool.next(target)).collect();
            for pending in under_way {
                counts[pending.action as usize] += 1;
                let reserved = (pending.action == Action::Reserve).then_some([1, 2]);
                pool.settle(pending, reserved);
            }
        }
        counts
    }

    #[test]
    fn as_many_are_held_as_shall_be() {
        let mut pool = Pool::new("g".to_owned(), 10, Rng::with_seed(7));
        while pool.len_soon() < 1000 {
            let pending = pool.reserve();
            pool.settle(pending, Some([1, 2]));
        }
        let [reserved, searched, deleted] = work(&mut pool, 200, 64, 1000);
        assert!(pool.len_soon().abs_diff(1000) <= 64, "{pool:?}");
        let all = 200 * 64;
        assert!(searched.abs_diff(all / 10) < all / 50, "a tenth are searches: {searched}");
        assert!(reserved.abs_diff(deleted) <= 64, "{reserved} and {deleted}");
    }

    #[test]
    fn what_is_under_way_is_nobody_elses() {
        let searching = (0..1000).find_map(|seed| {
            let mut pool = Pool::new("g".to_owned(), 1, Rng::with_seed(seed));
            let first = pool.reserve();
            assert_eq!(pool.op(&first).name, "g-0");
            pool.settle(first, Some([3, 4]));
            (pool.next(0).action == Action::Search).then_some(pool)
        });
        let mut pool = searching.expect("one in ten is a search");
        assert_eq!(pool.len(), 1, "it is held all the same");
        assert_eq!(pool.next(0).action, Action::Reserve, "nothing else can be done meanwhile");
    }

    #[test]
    fn a_reservation_that_was_refused_is_not_held() {
        let mut pool = Pool::new("g".to_owned(), 1, Rng::with_seed(7));
        let pending = pool.reserve();
        assert_eq!((pool.len(), pool.len_soon()), (0, 1));
        pool.settle(pending, None);
        assert_eq!((pool.len(), pool.len_soon()), (0, 0));
    }

    #[test]
    fn every_event_has_its_share() {
        let mut pool = Pool::new("g".to_owned(), 100, Rng::with_seed(7));
        let mut counts = [0; 100];
        (0..1000).for_each(|_| counts[pool.reserve().event() as usize] += 1);
        assert_eq!(counts, [10; 100]);
    }
}
