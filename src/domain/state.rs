//! The replicated state: what every server computes alike from the same requests in the same order.
//!
//! [`State::apply`] is the only way to change it. The position, the time and the batch are all it depends on.
//!
//! Absent on purpose: errors. Whatever a batch holds, each command has an outcome; only a broken invariant
//! panics, and that must stop the server before it sells a seat twice.
//!
//! Memory: 110 to 140 bytes a reservation (`reservations.rs`), about 220 bytes a session with one outcome
//! (`session.rs`), half a byte a seat.

use super::batch::{self, BatchError};
use super::command::{Command, Operation, Query};
use super::divergence::{self, Divergence};
use super::events::config::{EventsConfig, EventsConfigError};
use super::events::outcome::EventOutcome;
use super::events::sight::EventSight;
use super::events::{self, Events, Now, tickets};
use super::ids::SEATS_MAX;
use super::image::Image;
use super::kept::Kept;
use super::keys::{KeyAdmission, KeyLimits, Keys};
use super::outcome::{Answer, Outcome, SeatMap};
use super::pack;
use super::reservations::Reservations;
use super::seats::SeatSet;
use super::session::{Admission, Limits, Record, Sessions};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Latest time that a request can stamp, in milliseconds since 1970 (the year 287396): later stamps count as
/// this one, so that no sum of times overflows.
pub const TIME_MS_MAX: u64 = 1 << 53;
/// Most bytes of all outcomes that are kept for retries, about; sessions are forgotten before there are more.
pub const OUTCOMES_BYTES_MAX: usize = 1 << 30;
/// Commands of a request that are looked at before the first of them is executed: what they need then fits into a cache.
const COMMANDS_AHEAD: usize = 128;
/// A buffer that grew beyond this for one large outcome or operation is given back.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// Replicated configuration: equal on all servers of a cluster for as long as its data lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Seats of the theatre, at most [`SEATS_MAX`].
    pub capacity: u32,
    /// Sessions that are remembered, at least 1.
    pub sessions_max: u32,
    /// How long a session is remembered without a command, in the state's own time.
    pub session_age_ms: u64,
    /// Outcomes that are remembered of one session, at least 1: as many commands may be without an answer.
    pub outcomes_per_session_max: u32,
    /// How far one request can move the state's time. Less than the session age, lest one wrong clock expire
    /// all sessions.
    pub time_step_ms_max: u64,
    /// Of idempotency keys.
    pub keys: KeyLimits,
    /// Of events other than the theatre.
    pub events: Arc<EventsConfig>,
}

/// Why a [`Config`] cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Carries the capacity.
    #[error("a theatre has at most {SEATS_MAX} seats, not {0}")]
    Capacity(u32),
    /// No session would be remembered.
    #[error("at least one session must be remembered")]
    Sessions,
    /// No outcome would be remembered.
    #[error("at least one outcome per session must be remembered")]
    Outcomes,
    /// No key would be remembered.
    #[error("at least one idempotency key must be remembered")]
    Keys,
    /// Of events.
    #[error(transparent)]
    Events(#[from] EventsConfigError),
}

impl Config {
    /// Whether a state can be made with it.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.capacity > SEATS_MAX {
            return Err(ConfigError::Capacity(self.capacity));
        }
        if self.sessions_max == 0 {
            return Err(ConfigError::Sessions);
        }
        if self.outcomes_per_session_max == 0 {
            return Err(ConfigError::Outcomes);
        }
        if self.keys.keys_max == 0 {
            return Err(ConfigError::Keys);
        }
        Ok(self.events.validate()?)
    }

    fn limits(&self) -> Limits {
        Limits {
            sessions_max: self.sessions_max as usize,
            outcomes_max: self.outcomes_per_session_max as usize,
            bytes_max: OUTCOMES_BYTES_MAX,
            age_ms: self.session_age_ms,
        }
    }
}

/// The state of one server. Cloning copies some pointers of each map, and the seat tree and the order of sessions whole.
#[derive(Clone)]
pub struct State {
    pub(super) config: Config,
    /// Of the last request; 0 before the first.
    pub(super) position: u64,
    pub(super) time_ms: u64,
    pub(super) reservations: Reservations,
    pub(super) sessions: Sessions,
    pub(super) keys: Keys,
    pub(super) events: Events,
    pub(super) buffers: Buffers,
}

/// Room for what is only looked at, used again by each request. No part of what a state is.
#[derive(Default)]
pub(super) struct Buffers {
    commands: Vec<Result<Command, BatchError>>,
    encoded: Vec<u8>,
    scratch: Vec<u8>,
}

impl Clone for Buffers {
    fn clone(&self) -> Self {
        Buffers::default()
    }
}

impl State {
    /// The state before the first request: all seats free, nobody known, time 0.
    ///
    /// # Panics
    /// If the configuration is not [valid](Config::validate).
    pub fn new(config: Config) -> State {
        if let Err(error) = config.validate() {
            panic!("a state of an invalid configuration: {error}");
        }
        State {
            position: 0,
            time_ms: 0,
            reservations: Reservations::new(config.capacity),
            sessions: Sessions::new(config.limits()),
            keys: Keys::new(config.keys),
            events: Events::new(config.events.clone()),
            config,
            buffers: Buffers::default(),
        }
    }

    /// Executes one request: moves the time to its stamp `time_ms`, executes each command of its
    /// [`batch`] and pushes one outcome for each in order. A part of the batch that is no
    /// command gives one `Malformed`; broken framing gives one for all that follows it.
    ///
    /// Returns the xxh3-64 hash of the pushed outcomes, as their postcard encodings one after another.
    ///
    /// # Panics
    /// If `position` is not greater than that of the request before; the first is at least 1.
    pub fn apply(&mut self, position: u64, time_ms: u64, batch: &[u8], outcomes: &mut Vec<Outcome>) -> u64 {
        assert!(position > self.position, "position {position} is applied after {}", self.position);
        self.move_time(time_ms);
        self.position = position;
        self.reservations.forget_touched();
        self.events.forget_touched();
        self.sessions.forget_old(self.time_ms);
        self.keys.forget_old(self.time_ms);
        let Buffers { mut commands, mut encoded, mut scratch } = std::mem::take(&mut self.buffers);
        encoded.clear();
        let mut rest = batch::commands(batch);
        loop {
            commands.extend(rest.by_ref().take(COMMANDS_AHEAD));
            if commands.is_empty() {
                break;
            }
            self.approach(&commands);
            for command in commands.drain(..) {
                let outcome = match command {
                    Ok(command) => self.execute(&command, &mut scratch),
                    Err(_) => Outcome::Malformed,
                };
                pack::append(&mut encoded, &outcome);
                outcomes.push(outcome);
            }
        }
        self.events.settle_touched();
        let hash = xxh3_64(&encoded);
        encoded.shrink_to(BUFFER_BYTES_KEPT);
        scratch.shrink_to(BUFFER_BYTES_KEPT);
        self.buffers = Buffers { commands, encoded, scratch };
        // Forgetting a session born this very millisecond must not lock out the next one (docs/sessions.md).
        self.time_ms = self.time_ms.max(self.sessions.horizon_ms());
        hash
    }

    /// Answers a question.
    pub fn query(&self, query: &Query) -> Answer {
        match query {
            Query::Search { name } => {
                let held = self.reservations.by_name().get(name);
                Answer::Search { name: name.clone(), seats: held.map(|held| held.seats.to_vec()) }
            }
            Query::Seats => {
                let seats = self.reservations.seats();
                Answer::Seats(SeatMap {
                    capacity: seats.capacity(),
                    left: seats.left(),
                    free: seats.words().to_vec(),
                })
            }
            Query::Events(query) => Answer::Events(Box::new(self.events.ask(query))),
        }
    }

    /// The theatre's seats as they are.
    pub fn seats(&self) -> &SeatSet {
        self.reservations.seats()
    }

    /// Numbers of the events that the last request may have changed, ascending: added, removed, with other seats, held
    /// or waited for by others. At most all events; none when a state was only read.
    pub fn touched_events(&self) -> impl Iterator<Item = u32> {
        self.events.touched()
    }

    /// One past the highest number of an event. Numbers are the same on every server, and used again.
    pub fn event_numbers_end(&self) -> u32 {
        self.events.numbers_end()
    }

    /// The event of a number, as it is.
    pub fn event_sight(&self, number: u32) -> Option<EventSight<'_>> {
        self.events.sight(number)
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Position of the last request; 0 before the first.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The state's own time, in milliseconds: the greatest stamp, but moved by no request further than the
    /// configured step. What a session that begins now has as its birth.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// How many seats there are.
    pub fn capacity(&self) -> u32 {
        self.config.capacity
    }

    /// How many seats are free.
    pub fn left(&self) -> u32 {
        self.reservations.seats().left()
    }

    /// How many names hold seats.
    pub fn reservations_len(&self) -> usize {
        self.reservations.by_name().len()
    }

    /// How many sessions are remembered.
    pub fn sessions_len(&self) -> usize {
        self.sessions.by_id().len()
    }

    /// How many idempotency keys are remembered.
    pub fn keys_len(&self) -> usize {
        self.keys.by_key().len()
    }

    /// How many events there are beside the theatre.
    pub fn events_len(&self) -> usize {
        self.events.len()
    }

    /// How many bookings of those events there are.
    pub fn bookings_len(&self) -> usize {
        self.events.bookings_len()
    }

    /// How many holds there are, those among them that are offers to people who wait.
    pub fn holds_len(&self) -> usize {
        self.events.holds_len()
    }

    /// When the next seats that are set aside fall back, in the state's time: from then on somebody should send
    /// [`Operation::Expire`]. Nothing while nothing is set aside.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.events.next_expiry_ms()
    }

    /// A picture of the state as it is now, to be written beside further requests. Costs at most
    /// 256 pointers a map; each later request copies the shards it touches, once.
    pub fn freeze(&self) -> Image {
        Image::of(self)
    }

    /// What the losing side of a partition did that the winning side does not have: see [`Divergence`].
    /// `shared_position` is the last position that both executed alike. All deletions come first, because
    /// reservations may need their seats; both are ordered by name. What is about events comes last.
    pub fn divergence(mine: &State, theirs: &State, shared_position: u64) -> Vec<Divergence> {
        let mut found =
            divergence::between(mine.reservations.by_name(), theirs.reservations.by_name(), shared_position);
        let offers = events::divergence::between(&mine.events, &theirs.events, shared_position);
        found.extend(offers.into_iter().map(Divergence::Events));
        found
    }

    /// Looks at everything: sold and free seats add up, no seat has two holders, sessions are in order, all
    /// that follows from something else does. For tests: takes as long as the state is large.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.reservations.check()?;
        self.sessions.check(self.time_ms)?;
        self.keys.check(self.time_ms)?;
        self.events.check(self.position)?;
        let mut made_at = self.reservations.by_name().iter().map(|(_, held)| held.made_at);
        if !made_at.all(|made_at| (1..=self.position).contains(&made_at)) {
            return Err("a reservation was made at a position that was not executed".into());
        }
        Ok(())
    }

    fn move_time(&mut self, stamp_ms: u64) {
        let stamp_ms = stamp_ms.min(TIME_MS_MAX);
        // The first stamp says what the time is; nothing before it could.
        let latest_ms = if self.position == 0 {
            stamp_ms
        } else {
            self.time_ms.saturating_add(self.config.time_step_ms_max)
        };
        self.time_ms = self.time_ms.max(stamp_ms.min(latest_ms));
    }

    /// What these commands will look for is asked for, all at once. One alone has nobody to wait with.
    fn approach(&self, commands: &[Result<Command, BatchError>]) {
        if commands.len() < 2 {
            return;
        }
        let operations = || commands.iter().flatten().map(|command| &command.operation);
        self.reservations.approach(operations());
        self.events.approach(operations().filter_map(|operation| match operation {
            Operation::Events(operation) => Some(&**operation),
            _ => None,
        }));
    }

    /// Executes a command unless its session says otherwise. `scratch` is only there to be used again.
    fn execute(&mut self, command: &Command, scratch: &mut Vec<u8>) -> Outcome {
        let operation_hash = hash(&command.operation, scratch);
        let kept = match self.sessions.admit(command, operation_hash, self.time_ms) {
            Admission::Refused(outcome) => return outcome,
            Admission::Known(kept) => kept,
            Admission::Execute => {
                let kept = self.carry_out_once(command, operation_hash);
                let record = Record { sequence: command.sequence, operation_hash, kept: kept.clone() };
                self.sessions.record(command.session, record);
                kept
            }
        };
        Kept::outcome(&kept, &command.operation, self.config.capacity)
    }
}

impl State {
    /// Executes an operation unless its key says otherwise.
    fn carry_out_once(&mut self, command: &Command, operation_hash: u64) -> Kept {
        let Some(key) = &command.key else { return self.carry_out(command) };
        match self.keys.admit(key, operation_hash, self.time_ms) {
            KeyAdmission::Known(kept) => kept,
            KeyAdmission::Execute => {
                let kept = self.carry_out(command);
                self.keys.record(key.clone(), operation_hash, kept.clone(), self.time_ms);
                kept
            }
        }
    }

    fn carry_out(&mut self, command: &Command) -> Kept {
        let now = || Now {
            position: self.position,
            time_ms: self.time_ms,
            mark: tickets::mark(command.session, command.sequence),
        };
        let outcome = match &command.operation {
            Operation::Reserve { .. }
            | Operation::ReserveSeats { .. }
            | Operation::Delete { .. }
            | Operation::Restore { .. }
            | Operation::Withdraw { .. } => {
                return self.reservations.execute(self.position, &command.operation);
            }
            Operation::Events(operation) => self.events.execute(now(), operation),
            Operation::Expire => EventOutcome::Expired { holds: self.events.expire(now()) },
            Operation::Offer(offer) => self.events.heal(now(), offer),
        };
        Kept::Events(Arc::new(outcome))
    }
}

impl fmt::Debug for State {
    // The derived one would print a million seats into an assertion's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("position", &self.position)
            .field("time_ms", &self.time_ms)
            .field("left", &self.left())
            .field("reservations", &self.reservations_len())
            .field("sessions", &self.sessions_len())
            .field("events", &self.events_len())
            .finish_non_exhaustive()
    }
}

/// Hash of an operation's encoding: of the decoded one, because a value can have several encodings.
fn hash(operation: &Operation, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    pack::append(scratch, operation);
    xxh3_64(scratch)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
