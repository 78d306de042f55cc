//! What may be asked about events: operations, which are ordered, and questions, which are not.

use super::calendar::Date;
use super::ids::{Actor, BranchCode, EventId, EventKey, Kind, SlotId, Uuid};
use super::tickets::TicketId;
use crate::domain::ids::{Name, SEATS_MAX};
use crate::domain::runs::SeatRuns;
use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, num::ParseIntError, str::FromStr};

/// An operation with who asks for it: whether they may is decided where it is executed, from replicated data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventOperation {
    /// Who acts.
    pub actor: Actor,
    /// What they do.
    pub action: Action,
}

/// What managers and customers can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A manager adds a branch; from then on it has managers, customers and events.
    AddBranch {
        /// Its code.
        branch: BranchCode,
        /// What people call it.
        name: Name,
    },
    /// A manager adds a theatre to the own branch.
    AddTheatre {
        /// What it is called.
        theatre: Name,
    },
    /// A manager adds a kind of events.
    AddKind {
        /// Which.
        kind: Kind,
    },
    /// A manager adds an event to the own branch; of one that is there the capacity changes, and nothing else.
    AddEvent {
        /// What it is.
        event: NewEvent,
        /// How many seats, 1 to [`SEATS_MAX`].
        capacity: u32,
    },
    /// A manager removes an event of the own branch with all its bookings, holds and places.
    RemoveEvent {
        /// Which.
        event: EventKey,
    },
    /// Books seats.
    Book {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which seats.
        seating: Seating,
    },
    /// Gives the seats of a booking back.
    Cancel {
        /// Whose.
        holder: Actor,
        /// Of which event.
        event: EventId,
        /// Of which kind; needed only when several are booked.
        kind: Option<Kind>,
    },
    /// Books seats and gives those of another booking back, both or nothing.
    Exchange {
        /// Whose.
        holder: Actor,
        /// The booking that goes.
        from: EventKey,
        /// The event that is booked, which may be the same one.
        to: EventKey,
        /// Which seats.
        seating: Seating,
    },
    /// Gives the seat of one ticket back.
    DeleteTicket {
        /// Which.
        ticket: TicketId,
    },
    /// Sets seats aside for a while.
    Hold {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which seats.
        seating: Seating,
    },
    /// Books what is held.
    Confirm {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
    },
    /// Holds for as long again, from now; once.
    Extend {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
    },
    /// Gives back what is held.
    Release {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
    },
    /// Waits for so many seats of an event that has not so many left.
    Join {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
        /// How many seats.
        count: Count,
    },
    /// Waits no longer.
    Leave {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
    },
}

/// An event to be added: an id that says where and when, or another one with that beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What it is called by, where and when.
    pub place: Place,
    /// What sort.
    pub kind: Kind,
    /// What people call it.
    pub name: Option<Name>,
    /// One of the branch's theatres.
    pub theatre: Option<Name>,
}

/// An event's id, with the branch and the day that its bookings count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// The id says all.
    Slot(SlotId),
    /// The id says nothing.
    Free {
        /// Made before the command was ordered.
        id: Uuid,
        /// Where.
        branch: BranchCode,
        /// On which day.
        date: Date,
        /// When on that day.
        minute: MinuteOfDay,
    },
}

/// A time of day, 0 to 1439.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct MinuteOfDay(u16);

/// A number of seats, 1 to [`SEATS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Count(u32);

/// Which seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seating {
    /// The lowest run of adjacent free seats that is long enough, else the lowest free ones.
    Any(Count),
    /// Adjacent ones that leave no single free seat beside them, where possible
    /// ([`SeatSet::pick_best`](crate::domain::seats::SeatSet::pick_best)).
    Best(Count),
    /// Exactly these, all or none.
    Seats(SeatRuns),
}

/// What the losing side of a partition did and the winning side lacks. Never sent by clients; executing one
/// twice does no harm. They are in the order in which they must be executed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Offer {
    /// A branch as it is there, with theatres.
    Branch {
        /// Its code.
        branch: BranchCode,
        /// What people call it.
        name: Name,
        /// Its theatres.
        theatres: Vec<Name>,
    },
    /// A kind.
    Kind(Kind),
    /// An event from before the partition was removed. Does nothing to one that was booked since.
    EventRemoved {
        /// Which.
        event: EventKey,
        /// The last position that both sides share.
        made_until: u64,
    },
    /// An event was added, or has another capacity.
    EventAdded {
        /// What it is called by, where and when.
        place: Place,
        /// What sort.
        kind: Kind,
        /// What people call it.
        name: Option<Name>,
        /// Where in the branch.
        theatre: Option<Name>,
        /// How many seats.
        capacity: u32,
    },
    /// A booking from before the partition was cancelled.
    Cancelled {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// The last position that both sides share.
        made_until: u64,
    },
    /// A booking from before the partition has other seats. At once, so that nobody who waits gets the seats in
    /// between; where the new ones are not free, the old ones stay.
    Changed {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// The last position that both sides share.
        made_until: u64,
        /// Exactly these.
        seats: SeatRuns,
        /// The booking's mark, so that its tickets may stay the same.
        mark: u64,
    },
    /// A booking was made.
    Booked {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Exactly these.
        seats: SeatRuns,
        /// The booking's mark, so that its tickets may stay the same.
        mark: u64,
    },
    /// Somebody no longer waits.
    Left {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
        /// The last position that both sides share.
        made_until: u64,
    },
    /// Somebody waits.
    Joined {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
        /// For how many seats.
        count: Count,
    },
}

/// A question about events with who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// Who; nobody in particular for what anyone may know.
    pub actor: Option<Actor>,
    /// What they want to know.
    pub question: Question,
}

/// What may be asked. Lists come in pages of at most [`PAGE_MAX`](super::answer::PAGE_MAX) entries, and of about
/// [`PAGE_BYTES_MAX`](super::answer::PAGE_BYTES_MAX): ask again with where the last one ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Branches with their theatres, by code. For anyone.
    Branches {
        /// Where the last page ended.
        after: Option<BranchCode>,
        /// Entries wanted.
        limit: u32,
    },
    /// All kinds. For anyone.
    Kinds,
    /// One event. For anyone.
    Event(EventKey),
    /// Events by id and kind. For anyone.
    Events {
        /// Which ones.
        filter: Filter,
        /// Where the last page ended.
        after: Option<EventKey>,
        /// Entries wanted.
        limit: u32,
    },
    /// How many seats each event of a kind has left, over all branches. For managers.
    Availability {
        /// Which kind.
        kind: Kind,
        /// Where the last page ended.
        after: Option<EventId>,
        /// Entries wanted.
        limit: u32,
    },
    /// Which seats of an event are free. For anyone.
    SeatMap(EventKey),
    /// Everything that somebody has booked, holds or waits for. For themselves.
    Schedule {
        /// Whose.
        holder: Actor,
        /// Where the last page ended.
        after: Option<ScheduleMark>,
        /// Entries wanted.
        limit: u32,
    },
    /// What somebody has at one event. For themselves.
    Claim {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
    },
    /// What a ticket is for. For the holder; a guest's ticket for whoever has it.
    Ticket(TicketId),
    /// Who waits for an event, in order. For anyone.
    WaitingList {
        /// Which.
        event: EventKey,
        /// How many places to skip.
        skip: u32,
        /// Entries wanted.
        limit: u32,
    },
}

/// Which events. What is not given is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of this branch.
    pub branch: Option<BranchCode>,
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub until: Option<Date>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With so many free seats.
    pub free_min: u32,
}

/// Where a page of a schedule ended: the event, as the state numbers them. Written as that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleMark(pub(super) u32);

impl fmt::Display for ScheduleMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ScheduleMark {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(ScheduleMark)
    }
}

impl Action {
    /// Which seats it names, if it names any.
    pub fn seating(&self) -> Option<&Seating> {
        match self {
            Action::Book { seating, .. }
            | Action::Exchange { seating, .. }
            | Action::Hold { seating, .. } => Some(seating),
            _ => None,
        }
    }

    /// The same with seats only counted where there are more runs of them, for people to read.
    pub fn brief(&self, runs_max: usize) -> Action {
        let mut action = self.clone();
        if let Action::Book { seating, .. } | Action::Exchange { seating, .. } | Action::Hold { seating, .. } =
            &mut action
            && let Seating::Seats(seats) = &*seating
            && seats.runs().len() > runs_max
            && let Some(count) = Count::new(seats.count())
        {
            *seating = Seating::Any(count);
        }
        action
    }
}

impl Seating {
    /// How many runs of seats it names.
    pub fn runs_len(&self) -> usize {
        match self {
            Seating::Any(_) | Seating::Best(_) => 0,
            Seating::Seats(seats) => seats.runs().len(),
        }
    }
}

impl Count {
    /// That many seats, if it is a number of seats.
    pub fn new(count: u32) -> Option<Count> {
        (1..=SEATS_MAX).contains(&count).then_some(Count(count))
    }

    /// How many.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Count::new(u32::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("not a number of seats"))
    }
}

impl MinuteOfDay {
    /// That time, if there is one.
    pub fn new(minute: u16) -> Option<MinuteOfDay> {
        (minute < 24 * 60).then_some(MinuteOfDay(minute))
    }

    /// 0 to 1439.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for MinuteOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MinuteOfDay::new(u16::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("not a time of day"))
    }
}

impl Place {
    /// What the event is called by.
    pub fn id(&self) -> EventId {
        match *self {
            Place::Slot(id) => EventId::Slot(id),
            Place::Free { id, .. } => EventId::Uuid(id),
        }
    }

    /// Where it is.
    pub fn branch(&self) -> BranchCode {
        match *self {
            Place::Slot(id) => id.branch,
            Place::Free { branch, .. } => branch,
        }
    }

    /// On which day.
    pub fn date(&self) -> Date {
        match *self {
            Place::Slot(id) => id.date,
            Place::Free { date, .. } => date,
        }
    }
}
