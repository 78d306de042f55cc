//! The oracle: a naive server of one theatre that shares no code with the state machine.
//!
//! It is fed with the requests in the order in which the servers executed them, and says what each command must come
//! to: the seats as a plain list, events as plain lists of who has what, sessions and keys as lists in order of use, all
//! searched from front to back.

mod events;
mod keys;
mod sessions;
mod theatre;

use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::{Name, Seat, SessionId};
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::Config;
use boxoffice::protocol::types::{Position, Request};
use events::{Events, Now};
use keys::Keys;
use sessions::{Ruling, Sessions};
use std::collections::{BTreeMap, BTreeSet};
use theatre::Theatre;

/// Names a command for ever.
pub type Key = (SessionId, u64);

/// What the whole cluster must look like after the same requests.
#[derive(Clone)]
pub struct Model {
    config: Config,
    time_ms: u64,
    theatre: Theatre,
    sessions: Sessions,
    keys: Keys,
    events: Events,
    /// Every command that was ever executed, with its outcome and where. Nothing is ever forgotten here.
    executed: BTreeMap<Key, (Outcome, Position)>,
    /// Commands that were refused at least once because of their session.
    refused: BTreeSet<Key>,
}

impl Model {
    pub fn new(config: Config) -> Self {
        Model {
            time_ms: 0,
            theatre: Theatre::new(config.capacity),
            sessions: Sessions::default(),
            keys: Keys::default(),
            events: Events::new(&config.events),
            config,
            executed: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Executes one request; one outcome for each command. An error is a breach of invariant 4.
    pub fn execute(&mut self, position: Position, request: &Request) -> Result<Vec<Outcome>, String> {
        let latest_ms = if position == 1 { u64::MAX } else { self.time_ms + self.config.time_step_ms_max };
        self.time_ms = self.time_ms.max(request.time_ms.min(latest_ms));
        self.sessions.forget_old(self.time_ms, self.config.session_age_ms);
        self.keys.forget_old(self.time_ms, self.config.keys.age_ms);
        let mut outcomes = Vec::new();
        for command in batch::commands(&request.batch) {
            let command =
                command.map_err(|error| format!("position {position} holds no command: {error}"))?;
            let key = (command.session, command.sequence);
            let outcome = match self.sessions.rule(&command, self.time_ms, &self.config) {
                Ruling::Refuse(outcome) => {
                    self.refused.insert(key);
                    outcome
                }
                Ruling::Repeat(outcome) => outcome,
                Ruling::Execute => self.execute_once(key, &command, position)?,
            };
            outcomes.push(outcome);
        }
        self.time_ms = self.time_ms.max(self.sessions.horizon_ms());
        Ok(outcomes)
    }

    fn execute_once(&mut self, key: Key, command: &Command, position: Position) -> Result<Outcome, String> {
        let operation = &command.operation;
        let outcome = match self.keys.rule(command, &self.config) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.carry_out(key, operation, position);
                self.keys.record(command, &outcome, self.time_ms);
                outcome
            }
        };
        self.sessions.record(key, operation, &outcome, &self.config);
        match self.executed.insert(key, (outcome.clone(), position)) {
            None => Ok(outcome),
            Some((_, first)) => Err(format!(
                "invariant 4: command {} of session {} was executed at {first}, and again at {position}",
                key.1, key.0
            )),
        }
    }

    fn carry_out(&mut self, key: Key, operation: &Operation, position: Position) -> Outcome {
        match operation {
            Operation::Events(_) | Operation::Expire | Operation::Offer(_) => {
                let mark = events::mark(key.0.birth_ms, key.0.random, key.1);
                let now = Now { position, time_ms: self.time_ms, mark };
                Outcome::Events(self.events.operate(operation, now).into())
            }
            Operation::Reserve { .. }
            | Operation::ReserveSeats { .. }
            | Operation::Delete { .. }
            | Operation::Restore { .. }
            | Operation::Withdraw { .. } => self.theatre.operate(operation, position),
        }
    }

    /// What the command came to when it was executed, and where.
    pub fn outcome(&self, key: Key) -> Option<&(Outcome, Position)> {
        self.executed.get(&key)
    }

    /// Whether its session has ever been the reason to refuse the command.
    pub fn was_refused(&self, key: Key) -> bool {
        self.refused.contains(&key)
    }

    pub fn events(&self) -> &Events {
        &self.events
    }

    pub fn held_by(&self, name: &Name) -> Vec<Seat> {
        self.theatre.held_by(name)
    }

    /// Free seats, a bit each.
    pub fn free(&self) -> u64 {
        self.theatre.free_bits()
    }
}
