//! A directory damaged at every place, through the whole start of a server: it finds everything, or what was there
//! before the last write and says so, or says what is wrong. It never invents and never loses in silence.

use super::checks::{Directory, Found, start};
use boxoffice::protocol::message::History;
use boxoffice::storage::{Disk as _, SimDisk};

/// Most of a log file is zeroes that nobody has written on: of those every so many-th is changed.
const ZEROES_STEP: usize = 61;

/// Places in a file worth changing: all that were written, and some of the rest.
fn places(directory: &Directory, name: &str) -> Vec<u64> {
    let bytes = directory.disk.read(name).expect("a simulated disk");
    let written = |at: &usize| {
        let near = &bytes[at.saturating_sub(4)..(at + 5).min(bytes.len())];
        near.iter().any(|byte| *byte != 0) || at.is_multiple_of(ZEROES_STEP)
    };
    (0..bytes.len()).filter(written).map(|at| at as u64).collect()
}

/// What may be found after damage to one file; whether something was said about it.
fn judge(directory: &Directory, name: &str, place: &str, found: &Result<Found, String>) -> bool {
    let newest_log = directory.files().into_iter().rfind(|name| name.starts_with("log-"));
    match found {
        Err(sentence) => {
            let says = [" is damaged at byte ", "does not begin with a checkpoint"];
            assert!(says.iter().any(|words| sentence.contains(words)), "{name} {place}: {sentence}");
            true
        }
        Ok(found) => {
            assert!(directory.has(found), "{name} {place}: invented {found:?}");
            assert_eq!(found.history, History::Kept, "{name} {place}");
            if newest_log.is_none_or(|newest| newest != name) {
                assert_eq!(found.position, directory.last(), "{name} {place}");
            }
            assert!(found.position >= directory.snapshot_at, "{name} {place}: {found:?}");
            found.said
        }
    }
}

/// The last group commit cannot be told from a write that power cut short: at most that is lost, and not in silence.
fn loses_one_commit_at_most(directory: &Directory, place: &str, found: &Result<Found, String>) {
    let Ok(found) = found else { return };
    assert!(found.position + 1 >= directory.last(), "{place}: {found:?}");
    assert!(found.said || found.position == directory.last(), "{place}: lost in silence");
}

/// Damages each place of each file and starts a server on the result; tells how often something was said, and how
/// often it was tried.
fn sweep(directory: &Directory, damage: Damage) -> (usize, usize) {
    let (mut said, mut tried) = (0, 0);
    for name in directory.files() {
        for at in places(directory, &name) {
            let disk = directory.disk.fork();
            damage.apply(&disk, &name, at);
            let (place, found) = (format!("{damage:?} at {at}"), start(&disk));
            tried += 1;
            said += usize::from(judge(directory, &name, &place, &found));
            if damage != Damage::Zeroes {
                loses_one_commit_at_most(directory, &format!("{name} {place}"), &found);
            }
        }
    }
    (said, tried)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    Flip,
    Cut,
    /// A device that forgot the end of a file. Whole commits may be gone, which no single copy can know.
    Zeroes,
}

impl Damage {
    fn apply(self, disk: &SimDisk, name: &str, at: u64) {
        match self {
            Damage::Flip => disk.flip(name, at, 1 << (at % 8)),
            Damage::Cut => disk.truncate(name, at),
            Damage::Zeroes => disk.zero_from(name, at),
        }
    }
}

#[test]
fn a_server_starts_on_what_it_left() {
    let directory = Directory::used();
    let found = start(&directory.disk.fork()).expect("nothing is wrong");
    assert_eq!((found.position, found.said), (directory.last(), false));
    assert!(directory.has(&found) && directory.snapshot_at > 0 && directory.snapshot_at < directory.last());
    let files = directory.files();
    for kind in ["identity", "meta.a", "meta.b", "log-", "snapshot-"] {
        assert!(files.iter().any(|name| name.starts_with(kind)), "no {kind} in {files:?}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_or_does_no_harm() {
    let (said, tried) = sweep(&Directory::used(), Damage::Flip);
    assert!(said * 10 > tried * 9, "only {said} of {tried} were noticed");
}

#[test]
fn a_file_cut_anywhere_is_found() {
    let (said, tried) = sweep(&Directory::used(), Damage::Cut);
    assert_eq!(said, tried, "no crash makes a file shorter");
}

#[test]
fn a_tail_of_zeroes_is_found_or_leaves_a_prefix() {
    let (said, tried) = sweep(&Directory::used(), Damage::Zeroes);
    assert!(said * 2 > tried, "only {said} of {tried} were noticed");
}

#[test]
fn damage_to_what_a_snapshot_needs_is_no_unfinished_write() {
    let directory = Directory::ending_with_a_snapshot();
    let newest = directory.files().into_iter().rfind(|name| name.starts_with("log-")).expect("a log");
    let bytes = directory.disk.read(&newest).expect("a simulated disk");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("a checkpoint") as u64;
    for damage in [Damage::Flip, Damage::Cut, Damage::Zeroes] {
        for at in 0..=end {
            let disk = directory.disk.fork();
            damage.apply(&disk, &newest, at);
            let found = start(&disk);
            assert!(found.is_err(), "{damage:?} at {at}: views and promises are forgotten: {found:?}");
        }
        sweep(&directory, damage);
    }
}

#[test]
fn a_file_that_is_gone_is_found() {
    let directory = Directory::used();
    for name in directory.files() {
        let disk = directory.disk.fork();
        disk.remove(&name).expect("a simulated disk");
        let found = start(&disk);
        if name == "meta.a" || name == "meta.b" {
            assert_eq!(found.map(|found| found.position), Ok(directory.last()), "one copy is enough");
        } else {
            judge(&directory, &name, "gone", &found);
        }
    }
}

#[test]
fn files_of_another_server_are_not_taken_for_own_ones() {
    let (own, other) = (Directory::used(), Directory::used());
    for name in own.files() {
        for source in other.files().iter().filter(|source| **source != name) {
            let disk = own.disk.fork();
            let content = other.disk.read(source).expect("a simulated disk");
            disk.create(&name).expect("a simulated disk");
            disk.write_at(&name, 0, &content).expect("a simulated disk");
            if !(name.starts_with("meta") && source.starts_with("meta")) {
                let said = judge(&own, &name, &format!("holds {source}"), &start(&disk));
                assert!(said, "{name} holds {source} and nobody notices");
            }
        }
    }
}
