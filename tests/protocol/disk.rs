//! A log whose flushes are made by hand: what was flushed survives a crash, and nothing else.

use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::Machine;
use boxoffice::protocol::lamport::Recovered;
use boxoffice::protocol::message::History;
use boxoffice::protocol::record::{Record, SnapshotHeader};
use boxoffice::protocol::types::{Lsn, Position};
use boxoffice::replication::machine::Storable as _;
use bytes::Bytes;

/// Bytes of a snapshot in one message.
const CHUNK_BYTES: usize = 512;

pub fn config() -> Config {
    Config {
        capacity: 10,
        sessions_max: 100,
        session_age_ms: 3_600_000,
        outcomes_per_session_max: 8,
        time_step_ms_max: 1_800_000,
        keys: Default::default(),
        events: EventsConfig { events_max: 10, bookings_max: 100, ..EventsConfig::default() }.into(),
    }
}

/// A snapshot as a file.
#[derive(Clone)]
struct Snapshot {
    header: SnapshotHeader,
    file: Bytes,
}

/// What one server has on its disk, and in the memory in front of it.
#[derive(Default)]
pub struct Disk {
    snapshot: Option<Snapshot>,
    /// Encoded records since the snapshot; the first `durable` of them are flushed.
    records: Vec<Vec<u8>>,
    durable: usize,
    /// Records appended in this life.
    appended: Lsn,
    /// A snapshot that is being written, and where the log goes on after it.
    writing: Option<(Snapshot, usize)>,
    /// A peer's snapshot, as far as it has come.
    receiving: Vec<u8>,
    held_something: bool,
    damaged: bool,
    pub incarnation: u64,
}

impl Disk {
    pub fn append(&mut self, lsn: Lsn, record: &Record) {
        assert_eq!(lsn, self.appended + 1, "records reach the log in their order");
        self.appended = lsn;
        self.records.push(postcard::to_stdvec(record).expect("a record can be encoded"));
    }

    /// How many records are not flushed.
    pub fn unflushed(&self) -> usize {
        self.records.len() - self.durable
    }

    /// Flushes so many of the records; the number of the last one that is durable now.
    pub fn flush(&mut self, count: usize) -> Lsn {
        self.durable = self.records.len().min(self.durable.saturating_add(count));
        self.held_something |= self.durable > 0;
        self.appended - self.unflushed() as Lsn
    }

    /// What was not flushed is lost.
    pub fn crash(&mut self) {
        self.records.truncate(self.durable);
        self.writing = None;
        self.receiving.clear();
    }

    /// An orderly end: the system writes what the process had written.
    pub fn close(&mut self) {
        self.flush(usize::MAX);
        self.crash();
    }

    /// A new disk.
    pub fn wipe(&mut self) {
        *self = Disk { incarnation: self.incarnation, ..Disk::default() };
    }

    /// The log was found damaged and is set aside.
    pub fn damage(&mut self) {
        self.wipe();
        self.damaged = true;
    }

    pub fn begin_snapshot(
        &mut self,
        header: SnapshotHeader,
        image: &<State as Machine>::Image,
        lsn: Lsn,
        checkpoint: &Record,
    ) {
        let mut state = Vec::new();
        State::write_image(image.clone(), &mut state).expect("writing to memory succeeds");
        let file = postcard::to_stdvec(&(&header, state)).expect("a snapshot can be encoded").into();
        self.writing = Some((Snapshot { header, file }, self.records.len()));
        self.append(lsn, checkpoint);
    }

    /// The snapshot that was being written is durable, and the log before it is not needed any more.
    pub fn end_snapshot(&mut self) -> Option<(Position, u64)> {
        let (snapshot, from) = self.writing.take()?;
        self.records.drain(..from);
        self.durable = self.durable.saturating_sub(from);
        let of = (snapshot.header.position, snapshot.file.len() as u64);
        self.snapshot = Some(snapshot);
        Some(of)
    }

    /// Part of the own snapshot: its length and the bytes.
    pub fn read_snapshot(&self, position: Position, offset: u64) -> (u64, Bytes) {
        let Some(snapshot) = self.snapshot.as_ref().filter(|s| s.header.position == position) else {
            return (0, Bytes::new());
        };
        let from = (offset as usize).min(snapshot.file.len());
        let to = (from + CHUNK_BYTES).min(snapshot.file.len());
        (snapshot.file.len() as u64, snapshot.file.slice(from..to))
    }

    /// Stores part of a peer's snapshot; the bytes that are stored now.
    pub fn store_chunk(&mut self, offset: u64, bytes: &[u8]) -> u64 {
        self.receiving.truncate(offset as usize);
        assert_eq!(self.receiving.len() as u64, offset, "chunks come in order");
        self.receiving.extend_from_slice(bytes);
        self.receiving.len() as u64
    }

    /// The peer's snapshot, decoded.
    pub fn received(&self) -> (SnapshotHeader, State) {
        decode(&self.receiving)
    }

    /// The peer's snapshot takes the place of everything, at once and durably.
    pub fn adopt(&mut self, lsn: Lsn, checkpoint: &Record) {
        let file: Bytes = std::mem::take(&mut self.receiving).into();
        let (header, _) = decode(&file);
        self.snapshot = Some(Snapshot { header, file });
        self.records.clear();
        self.durable = 0;
        self.damaged = false;
        self.append(lsn, checkpoint);
        self.flush(1);
    }

    /// What a new life finds.
    pub fn open(&mut self) -> Recovered<State> {
        self.incarnation += 1;
        self.appended = 0;
        let records =
            self.records.iter().map(|r| postcard::from_bytes(r).expect("a record can be decoded")).collect();
        let history = match (self.damaged, self.held_something) {
            (true, _) => History::Lost,
            (false, true) => History::Kept,
            (false, false) => History::First,
        };
        let (machine, snapshot) = match &self.snapshot {
            None => (State::blank(&config()), None),
            Some(snapshot) => {
                let (header, machine) = decode(&snapshot.file);
                (machine, Some((header, snapshot.file.len() as u64)))
            }
        };
        Recovered { machine, snapshot, records, history }
    }
}

fn decode(file: &[u8]) -> (SnapshotHeader, State) {
    let (header, state): (SnapshotHeader, Vec<u8>) =
        postcard::from_bytes(file).expect("a snapshot can be decoded");
    let machine = State::read_state(&config(), &mut state.as_slice()).expect("a state can be read back");
    (header, machine)
}
