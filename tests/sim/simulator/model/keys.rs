//! Idempotency keys, in a list whose last entry is the newest.

use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::keys::Key;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::Config;

#[derive(Clone)]
struct Used {
    key: Key,
    made_ms: u64,
    operation: Operation,
    outcome: Outcome,
}

#[derive(Clone, Default)]
pub struct Keys {
    in_order: Vec<Used>,
}

impl Keys {
    pub fn forget_old(&mut self, now_ms: u64, age_ms: u64) {
        self.in_order.retain(|used| used.made_ms + age_ms >= now_ms);
    }

    /// What comes of a command without executing it; none if it must be.
    pub fn rule(&self, command: &Command, config: &Config) -> Option<Outcome> {
        let key = command.key.as_ref()?;
        match self.in_order.iter().find(|used| used.key == *key) {
            Some(used) if used.operation == command.operation => Some(used.outcome.clone()),
            Some(_) => Some(Outcome::KeyReused),
            None if self.in_order.len() >= config.keys.keys_max as usize => Some(Outcome::KeysFull),
            None => None,
        }
    }

    /// Keeps the outcome of a command that was executed just now, if it has a key.
    pub fn record(&mut self, command: &Command, outcome: &Outcome, now_ms: u64) {
        let Some(key) = command.key.clone() else { return };
        let (operation, outcome) = (command.operation.clone(), outcome.clone());
        self.in_order.push(Used { key, made_ms: now_ms, operation, outcome });
    }
}
