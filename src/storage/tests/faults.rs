//! Full disks, failed syncs, and directories that are not ours.

use super::*;
use crate::storage::{Lsn, OpenError, SimDisk, StorageError};

/// Identity and both copies of meta, at most.
const SMALL_FILES_BYTES: u64 = 1000;

#[test]
fn a_failed_sync_ends_the_store() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    put(&mut store, &["durable"]);
    store.append(b"in doubt").expect("taken");
    disk.fail_sync_after(0);
    let error = store.sync().expect_err("the sync fails");
    assert!(error.is_fatal() && error.to_string().contains("cannot sync log-000000-0000000001"), "{error}");
    for error in [
        store.sync().expect_err("it stays failed"),
        store.append(b"more").map(drop).map(|()| Lsn(0)).expect_err("it stays failed"),
        store.begin_snapshot(1, &[]).map(|_| Lsn(0)).expect_err("it stays failed"),
        store.prepare().map(|_| Lsn(0)).expect_err("it stays failed"),
    ] {
        assert!(matches!(error, StorageError::Stopped { .. }) && error.is_fatal(), "{error}");
    }
}

#[test]
fn what_is_read_back_after_a_failed_sync_is_made_durable_before_it_is_used() {
    // The kernel keeps showing pages that it failed to write, and a second sync says all is well.
    for seed in 0..50 {
        let disk = SimDisk::new();
        let (mut store, _) = open(&disk);
        put(&mut store, &["durable"]);
        store.append(b"in doubt").expect("taken");
        disk.fail_sync_after(0);
        store.sync().expect_err("the sync fails");
        drop(store);
        let seen = replayed(&open(&disk).1);
        assert_eq!(seen, ["durable", "in doubt"]);
        disk.crash(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(replayed(&open(&disk).1), seen, "what recovery has shown stays");
    }
}

#[test]
fn a_full_disk_refuses_records_until_there_is_room_again() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    disk.limit_space(Some(3_000));
    let mut taken = Vec::new();
    let error = loop {
        let record = format!("record {:0100}", taken.len());
        match store.append(record.as_bytes()) {
            Ok(_) => taken.push(record),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, StorageError::NoSpace { file, .. } if file == "spare.tmp"), "{error}");
    assert!(!error.is_fatal() && error.to_string().contains("free some disk space"), "{error}");
    store.sync().expect("what was taken is durable");
    disk.limit_space(None);
    put(&mut store, &["after"]);
    taken.push("after".to_owned());
    drop(store);
    assert_eq!(replayed(&open(&disk).1), taken);
}

#[test]
fn a_snapshot_without_room_fails_alone() {
    let disk = SimDisk::new();
    let (mut store, _) = open(&disk);
    let mut writer = store.begin_snapshot(1, &[]).expect("it begins");
    disk.limit_space(Some(10_000));
    let written = writer.write_all(&[1; 300_000]).and_then(|()| writer.flush());
    assert_eq!(written.expect_err("no room").kind(), std::io::ErrorKind::StorageFull);
    drop(writer);
    put(&mut store, &["goes on"]);
}

#[test]
fn the_limit_on_disk_use_refuses_records_and_a_snapshot_makes_room() {
    let disk = SimDisk::new();
    let small = Options { disk_bytes_max: 6 * options().segment_bytes, ..options() };
    let (mut store, _) = Store::open(disk.clone(), &identity(), &small).expect("it opens");
    let record = [7; 1000];
    let fill = |store: &mut Store<SimDisk>| loop {
        match store.append(&record) {
            Ok(_) => while store.prepare().expect("prepared") {},
            Err(error) => break error,
        }
    };
    for position in 1..20 {
        let error = fill(&mut store);
        assert!(matches!(error, StorageError::Full { .. }) && !error.is_fatal(), "{error}");
        assert!(error.to_string().contains("limit of 49152"), "{error}");
        assert!(disk.bytes() <= small.disk_bytes_max + SMALL_FILES_BYTES, "{} bytes", disk.bytes());
        store.sync().expect("what was taken is durable");
        // The older of the two states that are kept still needs the log, so it takes two.
        for half in 0..2 {
            snapshot(&mut store, 2 * position + half, b"state", &["checkpoint"]);
            assert!(
                disk.bytes() <= small.disk_bytes_max + 2 * 8192 + SMALL_FILES_BYTES,
                "{} bytes",
                disk.bytes()
            );
        }
    }
}

#[test]
fn limits_that_cannot_work_are_refused() {
    let tiny = Options { segment_bytes: 100, ..options() };
    let narrow = Options { disk_bytes_max: 20_000, ..options() };
    for options in [tiny, narrow] {
        let error =
            Store::open(SimDisk::new(), &identity(), &options).map(drop).expect_err("no room to work");
        assert!(matches!(error, OpenError::Limits { .. }), "{error}");
    }
}

#[test]
fn the_directory_of_another_is_refused_and_left_alone() {
    let disk = SimDisk::new();
    put(&mut open(&disk).0, &["a"]);
    let others = [
        (Identity { cluster: "other".to_owned(), ..identity() }, "cluster reservation", "says other"),
        (Identity { server: 3, ..identity() }, "server 2", "says 3"),
        (Identity { seats: 1, ..identity() }, "seats 100", "says 1"),
    ];
    for (other, found, expected) in others {
        let error = Store::open(disk.clone(), &other, &options()).map(drop).expect_err("it is not ours");
        let words = error.to_string();
        assert!(words.contains("identity was written for") && words.contains(found), "{words}");
        assert!(words.contains(expected) && matches!(error, OpenError::Identity { .. }), "{words}");
        Store::set_aside(disk.clone(), &other, "no").expect_err("it is not ours");
    }
    assert_eq!(replayed(&open(&disk).1), ["a"]);
}

#[test]
fn a_directory_that_lost_one_of_its_files_is_not_taken_for_a_new_one() {
    for lost in [&["identity"][..], &["meta.a", "meta.b"], &["log-000000-0000000001"]] {
        let disk = SimDisk::new();
        put(&mut open(&disk).0, &["a"]);
        for name in lost {
            disk.remove(name).expect("it was there");
        }
        let error =
            Store::open(disk.clone(), &identity(), &options()).map(drop).expect_err("something is missing");
        assert!(matches!(&error, OpenError::Damaged { file, .. } if file == lost[0]), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let disk = SimDisk::new();
    open(&disk);
    let text = String::from_utf8(disk.read("identity").expect("readable")).expect("text");
    let body = text.replace("identity 2", "identity 3");
    let body = &body[..body.len() - 15];
    let newer = format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()));
    disk.write_at("identity", 0, newer.as_bytes()).expect("written");
    let error = Store::open(disk, &identity(), &options()).map(drop).expect_err("it is newer");
    assert!(matches!(error, OpenError::Format { found: 3, expected: 2, .. }), "{error}");
}
