//! The seats as the state machine of an engine.

use crate::domain::batch::{self, BatchBuilder};
use crate::domain::command::Command;
use crate::domain::ids::SessionId;
use crate::domain::image::Image;
use crate::domain::outcome::Outcome;
use crate::domain::state::{Config, State};
use crate::protocol::engine::Machine;
use crate::protocol::types::{Position, Request};
use bytes::Bytes;
use std::io::{self, Read, Write};

/// A machine whose state can be written to a snapshot and read back, and whose offers people can read.
pub trait Storable: Machine {
    /// What a state cannot be read without.
    type Config: Clone + Send;
    /// The state before the first request.
    fn blank(config: &Self::Config) -> Self;
    /// Writes the state's bytes.
    fn write_image(image: &Self::Image, out: &mut dyn Write) -> io::Result<()>;
    /// Reads them back; the error is a sentence.
    fn read_state(config: &Self::Config, input: &mut dyn Read) -> Result<Self, String>;
    /// An offer of a lost side, for its conflict report.
    fn describe_offer(offer: &[u8]) -> serde_json::Value;
    /// What it came to, and whether nobody need look at it.
    fn describe_outcome(outcome: &Self::Outcome) -> (serde_json::Value, bool);
}

impl Machine for State {
    type Outcome = Outcome;
    type Image = Image;

    fn apply(&mut self, position: Position, request: &Request, outcomes: &mut Vec<Outcome>) -> u64 {
        State::apply(self, position, request.time_ms, &request.batch, outcomes)
    }

    fn freeze(&self) -> Image {
        State::freeze(self)
    }

    fn batch(commands: &[Bytes]) -> Bytes {
        let mut builder = BatchBuilder::new();
        for command in commands {
            builder.push_encoded(command).expect("commands are held to their limit where they come in");
        }
        builder.finish()
    }

    fn divergence(&self, theirs: &Self, shared: Position, seed: u64) -> Vec<Bytes> {
        let session = SessionId { birth_ms: theirs.time_ms(), random: seed };
        let operations = State::divergence(self, theirs, shared);
        let commands = (1..).zip(operations).map(|(sequence, divergence)| {
            let operation = divergence.operation(shared);
            batch::encode(&Command { session, sequence, answered_until: 0, operation }).into()
        });
        commands.collect()
    }

    fn seats_left(&self) -> u32 {
        self.left()
    }
}

impl Storable for State {
    type Config = Config;

    fn blank(config: &Config) -> Self {
        State::new(*config)
    }

    fn write_image(image: &Image, out: &mut dyn Write) -> io::Result<()> {
        image.write(out)
    }

    fn read_state(config: &Config, input: &mut dyn Read) -> Result<Self, String> {
        State::read(*config, input).map_err(|error| error.to_string())
    }

    fn describe_offer(offer: &[u8]) -> serde_json::Value {
        match batch::decode(offer) {
            Ok(command) => serde_json::to_value(command.operation).unwrap_or_default(),
            Err(error) => serde_json::Value::String(error.to_string()),
        }
    }

    fn describe_outcome(outcome: &Outcome) -> (serde_json::Value, bool) {
        // A withdrawal that finds nothing has nothing left to do.
        let settled = outcome.is_success() || matches!(outcome, Outcome::NoReservation { .. });
        (serde_json::Value::String(outcome.to_string()), settled)
    }
}
