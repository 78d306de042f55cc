//! A sweep of damage over every byte of every file: the whole history, a prefix of it where only the last write
//! is touched, or an error that names file and offset; never anything else.

use super::*;
use crate::storage::{OpenError, SimDisk};

const LOG: &str = "log-000000-0000000001";
const HEADER_BYTES: u64 = 4096;

type Opened = Result<(Store<SimDisk>, Recovered<SimDisk>), OpenError>;

fn try_open(disk: &SimDisk) -> Opened {
    Store::open(disk.clone(), &identity(), &options())
}

/// State and replay together: all that is known.
fn history(recovered: &Recovered<SimDisk>) -> Vec<String> {
    let state = content(recovered).map(|state| String::from_utf8(state).expect("text")).unwrap_or_default();
    let mut all: Vec<String> = state.split_terminator(' ').map(str::to_owned).collect();
    all.extend(replayed(recovered));
    all
}

#[track_caller]
fn assert_damaged(opened: Opened, name: &str, at: Option<u64>) {
    match opened.map(drop) {
        Err(OpenError::Damaged { file, offset, .. }) => {
            assert_eq!(file, name);
            assert!(at.is_none_or(|at| at == offset), "reported at {offset}, is at {at:?}");
        }
        other => panic!("damage in {name} at {at:?} gave {other:?}"),
    }
}

/// Twelve records in one file, each synced by itself; and where each begins, with the end of the last.
fn one_file() -> (SimDisk, Vec<String>, Vec<u64>) {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    let records: Vec<String> = (0..12).map(|n| format!("Booking {n} {}", "B".repeat(n * 5))).collect();
    let mut starts = vec![HEADER_BYTES];
    for record in &records {
        put(&mut store, &[record]);
        starts.push(starts[starts.len() - 1] + 32 + record.len() as u64);
    }
    (disk, records, starts)
}

#[test]
fn a_flipped_bit_before_the_last_record_is_damage_and_in_it_costs_one_record() {
    let (disk, records, starts) = one_file();
    let (last, end) = (starts[starts.len() - 2], starts[starts.len() - 1]);
    for offset in 0..options().segment_bytes {
        let disk = disk.fork();
        disk.flip(LOG, offset, 1 << (offset % 8));
        let opened = try_open(&disk);
        if offset < HEADER_BYTES {
            assert_damaged(opened, LOG, Some(0));
        } else if offset < last {
            let start = starts.iter().rfind(|start| **start <= offset);
            assert_damaged(opened, LOG, start.copied());
        } else {
            let (_, recovered) = opened.expect("a torn tail is cut off");
            let kept = if offset < end { records.len() - 1 } else { records.len() };
            assert_eq!(replayed(&recovered), records[..kept], "flip at {offset}");
            let torn = recovered.torn.expect("and said so");
            assert_eq!((torn.file.as_str(), torn.offset), (LOG, starts[kept]));
            assert_eq!(try_open(&disk).expect("it is clean now").1.torn, None);
        }
    }
}

#[test]
fn a_tail_of_zeroes_leaves_a_prefix() {
    let (disk, records, starts) = one_file();
    for offset in HEADER_BYTES..options().segment_bytes {
        let disk = disk.fork();
        disk.zero_from(LOG, offset);
        let (mut store, recovered) = try_open(&disk).expect("a torn tail is cut off");
        let kept = starts[1..].iter().filter(|end| **end <= offset).count();
        // A record that ended in zeroes would be none the worse; these end in letters.
        assert_eq!(replayed(&recovered), records[..kept], "zeroes from {offset}");
        assert_eq!(recovered.torn.is_some(), offset < starts[12] && !starts.contains(&offset));
        put(&mut store, &["goes on"]);
        drop(store);
        let all = replayed(&try_open(&disk).expect("it opens").1);
        assert_eq!((all.len(), all[kept].as_str()), (kept + 1, "goes on"));
    }
}

#[test]
fn a_file_cut_short_is_damage_because_no_crash_does_that() {
    let (disk, _, _) = one_file();
    for len in 0..options().segment_bytes {
        let disk = disk.fork();
        disk.truncate(LOG, len);
        assert_damaged(try_open(&disk), LOG, Some(len));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_many_files_loses_nothing_unnoticed() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    let records: Vec<String> = (0..90).map(|n| format!("Booking {n} {}", "B".repeat(n * 3))).collect();
    records.iter().for_each(|record| put(&mut store, &[record]));
    let logs: Vec<String> =
        disk.list("").expect("names").into_iter().filter(|n| n.starts_with("log-")).collect();
    assert!(logs.len() >= 4);
    for (index, name) in logs.iter().enumerate() {
        let gone = disk.fork();
        gone.remove(name).expect("removed");
        assert_damaged(try_open(&gone), name, Some(0));
        let last = index + 1 == logs.len();
        for offset in (0..options().segment_bytes).step_by(7) {
            let disk = disk.fork();
            disk.flip(name, offset, 0x10);
            match try_open(&disk) {
                Err(OpenError::Damaged { file, .. }) => assert_eq!(&file, name),
                Err(error) => panic!("{error}"),
                Ok((_, recovered)) => {
                    let found = replayed(&recovered);
                    assert!(found == records || last && found == records[..89], "flip in {name} at {offset}");
                }
            }
        }
    }
}

/// Two snapshots with log before, between and behind them.
fn with_snapshots() -> (SimDisk, Vec<String>) {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    let records: Vec<String> = (0..12).map(|n| format!("record-{n}")).collect();
    for (index, record) in records.iter().enumerate() {
        put(&mut store, &[record]);
        if index % 4 == 3 && index < 8 {
            let state: String = records[..=index].iter().map(|record| format!("{record} ")).collect();
            snapshot(&mut store, index as u64 + 1, state.as_bytes(), &[]);
        }
    }
    (disk, records)
}

const SNAPSHOTS: [&str; 2] =
    ["snapshot-000000-00000000000000000004-0000000002", "snapshot-000000-00000000000000000008-0000000003"];

#[test]
fn a_damaged_snapshot_is_replaced_by_the_older_one_and_more_replay() {
    let (disk, records) = with_snapshots();
    for (name, position) in SNAPSHOTS.iter().zip([8, 4]) {
        let size = disk.size(name).expect("it is there");
        for offset in 0..size {
            for cut in [false, true] {
                let disk = disk.fork();
                if cut {
                    disk.truncate(name, offset)
                } else {
                    disk.flip(name, offset, 4)
                }
                let (_, recovered) = try_open(&disk).expect("one snapshot is enough");
                assert_eq!(history(&recovered), records, "damage of {name} at {offset}");
                assert_eq!(recovered.snapshot.as_ref().map(|reader| reader.position()), Some(position));
                assert!(
                    recovered.warnings.len() == 1 && recovered.warnings[0].starts_with(name),
                    "it is said"
                );
            }
        }
    }
}

#[test]
fn two_damaged_snapshots_are_damage_and_a_new_snapshot_replaces_a_damaged_one() {
    let (disk, mut records) = with_snapshots();
    disk.flip(SNAPSHOTS[1], 40, 1);
    let both = disk.fork();
    both.flip(SNAPSHOTS[0], 40, 1);
    assert_damaged(try_open(&both), "log-000000-0000000002", Some(0));

    let (mut store, _) = try_open(&disk).expect("one snapshot is enough");
    for round in 0..2 {
        records.push(format!("later-{round}"));
        put(&mut store, &[records.last().expect("just pushed")]);
        let state: String = records.iter().map(|record| format!("{record} ")).collect();
        snapshot(&mut store, 13 + round, state.as_bytes(), &[]);
    }
    drop(store);
    let (store, recovered) = try_open(&disk).expect("it opens");
    assert_eq!((history(&recovered), recovered.warnings.len()), (records, 0));
    assert_eq!(disk.list("").expect("names").iter().filter(|name| name.starts_with("snapshot")).count(), 2);
    assert_eq!(store.bytes_used(), disk.bytes() - small_files(&disk));
}

fn small_files(disk: &SimDisk) -> u64 {
    ["identity", "meta.a", "meta.b"].iter().map(|name| disk.size(name).expect("it is there")).sum()
}

#[test]
fn damage_in_log_that_only_the_older_snapshot_needs_is_survived_and_said() {
    let (disk, records) = with_snapshots();
    for offset in 0..HEADER_BYTES + 150 {
        let disk = disk.fork();
        disk.flip("log-000000-0000000002", offset, 2);
        let (_, recovered) = try_open(&disk).expect("the newest snapshot does not need it");
        assert_eq!(history(&recovered), records, "flip at {offset}");
        if recovered.warnings.is_empty() {
            assert!(recovered.parts.len() == 2 && offset > HEADER_BYTES, "only a seal is of no account");
        }
        let both = disk.fork();
        both.flip(SNAPSHOTS[1], 50, 1);
        match try_open(&both) {
            Err(OpenError::Damaged { file, .. }) => assert_eq!(file, "log-000000-0000000002"),
            Err(error) => panic!("{error}"),
            Ok((_, recovered)) => assert_eq!(history(&recovered), records, "flip at {offset}"),
        }
    }
}

#[test]
fn damage_of_one_small_file_is_said_and_costs_nothing_or_is_an_error() {
    let (disk, records) = with_snapshots();
    for name in ["meta.a", "meta.b", "identity"] {
        for offset in 0..disk.size(name).expect("it is there") {
            for mask in [1, 2, 128] {
                let disk = disk.fork();
                disk.flip(name, offset, mask);
                let opened = try_open(&disk);
                if name == "identity" {
                    assert_damaged(opened, name, Some(0));
                    continue;
                }
                let (_, recovered) = opened.expect("the other copy is enough");
                assert_eq!((recovered.incarnation, history(&recovered)), (2, records.clone()));
                assert_eq!(recovered.warnings.len(), 1, "it is said");
                assert!(try_open(&disk).expect("it opens").1.warnings.is_empty(), "it is repaired");
            }
        }
    }
    disk.flip("meta.a", 30, 1);
    disk.flip("meta.b", 30, 1);
    assert_damaged(try_open(&disk), "meta.a", Some(0));
}

#[test]
fn random_bytes_over_any_file_never_panic_and_never_invent_history() {
    let (disk, records) = with_snapshots();
    let names = disk.list("").expect("names");
    for seed in 0..3_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let disk = disk.fork();
        for _ in 0..rng.usize(1..4) {
            let name = &names[rng.usize(..names.len())];
            let size = disk.size(name).expect("it is there");
            let near = if name.starts_with("log") && rng.bool() {
                HEADER_BYTES..HEADER_BYTES + 300
            } else {
                0..size
            };
            let offset = rng.u64(near);
            let len = rng.usize(1..600).min((size - offset) as usize);
            let bytes: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
            disk.write_at(name, offset, &bytes).expect("written");
        }
        if let Ok((_, recovered)) = try_open(&disk) {
            let found = history(&recovered);
            // The newest file may lose its end like a torn write; what a snapshot holds is never lost.
            assert!(found.len() >= 8 && found == records[..found.len()], "seed {seed}: {found:?}");
        }
    }
}
