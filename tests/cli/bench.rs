//! The load generator, and that it finds what it looks for.

use super::{Cluster, fake::*};
use predicates::{prelude::*, str::contains};
use serde_json::Value;

fn bench(cluster: &Cluster, arguments: &[&str], code: i32) -> Value {
    let mut all = vec!["bench", "--seconds", "0.2", "-o", "json", "--clients", "4"];
    all.extend_from_slice(arguments);
    let output = cluster.client(&all).assert().code(code).get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn a_load_is_measured_checked_and_cleaned_up() {
    let theatre = theatre(100_000);
    let servers = [Fake::start(1, &theatre, &[]), Fake::start(2, &theatre, &[])];
    let cluster = Cluster::of(&[&servers[0], &servers[1]]);
    let report = bench(&cluster, &["--in-flight", "3", "--count", "1"], 0);
    assert_eq!(report["result"], "done", "{report}");
    assert!(report["requests"].as_u64().unwrap() > 0 && report["names"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(
        (&report["errors"], &report["unknown"], &report["violations"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert!(servers.iter().all(|server| !server.seen().is_empty()), "clients are spread over the servers");
    cluster.client(&["seats"]).assert().code(0).stdout(contains("100000 free, 0 taken"));
}

#[test]
fn what_is_kept_is_there_and_words_are_for_people() {
    let server = Fake::start(1, &theatre(1_000), &[]);
    let cluster = Cluster::of(&[&server]);
    let arguments = ["bench", "--seconds", "0.2", "--clients", "2", "--mix", "1/0/0", "--keep"];
    let assert = cluster.client(&arguments).assert().code(0);
    assert.stdout(contains("answered  ").and(contains("check     passed: ")).and(contains("p99")));
    cluster.client(&["seats"]).assert().stdout(contains(" 0 taken").not());
}

#[test]
fn servers_that_close_and_cut_cost_nothing_but_time() {
    let theatre = theatre(10_000);
    let rough = [Act::Serve, Act::Serve, Act::ExecuteThenClose, Act::Serve, Act::ExecuteThenCut, Act::Serve];
    let rough: Vec<Act> = rough.iter().cycle().take(60).cloned().collect();
    let servers = [Fake::start(1, &theatre, &rough), Fake::start(2, &theatre, &rough)];
    let cluster = Cluster::of(&[&servers[0], &servers[1]]);
    let report = bench(&cluster, &["--in-flight", "2"], 0);
    assert_eq!((&report["violations"], &report["unknown"]), (&0.into(), &0.into()), "{report}");
}

#[test]
fn every_fault_of_a_cluster_is_found() {
    let rows = [
        (Fault::SellsTwice, "was sold twice"),
        (Fault::LosesReads, "found "),
        (Fault::ForgetsSessions, "Failed: "),
    ];
    for (fault, words) in rows {
        let theatre = theatre(1_000);
        theatre.lock().unwrap().fault = Some(fault);
        let script = [Act::Serve, Act::ExecuteThenClose];
        let server = Fake::start(1, &theatre, &script);
        let cluster = Cluster::of(&[&server]);
        let report = bench(&cluster, &["--mix", "1/1/0", "--count", "1"], 1);
        assert_eq!(report["result"], "violated", "{report}");
        let told = report["told"].to_string();
        assert!(told.contains(words), "{words:?} is not in {told}");
    }
}

#[test]
fn no_server_is_three() {
    let cluster = Cluster::on_ports(&[dead_port()]);
    let report = bench(&cluster, &["--deadline", "0.3"], 3);
    assert_eq!(report["result"], "not_executed");
}
