//! What is read from a data directory, and what a peer sends of its own.

use super::Verdict;
use super::parts::Parts;
use super::server::{Directory, identity, options, settings, start, state_config};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::Effect;
use boxoffice::protocol::lamport::{Lamport, Recovered};
use boxoffice::protocol::message::History;
use boxoffice::protocol::record::Record;
use boxoffice::protocol::types::Request;
use boxoffice::protocol::view::Install;
use boxoffice::replication::persister::{CONFLICTS_FILE, Carried, JobResult, Opened, Persister};
use boxoffice::replication::stoppable::Stop;
use boxoffice::storage::{Disk as _, SimDisk, Store};
use bytes::Bytes;
use std::io::Write as _;
use std::sync::LazyLock;

/// The directory that checks change, each a copy of its own.
pub static USED: LazyLock<Directory> = LazyLock::new(Directory::used);
/// Files that a person can read, each protected by a checksum in its last line, but for the report.
pub const SMALL_FILES: [&str; 4] = ["identity", "meta.a", "meta.b", CONFLICTS_FILE];
/// Where a snapshot that a peer sends is.
const SNAPSHOT_AT: u64 = 9;
/// A log file's first page ends with its checksum.
pub const LOG_HEADER_BYTES: usize = 4_096;

/// The records of a log whose checksums are right: an engine is built from them, or a sentence says why not.
pub fn log_records(bytes: &[u8]) -> Verdict {
    let mut parts = Parts(bytes);
    let mut records = Vec::new();
    while let Some(piece) = parts.piece() {
        let Ok(record) = postcard::from_bytes::<Record>(piece) else { return Verdict::Refused };
        let again = postcard::to_stdvec(&record).expect("a record is plain data");
        assert!(again.len() <= piece.len(), "a record has all of its content in its bytes");
        assert_eq!(postcard::from_bytes(&again).as_ref(), Ok(&record));
        records.push(record);
    }
    if !records.iter().all(is_in_reach) {
        return Verdict::Refused;
    }
    let machine = State::new(state_config());
    let recovered = Recovered { machine, snapshot: None, records, history: History::Kept };
    let engine = Lamport::new(settings(), recovered);
    if let Ok(engine) = &engine {
        engine.machine().check().expect("the state is sound");
        assert_eq!(engine.machine().position(), engine.position());
    }
    Verdict::of(&engine)
}

/// Whether no clock and no position is one that only a lie can have: who writes the own log is believed, and counting
/// there from zero takes longer than any cluster lives.
fn is_in_reach(record: &Record) -> bool {
    const REACH: u64 = 1 << 62;
    let request = |request: &Request| request.timestamp.clock < REACH;
    let install = |install: &Install| {
        install.clock < REACH && install.base < REACH && install.kept.iter().all(|e| request(&e.request))
    };
    match record {
        Record::Request(one) => request(one),
        Record::Fetched { entry, .. } => request(&entry.request),
        Record::Install(one) => install(one),
        Record::Checkpoint(all) => {
            all.clock < REACH
                && all.accepted.as_deref().is_none_or(install)
                && all.logged.iter().all(|one| request(one))
        }
        Record::Executed { .. }
        | Record::Lineage { .. }
        | Record::Promise(_)
        | Record::Rejoin
        | Record::Offers(_) => true,
    }
}

/// The first page of the newest log file, with a checksum that fits: what another program might have written.
pub fn log_header(bytes: &[u8]) -> Verdict {
    let newest = USED.files().into_iter().filter(|name| name.starts_with("log-")).max();
    let newest = newest.expect("there is a log");
    let mut page = bytes.to_vec();
    page.resize(LOG_HEADER_BYTES - 4, 0);
    let crc = crc32fast::hash(&page);
    page.extend_from_slice(&crc.to_le_bytes());
    let disk = USED.disk.fork();
    disk.write_at(&newest, 0, &page).expect("a simulated disk");
    judge(&disk)
}

/// Starts a server on a directory that was changed: it finds what was there, or a prefix, or says what is wrong.
fn judge(disk: &SimDisk) -> Verdict {
    let found = start(disk);
    match &found {
        Ok(found) => assert!(USED.has(found), "what was never executed is found: {found:?}"),
        Err(sentence) => assert!(sentence.contains(' ') && sentence.len() < 10_000, "{sentence:?}"),
    }
    Verdict::of(&found)
}

/// The bytes of a state, as they lie in a snapshot.
pub fn state_image(bytes: &[u8]) -> Verdict {
    let state = State::read(state_config(), &mut &*bytes);
    if let Ok(state) = &state {
        state.check().expect("the state is sound");
        let mut again = Vec::new();
        state.freeze().write(&mut again).expect("memory takes everything");
        assert!(again.len() <= 3 * bytes.len(), "a state has all of its content in its bytes");
        let back = State::read(state_config(), &mut &*again).expect("it was written by a state");
        let mut third = Vec::new();
        back.freeze().write(&mut third).expect("memory takes everything");
        assert_eq!(again, third, "a state has one encoding");
    }
    Verdict::of(&state)
}

fn persister(disk: SimDisk) -> Persister<SimDisk, State> {
    let opened = Persister::open(disk, &identity(), &options(), &state_config(), 4_096);
    let opened: Opened<SimDisk, State> = opened.expect("nothing is wrong with the directory");
    opened.persister
}

/// The file of a snapshot with this content, as a peer sends it.
pub fn snapshot_file(content: &[u8]) -> Vec<u8> {
    let (mut store, _) = Store::open(SimDisk::faultless(), &identity(), &options()).expect("it is new");
    let mut writer = store.begin_snapshot(SNAPSHOT_AT, &[]).expect("there is room");
    writer.write_all(content).expect("there is room");
    store.snapshot_done(writer.finish().expect("there is room")).expect("there is room");
    let reader = store.snapshot_reader().expect("it was written just now");
    reader.read_at(0, usize::MAX).expect("it is there")
}

/// The content of a peer's snapshot whose checksum is right.
pub fn snapshot_content(bytes: &[u8]) -> Verdict {
    let file = snapshot_file(bytes);
    let mut persister = persister(SimDisk::faultless());
    receive(&mut persister, 0, file.len() as u64, &file).expect("it is whole")
}

/// Hands a piece of a snapshot in; the verdict once all pieces are there.
fn receive(
    persister: &mut Persister<SimDisk, State>,
    offset: u64,
    total: u64,
    piece: &[u8],
) -> Option<Verdict> {
    let bytes = Bytes::copy_from_slice(piece);
    let effect = Effect::StoreChunk { position: SNAPSHOT_AT, offset, total, bytes };
    match persister.carry(effect).expect("a bad piece is no reason to end") {
        Carried::Done | Carried::Input(_) => None,
        Carried::Job(job) => {
            Some(match job.run(&Stop::default()).expect("a bad snapshot is no reason to end") {
                JobResult::Loaded(_, header, machine) => {
                    machine.check().expect("the state is sound");
                    assert_eq!(header.position, machine.position(), "header and state agree");
                    Verdict::Taken
                }
                JobResult::Rejected(_, why) => {
                    assert!(why.contains(' '), "a sentence says why: {why:?}");
                    Verdict::Refused
                }
                JobResult::Written(_) => panic!("nothing was to be written"),
            })
        }
    }
}

/// Pieces of a good snapshot in any order, some of them wrong: only the whole of it is taken.
pub fn snapshot_pieces(bytes: &[u8]) -> Verdict {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| snapshot_file(&super::samples::snapshot_contents()[0]));
    let mut persister = persister(SimDisk::faultless());
    let mut parts = Parts(bytes);
    let mut verdict = Verdict::Refused;
    while let (Some(offset), Some(len), Some(change)) = (parts.number(), parts.number(), parts.byte()) {
        let end = (offset + len).min(FILE.len());
        let mut piece = FILE.get(offset..end).unwrap_or(&[7; 5]).to_vec();
        if let Some(last) = piece.last_mut() {
            *last ^= change;
        }
        if let Some(now) = receive(&mut persister, offset as u64, FILE.len() as u64, &piece) {
            verdict = now;
        }
    }
    verdict
}

/// One of the small files with other content, after a byte that says which, and whether a right checksum follows.
pub fn small_files(bytes: &[u8]) -> Verdict {
    let Some((&which, content)) = bytes.split_first() else { return Verdict::Refused };
    let name = SMALL_FILES[usize::from(which) % SMALL_FILES.len()];
    let mut content = content.to_vec();
    if which >= 128 {
        content.extend_from_slice(format!("crc32 {:08x}\n", crc32fast::hash(&content)).as_bytes());
    }
    let disk = USED.disk.fork();
    disk.create(name).expect("a simulated disk");
    disk.write_at(name, 0, &content).expect("a simulated disk");
    judge(&disk)
}

/// Files beside those of the server, a name a line: each holds the end of a log file.
pub fn file_names(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let known = USED.files();
    let newest = known.iter().rfind(|name| name.starts_with("log-")).expect("there is a log");
    let content = USED.disk.read(newest).expect("a simulated disk");
    let disk = USED.disk.fork();
    for name in text.lines().filter(|name| !name.is_empty() && !known.iter().any(|one| one == name)) {
        disk.create(name).expect("a simulated disk");
        disk.write_at(name, 0, &content[content.len() / 2..]).expect("a simulated disk");
    }
    judge(&disk)
}

/// Bytes written over the files of a directory: which file, where, and what.
pub fn data_directory(bytes: &[u8]) -> Verdict {
    let mut parts = Parts(bytes);
    let files = USED.files();
    let disk = USED.disk.fork();
    while let (Some(which), Some(offset), Some(piece)) = (parts.byte(), parts.number(), parts.piece()) {
        let name = &files[usize::from(which) % files.len()];
        let size = disk.size(name).expect("it is there");
        // Zeroes fill most of a log file: an offset that passes the end means a place near its records.
        let offset = match offset as u64 {
            inside if inside < size => inside,
            beyond => (LOG_HEADER_BYTES as u64 + beyond % 2_048).min(size.saturating_sub(1)),
        };
        let room = usize::try_from(size - offset).expect("small files");
        disk.write_at(name, offset, &piece[..piece.len().min(room)]).expect("a simulated disk");
    }
    judge(&disk)
}
