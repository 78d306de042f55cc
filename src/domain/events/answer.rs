//! What questions about events are answered.

use super::calendar::Date;
use super::command::{MinuteOfDay, ScheduleMark};
use super::config::Branch;
use super::ids::{Actor, BranchCode, EventId, EventKey, Kind};
use super::outcome::Refusal;
use super::tickets::{TicketId, TicketStem};
use super::words::{Runs, Time};
use crate::domain::ids::{Name, Seat};
use crate::domain::outcome::SeatMap;
use crate::domain::runs::SeatRuns;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most entries of one page, however many were asked for.
pub const PAGE_MAX: u32 = 1_000;
/// Bytes after which a page ends, about; its last entry may pass it by what the largest booking takes. Much less than
/// a frame of the client protocol.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// Most entries that are looked at for one page; a filter that finds little gives short pages.
pub const LOOKS_MAX: usize = 10_000;

/// What a question about events found. A list that ended before everything was told has a mark to go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventAnswer {
    /// Some branches, by code.
    Branches {
        /// They.
        branches: Vec<(BranchCode, Branch)>,
        /// Where to go on.
        more: Option<BranchCode>,
    },
    /// All kinds.
    Kinds(Vec<Kind>),
    /// One event.
    Event(EventView),
    /// Some events, by id and kind.
    Events {
        /// They.
        events: Vec<EventView>,
        /// Where to go on.
        more: Option<EventKey>,
    },
    /// Seats left, by id.
    Availability {
        /// Of which kind.
        kind: Kind,
        /// Each event with its free seats.
        events: Vec<(EventId, u32)>,
        /// Where to go on.
        more: Option<EventId>,
    },
    /// Which seats are free.
    SeatMap {
        /// Where.
        event: EventKey,
        /// All of them.
        map: SeatMap,
    },
    /// What somebody has.
    Schedule {
        /// Who.
        holder: Actor,
        /// Bookings, holds and places.
        claims: Vec<Claim>,
        /// Removed events that were booked, the latest last. Only on the first page.
        cancelled: Vec<Notice>,
        /// Where to go on.
        more: Option<ScheduleMark>,
    },
    /// What somebody has at one event.
    Claim(Claim),
    /// What a ticket is for.
    Ticket {
        /// Which.
        ticket: TicketId,
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which seat.
        seat: Seat,
    },
    /// Who waits.
    WaitingList {
        /// For what.
        event: EventKey,
        /// How many there are.
        total: u32,
        /// Who and for how many seats, in order, from the place that was asked for.
        places: Vec<(Actor, u32)>,
    },
    /// It is not told.
    Refused(Refusal),
}

/// An event as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// Id and kind.
    pub event: EventKey,
    /// Where.
    pub branch: BranchCode,
    /// On which day.
    pub date: Date,
    /// When on that day, if the id does not say it.
    pub minute: Option<MinuteOfDay>,
    /// What people call it.
    pub name: Option<Name>,
    /// Where in the branch.
    pub theatre: Option<Name>,
    /// How many seats.
    pub capacity: u32,
    /// How many are free.
    pub left: u32,
    /// How many are held and not booked.
    pub held: u32,
    /// How many wait.
    pub waiting: u32,
}

/// What somebody has at one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Where.
    pub event: EventKey,
    /// On which day.
    pub date: Date,
    /// What.
    pub what: Claimed,
}

/// A booking, a hold or a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claimed {
    /// Seats that were booked.
    Booking {
        /// Which.
        seats: SeatRuns,
        /// Of their tickets.
        stem: TicketStem,
    },
    /// Seats that are set aside.
    Hold {
        /// Which.
        seats: SeatRuns,
        /// Until when.
        until_ms: u64,
        /// Whether they were waited for.
        offered: bool,
        /// Whether it cannot be extended any more.
        extended: bool,
    },
    /// A place on the waiting list.
    Place {
        /// For how many seats.
        count: u32,
        /// How many are served first, plus one.
        place: u32,
    },
}

/// A booking that was cancelled by the organiser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Of which event.
    pub event: EventKey,
    /// How many seats.
    pub seats: u32,
}

impl fmt::Display for EventAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventAnswer::Branches { branches, .. } => lines(f, branches, |f, (code, branch)| {
                write!(f, "{code} {}", branch.name)?;
                branch.theatres.iter().try_for_each(|theatre| write!(f, "; {theatre}"))
            }),
            EventAnswer::Kinds(kinds) => lines(f, kinds, |f, kind| kind.fmt(f)),
            EventAnswer::Event(event) => event.fmt(f),
            EventAnswer::Events { events, .. } => lines(f, events, |f, event| event.fmt(f)),
            EventAnswer::Availability { kind, events, .. } => {
                // The words of the seed: `Seminars - MTLE130519 3, OTWA060519 6.`
                write!(f, "{kind} - ")?;
                for (at, (id, left)) in events.iter().enumerate() {
                    write!(f, "{}{id} {left}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(if events.is_empty() { "none." } else { "." })
            }
            EventAnswer::SeatMap { event, map } => {
                write!(f, "{event}: {} of {} seats are free.", map.left, map.capacity)
            }
            EventAnswer::Schedule { holder, claims, cancelled, .. } => {
                if claims.is_empty() && cancelled.is_empty() {
                    return write!(f, "{holder} has no reservations.");
                }
                lines(f, claims, |f, claim| claim.fmt(f))?;
                if !claims.is_empty() && !cancelled.is_empty() {
                    f.write_str("\n")?;
                }
                lines(f, cancelled, |f, notice| {
                    write!(f, "{}: cancelled by the organiser, {} seats", notice.event, notice.seats)
                })
            }
            EventAnswer::Claim(claim) => claim.fmt(f),
            EventAnswer::Ticket { ticket, holder, event, seat } => {
                write!(f, "{ticket}: seat {seat} at {event}, reserved for {holder}")
            }
            EventAnswer::WaitingList { event, total, places } => {
                write!(f, "{event}: {total} waiting")?;
                places.iter().try_for_each(|(holder, count)| write!(f, "\n{holder} {count}"))
            }
            EventAnswer::Refused(refusal) => refusal.fmt(f),
        }
    }
}

fn lines<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    show: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str("\n")?;
        }
        show(f, item)?;
    }
    Ok(())
}

impl fmt::Display for EventView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.event)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        write!(f, ", {}", self.branch)?;
        if let Some(theatre) = &self.theatre {
            write!(f, " {theatre}")?;
        }
        write!(f, ", {}", self.date)?;
        if let Some(minute) = self.minute {
            write!(f, " {minute}")?;
        }
        write!(f, ": {} of {} seats are free", self.left, self.capacity)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: ", self.event, self.date)?;
        match &self.what {
            Claimed::Booking { seats, .. } => write!(f, "{}", Runs(seats)),
            Claimed::Hold { seats, until_ms, .. } => {
                write!(f, "held until {}: {}", Time(*until_ms), Runs(seats))
            }
            Claimed::Place { count, place } => write!(f, "waiting for {count} seats, at place {place}"),
        }
    }
}
