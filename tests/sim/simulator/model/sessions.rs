//! Sessions as `docs/sessions.md` has them, in a list whose last entry was used last.

use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::Config;
use std::collections::BTreeMap;

#[derive(Clone)]
struct Session {
    id: SessionId,
    used_ms: u64,
    settled: u64,
    known: BTreeMap<u64, (Operation, Outcome)>,
}

#[derive(Clone, Default)]
pub struct Sessions {
    in_order_of_use: Vec<Session>,
    horizon_ms: u64,
}

/// What the session says to a command.
pub enum Ruling {
    Execute,
    /// It was executed before; the same answer.
    Repeat(Outcome),
    Refuse(Outcome),
}

impl Sessions {
    pub fn horizon_ms(&self) -> u64 {
        self.horizon_ms
    }

    pub fn forget_old(&mut self, now_ms: u64, age_ms: u64) {
        while self.in_order_of_use.first().is_some_and(|first| first.used_ms + age_ms < now_ms) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let first = self.in_order_of_use.remove(0);
        self.horizon_ms = self.horizon_ms.max(first.id.birth_ms + 1);
    }

    pub fn rule(&mut self, command: &Command, now_ms: u64, config: &Config) -> Ruling {
        if command.sequence == 0 {
            return Ruling::Refuse(Outcome::Malformed);
        }
        let id = command.session;
        let mut session = match self.in_order_of_use.iter().position(|session| session.id == id) {
            Some(at) => self.in_order_of_use.remove(at),
            None if id.birth_ms < self.horizon_ms || id.birth_ms > now_ms => {
                return Ruling::Refuse(Outcome::SessionExpired);
            }
            None => {
                while self.in_order_of_use.len() >= config.sessions_max as usize {
                    self.forget_first();
                }
                Session { id, used_ms: 0, settled: 0, known: BTreeMap::new() }
            }
        };
        session.used_ms = now_ms;
        session.settled = session.settled.max(command.answered_until);
        session.known.retain(|&number, _| number > session.settled);
        let ruling = match session.known.get(&command.sequence) {
            _ if command.sequence <= session.settled => Ruling::Refuse(Outcome::SequenceForgotten),
            Some((operation, outcome)) if *operation == command.operation => Ruling::Repeat(outcome.clone()),
            Some(_) => Ruling::Refuse(Outcome::SequenceReused),
            None => Ruling::Execute,
        };
        self.in_order_of_use.push(session);
        ruling
    }

    /// Keeps the outcome of a command of the session that was used last.
    pub fn record(
        &mut self,
        key: (SessionId, u64),
        operation: &Operation,
        outcome: &Outcome,
        config: &Config,
    ) {
        let session = self.in_order_of_use.last_mut().filter(|session| session.id == key.0);
        let session = session.expect("its command was ruled on just before");
        session.known.insert(key.1, (operation.clone(), outcome.clone()));
        if session.known.len() > config.outcomes_per_session_max as usize {
            let lowest = session.known.pop_first().map_or(0, |(number, _)| number);
            session.settled = session.settled.max(lowest);
        }
    }
}
