//! Data directories that somebody has damaged: a server says what is wrong, in one sentence and with an exit code, or
//! does without what is damaged.

use crate::harness::{Cluster, until};
use assert_cmd::assert::OutputAssertExt as _;
use boxoffice::api::wire::ServerState;
use boxoffice::domain::command::Operation;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

/// Snapshots come early, so that a directory has two of them.
const SNAPSHOTS: &str = "limits: {snapshot_log_bytes: 4096, disk_bytes_max: 1000000}\n";

/// A lone server's directory with some reservations, and nobody in it.
fn used() -> Cluster {
    let mut cluster = Cluster::started(1, SNAPSHOTS);
    take_two_snapshots(&cluster, 1);
    cluster.kill(1);
    cluster
}

/// One seat goes to `ann`, and others come and go until server `id` has taken two snapshots.
fn take_two_snapshots(cluster: &Cluster, id: u8) {
    cluster.reserve(&[id], "ann", 1);
    let mut number = 0;
    until("there are two snapshots", || {
        let bob = || "bob".parse().unwrap();
        cluster.execute(&[id], Operation::Reserve { name: bob(), count: 2 });
        cluster.execute(&[id], Operation::Delete { name: bob() });
        number += 1;
        (number % 10 == 0 && names(cluster, id, "snapshot-").len() == 2).then_some(())
    });
}

/// Finished files of server `id` whose names begin so, in order.
fn names(cluster: &Cluster, id: u8, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(cluster.data(id)).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(prefix) && !name.ends_with(".tmp")
    };
    let mut found: Vec<PathBuf> = entries.filter(is_one).collect();
    found.sort();
    found
}

/// The same where there are some.
fn files(cluster: &Cluster, id: u8, prefix: &str) -> Vec<PathBuf> {
    let found = names(cluster, id, prefix);
    assert!(!found.is_empty(), "no {prefix} in {}", cluster.data(id).display());
    found
}

/// Flips a bit in each of these files.
fn flip(files: &[PathBuf], at: usize) {
    for file in files {
        let mut bytes = fs::read(file).unwrap();
        bytes[at] ^= 4;
        fs::write(file, bytes).unwrap();
    }
}

/// Starts server 1, which ends at once.
fn ends(cluster: &Cluster) -> assert_cmd::assert::Assert {
    let mut command = cluster.command(1);
    command.stderr(Stdio::piped()).output().unwrap().assert()
}

#[test]
fn a_damaged_identity_ends_the_server_with_a_sentence() {
    let cluster = used();
    flip(&files(&cluster, 1, "identity"), 20);
    let sentence = contains("identity is damaged at byte 0: its checksum does not match");
    ends(&cluster).code(1).stderr(sentence.and(contains("panicked").not()));
}

#[test]
fn an_identity_that_is_gone_or_no_file_ends_the_server_with_a_sentence() {
    let cluster = used();
    let identity = cluster.data(1).join("identity");
    fs::remove_file(&identity).unwrap();
    ends(&cluster).code(1).stderr(contains("identity is damaged at byte 0: the file is missing"));
    fs::create_dir(&identity).unwrap();
    ends(&cluster).code(1).stderr(contains("cannot read ").and(contains("identity: Is a directory")));
}

#[test]
fn an_identity_of_any_length_is_refused_before_it_is_read() {
    let cluster = used();
    let identity = fs::File::options().write(true).open(cluster.data(1).join("identity")).unwrap();
    identity.set_len(1 << 40).unwrap();
    ends(&cluster).code(1).stderr(contains("it is longer than any such file"));
}

#[test]
fn a_format_of_another_version_is_told_by_its_number() {
    let cluster = used();
    let identity = cluster.data(1).join("identity");
    let text = fs::read_to_string(&identity).unwrap().replace("identity 2\n", "identity 7\n");
    let body = &text[..text.len() - "crc32 01234567\n".len()];
    fs::write(&identity, format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()))).unwrap();
    ends(&cluster).code(2).stderr(contains("has format 7, this program reads format 2"));
}

#[test]
fn one_damaged_copy_of_meta_is_said_and_two_end_the_server() {
    let mut cluster = used();
    flip(&files(&cluster, 1, "meta.a"), 20);
    cluster.start(1);
    cluster.wait_ready(&[1]);
    assert_eq!(cluster.search(1, "ann"), [1]);
    assert!(cluster.log(1).contains("its other copy is used"), "{}", cluster.log(1));
    cluster.kill(1);
    flip(&files(&cluster, 1, "meta."), 20);
    ends(&cluster).code(1).stderr(contains("meta.a is damaged at byte 0"));
}

#[test]
fn one_damaged_snapshot_is_said_and_nothing_is_lost() {
    let mut cluster = used();
    let snapshots = files(&cluster, 1, "snapshot-");
    assert_eq!(snapshots.len(), 2);
    flip(&snapshots[1..], 200);
    cluster.start(1);
    cluster.wait_ready(&[1]);
    assert_eq!(cluster.search(1, "ann"), [1]);
    assert!(cluster.log(1).contains("is not used: its checksum does not match"), "{}", cluster.log(1));
}

#[test]
fn a_lone_server_whose_log_is_damaged_keeps_it_and_sells_nothing() {
    let mut cluster = used();
    flip(&files(&cluster, 1, "snapshot-"), 200);
    cluster.start(1);
    let waiting = until("it says what it waits for", || cluster.status(1).ok()?.waiting_for);
    assert!(waiting.contains("server 1"), "{waiting}");
    let row = cluster.row(1).unwrap();
    assert_eq!((row.state, row.seats_left), (ServerState::Recovering, 100), "nothing is made up");
    let log = cluster.log(1);
    assert!(log.contains("the data directory is damaged: its log is set aside"), "{log}");
    let aside = cluster.data(1).join("damaged");
    assert!(fs::read_dir(aside).unwrap().count() >= 3, "all that was there is kept for a person");
}

#[test]
fn damaged_snapshots_are_taken_anew_from_the_others() {
    let mut cluster = Cluster::started(3, SNAPSHOTS);
    take_two_snapshots(&cluster, 2);
    cluster.kill(2);
    flip(&files(&cluster, 2, "snapshot-"), 200);
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "ann"), [1]);
    assert!(cluster.log(2).contains("is damaged at byte"), "{}", cluster.log(2));
}
