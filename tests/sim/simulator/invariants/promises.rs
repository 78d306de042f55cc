//! After a partition nothing is lost silently: whatever a client was told is still so, or a report says what became of it.
//!
//! Each name is booked by one command, changed one at a time, and given back by at most one, so that its seats in the
//! end tell.

use super::Judge;
use crate::simulator::model::Key;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::digest::Digest;
use boxoffice::domain::events::answer::{Claim, Claimed, EventAnswer};
use boxoffice::domain::events::command::{Action, EventQuery, Question, Seating};
use boxoffice::domain::events::ids::{Actor, EventKey};
use boxoffice::domain::events::outcome::EventOutcome;
use boxoffice::domain::events::tickets::TicketId;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::domain::state::State;
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::types::Position;
use boxoffice::replication::persister::CONFLICTS_FILE;
use boxoffice::storage::{Disk as _, SimDisk};
use std::collections::BTreeMap;

#[derive(Default)]
struct Promise {
    reserved: Option<Vec<Seat>>,
    /// The commands that made it what it is.
    made: Vec<Key>,
    /// What it may have become, if a change was executed that was never answered.
    maybe: Option<Vec<Seat>>,
    /// The commands that were to give it back.
    deletes: Vec<Key>,
    /// Of which event; none for the theatre.
    event: Option<EventKey>,
    released: Option<Key>,
}

impl Promise {
    fn becomes(&mut self, key: Key, seats: Vec<Seat>) {
        self.made.push(key);
        (self.reserved, self.maybe) = (Some(seats), None);
    }

    /// What is left without a seat, unless it is the only one.
    fn without(&self, seat: Seat) -> Option<Vec<Seat>> {
        let mut rest = self.reserved.clone()?;
        rest.retain(|own| *own != seat);
        (!rest.is_empty()).then_some(rest)
    }
}

/// What clients were told of each name.
#[derive(Default)]
pub struct Promises {
    names: BTreeMap<Name, Promise>,
    /// Whose they are, and of which seat.
    tickets: BTreeMap<TicketId, (Name, Seat)>,
    /// The history that ended with the execution of a command that was answered.
    answered: BTreeMap<Key, Digest>,
    /// Histories that were given up, with the last position that was shared.
    given_up: Vec<(Digest, Position)>,
}

impl Promises {
    pub fn sent(&mut self, command: &Command) {
        let key = (command.session, command.sequence);
        match &command.operation {
            Operation::Delete { name } => self.names.entry(name.clone()).or_default().deletes.push(key),
            Operation::Events(operation) => match &operation.action {
                Action::Cancel { holder: Actor::Guest(name), .. } => {
                    self.names.entry(name.clone()).or_default().deletes.push(key);
                }
                Action::Exchange { holder: Actor::Guest(name), seating: Seating::Seats(seats), .. } => {
                    self.names.entry(name.clone()).or_default().maybe = Some(seats.to_vec());
                }
                Action::DeleteTicket { ticket } => {
                    let Some((name, seat)) = self.tickets.get(ticket) else { return };
                    let promise = self.names.entry(name.clone()).or_default();
                    match promise.without(*seat) {
                        Some(rest) => promise.maybe = Some(rest),
                        None => promise.deletes.push(key),
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    pub fn gave_up(&mut self, history: Digest, shared: Position) {
        self.given_up.push((history, shared));
    }

    pub fn answered(&mut self, key: Key, digest: Digest) {
        self.answered.insert(key, digest);
    }

    pub fn told(&mut self, outcome: &Outcome, command: &Command) {
        let key = (command.session, command.sequence);
        match (outcome, &command.operation) {
            (Outcome::Reserved { name, seats }, _) => {
                self.names.entry(name.clone()).or_default().becomes(key, seats.clone());
            }
            (Outcome::Released { .. }, Operation::Delete { name }) => {
                self.names.entry(name.clone()).or_default().released = Some(key);
            }
            (Outcome::Events(outcome), _) => match &**outcome {
                EventOutcome::Booked { holder: Actor::Guest(name), event, seats, stem }
                | EventOutcome::Exchanged { holder: Actor::Guest(name), to: event, seats, stem, .. } => {
                    let tickets = seats.seats().map(|seat| (stem.ticket(seat), (name.clone(), seat)));
                    self.tickets.extend(tickets);
                    let promise = self.names.entry(name.clone()).or_default();
                    promise.event = Some(event.clone());
                    promise.becomes(key, seats.to_vec());
                }
                EventOutcome::Cancelled { holder: Actor::Guest(name), .. } => {
                    self.names.entry(name.clone()).or_default().released = Some(key);
                }
                EventOutcome::TicketDeleted { ticket, .. } => {
                    let Some((name, seat)) = self.tickets.get(ticket) else { return };
                    let promise = self.names.entry(name.clone()).or_default();
                    match promise.without(*seat) {
                        Some(rest) => promise.becomes(key, rest),
                        None => promise.released = Some(key),
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The seats of a name in the theatre, or of a guest at an event.
fn seats_of(machine: &State, name: &Name, event: Option<&EventKey>) -> Result<Option<Vec<Seat>>, String> {
    let wrong = || Err("an answer of the wrong kind".to_owned());
    let Some(event) = event else {
        let query = Query::Search { name: name.clone() };
        let Answer::Search { seats, .. } = machine.query(&query) else { return wrong() };
        return Ok(seats);
    };
    let holder = Actor::Guest(name.clone());
    let question = Question::Claim { holder: holder.clone(), event: event.clone() };
    let query = Query::Events(Box::new(EventQuery { actor: Some(holder), question }));
    let Answer::Events(answer) = machine.query(&query) else { return wrong() };
    match *answer {
        EventAnswer::Claim(Claim { what: Claimed::Booking { seats, .. }, .. }) => Ok(Some(seats.to_vec())),
        _ => Ok(None),
    }
}

impl Judge {
    /// Holds the last state against what was told, and the reports of all servers.
    pub fn nothing_is_silent<'a>(
        &self,
        engine: &Lamport<State>,
        disks: impl Iterator<Item = &'a SimDisk>,
    ) -> Result<(), String> {
        let mut reports = String::new();
        for disk in disks {
            for file in [CONFLICTS_FILE, "conflicts.1.jsonl"] {
                reports += &String::from_utf8_lossy(&disk.read(file).unwrap_or_default());
            }
        }
        for (name, promise) in &self.promises.names {
            let seats = seats_of(engine.machine(), name, promise.event.as_ref())?;
            let is_kept = match (&promise.reserved, promise.released) {
                (_, Some(delete)) => {
                    let made = &promise.made;
                    seats.is_none() || made.iter().any(|key| self.was_booked_twice(engine, *key, delete))
                }
                (Some(reserved), None) => {
                    seats.as_ref() == Some(reserved)
                        || (promise.maybe.is_some() && seats == promise.maybe)
                        || (!promise.deletes.is_empty() && seats.is_none())
                        || self.was_given_back_unheard(engine, promise)
                }
                (None, None) => true,
            };
            if !is_kept && !reports.contains(&format!("\"{name}\"")) {
                return Err(format!(
                    "{name} was told {:?} (released by {:?}), has {seats:?}, and no report says so",
                    promise.reserved, promise.released
                ));
            }
        }
        Ok(())
    }

    /// Both sides made the booking, and one of them gave it back without its client hearing of that: as below, the other
    /// one's booking stands. The client may have been told by a third side that there was nothing to give back.
    fn was_given_back_unheard(&self, engine: &Lamport<State>, promise: &Promise) -> bool {
        let last = self.executions.model(engine.digest());
        let stands = |key: &Key| last.and_then(|model| model.outcome(*key)).is_some();
        let is_gone = |(history, _): &(Digest, Position)| {
            let lost = self.executions.model(*history);
            let outcome = |key: &Key| lost.and_then(|model| model.outcome(*key));
            promise.deletes.iter().filter_map(outcome).any(|(outcome, _)| outcome.is_success())
        };
        promise.made.iter().any(stands) && self.promises.given_up.iter().any(is_gone)
    }

    /// Both sides made the booking, or changed it, after they had parted, and one of them gave it back: that side has
    /// nothing to report, and the other one's booking stands. The same between three sides that meet one after the other.
    fn was_booked_twice(&self, engine: &Lamport<State>, booking: Key, delete: Key) -> bool {
        let last = engine.digest();
        let booked = self.executions.model(last).and_then(|model| model.outcome(booking));
        let Some((_, position)) = booked else { return false };
        let deleted = self.promises.answered.get(&delete);
        let Some(deleted) = deleted else { return false };
        if self.executions.ancestor(last, *position) != self.executions.ancestor(*deleted, *position) {
            return true;
        }
        // Of three sides, the one that gave it back came over to one that had never heard of the booking.
        let deleted_at = self.executions.get(*deleted).map_or(0, |execution| execution.position);
        self.promises.given_up.iter().any(|(history, shared)| {
            shared < position && self.executions.ancestor(*history, deleted_at) == Some(*deleted)
        })
    }
}
