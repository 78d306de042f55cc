//! What can be said about events on the command line.

use super::super::values::{self, PickedSeats};
use crate::domain::events::{
    calendar::Date,
    command::{Count, MinuteOfDay, ScheduleMark, Seating},
    ids::{Actor, BranchCode, EventId, EventKey, Kind},
    tickets::TicketId,
};
use crate::domain::ids::{Name, NameError};
use crate::domain::runs::SeatRuns;
use clap::{Args, Subcommand};

/// Everything about events. Who acts is said with `--as`.
#[derive(Debug, Clone, Subcommand)]
pub enum EventAsk {
    /// List events by id, a page at a time
    Events(ListArgs),
    /// Show one event with its free seats
    Event(At),
    /// Show how many seats each event of a kind has left, over all branches (managers)
    Availability {
        /// Which kind, such as Seminars
        kind: Kind,
        /// Which part.
        #[command(flatten)]
        page: AvailabilityPage,
    },
    /// Add an event to the own branch, or change the capacity of one that is there (managers)
    #[command(
        after_help = "Examples:\n  add-event Seminars 120 --id TORM100519\n  add-event Casablanca 80 --branch TOR --date 2026-12-24 --time 19:30\n\n\
            Without --id the event gets an id of its own, which is printed."
    )]
    AddEvent(AddEventArgs),
    /// Remove an event of the own branch with all its bookings (managers)
    RemoveEvent(At),
    /// Book seats of an event for yourself
    #[command(
        after_help = "Examples:\n  book TORM100519 Seminars 2\n  book TORM100519 Seminars 3 --best\n  book TORM100519 Seminars --seats 4,5"
    )]
    Book {
        /// Where.
        #[command(flatten)]
        at: At,
        /// Which seats.
        #[command(flatten)]
        seating: SeatingArgs,
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
    },
    /// Give the seats of a booking back
    Cancel {
        /// Which event
        event: EventId,
        /// Of which kind; needed only when several kinds are booked
        kind: Option<Kind>,
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
    },
    /// Change one booking for another, both or nothing
    #[command(after_help = "Example:\n  exchange TORM100519 Seminars MTLE130519 Seminars 2")]
    Exchange {
        /// The booking that goes.
        #[command(flatten)]
        from: At,
        /// The event that is booked instead
        to_event: EventId,
        /// Its kind
        to_kind: Kind,
        /// Which seats.
        #[command(flatten)]
        seating: SeatingArgs,
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
    },
    /// Show everything that you have booked, hold or wait for
    Schedule {
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
        /// Which part.
        #[command(flatten)]
        page: SchedulePage,
    },
    /// Set seats aside for a while
    Hold {
        /// Where.
        #[command(flatten)]
        at: At,
        /// Which seats.
        #[command(flatten)]
        seating: SeatingArgs,
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
    },
    /// Book the seats that are held
    Confirm(HeldArgs),
    /// Hold the seats for as long again, once
    Extend(HeldArgs),
    /// Give the held seats back
    Release(HeldArgs),
    /// Wait for seats of an event that has not so many left
    Join {
        /// Where.
        #[command(flatten)]
        at: At,
        /// How many seats
        #[arg(value_parser = values::count)]
        count: u32,
        /// For whom.
        #[command(flatten)]
        holder: HolderArgs,
    },
    /// Wait no longer
    Leave(HeldArgs),
    /// Show who waits for an event, in the order in which seats are offered
    WaitingList {
        /// Where.
        #[command(flatten)]
        at: At,
        /// Places to skip
        #[arg(long, value_name = "N", default_value = "0")]
        skip: u32,
        /// Places to show
        #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show what a ticket is for
    Ticket {
        /// The ticket's id
        ticket: TicketId,
    },
    /// Give the seat of one ticket back
    DeleteTicket {
        /// The ticket's id
        ticket: TicketId,
    },
    /// List the branches with their theatres, a page at a time
    Branches(BranchesPage),
    /// Add a branch (managers)
    AddBranch {
        /// Three letters, such as TOR
        branch: BranchCode,
        /// What people call it
        #[arg(value_parser = values::name)]
        name: Name,
    },
    /// Add a theatre to the own branch (managers)
    AddTheatre {
        /// What it is called
        #[arg(value_parser = values::name)]
        theatre: Name,
    },
    /// List the kinds of events
    Kinds,
    /// Add a kind of events (managers)
    AddKind {
        /// Such as Seminars, or the title of a film
        kind: Kind,
    },
}

impl EventAsk {
    /// What it is called on the command line.
    pub fn verb(&self) -> &'static str {
        match self {
            EventAsk::Events(_) => "events",
            EventAsk::Event(_) => "event",
            EventAsk::Availability { .. } => "availability",
            EventAsk::AddEvent(_) => "add-event",
            EventAsk::RemoveEvent(_) => "remove-event",
            EventAsk::Book { .. } => "book",
            EventAsk::Cancel { .. } => "cancel",
            EventAsk::Exchange { .. } => "exchange",
            EventAsk::Schedule { .. } => "schedule",
            EventAsk::Hold { .. } => "hold",
            EventAsk::Confirm(_) => "confirm",
            EventAsk::Extend(_) => "extend",
            EventAsk::Release(_) => "release",
            EventAsk::Join { .. } => "join",
            EventAsk::Leave(_) => "leave",
            EventAsk::WaitingList { .. } => "waiting-list",
            EventAsk::Ticket { .. } => "ticket",
            EventAsk::DeleteTicket { .. } => "delete-ticket",
            EventAsk::Branches(_) => "branches",
            EventAsk::AddBranch { .. } => "add-branch",
            EventAsk::AddTheatre { .. } => "add-theatre",
            EventAsk::Kinds => "kinds",
            EventAsk::AddKind { .. } => "add-kind",
        }
    }
}

/// The commands that are programs of their own in the image.
pub const EVENT_PROGRAMS: [&str; 23] = [
    "events",
    "event",
    "availability",
    "add-event",
    "remove-event",
    "book",
    "cancel",
    "exchange",
    "schedule",
    "hold",
    "confirm",
    "extend",
    "release",
    "join",
    "leave",
    "waiting-list",
    "ticket",
    "delete-ticket",
    "branches",
    "add-branch",
    "add-theatre",
    "kinds",
    "add-kind",
];

/// One event.
#[derive(Debug, Clone, Args)]
pub struct At {
    /// The event's id, such as TORM100519
    pub event: EventId,
    /// Its kind, such as Seminars
    pub kind: Kind,
}

/// The event that a classic command is about, where it is not the theatre.
#[derive(Debug, Clone, Default, Args)]
pub struct AtEvent {
    /// Of this event instead of the theatre
    #[arg(long, value_name = "ID", requires = "kind")]
    pub event: Option<EventId>,
    /// The event's kind, such as Seminars
    #[arg(long, value_name = "KIND", requires = "event")]
    pub kind: Option<Kind>,
}

/// Seats of an event.
#[derive(Debug, Clone, Args)]
pub struct SeatingArgs {
    /// How many seats, adjacent ones if there are: 1 to 1000000
    #[arg(value_parser = values::count, required_unless_present = "seats", conflicts_with = "seats")]
    count: Option<u32>,
    /// Adjacent seats that leave no single free seat beside them, where there are such
    #[arg(long, conflicts_with = "seats")]
    best: bool,
    /// Exactly these seats, all or none: 4,5 or 4-7
    #[arg(long, value_name = "LIST", value_parser = values::picked_seats, allow_hyphen_values = true)]
    seats: Option<PickedSeats>,
}

/// For whom.
#[derive(Debug, Clone, Default, Args)]
pub struct HolderArgs {
    /// For somebody else (managers)
    #[arg(long = "for", value_name = "ID", value_parser = actor)]
    pub holder: Option<Actor>,
}

/// What somebody holds or waits for.
#[derive(Debug, Clone, Args)]
pub struct HeldArgs {
    /// Where.
    #[command(flatten)]
    pub at: At,
    /// For whom.
    #[command(flatten)]
    pub holder: HolderArgs,
}

/// A new event.
#[derive(Debug, Clone, Args)]
pub struct AddEventArgs {
    /// Which kind, such as Seminars, or the title of a film
    pub kind: Kind,
    /// How many seats: 1 to 1000000
    #[arg(value_parser = values::count)]
    pub capacity: u32,
    /// An id that says where and when: TORM100519 is Toronto, morning of 10 May 2019
    #[arg(long, value_name = "ID", required_unless_present = "branch")]
    pub id: Option<EventId>,
    /// Where
    #[arg(long, value_name = "CODE", requires_all = ["date", "time"])]
    pub branch: Option<BranchCode>,
    /// On which day: 2026-12-24
    #[arg(long, requires = "branch")]
    pub date: Option<Date>,
    /// When on that day: 19:30
    #[arg(long, requires = "branch")]
    pub time: Option<MinuteOfDay>,
    /// What people call it
    #[arg(long, value_parser = values::name)]
    pub name: Option<Name>,
    /// In which of the branch's theatres
    #[arg(long, value_parser = values::name)]
    pub theatre: Option<Name>,
}

/// Which events to list.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Of this branch
    #[arg(long, value_name = "CODE")]
    pub branch: Option<BranchCode>,
    /// Of this kind
    #[arg(long)]
    pub kind: Option<Kind>,
    /// On this day or later: 2026-12-24
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// On this day or earlier
    #[arg(long, value_name = "DATE")]
    pub until: Option<Date>,
    /// With so many free seats
    #[arg(long, value_name = "COUNT", default_value = "0")]
    pub free: u32,
    /// Events of one page
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on after this event: ID/KIND
    #[arg(long, value_name = "ID/KIND")]
    pub after: Option<EventKey>,
}

/// A part of the availability.
#[derive(Debug, Clone, Args)]
pub struct AvailabilityPage {
    /// Events of one page
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on after this event
    #[arg(long, value_name = "ID")]
    pub after: Option<EventId>,
}

/// A part of a schedule.
#[derive(Debug, Clone, Args)]
pub struct SchedulePage {
    /// Entries of one page; large bookings make it shorter
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on where a page ended
    #[arg(long, value_name = "MARK")]
    pub after: Option<ScheduleMark>,
}

/// A part of the branches.
#[derive(Debug, Clone, Args)]
pub struct BranchesPage {
    /// Branches of one page; many theatres make it shorter
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on after this branch
    #[arg(long, value_name = "CODE")]
    pub after: Option<BranchCode>,
}

impl At {
    /// The event.
    pub fn key(self) -> EventKey {
        EventKey { id: self.event, kind: self.kind }
    }
}

impl AtEvent {
    /// The event, unless it is the theatre.
    pub fn key(self) -> Option<EventKey> {
        Some(EventKey { id: self.event?, kind: self.kind? })
    }
}

impl SeatingArgs {
    /// What the state is asked for.
    pub fn seating(self) -> Seating {
        match (self.count.and_then(Count::new), self.seats) {
            (_, Some(picked)) => exactly(picked),
            (Some(count), None) if self.best => Seating::Best(count),
            (Some(count), None) => Seating::Any(count),
            (None, None) => unreachable!("the parser demands one of them"),
        }
    }
}

/// Exactly these seats.
pub fn exactly(picked: PickedSeats) -> Seating {
    Seating::Seats(SeatRuns::from_seats(&picked.0).expect("picked seats are ascending and at least one"))
}

/// A person for clap: an id such as TORC2345, or else a name.
pub fn actor(text: &str) -> Result<Actor, String> {
    text.parse().map_err(|error: NameError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_an_id_or_a_name() {
        assert!(matches!(actor("TORC2345").unwrap(), Actor::User(_)));
        assert!(matches!(actor("bob").unwrap(), Actor::Guest(_)));
        assert!(actor("").is_err());
    }
}
