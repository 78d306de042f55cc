//! Opening a data directory: everything is read and judged before anything is changed.

use super::{
    Options,
    checked_text::TEMPORARY,
    disk::Disk,
    error::OpenError,
    identity::{IDENTITY_FILE, Identity},
    log::{Budget, Log},
    meta::Meta,
    scan::{self, Base, Discarded, Names, Run},
    segment::{self, Damage, Rest, Segment, Start},
    snapshot::{Id, SnapshotReader},
    store::{BASES_KEPT, Store},
};
use bytes::Bytes;

/// Where [`Store::set_aside`] puts what it takes away.
const DAMAGED_DIR: &str = "damaged";

/// What a directory can say of this server's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// It never held anything.
    First,
    /// All that was ever made durable is here, as far as one copy can tell.
    Kept,
    /// It was set aside; what is here now began after that. So until a peer's history is adopted or
    /// [`Store::history_restored`] says that there is nothing to adopt.
    Lost {
        /// Why it was set aside.
        why: String,
    },
}

/// The records of one log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// What it continues.
    pub start: Start,
    /// In order; may be empty.
    pub records: Vec<Bytes>,
}

/// The end of a write that was never finished: no record in it was ever said to be durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// In which file.
    pub file: String,
    /// Where it began.
    pub offset: u64,
    /// How much was cut off.
    pub bytes: u64,
}

/// What was found in a data directory.
#[derive(Debug)]
pub struct Recovered<D: Disk> {
    /// Which start of this server this is; greater than any before, and durable.
    pub incarnation: u64,
    /// What the directory can say of the past.
    pub history: History,
    /// The newest usable snapshot; `None` means that replay begins from the blank state.
    pub snapshot: Option<SnapshotReader<D>>,
    /// The log since the older of the two states that are kept, in order.
    pub parts: Vec<LogPart>,
    /// The part that continues [`Recovered::snapshot`].
    pub replay_from: usize,
    /// What was cut off at the end of the log.
    pub torn: Option<TornTail>,
    /// Snapshots and copies that should be usable and are not, as sentences. Nothing is lost by them yet.
    pub warnings: Vec<String>,
}

impl<D: Disk> Recovered<D> {
    /// The records to replay on [`Recovered::snapshot`], in order.
    pub fn replay(&self) -> impl Iterator<Item = &Bytes> {
        self.parts[self.replay_from..].iter().flat_map(|part| &part.records)
    }
}

impl<D: Disk> Store<D> {
    /// Reads everything, cuts off a torn tail, and makes the next incarnation durable.
    ///
    /// On an error nothing in the directory was changed, but for files of an unfinished first opening.
    pub fn open(
        disk: D,
        identity: &Identity,
        options: &Options,
    ) -> Result<(Store<D>, Recovered<D>), OpenError> {
        options.check()?;
        let names = Names::read(&disk).map_err(|error| OpenError::io(&disk, "list", "", error))?;
        let (mut meta, warning) = known_or_new(&disk, identity, &names)?;
        let owner = (identity.cluster_hash(), identity.server);
        let found = read_history(&disk, &meta, &names, owner)?;

        remove_leftovers(&disk, &meta, &names, &found)?;
        let torn = clean_end(&disk, &found.run)?;
        let history = match &meta.lost {
            Some(why) => History::Lost { why: why.clone() },
            None if meta.held || found.holds_something() => History::Kept,
            None => History::First,
        };
        meta.held |= found.holds_something();
        meta.incarnation = options.incarnation_min.max(meta.incarnation + 1);
        meta.write(&disk)?;

        let mut log =
            Log::blank(disk.clone(), owner.0, owner.1, options.segment_bytes).resume(&found.run.segments);
        if found.run.segments.is_empty() {
            let budget = Budget { outside_bytes: 0, max_bytes: options.disk_bytes_max };
            log.begin(meta.generation, Start::Blank, &[], 0, budget)?;
        }
        let used = found.bases.last().and_then(|base| base.snapshot);
        let snapshot = used.map(|(id, bytes)| SnapshotReader::new(disk.clone(), id, bytes));
        let mut recovered = Recovered {
            incarnation: meta.incarnation,
            history,
            snapshot,
            replay_from: found.replay_from(),
            parts: Vec::new(),
            torn,
            warnings: warning.into_iter().chain(found.discarded.iter().map(|one| one.why.clone())).collect(),
        };
        let discarded = found.discarded.iter().map(|one| (one.id, one.bytes)).collect();
        let store = Store::new(disk, owner, options, meta, log, found.bases, discarded);
        recovered.parts = found.run.segments.into_iter().map(LogPart::from).collect();
        if recovered.parts.is_empty() {
            recovered.parts.push(LogPart { start: Start::Blank, records: Vec::new() });
        }
        Ok((store, recovered))
    }

    /// Moves a damaged log and its snapshots into `damaged/`, in place of what an earlier call put there, and
    /// remembers that the history is lost. Identity and incarnation stay. Then [`Store::open`] succeeds, unless
    /// it is the identity or both copies of `meta` that are damaged: such a directory must be emptied by a person.
    pub fn set_aside(disk: D, identity: &Identity, why: &str) -> Result<(), OpenError> {
        let io = |operation, name: &str, error| OpenError::io(&disk, operation, name, error);
        if !identity.check(&disk)? {
            return Err(OpenError::damaged(&disk, IDENTITY_FILE, 0, "the file is missing"));
        }
        let Some((mut meta, _)) = Meta::read(&disk)? else { return Err(no_meta(&disk)) };
        let names = Names::read(&disk).map_err(|error| io("list", "", error))?;
        disk.make_dir(DAMAGED_DIR).map_err(|error| io("make", DAMAGED_DIR, error))?;
        for name in disk.list(DAMAGED_DIR).map_err(|error| io("list", DAMAGED_DIR, error))? {
            // A call that was cut short left files of this generation: they stay.
            if generation(&name).is_none_or(|generation| generation < meta.generation) {
                let name = format!("{DAMAGED_DIR}/{name}");
                disk.remove(&name).map_err(|error| io("remove", &name, error))?;
            }
        }
        let logs = names.logs.iter().map(|(generation, number)| segment::name(*generation, *number));
        for name in logs.chain(names.snapshots.iter().map(|id| id.name())) {
            let to = format!("{DAMAGED_DIR}/{name}");
            disk.rename(&name, &to).map_err(|error| io("rename to", &to, error))?;
        }
        for dir in [DAMAGED_DIR, ""] {
            disk.sync_dir(dir).map_err(|error| io("sync the directory", dir, error))?;
        }
        meta.generation += 1;
        meta.held = false;
        meta.lost = Some(why.to_owned());
        meta.write(&disk)?;
        Ok(())
    }
}

fn generation(name: &str) -> Option<u64> {
    let log = segment::parse_name(name).map(|(generation, _)| generation);
    log.or_else(|| Id::parse(name).map(|id| id.generation))
}

impl From<Segment> for LogPart {
    fn from(segment: Segment) -> Self {
        LogPart { start: segment.header.start, records: segment.records }
    }
}

fn no_meta<D: Disk>(disk: &D) -> OpenError {
    OpenError::damaged(disk, "meta.a", 0, "the file is missing, and so is its copy")
}

/// The directory's meta, made together with its identity if the directory is new. The identity is made last:
/// where it stands, the directory was complete once.
fn known_or_new<D: Disk>(
    disk: &D,
    identity: &Identity,
    names: &Names,
) -> Result<(Meta, Option<String>), OpenError> {
    let known = identity.check(disk)?;
    let meta = Meta::read(disk)?;
    if known {
        return meta.ok_or_else(|| no_meta(disk));
    }
    let unused = names.is_blank() && meta.as_ref().is_none_or(|(meta, _)| !meta.held && meta.generation == 0);
    if !unused {
        let reason = "the file is missing, and the directory is not new";
        return Err(OpenError::damaged(disk, IDENTITY_FILE, 0, reason));
    }
    let (mut meta, warning) = meta.unwrap_or_default();
    meta.write(disk)?;
    identity.write(disk)?;
    Ok((meta, warning))
}

/// A history that holds together.
struct Found {
    run: Run,
    /// The one or two states that are kept, oldest first; empty in a blank directory.
    bases: Vec<Base>,
    discarded: Vec<Discarded>,
    /// Log files and snapshots of this generation that nothing needs.
    obsolete: Vec<String>,
}

impl Found {
    fn holds_something(&self) -> bool {
        let records = self.run.segments.iter().any(|segment| !segment.records.is_empty());
        records || self.bases.iter().any(|base| base.snapshot.is_some())
    }

    fn replay_from(&self) -> usize {
        let used = self.bases.last().map(|base| base.segment);
        self.run.segments.iter().position(|segment| Some(segment.header.number) == used).unwrap_or(0)
    }
}

fn read_history<D: Disk>(disk: &D, meta: &Meta, names: &Names, owner: (u64, u8)) -> Result<Found, OpenError> {
    let io = |error| OpenError::io(disk, "read the log in", "", error);
    let ours = names.logs.iter().filter(|(generation, _)| *generation == meta.generation);
    let numbers: Vec<u64> = ours.map(|(_, number)| *number).collect();
    let ours = names.snapshots.iter().copied();
    let snapshots: Vec<_> = ours.filter(|id| id.generation == meta.generation).collect();
    if numbers.is_empty() {
        if meta.held || !snapshots.is_empty() {
            let file = segment::name(meta.generation, 1);
            return Err(OpenError::damaged(disk, &file, 0, "the log is gone: there is no log file"));
        }
        let run = Run { segments: Vec::new(), broken: None };
        return Ok(Found { run, bases: Vec::new(), discarded: Vec::new(), obsolete: Vec::new() });
    }
    let damaged = |damage: Damage| OpenError::damaged(disk, &damage.file, damage.offset, damage.reason);
    let mut run = scan::run(disk, meta.generation, &numbers, owner).map_err(io)?.map_err(damaged)?;
    let (mut bases, mut discarded) = scan::bases(disk, &run, &snapshots, owner.0).map_err(io)?;
    bases.drain(..bases.len().saturating_sub(BASES_KEPT));
    let Some(oldest) = bases.first().copied() else {
        return Err(run.broken.map_or_else(|| no_base(disk, &run.segments[0], &discarded), damaged));
    };
    // With as many states as are kept, what is older was on its way out. With fewer there is damage, and what
    // is damaged stays until newer snapshots have replaced it.
    let obsolete = |segment: u64| bases.len() == BASES_KEPT && segment < oldest.segment;
    discarded.retain(|one| !obsolete(one.id.segment));
    let old = numbers.iter().filter(|number| obsolete(**number));
    let logs = old.map(|number| segment::name(meta.generation, *number));
    let old = snapshots.iter().filter(|id| obsolete(id.segment));
    let obsolete = logs.chain(old.map(|id| id.name())).collect();
    run.segments.retain(|segment| segment.header.number >= oldest.segment);
    Ok(Found { run, bases, discarded, obsolete })
}

/// The error of a log that holds together and continues nothing that is here.
fn no_base<D: Disk>(disk: &D, first: &Segment, discarded: &[Discarded]) -> OpenError {
    let header = &first.header;
    match header.start {
        Start::Blank | Start::Continued => {
            let file = segment::name(header.generation, header.number - 1);
            OpenError::damaged(disk, &file, 0, "the log file is missing")
        }
        Start::Snapshot(position) => {
            let reason =
                format!("the log begins here, after a snapshot of position {position} that cannot be used");
            let reason = discarded.iter().fold(reason, |all, one| format!("{all}; {}", one.why));
            OpenError::damaged(disk, &header.name(), 0, reason)
        }
    }
}

/// Removes what an unfinished step left. Durable on return: a name that came back after a later crash could
/// meet a generation or number that is in use by then.
fn remove_leftovers<D: Disk>(disk: &D, meta: &Meta, names: &Names, found: &Found) -> Result<(), OpenError> {
    let other = |generation: u64| generation != meta.generation;
    let logs = names.logs.iter().filter(|(generation, _)| other(*generation));
    let logs = logs.map(|(generation, number)| segment::name(*generation, *number));
    let snapshots = names.snapshots.iter().filter(|id| other(id.generation)).map(|id| id.name());
    let temporary = names.temporary.iter().cloned();
    for name in logs.chain(snapshots).chain(temporary).chain(found.obsolete.iter().cloned()) {
        match disk.remove(&name) {
            // The first opening has just finished this one.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && name.ends_with(TEMPORARY) => {}
            other => other.map_err(|error| OpenError::io(disk, "remove", &name, error))?,
        }
    }
    disk.sync_dir("").map_err(|error| OpenError::io(disk, "sync the directory of", "", error))
}

/// Zeroes a torn tail, and writes what precedes it again: a process that died of a failed sync may have left
/// bytes that can be read and are on no medium, and a sync alone would not write them any more.
fn clean_end<D: Disk>(disk: &D, run: &Run) -> Result<Option<TornTail>, OpenError> {
    let Some(last) = run.segments.last() else { return Ok(None) };
    let name = last.header.name();
    let end = usize::try_from(last.end).expect("the file is in memory");
    let mut bytes = last.bytes[..end].to_vec();
    let torn = match last.rest {
        Rest::Clean => None,
        Rest::Bad { until, .. } => {
            bytes.resize(usize::try_from(until).expect("the file is in memory"), 0);
            Some(TornTail { file: disk.path(&name), offset: last.end, bytes: until - last.end })
        }
    };
    disk.write_at(&name, 0, &bytes).map_err(|error| OpenError::io(disk, "write", &name, error))?;
    disk.sync(&name).map_err(|error| OpenError::io(disk, "sync", &name, error))?;
    Ok(torn)
}
