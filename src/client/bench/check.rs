//! Whether what all clients hold goes together, and with the seat map.

use super::{super::seat_map::is_free, worker::Worker};
use crate::{
    client::exchange::Failure,
    domain::{
        ids::{Name, Seat},
        outcome::SeatMap,
    },
};
use std::collections::BTreeMap;

/// The result.
#[derive(Debug)]
pub struct Check {
    /// Names with seats.
    pub names: usize,
    /// Their seats.
    pub seats: usize,
    /// What must not be, in words.
    pub violations: Vec<String>,
    /// Why the check is not whole.
    pub incomplete: Option<String>,
}

/// Most violations of one kind that are told.
const TOLD_MAX: usize = 5;

impl Check {
    /// The seat maps were asked for before and after.
    pub fn new(before: &SeatMap, after: &SeatMap, workers: &[Worker]) -> Self {
        let unchecked: u64 = workers.iter().map(|worker| worker.tally().unchecked).sum();
        let mut check = Self::of(before, after, workers.iter().flat_map(Worker::held));
        if unchecked > 0 {
            check.incomplete = Some(format!("{unchecked} names could not be searched"));
        }
        check
    }

    /// There is no seat map to hold anything against.
    pub fn impossible(failure: &Failure) -> Self {
        let incomplete = Some(format!("the seat map could not be read: {failure}"));
        Self { names: 0, seats: 0, violations: Vec::new(), incomplete }
    }

    fn of<'a>(before: &SeatMap, after: &SeatMap, held: impl Iterator<Item = &'a (Name, Vec<Seat>)>) -> Self {
        let mut owners: BTreeMap<Seat, &Name> = BTreeMap::new();
        let (mut twice, mut shown_free, mut names) = (Vec::new(), Vec::new(), 0);
        for (name, seats) in held {
            names += 1;
            for &seat in seats {
                if let Some(other) = owners.insert(seat, name) {
                    twice.push(format!("seat {seat} was sold twice: to {other} and {name}"));
                }
                if is_free(after, seat.0) {
                    shown_free.push(format!("seat {seat} of {name} is free on the seat map"));
                }
            }
        }
        let mut violations: Vec<String> = twice.into_iter().take(TOLD_MAX).collect();
        violations.extend(shown_free.into_iter().take(TOLD_MAX));
        let taken = |map: &SeatMap| i64::from(map.capacity) - i64::from(map.left);
        let (sold, held) = (taken(after) - taken(before), owners.len() as i64);
        if sold != held {
            violations.push(format!(
                "the seat map has {sold} more seats taken than before, the clients hold {held} (is somebody \
                 else using the cluster?)"
            ));
        }
        Self { names, seats: owners.len(), violations, incomplete: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(taken: &[u32]) -> SeatMap {
        let free =
            (1..=10u32).filter(|seat| !taken.contains(seat)).fold(0, |word, seat| word | 1 << (seat - 1));
        SeatMap { capacity: 10, left: 10 - taken.len() as u32, free: vec![free] }
    }

    fn held(rows: &[(&str, &[u32])]) -> Vec<(Name, Vec<Seat>)> {
        let row = |(name, seats): &(&str, &[u32])| {
            (name.parse().unwrap(), seats.iter().copied().map(Seat).collect())
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn what_goes_together_is_right() {
        let held = held(&[("a", &[2, 3]), ("b", &[5])]);
        let check = Check::of(&map(&[1]), &map(&[1, 2, 3, 5]), held.iter());
        assert_eq!((check.names, check.seats, check.violations.len()), (2, 3, 0));
    }

    #[test]
    fn a_seat_sold_twice_is_found() {
        let held = held(&[("a", &[2, 3]), ("b", &[3])]);
        let check = Check::of(&map(&[]), &map(&[2, 3]), held.iter());
        assert_eq!(check.violations, ["seat 3 was sold twice: to a and b"]);
    }

    #[test]
    fn a_lost_seat_is_found() {
        let held = held(&[("a", &[2, 3])]);
        let check = Check::of(&map(&[]), &map(&[2]), held.iter());
        assert_eq!(check.violations[0], "seat 3 of a is free on the seat map");
        assert!(check.violations[1].contains("1 more seats taken than before, the clients hold 2"));
    }
}
