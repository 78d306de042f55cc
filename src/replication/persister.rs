//! Carries the effects of an engine that concern the disk, on whichever thread owns the store.
//!
//! Synchronous and without a clock, so that the simulator runs it as it is. What takes long (writing, reading and
//! checking snapshots) comes back as a [`Job`] to be run elsewhere, beside the log.

use super::machine::Storable;
use super::stoppable::{Stop, Stoppable};
use crate::domain::pack;
use crate::protocol::engine::{Effect, Input};
use crate::protocol::lamport::Recovered;
use crate::protocol::message::History;
use crate::protocol::record::{Record, SnapshotHeader};
use crate::protocol::types::{Incarnation, Lsn, Member, Position};
use crate::storage::{
    self, Disk, FinishedSnapshot, Identity, OpenError, Options, ReceivedSnapshot, SnapshotReader,
    SnapshotReceiver, SnapshotWriter, StorageError, Store, TornTail,
};
use bytes::Bytes;
use std::io::{Read, Write};

/// Where reservations of a lost side of a partition are reported, one JSON object a line.
pub const CONFLICTS_FILE: &str = "conflicts.jsonl";
/// When the report has grown to this many bytes it is renamed to `conflicts.1.jsonl`, replacing an older one.
const CONFLICTS_BYTES_MAX: u64 = 16 << 20;
/// A buffer that grew beyond this for one large record is given back.
const RECORD_BYTES_KEPT: usize = 1 << 20;
/// Longest header of a snapshot's content.
const HEADER_BYTES_MAX: u32 = 1 << 20;

/// Owns a store and carries effects out on it.
#[derive(Debug)]
pub struct Persister<D: Disk, M: Storable> {
    disk: D,
    store: Store<D>,
    config: M::Config,
    chunk_bytes: usize,
    appended: Lsn,
    /// Used again for each record.
    record: Vec<u8>,
    receiver: Option<SnapshotReceiver<D>>,
    received: Option<ReceivedSnapshot<D>>,
}

/// What came of an effect.
pub enum Carried<D: Disk, M: Storable> {
    /// Nothing to tell.
    Done,
    /// Hand this to the engine.
    Input(Input<M>),
    /// Run this, on any thread, and give the result to [`Persister::finish`].
    Job(Job<D, M>),
}

/// Something that takes long.
pub enum Job<D: Disk, M: Storable> {
    /// Write a snapshot of the own state.
    Write {
        /// Where to.
        writer: SnapshotWriter<D>,
        /// What it says of itself.
        header: SnapshotHeader,
        /// The state.
        image: M::Image,
    },
    /// Check and decode a snapshot that was received.
    Load {
        /// It.
        receiver: SnapshotReceiver<D>,
        /// For decoding.
        config: M::Config,
    },
}

/// What came of a job.
#[derive(Debug)]
pub enum JobResult<D: Disk, M> {
    /// The snapshot is durable.
    Written(FinishedSnapshot),
    /// The received snapshot is whole.
    Loaded(ReceivedSnapshot<D>, SnapshotHeader, Box<M>),
    /// The received snapshot cannot be used; a sentence says why.
    Rejected(Position, String),
}

impl<D: Disk, M: Storable> Job<D, M> {
    /// Does it. What it gives after it was told to stop means nothing.
    ///
    /// # Errors
    ///
    /// Writing failed. Unless the error is fatal that costs nothing but the snapshot: the engine is told
    /// [`Input::SnapshotFailed`].
    pub fn run(self, stop: &Stop) -> Result<JobResult<D, M>, StorageError> {
        match self {
            Job::Write { mut writer, header, image } => {
                let encoded = encode(&header);
                let mut out = Stoppable { inner: &mut writer, stop: stop.clone() };
                let written = out
                    .write_all(&(encoded.len() as u32).to_le_bytes())
                    .and_then(|()| out.write_all(&encoded))
                    .and_then(|()| M::write_image(image, &mut out));
                written.map_err(|error| writer.failed(error))?;
                Ok(JobResult::Written(writer.finish()?))
            }
            Job::Load { receiver, config } => {
                let position = receiver.position();
                let received = stop.check().map_err(|error| error.to_string());
                let received = received.and_then(|()| receiver.finish().map_err(|error| error.to_string()));
                let loaded = received.and_then(|received| {
                    let content = received.reader().content().map_err(|error| error.to_string())?;
                    let mut content = Stoppable { inner: content, stop: stop.clone() };
                    let (header, machine) = read_content::<M>(&config, &mut content)?;
                    Ok((received, header, machine))
                });
                Ok(match loaded {
                    Ok((received, header, machine)) => JobResult::Loaded(received, header, Box::new(machine)),
                    Err(why) => JobResult::Rejected(position, why),
                })
            }
        }
    }
}

/// A store that was opened, with all that an engine is built from.
pub struct Opened<D: Disk, M: Storable> {
    /// Carries effects from now on.
    pub persister: Persister<D, M>,
    /// For `Lamport::new`.
    pub recovered: Recovered<M>,
    /// The new life's number.
    pub incarnation: Incarnation,
    /// The end of an unfinished write that was cut off.
    pub torn: Option<TornTail>,
    /// Sentences for people.
    pub warnings: Vec<String>,
    /// Offers in the conflict report that a person must look at.
    pub conflicts: u64,
}

/// Why a store could not be opened, or made no sense.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// Storage says why.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Checksums are right and the content is not: written by another program, or damaged before it was written.
    #[error("{file}: {why}")]
    Content {
        /// Which file.
        file: String,
        /// A sentence.
        why: String,
    },
}

impl OpenFailure {
    /// Whether setting the log aside and taking the state from the others helps.
    pub fn is_damage(&self) -> bool {
        match self {
            OpenFailure::Open(error) => matches!(error, OpenError::Damaged { .. }),
            OpenFailure::Content { .. } => true,
        }
    }
}

impl<D: Disk, M: Storable> Persister<D, M> {
    /// Opens the store of a data directory for a new life. `chunk_bytes` is the size of a snapshot's pieces.
    ///
    /// # Errors
    ///
    /// See [`OpenFailure`].
    pub fn open(
        disk: D,
        identity: &Identity,
        options: &Options,
        config: &M::Config,
        chunk_bytes: usize,
    ) -> Result<Opened<D, M>, OpenFailure> {
        let (store, found) = Store::open(disk.clone(), identity, options)?;
        let (machine, snapshot) = match &found.snapshot {
            None => (M::blank(config), None),
            Some(reader) => {
                let (header, machine) = load::<D, M>(config, reader)?;
                (machine, Some((header, reader.total_bytes())))
            }
        };
        let records = found.replay().map(|bytes| decode(bytes)).collect::<Result<Vec<Record>, _>>();
        let records = records.map_err(|error| OpenFailure::Content {
            file: disk.path(""),
            why: format!("a record of the log cannot be decoded: {error}"),
        })?;
        // A snapshot gets its name when the checkpoint behind it is durable: what looks like a write that power
        // cut short is damage here, and has views and promises in it.
        if snapshot.is_some() && !matches!(records.first(), Some(Record::Checkpoint(_))) {
            let why = "the log behind the snapshot does not begin with a checkpoint".to_owned();
            return Err(OpenFailure::Content { file: disk.path(""), why });
        }
        let history = match found.history {
            storage::History::First => History::First,
            storage::History::Kept => History::Kept,
            storage::History::Lost { .. } => History::Lost,
        };
        let conflicts = count_conflicts(&disk);
        let persister = Persister {
            disk,
            store,
            config: config.clone(),
            chunk_bytes,
            appended: 0,
            record: Vec::new(),
            receiver: None,
            received: None,
        };
        Ok(Opened {
            persister,
            recovered: Recovered { machine, snapshot, records, history },
            incarnation: Incarnation(found.incarnation),
            torn: found.torn,
            warnings: found.warnings,
            conflicts,
        })
    }

    /// Carries one effect out. Only effects that concern the disk are taken.
    ///
    /// # Errors
    ///
    /// After a fatal one the process must end; see [`StorageError::is_fatal`].
    pub fn carry(&mut self, effect: Effect<M>) -> Result<Carried<D, M>, StorageError> {
        match effect {
            Effect::Append { lsn, record } => {
                self.number(lsn);
                self.record.clear();
                pack::append(&mut self.record, &record);
                self.store.append(&self.record)?;
                self.record.shrink_to(RECORD_BYTES_KEPT);
            }
            Effect::Snapshot { header, image, lsn, checkpoint } => {
                self.number(lsn);
                return match self.store.begin_snapshot(header.position, &[&encode(&checkpoint)]) {
                    Ok(writer) => Ok(Carried::Job(Job::Write { writer, header, image })),
                    // The checkpoint repeats what the log has: without it nothing is missing.
                    Err(error) if !error.is_fatal() => Ok(Carried::Input(Input::SnapshotFailed)),
                    Err(error) => Err(error),
                };
            }
            Effect::ReadSnapshot { peer, position, offset } => {
                return Ok(Carried::Input(self.read_snapshot(peer, position, offset)));
            }
            Effect::StoreChunk { position, offset, total, bytes } => {
                return match self.store_chunk(position, offset, total, &bytes) {
                    Err(StorageError::BadSnapshot { .. }) => {
                        Ok(Carried::Input(Input::SnapshotRejected { position }))
                    }
                    // No room for it: without it this server cannot come back, and asking again would go on for ever
                    // without a word. It ends, and says what to raise.
                    carried => carried,
                };
            }
            Effect::Adopt { position, lsn, checkpoint } => {
                self.number(lsn);
                let received = self.received.take().filter(|r| r.position() == position);
                let received = received.expect("only a snapshot that was received is adopted");
                self.store.adopt_snapshot(received, &[&encode(&checkpoint)])?;
            }
            Effect::Report { shared, lost_view, offers } => {
                let lines = offers.iter().map(|offer| {
                    let operation = M::describe_offer(offer);
                    serde_json::json!({"given_up": operation, "view": lost_view.to_string(), "after": shared})
                });
                self.report(lines.collect())?;
            }
            Effect::ReportOutcome { offer, outcome } => {
                let (text, settled) = M::describe_outcome(&outcome);
                let operation = M::describe_offer(&offer);
                let line = serde_json::json!({"offered": operation, "outcome": text, "settled": settled});
                self.report(vec![line])?;
            }
            Effect::Send { .. }
            | Effect::Answer { .. }
            | Effect::ServeRead { .. }
            | Effect::Refuse { .. }
            | Effect::Restart { .. }
            | Effect::Exit
            | Effect::Note(_) => unreachable!("this effect does not concern the disk"),
        }
        Ok(Carried::Done)
    }

    /// Takes the result of a job into account.
    ///
    /// # Errors
    ///
    /// As for [`Persister::carry`].
    pub fn finish(&mut self, result: JobResult<D, M>) -> Result<Input<M>, StorageError> {
        Ok(match result {
            JobResult::Written(finished) => {
                let position = finished.position();
                self.store.snapshot_done(finished)?;
                let bytes = self.store.snapshot_reader().map_or(0, |reader| reader.total_bytes());
                Input::SnapshotWritten { position, bytes }
            }
            JobResult::Loaded(received, header, machine) => {
                self.received = Some(received);
                Input::SnapshotReceived { header, machine }
            }
            JobResult::Rejected(position, _) => Input::SnapshotRejected { position },
        })
    }

    /// Makes everything carried so far durable: one write, one flush.
    ///
    /// # Errors
    ///
    /// Always fatal.
    pub fn sync(&mut self) -> Result<Lsn, StorageError> {
        self.store.sync()?;
        Ok(self.appended)
    }

    /// Makes a part of the next log file ahead of time; true when there is more to do.
    ///
    /// # Errors
    ///
    /// As for [`Persister::carry`].
    pub fn prepare(&mut self) -> Result<bool, StorageError> {
        self.store.prepare()
    }

    /// Bytes of log since the newest snapshot.
    pub fn log_bytes_since_snapshot(&self) -> u64 {
        self.store.log_bytes_since_snapshot()
    }

    /// Whether to begin a snapshot now; see [`Store::is_snapshot_due`].
    pub fn is_snapshot_due(&self, log_bytes_max: u64) -> bool {
        self.store.is_snapshot_due(log_bytes_max)
    }

    fn number(&mut self, lsn: Lsn) {
        assert_eq!(lsn, self.appended + 1, "records reach the log in their order");
        self.appended = lsn;
    }

    fn read_snapshot(&self, peer: Member, position: Position, offset: u64) -> Input<M> {
        let reader = self.store.snapshot_reader().filter(|reader| reader.position() == position);
        let (total, bytes) = match reader.map(|r| (r.total_bytes(), r.read_at(offset, self.chunk_bytes))) {
            Some((total, Ok(bytes))) => (total, bytes.into()),
            _ => (0, Bytes::new()),
        };
        Input::SnapshotRead { peer, position, offset, total, bytes }
    }

    fn store_chunk(
        &mut self,
        position: Position,
        offset: u64,
        total: u64,
        bytes: &[u8],
    ) -> Result<Carried<D, M>, StorageError> {
        if self.receiver.as_ref().is_none_or(|r| r.position() != position || r.total_bytes() != total) {
            // The one before gives its bytes back first.
            self.receiver = None;
            self.receiver = Some(self.store.snapshot_receiver(position, total)?);
        }
        let Some(receiver) = &mut self.receiver else { return Ok(Carried::Done) };
        receiver.write_chunk(offset, bytes)?;
        if receiver.received() < total {
            let bytes = receiver.received();
            return Ok(Carried::Input(Input::ChunkStored { position, bytes }));
        }
        let config = self.config.clone();
        Ok(match self.receiver.take() {
            Some(receiver) => Carried::Job(Job::Load { receiver, config }),
            None => Carried::Done,
        })
    }

    /// Adds lines to the conflict report, durably.
    fn report(&mut self, lines: Vec<serde_json::Value>) -> Result<(), StorageError> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let failed = |operation, error| StorageError::io(&self.disk, operation, CONFLICTS_FILE, error);
        let files = self.disk.list("").map_err(|error| failed("list", error))?;
        let mut size = 0;
        if files.iter().any(|name| name == CONFLICTS_FILE) {
            size = self.disk.size(CONFLICTS_FILE).map_err(|error| failed("read", error))?;
        }
        if size > CONFLICTS_BYTES_MAX {
            self.disk.rename(CONFLICTS_FILE, "conflicts.1.jsonl").map_err(|error| failed("rename", error))?;
            size = 0;
        }
        if size == 0 {
            self.disk.create(CONFLICTS_FILE).map_err(|error| failed("make", error))?;
        }
        self.disk.write_at(CONFLICTS_FILE, size, text.as_bytes()).map_err(|error| failed("write", error))?;
        self.disk.sync(CONFLICTS_FILE).map_err(|error| failed("sync", error))?;
        self.disk.sync_dir("").map_err(|error| failed("sync the directory of", error))
    }
}

/// Offers that did not fit any more, in the report as it stands.
fn count_conflicts<D: Disk>(disk: &D) -> u64 {
    let text = disk.read(CONFLICTS_FILE).unwrap_or_default();
    let unsettled = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value["settled"] == false)
    };
    String::from_utf8_lossy(&text).lines().filter(|line| unsettled(line)).count() as u64
}

fn load<D: Disk, M: Storable>(
    config: &M::Config,
    reader: &SnapshotReader<D>,
) -> Result<(SnapshotHeader, M), OpenFailure> {
    let content = |why| OpenFailure::Content { file: format!("snapshot at {}", reader.position()), why };
    let mut input = reader.content().map_err(|error| content(error.to_string()))?;
    read_content(config, &mut input).map_err(content)
}

fn read_content<M: Storable>(
    config: &M::Config,
    input: &mut dyn Read,
) -> Result<(SnapshotHeader, M), String> {
    let mut input = std::io::BufReader::new(input);
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(|error| error.to_string())?;
    let length = u32::from_le_bytes(length);
    if length > HEADER_BYTES_MAX {
        return Err(format!("a header of {length} bytes is too long"));
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes).map_err(|error| error.to_string())?;
    let header: SnapshotHeader = decode(&bytes).map_err(|error| error.to_string())?;
    let machine = M::read_state(config, &mut input)?;
    if machine.executed() != header.position {
        return Err(format!("it says position {} and has that of {}", header.position, machine.executed()));
    }
    Ok((header, machine))
}

fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("our own types can be encoded")
}

fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}
