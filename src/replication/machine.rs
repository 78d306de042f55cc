//! The seats as the state machine of an engine, and the same with somebody looking on.

use super::feed::Feed;
use super::tracer::Tracer;
use crate::domain::batch::{self, BatchBuilder};
use crate::domain::command::Command;
use crate::domain::ids::SessionId;
use crate::domain::image::Image;
use crate::domain::outcome::Outcome;
use crate::domain::state::{Config, State};
use crate::protocol::engine::Machine;
use crate::protocol::trace::Traced;
use crate::protocol::types::{Position, Request};
use crate::telemetry::metrics::Metrics;
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A machine whose state can be written to a snapshot and read back, and whose offers people can read.
pub trait Storable: Machine {
    /// What a state cannot be read without.
    type Config: Clone + Send;
    /// The state before the first request.
    fn blank(config: &Self::Config) -> Self;
    /// Writes the state's bytes, and lets the picture go meanwhile.
    fn write_image(image: Self::Image, out: &mut dyn Write) -> io::Result<()>;
    /// Reads them back; the error is a sentence.
    fn read_state(config: &Self::Config, input: &mut dyn Read) -> Result<Self, String>;
    /// How many requests the state has executed.
    fn executed(&self) -> Position;
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

    fn batch(commands: &[&Bytes]) -> Bytes {
        let bytes = commands.iter().map(|command| command.len()).sum();
        let mut builder = BatchBuilder::with_room(commands.len(), bytes);
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
            batch::encode(&Command { session, sequence, answered_until: 0, operation, key: None }).into()
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
        State::new(config.clone())
    }

    fn write_image(image: Image, out: &mut dyn Write) -> io::Result<()> {
        image.write(out)
    }

    fn read_state(config: &Config, input: &mut dyn Read) -> Result<Self, String> {
        State::read(config.clone(), input).map_err(|error| error.to_string())
    }

    fn executed(&self) -> Position {
        self.position()
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

/// Who looks on while requests are executed.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// Follows the seats.
    pub feed: Feed,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// When the next seats that are set aside fall back.
    pub expiry: NextExpiry,
    /// Records the algorithm for who watches it.
    pub tracer: Tracer,
    /// How many states there were in this process.
    states: Arc<AtomicU64>,
}

impl Audience {
    /// Tells a new state from all others, also from one at the same position.
    fn number(&self) -> u64 {
        self.states.fetch_add(1, Ordering::Relaxed)
    }
}

/// When the next seats that are set aside fall back, in the state's time; for whoever sees to it.
#[derive(Clone, Debug)]
pub struct NextExpiry(Arc<AtomicU64>);

impl Default for NextExpiry {
    fn default() -> Self {
        NextExpiry(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl NextExpiry {
    /// None while nothing is set aside.
    pub fn get_ms(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&ms| ms != u64::MAX)
    }

    fn follow(&self, state: &State) {
        self.0.store(state.next_expiry_ms().unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The seats of a running server. They do what [`State`] does; what was executed is also told to an audience.
#[derive(Debug)]
pub struct Watched {
    state: State,
    number: u64,
    audience: Audience,
}

impl Watched {
    /// The seats themselves.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Tells this state from others that this process had, whatever their position: one that was taken from another
    /// server has another number, one that went on has the same.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Machine for Watched {
    type Outcome = Outcome;
    type Image = Image;

    fn apply(&mut self, position: Position, request: &Request, outcomes: &mut Vec<Outcome>) -> u64 {
        let (before, first) = (self.state.position(), outcomes.len());
        let hash = Machine::apply(&mut self.state, position, request, outcomes);
        let Audience { feed, metrics, expiry, tracer, .. } = &self.audience;
        expiry.follow(&self.state);
        // A log that is read again was counted when it was written.
        if feed.is_live() {
            feed.follow((self.number, before), &self.state, &outcomes[first..]);
            if tracer.is_on() {
                let commands = (outcomes.len() - first) as u32;
                tracer.record(Traced::Executed { position, request: request.timestamp, commands });
            }
            metrics.batch_commands.observe((outcomes.len() - first) as f64);
            metrics.executed(outcomes[first..].iter().map(word));
        }
        hash
    }

    fn freeze(&self) -> Image {
        self.state.freeze()
    }

    fn batch(commands: &[&Bytes]) -> Bytes {
        <State as Machine>::batch(commands)
    }

    fn divergence(&self, theirs: &Self, shared: Position, seed: u64) -> Vec<Bytes> {
        Machine::divergence(&self.state, &theirs.state, shared, seed)
    }

    fn seats_left(&self) -> u32 {
        self.state.left()
    }
}

impl Storable for Watched {
    type Config = (Config, Audience);

    fn blank((config, audience): &(Config, Audience)) -> Self {
        Watched { state: State::blank(config), number: audience.number(), audience: audience.clone() }
    }

    fn write_image(image: Image, out: &mut dyn Write) -> io::Result<()> {
        State::write_image(image, out)
    }

    fn read_state((config, audience): &(Config, Audience), input: &mut dyn Read) -> Result<Self, String> {
        let state = State::read_state(config, input)?;
        audience.expiry.follow(&state);
        Ok(Watched { state, number: audience.number(), audience: audience.clone() })
    }

    fn executed(&self) -> Position {
        self.state.executed()
    }

    fn describe_offer(offer: &[u8]) -> serde_json::Value {
        State::describe_offer(offer)
    }

    fn describe_outcome(outcome: &Outcome) -> (serde_json::Value, bool) {
        State::describe_outcome(outcome)
    }
}

/// What a command came to, in one word for counting.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Reserved { .. } => "reserved",
        Outcome::NotEnough { .. } => "not_enough",
        Outcome::AlreadyBooked { .. } => "already_booked",
        Outcome::Taken { .. } => "taken",
        Outcome::NoSuchSeats { .. } => "no_such_seats",
        Outcome::Released { .. } => "released",
        Outcome::NoReservation { .. } => "no_reservation",
        Outcome::SessionExpired => "session_expired",
        Outcome::SequenceForgotten => "sequence_forgotten",
        Outcome::SequenceReused => "sequence_reused",
        Outcome::Malformed => "malformed",
        Outcome::KeyReused => "key_reused",
        Outcome::KeysFull => "keys_full",
        Outcome::Events(outcome) if outcome.is_success() => "events_done",
        Outcome::Events(_) => "events_refused",
    }
}
