//! Seats of one reservation, small in memory: runs of adjacent seats.

use super::ids::{SEATS_MAX, Seat};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::{cmp::Ordering, fmt, sync::Arc};

/// Adjacent seats: `count` of them from seat number `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// Number of the lowest seat.
    pub first: u32,
    /// How many seats, at least 1; `first + count - 1` is at most `u32::MAX`.
    pub count: u32,
}

impl Run {
    /// Number of the highest seat.
    pub fn last(&self) -> u32 {
        self.first + (self.count - 1)
    }
}

/// One to [`SEATS_MAX`] different seats, kept as the fewest ascending runs.
///
/// 16 bytes, nothing else for a single run; several runs add 16 + 8 a run, shared by all clones. That seats
/// exist in some theatre is not said.
#[derive(Clone, PartialEq, Eq)]
pub struct SeatRuns(Repr);

#[derive(Clone, PartialEq, Eq)]
enum Repr {
    One(Run),
    Many(Arc<[Run]>),
}

impl SeatRuns {
    /// The seats of a list, or nothing when it is empty, longer than [`SEATS_MAX`], not ascending, or names a
    /// seat twice.
    pub fn from_seats(seats: &[Seat]) -> Option<SeatRuns> {
        if seats.len() > SEATS_MAX as usize || !seats.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let mut runs = RunsBuilder::default();
        for seat in seats {
            runs.push(Run { first: seat.0, count: 1 });
        }
        runs.finish()
    }

    /// The seats of one run, which must be as [`Run`] says.
    pub(super) fn run(run: Run) -> SeatRuns {
        SeatRuns(Repr::One(run))
    }

    /// One seat.
    pub fn one(seat: Seat) -> SeatRuns {
        SeatRuns(Repr::One(Run { first: seat.0, count: 1 }))
    }

    /// Whether the seat is one of them.
    pub fn contains(&self, seat: Seat) -> bool {
        let at = self.runs().partition_point(|run| run.last() < seat.0);
        self.runs().get(at).is_some_and(|run| run.first <= seat.0)
    }

    /// All but this seat, or nothing if it is the only one.
    pub fn without(&self, seat: Seat) -> Option<SeatRuns> {
        let mut rest = RunsBuilder::default();
        for run in self.runs() {
            if seat.0 < run.first || run.last() < seat.0 {
                rest.push(*run);
                continue;
            }
            if run.first < seat.0 {
                rest.push(Run { first: run.first, count: seat.0 - run.first });
            }
            if seat.0 < run.last() {
                rest.push(Run { first: seat.0 + 1, count: run.last() - seat.0 });
            }
        }
        rest.finish()
    }

    /// The runs, ascending, with at least one seat between any two.
    pub fn runs(&self) -> &[Run] {
        match &self.0 {
            Repr::One(run) => std::slice::from_ref(run),
            Repr::Many(runs) => runs,
        }
    }

    /// How many seats.
    pub fn count(&self) -> u32 {
        self.runs().iter().map(|run| run.count).sum()
    }

    /// The highest seat.
    pub fn last(&self) -> Seat {
        Seat(self.runs().last().expect("there is at least one run").last())
    }

    /// Each seat, ascending.
    pub fn seats(&self) -> impl Iterator<Item = Seat> {
        self.runs().iter().flat_map(|run| (run.first..=run.last()).map(Seat))
    }

    /// Each seat, ascending.
    pub fn to_vec(&self) -> Vec<Seat> {
        let mut seats = Vec::with_capacity(self.count() as usize);
        seats.extend(self.seats());
        seats
    }

    /// Bytes outside of the value itself, as if they were not shared.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Repr::One(_) => 0,
            // Fixed, whatever it is on this machine: it decides how much is kept.
            Repr::Many(runs) => 16 + 8 * runs.len(),
        }
    }
}

impl PartialOrd for SeatRuns {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SeatRuns {
    fn cmp(&self, other: &Self) -> Ordering {
        self.runs().cmp(other.runs())
    }
}

impl fmt::Debug for SeatRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runs().iter().map(|run| run.first..=run.last())).finish()
    }
}

impl Serialize for SeatRuns {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.runs().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SeatRuns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RunsVisitor)
    }
}

/// Takes runs as they come, without a vector for the one that most have.
struct RunsVisitor;

impl<'de> Visitor<'de> for RunsVisitor {
    type Value = SeatRuns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fewest ascending runs of seats")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut runs: A) -> Result<SeatRuns, A::Error> {
        let wrong = || serde::de::Error::custom("not the fewest ascending runs of seats");
        let (mut builder, mut seats) = (RunsBuilder::default(), 0);
        while let Some(run) = runs.next_element::<Run>()? {
            let is_whole = run.count >= 1 && run.first.checked_add(run.count - 1).is_some();
            let is_apart = |last: Run| run.first > last.last() && run.first - last.last() > 1;
            seats += u64::from(run.count);
            if !is_whole || !builder.last.is_none_or(is_apart) || seats > u64::from(SEATS_MAX) {
                return Err(wrong());
            }
            builder.push(run);
        }
        builder.finish().ok_or_else(wrong)
    }
}

/// Puts ascending runs together, joining those that touch.
#[derive(Default)]
pub(super) struct RunsBuilder {
    /// The last one; seats may still be joined to it. Most often it is the only one, and nothing is allocated.
    last: Option<Run>,
    before: Vec<Run>,
}

impl RunsBuilder {
    /// Adds seats above all that were added.
    pub(super) fn push(&mut self, next: Run) {
        match &mut self.last {
            Some(run) if next.first - run.last() == 1 => run.count += next.count,
            last => self.before.extend(last.replace(next)),
        }
    }

    /// The seats, or nothing if there are none.
    pub(super) fn finish(mut self) -> Option<SeatRuns> {
        let last = self.last?;
        if self.before.is_empty() {
            return Some(SeatRuns(Repr::One(last)));
        }
        self.before.push(last);
        Some(SeatRuns(Repr::Many(self.before.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seats(numbers: &[u32]) -> Vec<Seat> {
        numbers.iter().copied().map(Seat).collect()
    }

    #[test]
    fn a_value_has_16_bytes() {
        assert_eq!(size_of::<SeatRuns>(), 16);
    }

    #[test]
    fn lists_that_are_empty_unsorted_or_repeat_are_refused() {
        for bad in [&[][..], &[2, 1], &[1, 1], &[1, 2, 2]] {
            assert_eq!(SeatRuns::from_seats(&seats(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_overflow() {
        let runs = SeatRuns::from_seats(&seats(&[0, 1, u32::MAX - 1, u32::MAX])).unwrap();
        assert_eq!(runs.runs().len(), 2);
        assert_eq!((runs.count(), runs.last()), (4, Seat(u32::MAX)));
        assert_eq!(runs.to_vec(), seats(&[0, 1, u32::MAX - 1, u32::MAX]));
    }

    #[test]
    fn runs_that_are_not_the_fewest_are_refused() {
        for bad in [
            &[][..],
            &[(1, 0)],
            &[(u32::MAX, 2)],
            &[(1, 2), (3, 1)],
            &[(5, 1), (1, 1)],
            &[(1, 3), (2, 1)],
            &[(1, SEATS_MAX + 1)],
        ] {
            let bytes = postcard::to_stdvec(&bad).unwrap();
            assert!(postcard::from_bytes::<SeatRuns>(&bytes).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn seats_come_out_as_they_went_in(set in proptest::collection::btree_set(0u32..200, 1..80)) {
            let list: Vec<Seat> = set.into_iter().map(Seat).collect();
            let runs = SeatRuns::from_seats(&list).unwrap();
            prop_assert_eq!(runs.to_vec(), list.clone());
            prop_assert_eq!(runs.count() as usize, list.len());
            for seat in (0..200).map(Seat) {
                prop_assert_eq!(runs.contains(seat), list.contains(&seat));
                let rest: Vec<Seat> = list.iter().copied().filter(|other| *other != seat).collect();
                prop_assert_eq!(runs.without(seat), SeatRuns::from_seats(&rest));
            }
            let bytes = postcard::to_stdvec(&runs).unwrap();
            prop_assert_eq!(postcard::from_bytes::<SeatRuns>(&bytes).unwrap(), runs);
        }
    }
}
