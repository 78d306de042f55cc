//! What one request did to seats, worked out from what they were and what they are.

use super::hall::Hall;
use crate::domain::events::ids::EventKey;
use crate::domain::outcome::SeatMap;
use crate::domain::seats::SeatSet;
use std::iter::repeat_n;
use std::sync::Arc;

/// Words that are compared at once.
const BLOCK_WORDS: usize = 64;

/// A run of seats, first and last.
pub type Run = (u32, u32);

/// What one position did: a part for the theatre and for each event that is not as it was. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub position: u64,
    /// The theatre's first, then events that are gone, then the others. The same on every server.
    pub parts: Vec<Part>,
}

/// What one position did to the theatre or an event. Numbers are as they are after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which event; none is the theatre.
    pub event: Option<Arc<EventKey>>,
    /// What else than seats.
    pub what: What,
    /// How many seats there are.
    pub capacity: u32,
    /// How many are free.
    pub left: u32,
    /// How many are held and not booked.
    pub held: u32,
    /// How many wait.
    pub waiting: u32,
    /// Seats that are taken since. A held seat is taken.
    pub taken: Vec<Run>,
    /// Seats that are free since, or gone when there are fewer seats now.
    pub freed: Vec<Run>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new: all its seats are free but those taken.
    Added,
    /// It has as many seats as before.
    Changed,
    /// It has more or fewer seats than before.
    Resized,
    /// It is gone, and so are its seats.
    Removed,
}

impl Change {
    /// What it takes of the ring's room, in runs.
    pub(super) fn weight(&self) -> usize {
        self.parts.iter().map(|part| super::PART_RUNS + part.taken.len() + part.freed.len()).sum()
    }
}

impl Part {
    /// The event of a hall is gone.
    pub(super) fn removed(event: Arc<EventKey>) -> Part {
        let (taken, freed) = (Vec::new(), Vec::new());
        let (capacity, left, held, waiting) = (0, 0, 0, 0);
        Part { event: Some(event), what: What::Removed, capacity, left, held, waiting, taken, freed }
    }

    /// The hall as it is, with these seats that are not as they were.
    pub(super) fn of(hall: &Hall, what: What, (taken, freed): (Vec<Run>, Vec<Run>)) -> Part {
        let Hall { event, seats, held, waiting, .. } = hall;
        let SeatMap { capacity, left, .. } = **seats;
        Part { event: event.clone(), what, capacity, left, held: *held, waiting: *waiting, taken, freed }
    }
}

/// Makes a map the one of these seats, and tells which are taken and which free since. The map is that of the seats
/// before the last request: only what that touched is looked at.
pub(super) fn follow(map: &mut Arc<SeatMap>, seats: &SeatSet) -> (Vec<Run>, Vec<Run>) {
    if map.capacity != seats.capacity() {
        let new = Arc::new(super::hall::map(seats));
        let old = std::mem::replace(map, new.clone());
        let longest = old.free.len().max(new.free.len());
        let words = |map: &SeatMap| -> Vec<u64> {
            let gone = repeat_n(0, longest - map.free.len());
            taken_words(map).chain(gone).collect()
        };
        let (old, new) = (words(&old), words(&new));
        let both = || old.iter().zip(&new);
        return (runs(both().map(|(old, new)| new & !old)), runs(both().map(|(old, new)| old & !new)));
    }
    let changed = changed(map, seats);
    if changed.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let taken = runs_of(changed.iter().map(|&(word, old, new)| (word, old & !new)));
    let freed = runs_of(changed.iter().map(|&(word, old, new)| (word, new & !old)));
    // Copied whole while somebody still looks at it, which is rarely.
    let map = Arc::make_mut(map);
    changed.into_iter().for_each(|(word, _, new)| map.free[word] = new);
    map.left = seats.left();
    debug_assert_eq!(map.free, seats.words(), "nothing changes but what is touched");
    (taken, freed)
}

/// Words that are not as they were: which, as they were, and as they are.
fn changed(map: &SeatMap, seats: &SeatSet) -> Vec<(usize, u64, u64)> {
    let touched = seats.touched();
    let (old, new) = (&map.free[touched.clone()], &seats.words()[touched.clone()]);
    // What was touched lies anywhere in a large theatre, and most of what is between is as it was.
    let blocks =
        (touched.start..).step_by(BLOCK_WORDS).zip(old.chunks(BLOCK_WORDS).zip(new.chunks(BLOCK_WORDS)));
    let others = blocks.filter(|(_, (old, new))| old != new);
    let words = others.flat_map(|(first, (old, new))| (first..).zip(old.iter().zip(new)));
    words.filter(|(_, (old, new))| old != new).map(|(word, (&old, &new))| (word, old, new)).collect()
}

/// Seats that are not free, as runs.
pub fn taken(map: &SeatMap) -> Vec<Run> {
    runs(taken_words(map))
}

fn taken_words(map: &SeatMap) -> impl Iterator<Item = u64> {
    let last = map.free.len().saturating_sub(1);
    // Bits past the capacity are clear in the map and must not become seats.
    let rest = map.capacity % 64;
    let mask = if rest == 0 { u64::MAX } else { (1 << rest) - 1 };
    let words = map.free.iter().enumerate();
    words.map(move |(index, word)| if index == last { !word & mask } else { !word })
}

/// The seats whose bits are set, as runs.
pub fn runs(words: impl Iterator<Item = u64>) -> Vec<Run> {
    runs_of(words.enumerate())
}

/// The same of some of the words, ascending, each with its place.
fn runs_of(words: impl Iterator<Item = (usize, u64)>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, mut word) in words {
        while word != 0 {
            let from = word.trailing_zeros();
            let length = (!(word >> from)).trailing_zeros();
            let first = at as u32 * 64 + from + 1;
            let last = first + length - 1;
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == first => *end = last,
                _ => runs.push((first, last)),
            }
            word &= !((u64::MAX >> (64 - length)) << from);
        }
    }
    runs
}
