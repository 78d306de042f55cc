//! The seats of the theatre and of all events as they change, for whoever shows them: read without asking the engine,
//! so that looking never waits for booking, and booking never for looking.
//!
//! The engine's task writes, whoever renders reads. There is one picture of all seats, and a ring of the last
//! changes, each with its position. The ring begins anew ([`Mark::epoch`]) when a state is taken from another server:
//! what lies between is not known then, or it is another history.
//!
//! A request costs what it touched (`domain::events::sight`), never a look at all events.
//!
//! Absent on purpose: names. Anybody may see which seats are free, not who sits there.

mod change;
mod hall;

pub use change::{Change, Part, Run, What, runs, taken};

use crate::domain::events::ids::EventKey;
use crate::domain::outcome::{Outcome, SeatMap};
use crate::domain::state::State;
use hall::{Hall, Halls};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Positions whose changes are kept for those who come back; who was away for longer gets all seats anew.
pub const CHANGES_MAX: usize = 4_096;
/// Runs of seats in all kept changes together: about 4 MB.
const RUNS_MAX: usize = 1 << 19;
/// What a part takes of that room beside its own runs.
const PART_RUNS: usize = 16;

/// How far the feed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Grows when positions before and after are not one history.
    pub epoch: u64,
    /// The last one that changed anything, or where the epoch began.
    pub position: u64,
}

/// How far somebody is: everything before the position, and of it so many parts, or all of them when that is 0.
/// Written `17`, or `17.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Of which history.
    pub epoch: u64,
    /// Where.
    pub position: u64,
    /// How much of it.
    pub parts: u32,
}

/// Which changes somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The theatre's.
    Theatre,
    /// Those of one event, and of whatever comes to be called so.
    Event(EventKey),
    /// Everything.
    All,
}

/// The seats of the theatre or of an event.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Everything until then is in it.
    pub mark: Mark,
    /// The last position that changed it, or where the epoch began.
    pub changed: u64,
    /// The seats.
    pub seats: Arc<SeatMap>,
    /// How many are held and not booked.
    pub held: u32,
    /// How many wait.
    pub waiting: u32,
}

/// The theatre and all events, without their seats.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Everything until then is in it.
    pub mark: Mark,
    /// Seats of the theatre, all and free.
    pub theatre: (u32, u32),
    /// How many events there are.
    pub total: usize,
    /// They, by id and kind; none when there are more than was asked for.
    pub events: Option<Vec<Row>>,
}

/// An event in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Id and kind.
    pub event: Arc<EventKey>,
    /// How many seats there are.
    pub capacity: u32,
    /// How many are free.
    pub left: u32,
    /// How many are held and not booked.
    pub held: u32,
    /// How many wait.
    pub waiting: u32,
}

/// A part of a change.
#[derive(Clone, Debug)]
pub struct News {
    change: Arc<Change>,
    index: usize,
    /// Who has seen it is here.
    pub seen: Cursor,
}

/// What happened after a cursor.
#[derive(Clone, Debug)]
pub enum Since {
    /// This, in order; not all of it when there is much.
    News {
        /// What was asked for.
        news: Vec<News>,
        /// Who has seen that is here: past whatever was not asked for.
        until: Cursor,
    },
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
    /// Of the state that is followed.
    number: u64,
    /// None before the log is read.
    halls: Option<Halls>,
    mark: Mark,
    /// Of the last request, whether it changed anything or not.
    executed: u64,
    /// All changes after it are in the ring.
    start: u64,
    changes: VecDeque<Arc<Change>>,
    /// What they take of the room.
    weight: usize,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The theatre's seats as they are now; none before the log is read.
    pub fn picture(&self) -> Option<Picture> {
        let ring = self.lock();
        ring.halls.as_ref().map(|halls| ring.picture(&halls.theatre))
    }

    /// An event's seats as they are now; none when there is no such event, or before the log is read.
    pub fn event(&self, event: &EventKey) -> Option<Picture> {
        let ring = self.lock();
        ring.halls.as_ref()?.find(event).map(|hall| ring.picture(hall))
    }

    /// The theatre and all events as they are now, if these are at most `max`; nothing before the log is read.
    pub fn overview(&self, max: usize) -> Option<Overview> {
        let ring = self.lock();
        let halls = ring.halls.as_ref()?;
        let row = |(event, hall): (&Arc<EventKey>, &Hall)| {
            let (SeatMap { capacity, left, .. }, Hall { held, waiting, .. }) = (&*hall.seats, hall);
            let (capacity, left, held, waiting) = (*capacity, *left, *held, *waiting);
            Row { event: event.clone(), capacity, left, held, waiting }
        };
        Some(Overview {
            mark: ring.mark,
            theatre: (halls.theatre.seats.capacity, halls.theatre.seats.left),
            total: halls.len(),
            events: (halls.len() <= max).then(|| halls.events().map(row).collect()),
        })
    }

    /// Whether everything after a cursor is known, and nothing of it yet to happen.
    pub fn knows(&self, after: Cursor) -> bool {
        self.lock().knows(after)
    }

    /// At most `max` parts of changes after a cursor. Takes as long as there are changes after it.
    pub fn since(&self, after: Cursor, scope: &Scope, max: usize) -> Since {
        let ring = self.lock();
        if !ring.knows(after) {
            return Since::Unknown;
        }
        let is_seen = |change: &Arc<Change>| match after.parts {
            0 => change.position <= after.position,
            _ => change.position < after.position,
        };
        let from = ring.changes.partition_point(is_seen);
        let (mut news, mut until): (Vec<News>, Cursor) = (Vec::new(), after);
        for change in ring.changes.iter().skip(from) {
            let seen = if change.position == after.position { after.parts as usize } else { 0 };
            for (index, part) in change.parts.iter().enumerate().skip(seen) {
                if !scope.has(part) {
                    continue;
                }
                if news.len() >= max {
                    return Since::News { news, until };
                }
                // The last one that is wanted of a position brings whoever sees it past the position.
                let is_last = !change.parts[index + 1..].iter().any(|part| scope.has(part));
                let parts = if is_last { 0 } else { index as u32 + 1 };
                until = Cursor { epoch: after.epoch, position: change.position, parts };
                news.push(News { change: change.clone(), index, seen: until });
            }
        }
        let position = ring.mark.position.max(after.position);
        Since::News { news, until: Cursor { epoch: after.epoch, position, parts: 0 } }
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

    /// A new life begins with this state, which `number` tells from others.
    pub(super) fn begin(&self, number: u64, state: &State) {
        self.restart(number, state);
        self.shared.live.store(true, Ordering::Relaxed);
    }

    /// The life is over. What it left can still be looked at.
    pub(super) fn end(&self) {
        self.shared.live.store(false, Ordering::Relaxed);
    }

    /// Notices that the state was replaced by another one, perhaps of the same position: two sides of a partition can be
    /// equally far.
    pub(super) fn align(&self, number: u64, state: &State) {
        let ring = self.lock();
        let is_known = ring.number == number && ring.executed == state.position();
        drop(ring);
        if !is_known {
            self.restart(number, state);
        }
    }

    /// A request was executed, `before` being the position that the state of this number had.
    pub(super) fn follow(&self, (number, before): (u64, u64), state: &State, outcomes: &[Outcome]) {
        if !self.is_live() {
            return;
        }
        let mut guard = self.lock();
        let ring = &mut *guard;
        if (ring.number, ring.executed) != (number, before) {
            drop(guard);
            return self.restart(number, state);
        }
        ring.executed = state.position();
        let is_of_theatre =
            |outcome: &Outcome| matches!(outcome, Outcome::Reserved { .. } | Outcome::Released { .. });
        let halls = ring.halls.as_mut().expect("a life begins with all seats");
        // A retry is told its success again and changes nothing.
        let parts = halls.follow(state, outcomes.iter().any(is_of_theatre));
        if parts.is_empty() {
            return;
        }
        ring.push(Change { position: state.position(), parts });
        ring.mark.position = state.position();
        self.shared.mark.send_replace(ring.mark);
    }

    fn restart(&self, number: u64, state: &State) {
        let (position, halls) = (state.position(), Some(Halls::of(state)));
        let mut ring = self.lock();
        let mark = Mark { epoch: ring.mark.epoch + 1, position };
        let new = Ring { number, halls, mark, executed: position, start: position, ..Ring::default() };
        let old = std::mem::replace(&mut *ring, new);
        drop(ring);
        // As many events as there were are let go of while nobody waits for it.
        drop(old);
        self.shared.mark.send_replace(mark);
    }
}

impl Ring {
    fn picture(&self, hall: &Hall) -> Picture {
        let Hall { changed, seats, held, waiting, .. } = hall;
        let (changed, held, waiting) = (*changed, *held, *waiting);
        Picture { mark: self.mark, changed, seats: seats.clone(), held, waiting }
    }

    fn knows(&self, after: Cursor) -> bool {
        // Of a position that is seen in part, the change itself must be there.
        let is_late_enough = match after.parts {
            0 => self.start <= after.position,
            _ => self.start < after.position,
        };
        after.epoch == self.mark.epoch && is_late_enough && after.position <= self.executed
    }

    fn push(&mut self, change: Change) {
        self.weight += change.weight();
        self.changes.push_back(Arc::new(change));
        while self.changes.len() > CHANGES_MAX || self.weight > RUNS_MAX {
            let Some(oldest) = self.changes.pop_front() else { return };
            self.weight -= oldest.weight();
            self.start = oldest.position;
        }
    }
}

impl Scope {
    fn has(&self, part: &Part) -> bool {
        match (self, &part.event) {
            (Scope::All, _) | (Scope::Theatre, None) => true,
            (Scope::Event(event), Some(other)) => **other == *event,
            (Scope::Theatre, Some(_)) | (Scope::Event(_), None) => false,
        }
    }
}

impl News {
    /// Where it happened.
    pub fn position(&self) -> u64 {
        self.change.position
    }

    /// What happened.
    pub fn part(&self) -> &Part {
        &self.change.parts[self.index]
    }
}

impl From<Mark> for Cursor {
    fn from(Mark { epoch, position }: Mark) -> Cursor {
        Cursor { epoch, position, parts: 0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts {
            0 => write!(f, "{}", self.position),
            parts => write!(f, "{}.{parts}", self.position),
        }
    }
}

#[cfg(test)]
mod tests;
