//! Reading a directory back: which log files hold together, and which snapshots they can continue.

use super::{
    disk::Disk,
    segment::{self, Damage, Rest, Segment, Start},
    snapshot::{self, Id},
};
use std::io;

/// The names in a data directory, by what they are.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Generation and number of log files, ascending.
    pub(super) logs: Vec<(u64, u64)>,
    /// Ascending.
    pub(super) snapshots: Vec<Id>,
    /// Files that were not finished.
    pub(super) temporary: Vec<String>,
}

impl Names {
    pub(super) fn read<D: Disk>(disk: &D) -> io::Result<Names> {
        let mut names = Names::default();
        for name in disk.list("")? {
            if let Some(log) = segment::parse_name(&name) {
                names.logs.push(log);
            } else if let Some(id) = Id::parse(&name) {
                names.snapshots.push(id);
            } else if name.ends_with(super::checked_text::TEMPORARY) {
                names.temporary.push(name);
            }
        }
        names.logs.sort_unstable();
        names.snapshots.sort_unstable();
        Ok(names)
    }

    /// Whether there is anything of a history.
    pub(super) fn is_blank(&self) -> bool {
        self.logs.is_empty() && self.snapshots.is_empty()
    }
}

/// The log files of a generation, from the newest back to the first damage.
#[derive(Debug)]
pub(super) struct Run {
    /// Oldest first, none missing, each continuing the one before.
    pub(super) segments: Vec<Segment>,
    /// Why it does not reach further back.
    pub(super) broken: Option<Damage>,
}

/// Reads the log files `numbers` (ascending, at least one). Damage in the newest is an error; damage before it
/// ends the run there, and it is for the snapshots to say whether what is left suffices.
pub(super) fn run<D: Disk>(
    disk: &D,
    generation: u64,
    numbers: &[u64],
    owner: (u64, u8),
) -> io::Result<Result<Run, Damage>> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut broken = None;
    for number in numbers.iter().copied().rev() {
        let problem = match segment::read(disk, (generation, number), owner)? {
            Err(damage) => Some(damage),
            Ok(segment) => {
                let problem = match segments.last() {
                    None => end_problem(&segment),
                    Some(next) => link_problem(&segment, next),
                };
                if problem.is_none() {
                    segments.push(segment);
                }
                problem
            }
        };
        match problem {
            None => {}
            Some(damage) if segments.is_empty() => return Ok(Err(damage)),
            Some(damage) => {
                broken = Some(damage);
                break;
            }
        }
    }
    segments.reverse();
    Ok(Ok(Run { segments, broken }))
}

/// What proves that the newest file is not as it was left.
fn end_problem(segment: &Segment) -> Option<Damage> {
    let header = &segment.header;
    if segment.sealed {
        let reason = "the log file is missing: the one before it says that it was made".to_owned();
        return Some(Damage { file: segment::name(header.generation, header.number + 1), offset: 0, reason });
    }
    match segment.rest {
        Rest::Bad { reason, proof: Some((at, sequence)), .. } => {
            let reason = format!(
                "{reason}, but record {} was durable there: record {sequence} at byte {at} was written after it",
                segment.next_sequence
            );
            Some(Damage { file: header.name(), offset: segment.end, reason })
        }
        Rest::Clean | Rest::Bad { proof: None, .. } => None,
    }
}

/// What proves that a file and the one after it do not belong together.
fn link_problem(segment: &Segment, next: &Segment) -> Option<Damage> {
    let (header, after) = (&segment.header, &next.header);
    if header.number + 1 != after.number {
        let file = segment::name(header.generation, after.number - 1);
        return Some(Damage { file, offset: 0, reason: "the log file is missing".to_owned() });
    }
    // Everything in it was durable before the next was made, so what the next says of it is exact, and a
    // torn seal behind it is of no account.
    if segment.next_sequence == after.first_sequence && segment.last_crc == after.previous_crc {
        return None;
    }
    let reason = match segment.rest {
        Rest::Bad { reason, .. } => reason,
        Rest::Clean => "no record is here",
    };
    let reason =
        format!("{reason}, but the next log file continues after record {}", after.first_sequence - 1);
    Some(Damage { file: header.name(), offset: segment.end, reason })
}

/// A state that the log can be replayed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// The log file that continues it.
    pub(super) segment: u64,
    /// The snapshot that holds it and its length; `None` for the blank state.
    pub(super) snapshot: Option<(Id, u64)>,
}

/// A snapshot that should be usable and is not.
#[derive(Debug)]
pub(super) struct Discarded {
    pub(super) id: Id,
    pub(super) bytes: u64,
    /// As a sentence that names the file.
    pub(super) why: String,
}

/// The states that can be replayed from, oldest first, and the snapshots that cannot.
pub(super) fn bases<D: Disk>(
    disk: &D,
    run: &Run,
    snapshots: &[Id],
    cluster_hash: u64,
) -> io::Result<(Vec<Base>, Vec<Discarded>)> {
    let (mut bases, mut discarded) = (Vec::new(), Vec::new());
    let first = run.segments.first().filter(|first| first.header.start == Start::Blank);
    if let Some(first) = first {
        bases.push(Base { segment: first.header.number, snapshot: None });
    }
    for id in snapshots.iter().copied() {
        let name = id.name();
        let continued = run.segments.iter().any(|segment| {
            segment.header.number == id.segment && segment.header.start == Start::Snapshot(id.position)
        });
        let why = match snapshot::verify(disk, &name, cluster_hash, id.position)? {
            Ok(bytes) if continued => {
                bases.push(Base { segment: id.segment, snapshot: Some((id, bytes)) });
                continue;
            }
            Ok(_) => run.broken.as_ref().map_or_else(
                || "the log does not continue it".to_owned(),
                |damage| format!("{} is damaged at byte {}: {}", damage.file, damage.offset, damage.reason),
            ),
            Err(reason) => reason,
        };
        let why = format!("{} is not used: {why}", disk.path(&name));
        discarded.push(Discarded { id, bytes: disk.size(&name)?, why });
    }
    Ok((bases, discarded))
}
