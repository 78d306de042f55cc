//! Commands and states that the benches share.

use boxoffice::domain::batch::BatchBuilder;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::{Name, SEATS_MAX, SessionId};
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::{Config, State};
use bytes::Bytes;

/// Sessions that take turns; each has had all its answers but one.
const SESSIONS: u64 = 16;

pub fn config(sessions_max: u32) -> Config {
    Config {
        capacity: SEATS_MAX,
        sessions_max,
        session_age_ms: 3_600_000,
        outcomes_per_session_max: 256,
        time_step_ms_max: 60_000,
        keys: Default::default(),
        events: EventsConfig::default().into(),
    }
}

/// Ten characters, in no order.
pub fn name(number: u64) -> Name {
    format!("{:010}", number.wrapping_mul(7_654_321) % 10_000_000_000).parse().expect("a name")
}

pub fn reserve(number: u64) -> Operation {
    Operation::Reserve { name: name(number), count: 2 }
}

pub fn delete(number: u64) -> Operation {
    Operation::Delete { name: name(number) }
}

/// The command of a number, counted from 0; the session and its numbering follow from it.
pub fn command(number: u64, operation: Operation) -> Command {
    let sequence = number / SESSIONS + 1;
    Command {
        session: SessionId { birth_ms: 0, random: number % SESSIONS },
        sequence,
        answered_until: sequence - 1,
        operation,
        key: None,
    }
}

pub fn batch(commands: impl IntoIterator<Item = Command>) -> Bytes {
    let mut batch = BatchBuilder::new();
    commands.into_iter().for_each(|command| batch.push(&command).expect("short"));
    batch.finish()
}

/// A state and its next position.
pub struct Running {
    pub state: State,
    position: u64,
    outcomes: Vec<Outcome>,
}

impl Running {
    pub fn new(sessions_max: u32) -> Running {
        Running { state: State::new(config(sessions_max)), position: 0, outcomes: Vec::new() }
    }

    /// With reservations of two seats for the names 0 to `count - 1`, made by the commands of these numbers.
    pub fn with_reservations(count: u64) -> Running {
        let mut running = Running::new(100_000);
        let numbers: Vec<u64> = (0..count).collect();
        for part in numbers.chunks(1000) {
            running.apply(&batch(part.iter().map(|&number| command(number, reserve(number)))), 0);
        }
        assert_eq!(running.state.reservations_len() as u64, count);
        running
    }

    /// Executes a batch and lets go of what it came to, as a server does when it has answered.
    pub fn apply(&mut self, batch: &[u8], time_ms: u64) -> u64 {
        self.position += 1;
        self.outcomes.clear();
        self.state.apply(self.position, time_ms, batch, &mut self.outcomes)
    }

    /// That the last batch did what it was made for.
    pub fn assert_all(&self, is_right: impl Fn(&Outcome) -> bool) {
        assert!(!self.outcomes.is_empty() && self.outcomes.iter().all(is_right));
    }
}
