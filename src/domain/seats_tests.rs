//! The seat tree against a list of booleans, and its corners.

use super::*;
use crate::domain::ids::Seat;
use proptest::prelude::*;

/// The same promises, kept by looking at every seat.
struct Naive(Vec<bool>);

impl Naive {
    fn pick(&self, count: usize) -> Option<Vec<Seat>> {
        let free: Vec<usize> = (0..self.0.len()).filter(|&seat| self.0[seat]).collect();
        if count == 0 || free.len() < count {
            return None;
        }
        let run = free.windows(count).find(|run| run[count - 1] - run[0] == count - 1);
        Some(run.unwrap_or(&free[..count]).iter().map(|&seat| Seat(seat as u32 + 1)).collect())
    }

    fn set(&mut self, seats: &[Seat], free: bool) {
        seats.iter().for_each(|seat| self.0[seat.0 as usize - 1] = free);
    }
}

fn runs(seats: &[u32]) -> SeatRuns {
    SeatRuns::from_seats(&seats.iter().copied().map(Seat).collect::<Vec<_>>()).unwrap()
}

fn picked(set: &SeatSet, count: u32) -> Option<Vec<u32>> {
    set.pick(count).map(|seats| seats.seats().map(|seat| seat.0).collect())
}

#[test]
fn a_run_may_cross_words_and_beats_lower_single_seats() {
    let mut set = SeatSet::new(256);
    set.take(&SeatRuns::from_seats(&(1..=256).map(Seat).collect::<Vec<_>>()).unwrap());
    set.release(&runs(&[3, 127, 128, 129, 130, 200, 201]));
    assert_eq!(picked(&set, 1), Some(vec![3]));
    assert_eq!(picked(&set, 2), Some(vec![127, 128]));
    assert_eq!(picked(&set, 4), Some(vec![127, 128, 129, 130]));
    assert_eq!(picked(&set, 5), Some(vec![3, 127, 128, 129, 130]), "no run is long enough");
    assert_eq!(picked(&set, 7), Some(vec![3, 127, 128, 129, 130, 200, 201]));
    assert_eq!(picked(&set, 8), None);
    set.check().unwrap();
}

#[test]
fn nothing_is_picked_for_none_or_in_a_theatre_without_seats() {
    assert_eq!(SeatSet::new(10).pick(0), None);
    assert_eq!(SeatSet::new(0).pick(1), None);
    SeatSet::new(0).check().unwrap();
}

#[test]
fn all_of_the_largest_theatre_at_once() {
    let mut set = SeatSet::new(SEATS_MAX);
    let all = set.pick(SEATS_MAX).unwrap();
    assert_eq!(all.runs(), [Run { first: 1, count: SEATS_MAX }]);
    set.take(&all);
    assert_eq!((set.left(), set.pick(1)), (0, None));
    assert_eq!(set.clashes(&all), Some(all.clone()));
    set.check().unwrap();
    set.release(&runs(&[999_999]));
    set.release(&runs(&[64, 1_000_000]));
    assert_eq!(picked(&set, 1), Some(vec![64]));
    assert_eq!(picked(&set, 2), Some(vec![999_999, 1_000_000]));
    assert_eq!(picked(&set, 3), Some(vec![64, 999_999, 1_000_000]));
    set.check().unwrap();
}

#[test]
fn seats_that_do_not_exist_are_named() {
    let set = SeatSet::new(100);
    assert_eq!(set.nonexistent(&runs(&[1, 100])), None);
    assert_eq!(set.nonexistent(&runs(&[0, 1, 99, 100, 101, u32::MAX])), Some(runs(&[0, 101, u32::MAX])));
    assert_eq!(set.nonexistent(&runs(&[200, 201])), Some(runs(&[200, 201])));
}

#[test]
#[should_panic(expected = "taken or freed twice")]
fn taking_a_taken_seat_stops_the_server() {
    let mut set = SeatSet::new(100);
    set.take(&runs(&[7]));
    set.take(&runs(&[6, 7]));
}

#[test]
#[should_panic(expected = "taken or freed twice")]
fn releasing_a_free_seat_stops_the_server() {
    SeatSet::new(100).release(&runs(&[7]));
}

proptest! {
    /// Reserves and releases until about full, comparing each pick and each list of clashes.
    #[test]
    fn the_tree_does_what_looking_at_every_seat_does(
        capacity in prop_oneof![1u32..70, 120u32..260, Just(1000u32)],
        steps in proptest::collection::vec((0u8..4, 1u32..90, any::<prop::sample::Index>()), 1..120),
    ) {
        let mut set = SeatSet::new(capacity);
        let mut naive = Naive(vec![true; capacity as usize]);
        let mut held: Vec<SeatRuns> = Vec::new();
        for (step, number, index) in steps {
            match step {
                0 if !held.is_empty() => {
                    let seats = held.swap_remove(index.index(held.len()));
                    set.release(&seats);
                    naive.set(&seats.to_vec(), true);
                }
                1 => {
                    // Some picked seats in a stride, which fragments the theatre.
                    let wish: Vec<_> = (1..=capacity).step_by(number as usize).map(Seat).take(20).collect();
                    let taken: Vec<_> =
                        wish.iter().copied().filter(|seat| !naive.0[seat.0 as usize - 1]).collect();
                    let wish = SeatRuns::from_seats(&wish).unwrap();
                    let clashes = set.clashes(&wish);
                    prop_assert_eq!(clashes.as_ref().map_or(vec![], SeatRuns::to_vec), taken);
                    if clashes.is_none() {
                        set.take(&wish);
                        naive.set(&wish.to_vec(), false);
                        held.push(wish);
                    }
                }
                _ => {
                    // Mostly a few, sometimes more than several words have.
                    let count = if number % 5 == 0 { number * 4 } else { number % 9 };
                    let seats = set.pick(count);
                    prop_assert_eq!(seats.as_ref().map(SeatRuns::to_vec), naive.pick(count as usize));
                    if let Some(seats) = seats {
                        set.take(&seats);
                        naive.set(&seats.to_vec(), false);
                        held.push(seats);
                    }
                }
            }
            prop_assert_eq!(set.check(), Ok(()));
            for seat in 0..capacity {
                let bit = set.words()[seat as usize / 64] >> (seat % 64) & 1;
                prop_assert_eq!(bit == 1, naive.0[seat as usize]);
            }
        }
    }
}

/// Every maximal free run, as first seat and length.
fn free_runs(free: &[bool]) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for (seat, _) in (1..).zip(free).filter(|(_, free)| **free) {
        match found.last_mut() {
            Some((first, len)) if *first + *len == seat => *len += 1,
            Some(_) | None => found.push((seat, 1)),
        }
    }
    found
}

#[test]
fn the_best_seats_leave_no_single_one_where_possible() {
    let mut set = SeatSet::new(20);
    set.take(&runs(&[4, 7, 13]));
    let best = |set: &SeatSet, count| {
        set.pick_best(count).map(|seats| seats.seats().map(|seat| seat.0).collect::<Vec<_>>())
    };
    assert_eq!(best(&set, 3), Some(vec![1, 2, 3]), "used up");
    assert_eq!(best(&set, 2), Some(vec![5, 6]), "1 and 2 would leave 3 alone");
    assert_eq!(best(&set, 6), Some(vec![14, 15, 16, 17, 18, 19]), "8 to 13 is one too short");
    assert_eq!(best(&set, 18), None);
    set.take(&runs(&[5, 6, 14, 15, 16, 17, 18, 19, 20]));
    assert_eq!(best(&set, 4), Some(vec![8, 9, 10, 11]), "the only run leaves one");
    assert_eq!(best(&set, 7), Some(vec![1, 2, 3, 8, 9, 10, 11]), "no run at all");
}

#[test]
fn a_theatre_full_of_runs_that_leave_one_seat_still_has_a_best() {
    let mut set = SeatSet::new(3 * 100 + 10);
    set.take(&runs(&(1..=100).map(|n| 3 * n).collect::<Vec<_>>()));
    let best = set.pick_best(1).unwrap();
    assert_eq!(best.runs(), [Run { first: 301, count: 1 }], "a hundred pairs would each leave one");
}

proptest! {
    #[test]
    fn the_best_seats_are_those_of_a_search_by_hand(
        free in proptest::collection::vec(prop::bool::weighted(0.6), 1..300),
        count in 1u32..9,
    ) {
        let mut set = SeatSet::new(free.len() as u32);
        let taken: Vec<u32> = (1..).zip(&free).filter(|(_, free)| !**free).map(|(seat, _)| seat).collect();
        if !taken.is_empty() {
            set.take(&runs(&taken));
        }
        let long: Vec<_> = free_runs(&free).into_iter().filter(|(_, len)| *len >= count).collect();
        let good = long.iter().find(|(_, len)| *len != count + 1).or(long.first());
        let expected = match good {
            Some(&(first, _)) => Some((first..first + count).map(Seat).collect()),
            None => Naive(free.clone()).pick(count as usize),
        };
        prop_assert_eq!(set.pick_best(count).map(|seats| seats.to_vec()), expected);
        prop_assert_eq!(set.highest_taken(), taken.last().copied().map(Seat));
        let more = free.len() as u32 + 70;
        set.resize(more);
        set.check().unwrap();
        prop_assert_eq!(set.left(), more - taken.len() as u32);
        let least = taken.last().copied().unwrap_or(0);
        set.resize(least);
        set.check().unwrap();
        prop_assert_eq!(set.left(), least - taken.len() as u32);
    }
}
