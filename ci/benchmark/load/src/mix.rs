//! What a client does next.

use crate::backend::{Action, Op, Seats};
use fastrand::Rng;
use std::fmt::Write as _;
use std::str::FromStr;

/// Shares of the operations, in parts of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Reservations.
    pub reserve: u8,
    /// Searches for a name of one's own.
    pub search: u8,
    /// Deletions of a reservation of one's own.
    pub delete: u8,
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Mix, String> {
        let parts: Result<Vec<u8>, _> = text.split(',').map(str::parse).collect();
        match parts.as_deref() {
            Ok(&[reserve, search, delete])
                if [reserve, search, delete].map(u32::from).iter().sum::<u32>() == 100 =>
            {
                Ok(Mix { reserve, search, delete })
            }
            _ => Err("three numbers that make 100, like 80,10,10".to_owned()),
        }
    }
}

/// A reservation that a client has.
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
    /// About which event.
    pub event: u32,
    /// The seats that the client knows, except of a reservation.
    pub seats: Seats,
    number: u32,
}

/// One client of a closed loop, with names that nobody else uses.
#[derive(Debug)]
pub struct Client {
    prefix: String,
    mix: Mix,
    events: u32,
    chance: Rng,
    /// Its reservations. As many as seats, at most.
    held: Vec<Held>,
    next: u32,
    /// The name of the operation that was made last.
    name: String,
    /// What it waits for.
    pub pending: Option<Pending>,
}

impl Client {
    /// A client whose names begin with `prefix`, and who reserves at one of so many events.
    pub fn new(prefix: String, mix: Mix, events: u32, chance: Rng) -> Client {
        assert!(events > 0, "reservations are for some event");
        Client { prefix, mix, events, chance, held: Vec::new(), next: 0, name: String::new(), pending: None }
    }

    /// The next operation of the mix. A client without a reservation makes one.
    pub fn next(&mut self) -> Op<'_> {
        let draw = self.chance.u8(0..100);
        let Mix { reserve, search, delete: _ } = self.mix;
        if draw < reserve || self.held.is_empty() {
            return self.reserve();
        }
        let at = self.chance.usize(0..self.held.len());
        if draw < reserve + search {
            let held = self.held[at];
            return self.begin(Action::Search, held);
        }
        let held = self.held.swap_remove(at);
        self.begin(Action::Delete, held)
    }

    /// A reservation.
    pub fn reserve(&mut self) -> Op<'_> {
        let event = match self.events {
            1 => 0,
            events => self.chance.u32(0..events),
        };
        let number = self.next;
        self.next += 1;
        self.begin(Action::Reserve, Held { number, event, seats: [0; 2] })
    }

    /// The seats of a reservation are known.
    pub fn holds(&mut self, pending: Pending, seats: Seats) {
        self.held.push(Held { number: pending.number, event: pending.event, seats });
    }

    fn begin(&mut self, action: Action, held: Held) -> Op<'_> {
        assert!(self.pending.is_none(), "a client has one operation outstanding");
        let Held { number, event, seats } = held;
        self.pending = Some(Pending { action, event, seats, number });
        self.name.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name, "{}-{number}", self.prefix);
        Op { action, name: &self.name, event, seats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn client(mix: &str, events: u32) -> Client {
        Client::new("r1-0".to_owned(), mix.parse().unwrap(), events, Rng::with_seed(7))
    }

    #[test]
    fn shares_must_make_a_hundred() {
        assert_eq!("80,10,10".parse(), Ok(Mix { reserve: 80, search: 10, delete: 10 }));
        for wrong in ["80,10", "80,10,11", "300,0,0", "-1,91,10", "a,b,c", "80,10,10,0", "200,56,100"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_kept_and_names_never_come_again() {
        let mut client = client("80,10,10", 1);
        let (mut counts, mut names) = ([0u32; 3], BTreeSet::new());
        for _ in 0..10_000 {
            let op = client.next();
            let (action, name) = (op.action, op.name.to_owned());
            counts[action as usize] += 1;
            let pending = client.pending.take().unwrap();
            if action == Action::Reserve {
                assert!(names.insert(name), "a new name");
                client.holds(pending, [1, 2]);
            } else {
                assert!(names.contains(&name), "a name of its own");
            }
        }
        let near = |count: u32, wanted: u32| count.abs_diff(wanted) < 200;
        assert!(near(counts[0], 8000) && near(counts[1], 1000) && near(counts[2], 1000), "{counts:?}");
    }

    #[test]
    fn a_deleted_reservation_is_not_asked_for_again() {
        let mut client = client("0,50,50", 1);
        client.reserve();
        let pending = client.pending.take().unwrap();
        client.holds(pending, [3, 4]);
        while client.next().action != Action::Delete {
            client.pending = None;
        }
        assert_eq!(client.pending.take().unwrap().seats, [3, 4]);
        assert_eq!(client.next().action, Action::Reserve, "nothing is left");
    }

    #[test]
    fn reservations_go_to_all_events() {
        let mut client = client("100,0,0", 5);
        let events: BTreeSet<u32> = (0..200)
            .map(|_| {
                client.next();
                client.pending.take().unwrap().event
            })
            .collect();
        assert_eq!(events, BTreeSet::from([0, 1, 2, 3, 4]));
    }
}
