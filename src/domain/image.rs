//! A picture of the state, and its bytes.
//!
//! The bytes are a row of records, each `length: u32, little-endian` and so many bytes of postcard: a header,
//! then every reservation by shard and name, then all about events (`events::image`), then every session by its
//! last command, each followed by its outcomes, then every idempotency key by its first use. They are canonical: two
//! states that will answer alike for ever have the same bytes, whatever their past. Seats, counters and the order of use are not written, they follow from the rest.
//!
//! No checksums: the file or the link around it has them. Reading still refuses whatever no state could be.

use super::events::Events;
use super::events::image::EventsImage;
use super::ids::{Name, SessionId};
use super::kept::Kept;
use super::keys::{Key, KeyRecord};
use super::reservations::Reservation;
use super::runs::SeatRuns;
use super::session::{Record, Session};
use super::shards::{OutOfOrder, Shards};
use super::state::{Config, ConfigError, State, TIME_MS_MAX};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, BufWriter, Read, Write};

/// First in the header; its last character is the version of the format.
const MAGIC: [u8; 8] = *b"BOXIMG_4";
/// Longest record. The longest that is written is an outcome that lists a million separate seats, 6 bytes each.
const RECORD_BYTES_MAX: u32 = 8 << 20;
/// Gathers small records for the output.
const WRITE_BUFFER_BYTES: usize = 64 << 10;
/// As much of a record is believed to be there before it is.
const READ_BYTES: usize = 64 << 10;

/// The state at one moment, sharing memory with the state that goes on.
#[derive(Clone, Debug)]
pub struct Image {
    config: Config,
    position: u64,
    time_ms: u64,
    horizon_ms: u64,
    reservations: Shards<Name, Reservation>,
    sessions: Shards<SessionId, Session>,
    keys: Shards<Key, KeyRecord>,
    pub(super) events: EventsImage,
}

/// Why bytes are no state.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input failed or ended too early.
    #[error("the image of the state cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The given configuration cannot be used at all.
    #[error(transparent)]
    InvalidConfig(#[from] ConfigError),
    /// It is the state of a cluster with another configuration.
    #[error("the image of the state was made with another configuration: {theirs:?} instead of {ours:?}")]
    OtherConfig {
        /// The one given.
        ours: Box<Config>,
        /// The one found.
        theirs: Box<Config>,
    },
    /// No state has this content.
    #[error("the image of the state is damaged: {0}")]
    Damaged(&'static str),
}

impl From<OutOfOrder> for ReadError {
    fn from(_: OutOfOrder) -> ReadError {
        ReadError::Damaged("records are out of order, or one is there twice")
    }
}

/// The header: magic, configuration, position, time, horizon, how many reservations, sessions and keys.
type Header = ([u8; 8], Config, u64, u64, u64, [u64; 3]);
/// A reservation: name, position, seats.
type ReservationRecord = (Name, u64, SeatRuns);
/// A session: id, answered until, last used, how many outcomes.
type SessionRecord = (SessionId, u64, u64, u64);
/// A key: itself, when it was first used, the operation's hash, the outcome.
type KeyedRecord = (Key, u64, u64, Kept);

impl Image {
    pub(super) fn of(state: &State) -> Image {
        Image {
            config: state.config.clone(),
            position: state.position,
            time_ms: state.time_ms,
            horizon_ms: state.sessions.horizon_ms(),
            reservations: state.reservations.by_name().clone(),
            sessions: state.sessions.by_id().clone(),
            keys: state.keys.by_key().clone(),
            events: EventsImage::of(&state.events),
        }
    }

    /// Position of the last request in it.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Writes the bytes, and nothing after them, and lets go what is written. Needs about 40 bytes of memory a session, 16
    /// a key.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(self, out: &mut dyn Write) -> io::Result<()> {
        let mut out =
            RecordWriter { out: BufWriter::with_capacity(WRITE_BUFFER_BYTES, out), bytes: Vec::new() };
        let header: Header = (
            MAGIC,
            self.config.clone(),
            self.position,
            self.time_ms,
            self.horizon_ms,
            [self.reservations.len(), self.sessions.len(), self.keys.len()].map(|len| len as u64),
        );
        out.write(&header)?;
        self.reservations.consume(|name, held| out.write(&(name, held.made_at, &held.seats)))?;
        self.events.write(&mut out)?;
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        sessions.sort_unstable_by_key(|(_, session)| session.use_number);
        for (id, session) in sessions {
            out.write(&(id, session.answered_until, session.last_used_ms, session.records.len() as u64))?;
            for record in &session.records {
                out.write(record)?;
            }
        }
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort_unstable_by_key(|(_, record)| record.number);
        for (key, record) in keys {
            out.write(&(key, record.made_ms, record.operation_hash, &record.kept))?;
        }
        out.out.flush()
    }
}

impl State {
    /// Reads what [`Image::write`] wrote, and not a byte more: give it a buffered reader. Besides the state it
    /// needs memory for one record (at most 8 MiB) and for what is sorted (at most 40 MiB).
    ///
    /// # Errors
    /// [`ReadError`]. Content that passes is a state that [`check`](State::check) finds nothing wrong with.
    pub fn read(config: Config, input: &mut dyn Read) -> Result<State, ReadError> {
        config.validate()?;
        let mut input = RecordReader { input, bytes: Vec::new() };
        let (magic, theirs, position, time_ms, horizon_ms, [reservations, sessions, keys]): Header =
            input.read()?;
        if magic != MAGIC {
            return Err(ReadError::Damaged("it does not begin like one, or is of another version"));
        }
        if theirs != config {
            return Err(ReadError::OtherConfig { ours: Box::new(config), theirs: Box::new(theirs) });
        }
        if time_ms > 2 * TIME_MS_MAX || position == u64::MAX {
            return Err(ReadError::Damaged("its time or position is beyond all reach"));
        }
        if horizon_ms > time_ms {
            return Err(ReadError::Damaged("sessions were forgotten that are not born yet"));
        }
        let events_config = config.events.clone();
        let mut state = State { position, time_ms, ..State::new(config) };
        state.sessions.restore_horizon(horizon_ms);
        let all = (0..reservations).map(|_| {
            let (name, made_at, seats): ReservationRecord = input.read()?;
            Ok((name, Reservation { made_at, seats }))
        });
        state.reservations.admit(position, all)?;
        state.events = Events::read(events_config, position, &mut input)?;
        state.read_sessions(sessions, &mut input)?;
        state.read_keys(keys, &mut input)?;
        Ok(state)
    }

    fn read_sessions(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        let mut before_ms = 0;
        for _ in 0..count {
            let (id, answered_until, last_used_ms, outcomes): SessionRecord = input.read()?;
            if !(before_ms..=self.time_ms).contains(&last_used_ms) {
                return Err(ReadError::Damaged("sessions are out of order"));
            }
            before_ms = last_used_ms;
            if outcomes > u64::from(self.config.outcomes_per_session_max) {
                return Err(ReadError::Damaged("more outcomes than are kept"));
            }
            // Grows as records are really there, whatever number is claimed.
            let mut records = Vec::new();
            for _ in 0..outcomes {
                records.push(input.read::<Record>()?);
            }
            records.shrink_to_fit();
            let session = Session { answered_until, last_used_ms, use_number: 0, records };
            self.sessions.restore(id, session).map_err(ReadError::Damaged)?;
        }
        Ok(())
    }

    fn read_keys(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        for _ in 0..count {
            let (key, made_ms, operation_hash, kept): KeyedRecord = input.read()?;
            if made_ms > self.time_ms {
                return Err(ReadError::Damaged("a key was used that is not made yet"));
            }
            let record = KeyRecord { number: 0, made_ms, operation_hash, kept };
            self.keys.restore(key, record).map_err(ReadError::Damaged)?;
        }
        Ok(())
    }
}

/// Writes records.
pub(super) struct RecordWriter<'a> {
    out: BufWriter<&'a mut dyn Write>,
    /// Used again for each record.
    bytes: Vec<u8>,
}

impl RecordWriter<'_> {
    pub(super) fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.bytes.clear();
        self.bytes =
            postcard::to_extend(record, std::mem::take(&mut self.bytes)).expect("a record is plain data");
        let length = u32::try_from(self.bytes.len()).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let length = length.expect("no record has more bytes than the limit says");
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.bytes)
    }
}

/// Reads records.
pub(super) struct RecordReader<'a> {
    input: &'a mut dyn Read,
    /// Used again for each record.
    bytes: Vec<u8>,
}

impl RecordReader<'_> {
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> Result<T, ReadError> {
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > RECORD_BYTES_MAX {
            return Err(ReadError::Damaged("a record is longer than any"));
        }
        self.bytes.clear();
        while self.bytes.len() < length as usize {
            // Not allocated at once: the length may be a lie about a short input.
            let (from, until) = (self.bytes.len(), length as usize);
            self.bytes.resize(until.min(from + READ_BYTES), 0);
            self.input.read_exact(&mut self.bytes[from..])?;
        }
        match postcard::take_from_bytes(&self.bytes) {
            Ok((record, [])) => Ok(record),
            Ok(_) | Err(_) => Err(ReadError::Damaged("a record cannot be decoded")),
        }
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
