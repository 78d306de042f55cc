//! The same over the operating system's files.

use super::*;
use crate::storage::{History, OpenError, RealDisk, StorageError};

#[test]
fn records_and_snapshots_survive_on_a_real_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("data");
    let records: Vec<String> =
        (0..300).map(|n| format!("record number {n} with some text behind it")).collect();
    let (mut store, recovered) = open(&RealDisk::open(&path).expect("locked"));
    assert_eq!(recovered.history, History::First);
    for record in &records[..200] {
        put(&mut store, &[record]);
        store.prepare().expect("prepared");
    }
    snapshot(&mut store, 200, &[5; 700_000], &["checkpoint"]);
    let reader = store.snapshot_reader().expect("there is one");
    for record in &records[200..] {
        put(&mut store, &[record]);
    }
    drop((store, reader, recovered));

    let (mut store, recovered) = open(&RealDisk::open(&path).expect("the lock was given back"));
    assert_eq!((recovered.incarnation, &recovered.history), (2, &History::Kept));
    assert_eq!(content(&recovered), Some(vec![5; 700_000]));
    assert_eq!(replayed(&recovered)[0], "checkpoint");
    assert_eq!(replayed(&recovered)[1..], records[200..]);
    snapshot(&mut store, 300, b"state", &[]);
    let old = recovered.snapshot.expect("there was one");
    assert!(old.read_at(0, 10).is_ok(), "the one before the newest can still be read");
    snapshot(&mut store, 301, b"state", &[]);
    assert!(matches!(old.read_at(0, 10), Err(StorageError::SnapshotGone { position: 200 })));
}

#[test]
fn a_peers_snapshot_and_a_damaged_log_on_a_real_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut donor, _) = open(&RealDisk::open(dir.path().join("donor")).expect("locked"));
    snapshot(&mut donor, 9, &[5; 7000], &[]);
    let path = dir.path().join("data");
    let (mut store, _) = open(&RealDisk::open(&path).expect("locked"));
    put(&mut store, &["a", "b"]);
    drop(store);
    let disk = RealDisk::open(&path).expect("the lock was given back");
    disk.write_at("log-000000-0000000001", 4096, b"?").expect("damaged");
    let error = Store::open(disk.clone(), &identity(), &options()).map(drop).expect_err("it is damaged");
    let file = path.join("log-000000-0000000001").display().to_string();
    assert!(error.to_string().starts_with(&format!("{file} is damaged at byte 4096: ")), "{error}");
    Store::set_aside(disk.clone(), &identity(), &error.to_string()).expect("set aside");
    assert!(path.join("damaged/log-000000-0000000001").exists());
    let (mut store, recovered) = open(&disk);
    assert_eq!(recovered.history, History::Lost { why: error.to_string() });
    let received = transfer(&donor, &mut store);
    store.adopt_snapshot(received, &[b"view"]).expect("adopted");
    drop(store);
    let (_, recovered) = open(&disk);
    assert_eq!((content(&recovered), replayed(&recovered)), (Some(vec![5; 7000]), vec!["view".to_owned()]));
}

#[test]
fn a_second_process_is_refused_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = RealDisk::open(dir.path()).expect("locked");
    let second = disk.clone();
    let error = RealDisk::open(dir.path()).expect_err("it is taken");
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("is in use by another server process"), "{error}");
    drop(disk);
    RealDisk::open(dir.path()).expect_err("a clone still holds it");
    drop(second);
    RealDisk::open(dir.path()).expect("it is free");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, b"").expect("written");
    let error = RealDisk::open(file.join("data")).expect_err("its parent is a file");
    assert!(
        error.to_string().contains(&format!("cannot make the data directory {}", file.display())),
        "{error}"
    );
}
