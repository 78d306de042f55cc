//! What the steps of a store do when nothing goes wrong.

use super::*;
use crate::storage::{History, Lsn, RECORD_BYTES_MAX, SimDisk, Start, StorageError};

#[test]
fn a_first_opening_says_so_and_counts_incarnations() {
    let disk = SimDisk::new();
    for incarnation in 1..=3 {
        let (mut store, recovered) = open(&disk);
        assert_eq!((recovered.incarnation, recovered.history), (incarnation, History::First));
        assert_eq!(store.sync().expect("nothing to do"), Lsn(0));
    }
    let late = Options { incarnation_min: 70, ..options() };
    let (_, recovered) = Store::open(disk.clone(), &identity(), &late).expect("it opens");
    assert_eq!(recovered.incarnation, 70);
    assert_eq!(open(&disk).1.incarnation, 71);
}

#[test]
fn synced_records_come_back_in_order_over_many_files() {
    let disk = SimDisk::new();
    let records: Vec<String> =
        (0..500).map(|n| format!("record number {n} with some text behind it")).collect();
    let (mut store, _) = open(&disk);
    for (index, record) in records.iter().enumerate() {
        assert_eq!(store.append(record.as_bytes()).expect("taken"), Lsn(index as u64 + 1));
        while store.prepare().expect("prepared") {}
    }
    assert_eq!(store.sync().expect("synced"), Lsn(500));
    assert!(store.bytes_used() > 4 * options().segment_bytes, "the log went on in other files");
    drop(store);
    let (mut store, recovered) = open(&disk);
    assert_eq!(replayed(&recovered), records);
    assert_eq!((recovered.history, recovered.torn), (History::Kept, None));
    assert!(recovered.parts.len() > 4 && recovered.parts[0].start == Start::Blank);
    assert_eq!(store.append(b"one more").expect("taken"), Lsn(1), "numbers begin again with each opening");
    assert_eq!(store.durable(), Lsn(0));
}

#[test]
fn a_record_longer_than_a_file_gets_a_longer_file() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    let long = "x".repeat(50_000);
    put(&mut store, &["before", &long, "after", ""]);
    drop(store);
    assert_eq!(replayed(&open(&disk).1), ["before", &long, "after", ""]);
}

#[test]
fn a_record_over_the_limit_is_refused_and_the_store_goes_on() {
    let (mut store, _) = open(&SimDisk::faultless());
    let error = store.append(&vec![0; RECORD_BYTES_MAX + 1]).expect_err("it is too large");
    assert!(matches!(error, StorageError::RecordTooLarge { .. }) && !error.is_fatal());
    put(&mut store, &["fits"]);
}

#[test]
fn replay_begins_at_the_snapshot_with_its_checkpoint() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    put(&mut store, &["a", "b"]);
    snapshot(&mut store, 2, b"state of 2", &["view 1", "promise 2"]);
    put(&mut store, &["c"]);
    assert_eq!(store.log_bytes_since_snapshot(), 4 * 32 - 32 + 6 + 9 + 1);
    drop(store);
    let (_, recovered) = open(&disk);
    assert_eq!(content(&recovered).as_deref(), Some(b"state of 2".as_slice()));
    assert_eq!(replayed(&recovered), ["view 1", "promise 2", "c"]);
    assert_eq!(recovered.parts[recovered.replay_from].start, Start::Snapshot(2));
    assert_eq!(recovered.parts[0].records.len(), 2, "the log since the blank state is kept as the older one");
}

#[test]
fn a_snapshot_is_put_off_until_the_file_that_it_begins_is_ready_but_for_half_a_file_at_most() {
    let mut store = store_with_room_for(16);
    let due_after = 2 * FILE_BYTES;
    let ready = log_when_due(&mut store, due_after, true);
    // It is made from a quarter of the file before on.
    assert!((due_after + 200..due_after + FILE_BYTES / 4).contains(&ready), "{ready}");
    snapshot(&mut store, 1, b"", &[]);
    let none = log_when_due(&mut store, due_after, false);
    let put_off = FILE_BYTES / 2;
    assert!((due_after + put_off..due_after + put_off + 200).contains(&none), "{none}");
    snapshot(&mut store, 2, b"", &[]);
    let small = log_when_due(&mut store, 4_000, false);
    assert!((5_000..5_200).contains(&small), "a quarter of a small limit at most: {small}");
}

#[test]
fn a_snapshot_is_not_put_off_where_there_is_no_room_for_another_file() {
    let mut store = store_with_room_for(4);
    // In the first quarter of the fourth file, which holds less than its length.
    let due_after = 3 * FILE_BYTES - 4_096;
    let due = log_when_due(&mut store, due_after, true);
    assert!((due_after..due_after + 200).contains(&due), "{due}");
}

const FILE_BYTES: u64 = 64 << 10;

fn store_with_room_for(files: u64) -> Store<SimDisk> {
    let options = Options { segment_bytes: FILE_BYTES, disk_bytes_max: files * FILE_BYTES, ..options() };
    Store::open(SimDisk::faultless(), &identity(), &options).expect("it opens").0
}

/// Writes until a snapshot is due, and says how long the log is then.
fn log_when_due(store: &mut Store<SimDisk>, due_after: u64, prepares: bool) -> u64 {
    while !store.is_snapshot_due(due_after) {
        put(store, &[&"x".repeat(100)]);
        while prepares && store.prepare().expect("prepared") {}
    }
    store.log_bytes_since_snapshot()
}

#[test]
fn two_snapshots_are_kept_and_the_log_before_them_is_deleted() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    for position in 1..=9_u64 {
        put(&mut store, &[&format!("record {position}")]);
        snapshot(&mut store, position, &position.to_le_bytes(), &["checkpoint"]);
        assert!(disk.bytes() <= 4 * options().segment_bytes, "old files are deleted");
    }
    drop(store);
    let (store, recovered) = open(&disk);
    let names = disk.list("").expect("names");
    assert_eq!(names.iter().filter(|name| name.starts_with("snapshot-")).count(), 2);
    assert_eq!(names.iter().filter(|name| name.starts_with("log-")).count(), 2);
    assert_eq!(recovered.snapshot.as_ref().map(|reader| reader.position()), Some(9));
    assert_eq!(store.snapshot_reader().map(|reader| reader.position()), Some(9));
}

#[test]
fn a_snapshot_that_is_given_up_leaves_nothing() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    put(&mut store, &["a"]);
    let mut writer = store.begin_snapshot(1, &[b"checkpoint"]).expect("it begins");
    let before = store.bytes_used();
    writer.write_all(&[7; 600_000]).expect("written");
    assert!(store.bytes_used() >= before + 500_000, "unfinished snapshots count");
    drop(writer);
    assert_eq!(store.bytes_used(), before);
    assert!(disk.list("").expect("names").iter().all(|name| !name.contains("snapshot")));
    drop(store);
    assert_eq!(replayed(&open(&disk).1), ["a", "checkpoint"]);
}

#[test]
fn a_peers_snapshot_replaces_the_whole_history() {
    let (there, here) = (SimDisk::new(), SimDisk::new());
    let (mut donor, _) = open(&there);
    put(&mut donor, &["x"]);
    snapshot(&mut donor, 40, &[9; 1000], &[]);
    let (mut store, _) = open(&here);
    put(&mut store, &["old 1"]);
    snapshot(&mut store, 1, b"old state", &["old checkpoint"]);
    put(&mut store, &["old 2"]);
    let old_reader = store.snapshot_reader().expect("there is one");
    let old_writer = store.begin_snapshot(2, &[]).expect("it begins");

    let received = transfer(&donor, &mut store);
    assert_eq!(received.position(), 40);
    store.adopt_snapshot(received, &[b"view 7"]).expect("adopted");
    assert!(matches!(old_reader.read_at(0, 10), Err(StorageError::SnapshotGone { position: 1 })));
    let overtaken = old_writer.finish().expect("it is written");
    store.snapshot_done(overtaken).expect("and deleted");
    put(&mut store, &["new"]);
    drop(store);
    let (_, recovered) = open(&here);
    assert_eq!(content(&recovered), Some(vec![9; 1000]));
    assert_eq!(replayed(&recovered), ["view 7", "new"]);
    assert_eq!((recovered.parts.len(), recovered.warnings), (1, vec![]));
}

#[test]
fn a_peers_snapshot_goes_on_where_the_link_broke_and_must_be_whole() {
    let (there, here) = (SimDisk::new(), SimDisk::new());
    let (mut donor, _) = open(&there);
    snapshot(&mut donor, 40, &[9; 1000], &[]);
    let reader = donor.snapshot_reader().expect("there is one");
    let total = reader.total_bytes();
    let whole = reader.read_at(0, 1 << 20).expect("readable");
    assert_eq!(whole.len() as u64, total);
    let (mut store, _) = open(&here);
    let bad = |result: Result<(), StorageError>| matches!(result, Err(StorageError::BadSnapshot { .. }));

    let mut receiver = store.snapshot_receiver(40, total).expect("room");
    assert!(bad(receiver.write_chunk(1, &whole[1..10])), "a gap");
    receiver.write_chunk(0, &whole[..300]).expect("a piece");
    receiver.write_chunk(100, &whole[100..500]).expect("an overlap");
    receiver.write_chunk(0, &whole[..20]).expect("a repetition");
    assert_eq!(receiver.received(), 500);
    assert!(bad(receiver.write_chunk(500, &vec![0; total as usize])), "too long");
    assert!(bad(receiver.finish().map(drop)), "half");

    let mut wrong = whole.clone();
    wrong[700] ^= 1;
    let mut receiver = store.snapshot_receiver(40, total).expect("room");
    receiver.write_chunk(0, &wrong).expect("pieces are not judged");
    assert!(bad(receiver.finish().map(drop)), "a flipped bit");
    let mut receiver = store.snapshot_receiver(41, total).expect("room");
    receiver.write_chunk(0, &whole).expect("pieces are not judged");
    assert!(bad(receiver.finish().map(drop)), "another position");
    assert!(here.list("").expect("names").iter().all(|name| !name.starts_with("received")));
    assert!(matches!(store.snapshot_receiver(40, 1 << 30), Err(StorageError::Full { .. })));
}

#[test]
fn a_history_set_aside_is_lost_until_a_peers_is_adopted() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    put(&mut store, &["a", "b"]);
    drop(store);
    Store::set_aside(disk.clone(), &identity(), "bit rot").expect("set aside");
    assert_eq!(disk.list("damaged").expect("names"), ["log-000000-0000000001"]);
    let lost = History::Lost { why: "bit rot".to_owned() };
    for incarnation in [2, 3] {
        let (mut store, recovered) = open(&disk);
        assert_eq!((recovered.incarnation, &recovered.history), (incarnation, &lost));
        put(&mut store, &["promise"]);
    }
    Store::set_aside(disk.clone(), &identity(), "again").expect("set aside");
    assert_eq!(disk.list("damaged").expect("names"), ["log-000001-0000000001"], "one generation is kept");
    let (mut store, _) = open(&disk);
    let (mut donor, _) = open(&SimDisk::new());
    snapshot(&mut donor, 5, b"state", &[]);
    let received = transfer(&donor, &mut store);
    store.adopt_snapshot(received, &[]).expect("adopted");
    drop(store);
    let (_, recovered) = open(&disk);
    assert_eq!((recovered.incarnation, recovered.history), (5, History::Kept));
}

#[test]
fn a_lost_history_with_nothing_to_adopt_is_restored_by_word() {
    let disk = SimDisk::new();
    open(&disk);
    Store::set_aside(disk.clone(), &identity(), "bit rot").expect("set aside");
    let (mut store, _) = open(&disk);
    store.history_restored().expect("restored");
    drop(store);
    assert_eq!(open(&disk).1.history, History::Kept);
}

#[test]
fn a_memory_disk_keeps_nothing_over_a_crash() {
    let disk = SimDisk::faultless();
    put(&mut open(&disk).0, &["a"]);
    assert_eq!(replayed(&open(&disk).1), ["a"]);
    disk.crash(&mut fastrand::Rng::with_seed(1));
    assert_eq!(open(&disk).1.history, History::First);
}
