//! The seats as they change, for whoever shows them: read without asking the engine, so that looking never waits for
//! booking, and booking never for looking.
//!
//! The engine's task writes, whoever renders reads. There is one picture of all seats, and a ring of the last
//! changes, each with its position. The ring begins anew ([`Mark::epoch`]) when a state is taken from another server:
//! what lies between is not known then, or it is another history.
//!
//! Absent on purpose: names. Anybody may see which seats are free, not who sits there.

use crate::domain::command::Query;
use crate::domain::outcome::{Answer, Outcome, SeatMap};
use crate::domain::state::State;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Changes that are kept for those who come back; who was away for longer gets all seats anew.
pub const CHANGES_MAX: usize = 4_096;
/// Runs of seats in all kept changes together.
const RUNS_MAX: usize = 1 << 19;

/// A run of seats, first and last.
pub type Run = (u32, u32);

/// What one position did to the seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub position: u64,
    /// Free seats after it.
    pub left: u32,
    /// Seats that are taken since.
    pub taken: Vec<Run>,
    /// Seats that are free since.
    pub freed: Vec<Run>,
}

/// How far the feed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Grows when positions before and after are not one history.
    pub epoch: u64,
    /// The last one that changed a seat, or where the epoch began.
    pub position: u64,
}

/// All seats at a mark.
#[derive(Clone, Debug)]
pub struct Picture {
    /// When.
    pub mark: Mark,
    /// The seats.
    pub seats: Arc<SeatMap>,
}

/// What happened after a position.
#[derive(Clone, Debug)]
pub enum Since {
    /// These changes, in order; not all of them when there are many.
    Changes(Vec<Arc<Change>>),
    /// It is too long ago, or in another history.
    Unknown,
}

/// Both ends in one; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    live: AtomicBool,
    ring: Mutex<Ring>,
    mark: watch::Sender<Mark>,
}

#[derive(Debug, Default)]
struct Ring {
    /// None before the log is read.
    seats: Option<Arc<SeatMap>>,
    mark: Mark,
    /// Of the last request, whether it changed a seat or not.
    executed: u64,
    /// All changes after it are in the ring.
    start: u64,
    changes: VecDeque<Arc<Change>>,
    runs: usize,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All seats as they are now; none before the log is read.
    pub fn picture(&self) -> Option<Picture> {
        let ring = self.lock();
        ring.seats.as_ref().map(|seats| Picture { mark: ring.mark, seats: seats.clone() })
    }

    /// At most `max` changes after a position of this epoch.
    pub fn since(&self, after: Mark, max: usize) -> Since {
        let ring = self.lock();
        if after.epoch != ring.mark.epoch || !(ring.start..=ring.executed).contains(&after.position) {
            return Since::Unknown;
        }
        let from = ring.changes.partition_point(|change| change.position <= after.position);
        Since::Changes(ring.changes.iter().skip(from).take(max).cloned().collect())
    }

    /// The last position that was executed, and its epoch.
    pub fn executed(&self) -> Mark {
        let ring = self.lock();
        Mark { epoch: ring.mark.epoch, position: ring.executed }
    }

    /// Tells of every new mark.
    pub fn subscribe(&self) -> watch::Receiver<Mark> {
        self.shared.mark.subscribe()
    }

    /// Whether somebody follows the state that is executed now; false while a log is read again.
    pub(super) fn is_live(&self) -> bool {
        self.shared.live.load(Ordering::Relaxed)
    }

    /// A new life begins with this state.
    pub(super) fn begin(&self, state: &State) {
        self.restart(&mut self.lock(), state);
        self.shared.live.store(true, Ordering::Relaxed);
    }

    /// The life is over. What it left can still be looked at.
    pub(super) fn end(&self) {
        self.shared.live.store(false, Ordering::Relaxed);
    }

    /// Notices that the state was replaced by another one.
    pub(super) fn align(&self, state: &State) {
        let mut ring = self.lock();
        if ring.executed != state.position() {
            self.restart(&mut ring, state);
        }
    }

    /// A request was executed, `before` being the position that the state had.
    pub(super) fn follow(&self, before: u64, state: &State, outcomes: &[Outcome]) {
        if !self.is_live() {
            return;
        }
        let mut ring = self.lock();
        if ring.executed != before {
            return self.restart(&mut ring, state);
        }
        ring.executed = state.position();
        if !outcomes.iter().any(Outcome::is_success) {
            return;
        }
        let (new, old) = (seats(state), ring.seats.clone());
        let old = old.expect("a life begins with all seats");
        // A retry is told its success again and changes nothing.
        let Some(change) = difference(state.position(), &old, &new) else { return };
        ring.push(change);
        ring.seats = Some(Arc::new(new));
        ring.mark.position = state.position();
        self.shared.mark.send_replace(ring.mark);
    }

    fn restart(&self, ring: &mut Ring, state: &State) {
        let position = state.position();
        *ring = Ring {
            seats: Some(Arc::new(seats(state))),
            mark: Mark { epoch: ring.mark.epoch + 1, position },
            executed: position,
            start: position,
            ..Ring::default()
        };
        self.shared.mark.send_replace(ring.mark);
    }
}

impl Ring {
    fn push(&mut self, change: Change) {
        self.runs += change.runs();
        self.changes.push_back(Arc::new(change));
        while self.changes.len() > CHANGES_MAX || self.runs > RUNS_MAX {
            let Some(oldest) = self.changes.pop_front() else { return };
            self.runs -= oldest.runs();
            self.start = oldest.position;
        }
    }
}

impl Change {
    fn runs(&self) -> usize {
        self.taken.len() + self.freed.len()
    }
}

fn seats(state: &State) -> SeatMap {
    match state.query(&Query::Seats) {
        Answer::Seats(map) => map,
        Answer::Search { .. } | Answer::Events(_) => unreachable!("the question was for the seats"),
    }
}

fn difference(position: u64, old: &SeatMap, new: &SeatMap) -> Option<Change> {
    let words = || old.free.iter().copied().zip(new.free.iter().copied());
    let taken = runs(words().map(|(old, new)| old & !new));
    let freed = runs(words().map(|(old, new)| !old & new));
    let is_none = taken.is_empty() && freed.is_empty();
    (!is_none).then_some(Change { position, left: new.left, taken, freed })
}

/// The seats whose bits are set, as runs.
pub fn runs(words: impl Iterator<Item = u64>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, mut word) in words.enumerate() {
        while word != 0 {
            let from = word.trailing_zeros();
            let length = (!(word >> from)).trailing_zeros();
            let first = index as u32 * 64 + from + 1;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::batch::BatchBuilder;
    use crate::domain::command::{Command, Operation};
    use crate::domain::ids::{Seat, SessionId};
    use crate::domain::state::Config;

    fn state(capacity: u32) -> State {
        State::new(Config {
            capacity,
            sessions_max: 10,
            session_age_ms: 1_000_000,
            outcomes_per_session_max: 10,
            time_step_ms_max: 1_000,
            keys: Default::default(),
            events: Default::default(),
        })
    }

    /// Executes as the machine of a replica does.
    fn execute(feed: &Feed, state: &mut State, operations: Vec<Operation>) {
        let before = state.position();
        let mut batch = BatchBuilder::new();
        for (sequence, operation) in (before * 100 + 1..).zip(operations) {
            let session = SessionId { birth_ms: 0, random: 1 };
            batch.push(&Command { session, sequence, answered_until: 0, operation, key: None }).unwrap();
        }
        let mut outcomes = Vec::new();
        state.apply(before + 1, 1, &batch.finish(), &mut outcomes);
        feed.follow(before, state, &outcomes);
    }

    fn reserve(name: &str, count: u32) -> Operation {
        Operation::Reserve { name: name.parse().unwrap(), count }
    }

    fn delete(name: &str) -> Operation {
        Operation::Delete { name: name.parse().unwrap() }
    }

    fn after(feed: &Feed, position: u64) -> Option<Vec<Change>> {
        let epoch = feed.executed().epoch;
        match feed.since(Mark { epoch, position }, usize::MAX) {
            Since::Changes(changes) => Some(changes.iter().map(|change| (**change).clone()).collect()),
            Since::Unknown => None,
        }
    }

    #[test]
    fn each_position_that_changes_seats_is_told() {
        let (feed, mut state) = (Feed::default(), state(200));
        assert!(feed.picture().is_none(), "nothing is known before the log is read");
        feed.begin(&state);
        execute(&feed, &mut state, vec![reserve("ann", 3), reserve("bob", 70)]);
        execute(&feed, &mut state, vec![reserve("ann", 1)]);
        execute(&feed, &mut state, vec![delete("ann"), reserve("cid", 1), delete("cid")]);
        let change = |position, left, taken, freed| Change { position, left, taken, freed };
        let first = change(1, 127, vec![(1, 73)], vec![]);
        let third = change(3, 130, vec![], vec![(1, 3)]);
        assert_eq!(after(&feed, 0), Some(vec![first, third.clone()]));
        assert_eq!(after(&feed, 1), Some(vec![third.clone()]));
        assert_eq!(after(&feed, 2), Some(vec![third]), "a refusal has a position too");
        assert_eq!(after(&feed, 3), Some(vec![]));
        assert_eq!(after(&feed, 4), None, "it has not happened yet");
        let picture = feed.picture().unwrap();
        assert_eq!((picture.mark.position, picture.seats.left), (3, 130));
    }

    #[test]
    fn another_state_is_another_epoch() {
        let (feed, mut mine) = (Feed::default(), state(10));
        feed.begin(&mine);
        execute(&feed, &mut mine, vec![reserve("ann", 1)]);
        let before = feed.executed();
        let (elsewhere, mut theirs) = (Feed::default(), state(10));
        for name in ["a", "b", "c"] {
            execute(&elsewhere, &mut theirs, vec![reserve(name, 1)]);
        }
        feed.align(&mine);
        assert_eq!(feed.executed(), before);
        feed.align(&theirs);
        assert!(matches!(feed.since(before, 1), Since::Unknown));
        assert_eq!((feed.executed().position, feed.picture().unwrap().seats.left), (3, 7));
        assert_eq!(after(&feed, 3), Some(vec![]));
    }

    #[test]
    fn the_oldest_changes_go_and_are_unknown_then() {
        let (feed, mut state) = (Feed::default(), state(10));
        feed.begin(&state);
        let mut watching = feed.subscribe();
        for _ in 0..CHANGES_MAX / 2 + 5 {
            execute(&feed, &mut state, vec![reserve("ann", 1)]);
            execute(&feed, &mut state, vec![delete("ann")]);
        }
        assert_eq!(after(&feed, 9), None);
        assert_eq!(after(&feed, 10).map(|changes| changes.len()), Some(CHANGES_MAX));
        assert!(watching.has_changed().unwrap());
        assert_eq!(*watching.borrow_and_update(), feed.executed());
        let mark = Mark { position: 10, ..feed.executed() };
        assert!(matches!(feed.since(mark, 3), Since::Changes(changes) if changes.len() == 3));
    }

    #[test]
    fn runs_are_those_of_the_bits() {
        let seats = |words: &[u64]| runs(words.iter().copied());
        assert_eq!(seats(&[0]), []);
        assert_eq!(seats(&[u64::MAX, 1]), [(1, 65)]);
        assert_eq!(seats(&[0b1101, 0, 1 << 63]), [(1, 1), (3, 4), (192, 192)]);
    }

    #[test]
    fn what_a_log_repeats_is_no_news() {
        let (feed, mut state) = (Feed::default(), state(10));
        execute(
            &feed,
            &mut state,
            vec![Operation::ReserveSeats { name: "ann".parse().unwrap(), seats: vec![Seat(4)] }],
        );
        assert!(feed.picture().is_none());
        feed.begin(&state);
        feed.end();
        execute(&feed, &mut state, vec![delete("ann")]);
        assert_eq!(feed.picture().unwrap().seats.left, 9);
    }
}
