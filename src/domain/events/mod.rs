//! Events, managers and customers: many theatres beside the default one, in the same state.
//!
//! Start with [`ids`] (who and what), [`command`] (what may be asked), [`outcome`] (what it comes to; the words are
//! in `words`), then here. Below lie `catalogue` (the events and their seats), `bookings` (who has which, and
//! how many in a month), `holds` and `waiting`; the rules are in `roles`, `manage`, `book`, `aside` and `heal`.
//!
//! # Rules that no single file shows
//! - At one event somebody has a booking, or a hold, or a place on the waiting list, or nothing. Booking or
//!   holding gives the place up.
//! - Everybody who waits wants more seats than are free (`waiting`).
//! - What is due at the state's time is freed before anything else is done about events (`holds`).
//! - A month's bookings outside of the own branch are counted by the event's day, over all branches. Holds and
//!   places are not counted: confirming a hold is refused when the month is full by then.
//!
//! # Memory
//! Measured (`cargo bench --bench domain -- --full`): 72 bytes a booking of one run of seats, of which there are
//! 10,000,000; 540 bytes an event of 250 seats, of which there are 100,000; together 0.8 GB. A booking is an entry of
//! 41 bytes in a vector that is nearly full, 8 bytes in its event's list of holders, and its month's count. A guest
//! takes 70 bytes more (`... -- --full --guests`): a number, a name, how to find it, and how many things they have.
//! A session with one kept outcome about an event takes 390 bytes.

mod admit;
pub mod answer;
mod approach;
mod aside;
mod ask;
mod book;
mod bookings;
pub mod calendar;
mod catalogue;
mod check;
pub mod command;
pub mod config;
pub(super) mod divergence;
pub mod fields;
mod heal;
mod heap;
mod holds;
pub mod ids;
pub(super) mod image;
mod kinds;
mod manage;
mod name_index;
mod numbers;
pub mod outcome;
mod parties;
mod roles;
pub mod sight;
pub mod text;
pub mod tickets;
mod uses;
mod uuid;
mod waiting;
pub mod words;
mod written;

use super::ids::Name;
use super::shards::Shards;
use bookings::Bookings;
use catalogue::Catalogue;
use command::{Action, EventOperation};
use config::{Branch, EventsConfig, HOLDS_MAX};
use holds::Holds;
use ids::{BranchCode, EventId, EventKey};
use kinds::Kinds;
use outcome::{EventOutcome, Refusal};
use parties::{Guests, Party, Spot};
use std::collections::BTreeMap;
use std::sync::Arc;
use waiting::Waiting;

/// Parties in one shard of notices.
const NOTICES_SHARD_LEN: usize = 1024;
/// Parties that notices are laid out for; more only make shards larger.
const NOTICED_PARTIES: usize = 1 << 20;

/// When and for which command something is executed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Of the request.
    pub(super) position: u64,
    /// The state's.
    pub(super) time_ms: u64,
    /// Of a booking that the command makes.
    pub(super) mark: u64,
}

/// A booking that went with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cancelled {
    id: EventId,
    kind: u16,
    seats: u32,
}

/// All events and what everybody has of them.
#[derive(Clone, Debug)]
pub(super) struct Events {
    config: Arc<EventsConfig>,
    branches: Arc<BTreeMap<BranchCode, Branch>>,
    kinds: Kinds,
    catalogue: Catalogue,
    guests: Guests,
    bookings: Bookings,
    holds: Holds,
    waiting: Waiting,
    /// The latest come last; of people with ids only.
    notices: Shards<Party, Vec<Cancelled>>,
}

impl Events {
    /// No events, and the branches and kinds of the configuration, which must be valid.
    pub(super) fn new(config: Arc<EventsConfig>) -> Events {
        let parties = NOTICED_PARTIES.min(config.bookings_max as usize);
        Events {
            branches: Arc::new(config.branches.iter().cloned().collect()),
            kinds: Kinds::new(&config.kinds),
            catalogue: Catalogue::new(config.events_max),
            guests: Guests::new(config.bookings_max),
            bookings: Bookings::new(config.bookings_max),
            holds: Holds::new(HOLDS_MAX.min(config.bookings_max as usize)),
            waiting: Waiting::new(config.events_max),
            notices: Shards::new(parties, NOTICES_SHARD_LEN),
            config,
        }
    }

    /// Executes an operation.
    pub(super) fn execute(&mut self, now: Now, operation: &EventOperation) -> EventOutcome {
        self.expire(now);
        let EventOperation { actor, action } = operation;
        let done = match action {
            Action::AddBranch { branch, name } => self.add_branch(actor, *branch, name),
            Action::AddTheatre { theatre } => self.add_theatre(actor, theatre),
            Action::AddKind { kind } => self.add_kind(actor, kind),
            Action::AddEvent { event, capacity } => self.add_event(now, actor, event, *capacity),
            Action::RemoveEvent { event } => self.remove_event(actor, event),
            Action::Book { holder, event, seating } => self.book(now, actor, holder, event, seating),
            Action::Cancel { holder, event, kind } => self.cancel(now, actor, holder, *event, kind.as_ref()),
            Action::Exchange { holder, from, to, seating } => {
                self.exchange(now, actor, holder, (from, to), seating)
            }
            Action::DeleteTicket { ticket } => self.delete_ticket(now, actor, *ticket),
            Action::Hold { holder, event, seating } => self.hold(now, actor, holder, event, seating),
            Action::Confirm { holder, event } => self.confirm(now, actor, holder, event),
            Action::Extend { holder, event } => self.extend(now, actor, holder, event),
            Action::Release { holder, event } => self.release(now, actor, holder, event),
            Action::Join { holder, event, count } => self.join(now, actor, holder, event, *count),
            Action::Leave { holder, event } => self.leave(actor, holder, event),
        };
        done.unwrap_or_else(EventOutcome::Refused)
    }

    /// The earliest time at which something is due; nothing while nothing is held.
    pub(super) fn next_expiry_ms(&self) -> Option<u64> {
        self.holds.next_due_ms()
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.catalogue.len()
    }

    /// How many bookings there are.
    pub(super) fn bookings_len(&self) -> usize {
        self.bookings.table().len()
    }

    /// How many holds there are.
    pub(super) fn holds_len(&self) -> usize {
        self.holds.table().len()
    }

    /// The number of an event.
    fn number(&self, event: &EventKey) -> Result<u32, Refusal> {
        let kind = self.kinds.number(&event.kind);
        kind.and_then(|kind| self.catalogue.find(event.id, kind))
            .ok_or_else(|| Refusal::NoSuchEvent { event: event.clone() })
    }

    /// Id and kind of an event.
    fn key(&self, number: u32) -> EventKey {
        let event = self.catalogue.get(number);
        EventKey { id: event.place.id(), kind: self.kinds.name(event.kind).clone() }
    }

    fn left(&self, number: u32) -> u32 {
        self.catalogue.hall(number).seats.left()
    }

    fn has_theatre(&self, branch: BranchCode, theatre: &Name) -> bool {
        let branch = self.branches.get(&branch);
        branch.is_some_and(|branch| branch.theatres.binary_search(theatre).is_ok())
    }

    /// What somebody could have at an event, if they can have anything.
    fn spot(&self, holder: &ids::Actor, event: u32) -> Option<Spot> {
        self.guests.find(holder).map(|party| Spot { party, event })
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
