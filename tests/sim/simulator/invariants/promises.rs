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
                (_, Some(_)) => seats.is_none(),
                (Some(reserved), None) => {
                    seats.as_ref() == Some(reserved)
                        || (promise.maybe.is_some() && seats == promise.maybe)
                        || (!promise.deletes.is_empty() && seats.is_none())
                }
                (None, None) => true,
            };
            let is_told = reports.contains(&format!("\"{name}\""));
            if !is_kept && !is_told && !self.was_booked_twice(engine, promise) {
                return Err(format!(
                    "{name} was told {:?} (released by {:?}), has {seats:?}, and no report says so",
                    promise.reserved, promise.released
                ));
            }
        }
        Ok(())
    }

    /// Both sides made the booking, or changed it, after they had parted, and the one that was given up gave it back: it has
    /// nothing to report, and the other one's booking stands. Who is told of the deletion does not matter: a third side may
    /// have known of nothing to give back.
    fn was_booked_twice(&self, engine: &Lamport<State>, promise: &Promise) -> bool {
        let last = self.executions.model(engine.digest());
        let made: Vec<Position> =
            promise.made.iter().filter_map(|key| Some(last?.outcome(*key)?.1)).collect();
        self.promises.given_up.iter().any(|(history, shared)| {
            let lost = self.executions.model(*history);
            let outcome = |key: &Key| lost.and_then(|model| model.outcome(*key));
            // Its own position counts too: it shared more with the side that it joined than with the last one.
            let made_there = promise.made.iter().filter_map(outcome).map(|(_, position)| position);
            made.iter().chain(made_there).any(|position| position > shared)
                && promise.deletes.iter().filter_map(outcome).any(|(outcome, _)| outcome.is_success())
        })
    }
}
