//! What storage promises, as facts.

mod crash;
mod damage;
mod faults;
mod real;
mod steps;

use super::{Disk, Identity, Options, Recovered, Store};
use std::io::{Read, Write};

pub(super) fn identity() -> Identity {
    Identity { cluster: "reservation".to_owned(), server: 2, seats: 100 }
}

pub(super) fn options() -> Options {
    Options { segment_bytes: 8 << 10, disk_bytes_max: 1 << 20, incarnation_min: 0 }
}

pub(super) fn open<D: Disk>(disk: &D) -> (Store<D>, Recovered<D>) {
    Store::open(disk.clone(), &identity(), &options()).expect("the directory opens")
}

/// Everything since the blank state that replay gives, as text.
pub(super) fn replayed<D: Disk>(recovered: &Recovered<D>) -> Vec<String> {
    let text = |record: &bytes::Bytes| String::from_utf8(record.to_vec()).expect("records of tests are text");
    recovered.replay().map(text).collect()
}

pub(super) fn content<D: Disk>(recovered: &Recovered<D>) -> Option<Vec<u8>> {
    let reader = recovered.snapshot.as_ref()?;
    let mut bytes = Vec::new();
    reader
        .content()
        .and_then(|mut content| content.read_to_end(&mut bytes))
        .expect("the snapshot can be read");
    Some(bytes)
}

/// Appends and syncs each record.
pub(super) fn put<D: Disk>(store: &mut Store<D>, records: &[&str]) {
    for record in records {
        store.append(record.as_bytes()).expect("the record is taken");
        store.sync().expect("the record is durable");
    }
}

pub(super) fn snapshot<D: Disk>(store: &mut Store<D>, position: u64, state: &[u8], checkpoint: &[&str]) {
    let checkpoint: Vec<&[u8]> = checkpoint.iter().map(|record| record.as_bytes()).collect();
    let mut writer = store.begin_snapshot(position, &checkpoint).expect("the snapshot begins");
    writer.write_all(state).expect("the state is written");
    let finished = writer.finish().expect("the snapshot is durable");
    store.snapshot_done(finished).expect("the log is cut");
}

/// Carries the newest snapshot of one store to another, in small pieces.
pub(super) fn transfer<D: Disk, E: Disk>(from: &Store<D>, to: &mut Store<E>) -> super::ReceivedSnapshot<E> {
    let reader = from.snapshot_reader().expect("there is a snapshot");
    let mut receiver = to.snapshot_receiver(reader.position(), reader.total_bytes()).expect("there is room");
    while receiver.received() < receiver.total_bytes() {
        let at = receiver.received();
        receiver.write_chunk(at, &reader.read_at(at, 100).expect("the snapshot is there")).expect("a piece");
    }
    receiver.finish().expect("the snapshot is whole")
}
