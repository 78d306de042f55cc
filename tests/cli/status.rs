//! The table of all servers.

use super::{Cluster, fake::*};
use predicates::{prelude::*, str::contains};

#[test]
fn all_ready_is_zero() {
    let theatre = theatre(100);
    let servers = [Fake::start(1, &theatre, &[]), Fake::start(2, &theatre, &[])];
    let cluster = Cluster::of(&[&servers[0], &servers[1]]);
    let words = contains("test: 2 of 2 servers ready  (availability any, durability fsync)");
    let row = contains("000000000000abcd").and(contains("1m 1s")).and(contains("POSITION"));
    cluster.client(&["status"]).assert().code(0).stdout(words.and(row)).stderr("");
}

#[test]
fn an_unreachable_and_a_silent_server_stay_in_the_table_and_it_is_degraded() {
    let theatre = theatre(100);
    let first = Fake::start(1, &theatre, &[]);
    let silent = Fake::start(3, &theatre, &[Act::SilentHello]);
    let cluster = Cluster::on_ports(&[first.port, dead_port(), silent.port]);
    let assert = cluster.client(&["status"]).assert().code(1);
    assert.stdout(
        contains("test: 1 of 3 servers ready")
            .and(contains("does not answer: cannot connect: Connection refused"))
            .and(contains("does not answer: no answer within the time allowed")),
    );
    let output = cluster.client(&["status", "-o", "json"]).assert().code(1).get_output().stdout.clone();
    let object: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(object["result"], "degraded");
    assert_eq!(object["servers"][1]["answers"], false);
    assert_eq!(object["servers"][1]["state"], "down");
}

#[test]
fn nobody_there_is_three() {
    let cluster = Cluster::on_ports(&[dead_port(), dead_port()]);
    cluster.client(&["status"]).assert().code(3).stdout(contains("test: 0 of 2 servers ready"));
}
