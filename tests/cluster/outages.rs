//! Servers end, freeze and come back; what was answered stays, and nothing is sold twice.

use crate::harness::{Cluster, until};
use boxoffice::api::wire::ServerState;
use boxoffice::domain::ids::Seat;
use boxoffice::domain::outcome::Outcome;
use rustix::process::Signal;

fn reserved(name: &str, seats: &[u32]) -> Outcome {
    Outcome::Reserved { name: name.parse().unwrap(), seats: seats.iter().copied().map(Seat).collect() }
}

#[test]
fn the_last_of_three_goes_on_selling_and_the_others_catch_up() {
    let mut cluster = Cluster::started(3, "");
    assert_eq!(cluster.reserve(&[1], "ann", 2), reserved("ann", &[1, 2]));
    cluster.kill(1);
    assert_eq!(cluster.reserve(&[2, 3], "bob", 2), reserved("bob", &[3, 4]));
    cluster.kill(2);
    assert_eq!(cluster.reserve(&[3], "cyd", 1), reserved("cyd", &[5]));
    cluster.start(1);
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    for id in [1, 2, 3] {
        assert_eq!(cluster.search(id, "ann"), [1, 2]);
        assert_eq!(cluster.search(id, "bob"), [3, 4]);
        assert_eq!(cluster.search(id, "cyd"), [5]);
    }
}

#[test]
fn a_server_that_is_told_to_stop_leaves_at_once_and_the_others_do_not_wait_for_it() {
    let mut cluster = Cluster::started(3, "");
    cluster.reserve(&[2], "ann", 2);
    let status = cluster.stop(2);
    assert_eq!(status.code(), Some(0));
    assert!(cluster.log(2).contains("stopped"));
    assert_eq!(cluster.reserve(&[1], "bob", 1), reserved("bob", &[3]));
    assert!(cluster.log(1).contains("a server leaves the cluster"), "a farewell is no crash");
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "bob"), [3]);
}

#[test]
fn everything_is_there_after_all_servers_were_stopped() {
    let mut cluster = Cluster::started(3, "");
    cluster.reserve(&[1], "ann", 2);
    cluster.reserve(&[3], "bob", 3);
    for id in [1, 2, 3] {
        assert_eq!(cluster.stop(id).code(), Some(0));
    }
    [1, 2, 3].into_iter().for_each(|id| cluster.start(id));
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "ann"), [1, 2]);
    assert_eq!(cluster.search(1, "bob"), [3, 4, 5]);
}

#[test]
fn everything_is_there_after_all_servers_were_killed() {
    let mut cluster = Cluster::started(3, "");
    let mut sold = Vec::new();
    for n in 0..20u8 {
        let name = format!("name{n}");
        let Outcome::Reserved { seats, .. } = cluster.reserve(&[1 + n % 3], &name, 2) else { panic!() };
        sold.push((name, seats));
    }
    for id in [1, 2, 3] {
        cluster.kill(id);
    }
    [3, 1, 2].into_iter().for_each(|id| cluster.start(id));
    cluster.wait_ready(&[1, 2, 3]);
    for (name, seats) in sold {
        let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
        assert_eq!(cluster.search(1, &name), seats);
    }
}

#[test]
fn after_an_outage_the_first_to_return_waits_for_those_who_may_know_more() {
    let mut cluster = Cluster::started(3, "");
    cluster.kill(1);
    cluster.reserve(&[2, 3], "ann", 2);
    cluster.kill(2);
    cluster.kill(3);
    cluster.start(1);
    until("server 1 says that it waits", || {
        let report = cluster.status(1).ok()?;
        report.waiting_for.filter(|_| report.servers[0].state == ServerState::Recovering)
    });
    cluster.start(2);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(1, "ann"), [1, 2]);
}

#[test]
fn a_frozen_server_is_given_up_and_comes_back_when_it_thaws() {
    let mut cluster = Cluster::started(3, "");
    cluster.signal(2, Signal::STOP);
    assert_eq!(cluster.reserve(&[1, 3], "ann", 2), reserved("ann", &[1, 2]));
    cluster.signal(2, Signal::CONT);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "ann"), [1, 2]);
    assert_eq!(cluster.stop(2).code(), Some(0));
}

#[test]
fn a_majority_sells_and_a_minority_does_not() {
    let mut cluster = Cluster::started(3, "availability: majority\n");
    cluster.kill(1);
    assert_eq!(cluster.reserve(&[2, 3], "ann", 2), reserved("ann", &[1, 2]));
    cluster.kill(2);
    until("server 3 stops selling", || cluster.row(3).ok().filter(|row| row.state != ServerState::Ready));
    cluster.start(1);
    cluster.wait_ready(&[1, 3]);
    assert_eq!(cluster.search(1, "ann"), [1, 2]);
}

#[test]
fn memory_only_servers_pass_on_what_they_know() {
    let mut cluster = Cluster::started(3, "durability: memory\n");
    cluster.reserve(&[1], "ann", 2);
    cluster.kill(3);
    cluster.reserve(&[1, 2], "bob", 2);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(3, "ann"), [1, 2]);
    assert_eq!(cluster.search(3, "bob"), [3, 4]);
    assert!(!cluster.data(3).exists(), "nothing is written");
}

#[test]
fn a_wiped_server_takes_everything_from_the_others() {
    let mut cluster = Cluster::started(3, "limits: {snapshot_log_bytes: 4096, disk_bytes_max: 1000000}\n");
    for n in 0..60 {
        cluster.reserve(&[1], &format!("name{n}"), 1);
    }
    cluster.kill(2);
    std::fs::remove_dir_all(cluster.data(2)).unwrap();
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "name59"), [60]);
}

#[test]
fn a_damaged_log_is_set_aside_and_taken_anew() {
    let mut cluster = Cluster::started(3, "");
    for n in 0..20 {
        cluster.reserve(&[1], &format!("name{n}"), 1);
    }
    cluster.kill(2);
    let log = std::fs::read_dir(cluster.data(2)).unwrap().map(|entry| entry.unwrap().path());
    let log =
        log.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("log-")).min().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(2, "name19"), [20]);
    assert!(cluster.log(2).contains("is damaged at byte"), "{}", cluster.log(2));
}
