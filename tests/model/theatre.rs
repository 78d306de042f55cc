//! The state machine of the model: the shipping one, shared by all copies of an engine that did not change it.

use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::Machine;
use boxoffice::protocol::types::{Position, Request};
use bytes::Bytes;
use std::sync::Arc;

/// Seats: enough for every command of a model, so that a lost one shows as a seat sold twice.
const CAPACITY: u32 = 4;
/// The time at which everything happens, for all servers.
pub const WALL_MS: u64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
pub struct Theatre(Arc<State>);

impl Theatre {
    pub fn new() -> Self {
        let config = Config {
            capacity: CAPACITY,
            sessions_max: 100,
            session_age_ms: 3_600_000,
            outcomes_per_session_max: 8,
            time_step_ms_max: WALL_MS * 2,
            keys: Default::default(),
            events: EventsConfig { events_max: 1, bookings_max: 1, ..EventsConfig::default() }.into(),
        };
        Theatre(Arc::new(State::new(config)))
    }

    pub fn check(&self) -> Result<(), String> {
        self.0.check().map_err(|why| why.to_string())
    }
}

impl Machine for Theatre {
    type Outcome = Outcome;
    type Image = <State as Machine>::Image;

    fn apply(&mut self, position: Position, request: &Request, outcomes: &mut Vec<Outcome>) -> u64 {
        Machine::apply(Arc::make_mut(&mut self.0), position, request, outcomes)
    }

    fn freeze(&self) -> Self::Image {
        Machine::freeze(&*self.0)
    }

    fn batch(commands: &[&Bytes]) -> Bytes {
        State::batch(commands)
    }

    fn divergence(&self, theirs: &Self, shared: Position, seed: u64) -> Vec<Bytes> {
        Machine::divergence(&*self.0, &theirs.0, shared, seed)
    }

    fn seats_left(&self) -> u32 {
        Machine::seats_left(&*self.0)
    }
}

/// Names of the clients: command `n` is "reserve one seat for the n-th".
const NAMES: [&str; 3] = ["ann", "bob", "cid"];

/// The n-th client's command, encoded.
pub fn command(n: u8) -> Bytes {
    let name = NAMES[usize::from(n)].parse().expect("a name");
    let session = SessionId { birth_ms: 0, random: u64::from(n) };
    let operation = Operation::Reserve { name, count: 1 };
    batch::encode(&Command { session, sequence: 1, answered_until: 0, operation, key: None }).into()
}

pub fn name(n: u8) -> &'static str {
    NAMES[usize::from(n)]
}
