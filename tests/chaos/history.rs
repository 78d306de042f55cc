//! What clients asked and were told, and whether that can be true. Pure.

use boxoffice::api::wire::ServerReply;
use boxoffice::client::exchange::Failure;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::{Answer, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a client asked, and for searches and deletions what it knows of the name. No other client uses it.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A name that was never used.
    Reserve { name: Name, count: u32 },
    /// A name that holds these seats.
    Delete { name: Name, seats: Vec<Seat> },
    /// A name that holds these seats, or one whose reservation was deleted.
    Search { name: Name, expected: Option<Vec<Seat>> },
}

impl Asked {
    /// Whose.
    pub fn name(&self) -> &Name {
        match self {
            Asked::Reserve { name, .. } | Asked::Delete { name, .. } | Asked::Search { name, .. } => name,
        }
    }
}

/// One call.
#[derive(Debug)]
pub struct Op {
    pub asked: Asked,
    /// Since the load began.
    pub called: Duration,
    pub returned: Duration,
    pub result: Result<ServerReply, Failure>,
    /// Who answered.
    pub server: u8,
    pub tries: u32,
}

/// How long the shipped client goes on trying, unless told otherwise: one that is used at the keyboard would
/// have failed later.
const PATIENCE: Duration = Duration::from_secs(30);
/// Fewer calls of a kind than this show nothing.
const USEFUL: usize = 30;

/// Every call was answered, in time, with the only answer there is; nobody held a seat that somebody else had.
pub fn check(ops: &[Op]) {
    check_but_late(ops);
    let late: Vec<&Op> = ops.iter().filter(|op| op.returned - op.called > PATIENCE).collect();
    assert!(late.is_empty(), "the shipped client would have given up: {late:#?}");
}

/// The same, however long it took: for outages, in which nobody can answer.
pub fn check_but_late(ops: &[Op]) {
    let wrong: Vec<&Op> = ops.iter().filter(|op| !is_right(op)).take(5).collect();
    assert!(wrong.is_empty(), "answers that cannot be: {wrong:#?}");
    let twice = held_twice(ops);
    assert!(twice.is_empty(), "two holders at a time: {twice:#?}");
    for (kind, count) in counts(ops) {
        assert!(count >= USEFUL, "only {count} times {kind}: too few to show anything");
    }
}

fn is_right(op: &Op) -> bool {
    match (&op.asked, &op.result) {
        (
            Asked::Reserve { name, count },
            Ok(ServerReply::Outcome(Outcome::Reserved { name: whose, seats })),
        ) => {
            whose == name && seats.len() == *count as usize && seats.windows(2).all(|pair| pair[0] < pair[1])
        }
        (Asked::Delete { seats, .. }, Ok(ServerReply::Outcome(Outcome::Released { count, .. }))) => {
            seats.len() == *count as usize
        }
        (Asked::Search { expected, .. }, Ok(ServerReply::Answer(Answer::Search { seats, .. }))) => {
            seats == expected
        }
        (Asked::Reserve { .. } | Asked::Delete { .. } | Asked::Search { .. }, _) => false,
    }
}

/// A seat is certainly held from the answer to its reservation until its deletion is asked for. Two such
/// times of one seat must not touch.
fn held_twice(ops: &[Op]) -> Vec<String> {
    let mut deleted: BTreeMap<&Name, Duration> = BTreeMap::new();
    for op in ops {
        if let Asked::Delete { name, .. } = &op.asked {
            deleted.insert(name, op.called);
        }
    }
    let mut times: BTreeMap<Seat, Vec<(Duration, Duration, &Name)>> = BTreeMap::new();
    for op in ops {
        if let (Asked::Reserve { name, .. }, Ok(ServerReply::Outcome(Outcome::Reserved { seats, .. }))) =
            (&op.asked, &op.result)
        {
            let until = deleted.get(name).copied().unwrap_or(Duration::MAX);
            for &seat in seats {
                times.entry(seat).or_default().push((op.returned, until, name));
            }
        }
    }
    let mut twice = Vec::new();
    for (seat, times) in &mut times {
        times.sort();
        let pairs = times.windows(2).filter(|pair| pair[0].1 > pair[1].0);
        twice.extend(pairs.map(|pair| format!("seat {seat}: {} and {}", pair[0].2, pair[1].2)));
    }
    twice
}

/// What every name that was ever used holds at the end, as far as its answers say.
pub fn held_at_the_end(ops: &[Op]) -> BTreeMap<Name, Option<Vec<Seat>>> {
    let mut held = BTreeMap::new();
    // Deletions come behind the reservation of their name: a client does one thing after the other.
    for op in ops {
        match (&op.asked, &op.result) {
            (Asked::Reserve { name, .. }, Ok(ServerReply::Outcome(Outcome::Reserved { seats, .. }))) => {
                held.insert(name.clone(), Some(seats.clone()));
            }
            (Asked::Delete { name, .. }, Ok(ServerReply::Outcome(Outcome::Released { .. }))) => {
                held.insert(name.clone(), None);
            }
            (Asked::Reserve { .. } | Asked::Delete { .. } | Asked::Search { .. }, _) => {}
        }
    }
    held
}

fn counts(ops: &[Op]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::from([("reserve", 0), ("delete", 0), ("search", 0)]);
    for op in ops.iter().filter(|op| op.result.is_ok()) {
        let kind = match op.asked {
            Asked::Reserve { .. } => "reserve",
            Asked::Delete { .. } => "delete",
            Asked::Search { .. } => "search",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// How many of what, and who waited how long.
pub fn summary(ops: &[Op]) -> String {
    let retried = ops.iter().filter(|op| op.tries > 1).count();
    let counts: Vec<String> = counts(ops).iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut answers: BTreeMap<u8, usize> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.result.is_ok()) {
        *answers.entry(op.server).or_default() += 1;
    }
    let mut waits: Vec<Duration> = ops.iter().map(|op| op.returned - op.called).collect();
    waits.sort();
    let mut returns: Vec<Duration> = ops.iter().map(|op| op.returned).collect();
    returns.sort();
    let silence = returns.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    format!(
        "{}; answers by server {answers:?}; {retried} tried again; median {:.1?}, longest wait of a client {:.2?}, longest time without any \
         answer {silence:.2?}",
        counts.join(", "),
        waits.get(waits.len() / 2).copied().unwrap_or_default(),
        waits.last().copied().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn op(called: u64, returned: u64, asked: Asked, reply: ServerReply) -> Op {
        let (called, returned) = (Duration::from_secs(called), Duration::from_secs(returned));
        Op { asked, called, returned, result: Ok(reply), server: 1, tries: 1 }
    }

    fn reserve(who: &str, called: u64, returned: u64, seats: &[u32]) -> Op {
        let seats: Vec<Seat> = seats.iter().copied().map(Seat).collect();
        let asked = Asked::Reserve { name: name(who), count: seats.len() as u32 };
        op(called, returned, asked, ServerReply::Outcome(Outcome::Reserved { name: name(who), seats }))
    }

    fn delete(who: &str, called: u64, returned: u64, seats: &[u32]) -> Op {
        let seats: Vec<Seat> = seats.iter().copied().map(Seat).collect();
        let count = seats.len() as u32;
        let asked = Asked::Delete { name: name(who), seats };
        op(called, returned, asked, ServerReply::Outcome(Outcome::Released { count, left: 9 }))
    }

    #[test]
    fn a_seat_sold_twice_is_seen() {
        let ops = [reserve("a", 1, 2, &[1, 2]), reserve("b", 3, 4, &[2])];
        assert_eq!(held_twice(&ops), ["seat 2: a and b"]);
    }

    #[test]
    fn a_seat_sold_again_while_it_is_given_back_is_right() {
        let ops = [reserve("a", 1, 2, &[1]), delete("a", 3, 6, &[1]), reserve("b", 4, 5, &[1])];
        assert!(held_twice(&ops).is_empty());
        let held = held_at_the_end(&ops);
        assert_eq!((held[&name("a")].clone(), held[&name("b")].clone()), (None, Some(vec![Seat(1)])));
    }

    #[test]
    fn a_lost_reservation_is_seen_by_the_next_search() {
        let asked = Asked::Search { name: name("a"), expected: Some(vec![Seat(1)]) };
        let lost = ServerReply::Answer(Answer::Search { name: name("a"), seats: None });
        assert!(!is_right(&op(1, 2, asked, lost)));
    }
}
