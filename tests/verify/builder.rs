//! Histories in few words: `reserve("ann", 2).at(0, 10).told(reserved(&[1, 2]))`.

use boxoffice::domain::ids::{Name, Seat};
use boxoffice::verify::check::{Limits, Verdict, check};
use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT, End, Reply};

/// A call that has no answer yet.
pub struct Asked {
    ask: Ask,
    from: u64,
    to: u64,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn seats(numbers: &[u32]) -> Vec<Seat> {
    numbers.iter().copied().map(Seat).collect()
}

fn asked(ask: Ask) -> Asked {
    Asked { ask, from: 0, to: 0 }
}

pub fn reserve(who: &str, count: u32) -> Asked {
    asked(Ask::Reserve { name: name(who), count })
}

pub fn pick(who: &str, numbers: &[u32]) -> Asked {
    asked(Ask::Pick { name: name(who), seats: seats(numbers) })
}

pub fn search(who: &str) -> Asked {
    asked(Ask::Search { name: name(who) })
}

pub fn delete(who: &str) -> Asked {
    asked(Ask::Delete { name: name(who) })
}

pub fn map() -> Asked {
    asked(Ask::Seats)
}

pub fn reserved(numbers: &[u32]) -> Reply {
    Reply::Reserved(seats(numbers))
}

pub fn found(numbers: &[u32]) -> Reply {
    Reply::Found(seats(numbers))
}

pub fn released(count: u32, left: u32) -> Reply {
    Reply::Released { count, left }
}

pub fn taken(numbers: &[u32], left: u32) -> Reply {
    Reply::Map { taken: seats(numbers), left }
}

pub const NOTHING: Reply = Reply::NoReservation;

impl Asked {
    /// Called and returned then.
    pub fn at(self, from: u64, to: u64) -> Asked {
        Asked { from, to, ..self }
    }

    pub fn told(self, reply: Reply) -> Call {
        let end = Some(End { return_ns: self.to, reply });
        Call { client: 1, event: DEFAULT_EVENT.to_owned(), ask: self.ask, call_ns: self.from, end }
    }

    /// Called then, and never answered.
    pub fn unknown_since(self, from: u64) -> Call {
        Call { client: 1, event: DEFAULT_EVENT.to_owned(), ask: self.ask, call_ns: from, end: None }
    }
}

/// The verdict without the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    Right,
    Wrong,
    Unclear,
}

pub fn judge(history: &[Call], capacity: u32) -> Short {
    judge_within(history, capacity, Limits::default())
}

/// An order that is offered is followed step by step.
pub fn judge_within(history: &[Call], capacity: u32, limits: Limits) -> Short {
    match check(history, Some(capacity), limits).unwrap() {
        Verdict::Linearizable(orders) => {
            for order in &orders {
                crate::brute::follow(history, &order.event, order.capacity, &order.places);
            }
            Short::Right
        }
        Verdict::Violated(_) => Short::Wrong,
        Verdict::GaveUp { .. } => Short::Unclear,
    }
}
