//! The load that records and judges, and that it finds what it looks for.

use super::{Cluster, client, fake::*};
use predicates::{prelude::*, str::contains};
use serde_json::Value;
use std::{fs, path::Path};

/// As a user would, for a moment.
fn chaos(cluster: &Cluster, arguments: &[&str], code: i32) -> Value {
    let mut all = vec!["chaos", "--seconds", "0.5", "-o", "json", "--clients", "4", "--names", "6"];
    all.extend_from_slice(arguments);
    let output = cluster.client(&all).assert().code(code).get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_history_is_recorded_judged_and_cleaned_up() {
    let theatre = theatre(10);
    let servers = [Fake::start(1, &theatre, &[]), Fake::start(2, &theatre, &[])];
    let cluster = Cluster::of(&[&servers[0], &servers[1]]);
    cluster.client(&["reserve", "ann", "--seats", "2,5"]).assert().code(0);
    let file = cluster.dir.path().join("history.jsonl");
    let report = chaos(&cluster, &["--history", file.to_str().unwrap(), "--seed", "5"], 0);
    assert_eq!((&report["result"], &report["seed"]), (&"done".into(), &5.into()), "{report}");
    assert_eq!((&report["unknown"], &report["not_executed"]), (&0.into(), &0.into()), "{report}");
    assert!(report["answered"].as_u64().unwrap() > 50, "{report}");
    assert!(servers.iter().all(|server| !server.seen().is_empty()), "clients are spread over the servers");
    cluster.client(&["seats"]).assert().code(0).stdout(contains("10 seats: 8 free, 2 taken"));

    let lines = lines(&file);
    assert_eq!(lines.len() as u64, report["calls"].as_u64().unwrap());
    assert_eq!(lines[0]["seats"], serde_json::json!([2, 5]), "it begins with what was taken: {}", lines[0]);
    for (op, kind) in [
        ("reserve", "ok"),
        ("reserve", "exists"),
        ("reserve", "full"),
        ("search", "ok"),
        ("delete", "ok"),
        ("seats", "ok"),
    ] {
        let is_one = |line: &&Value| line["op"] == op && line["result"]["kind"] == kind;
        assert!(lines.iter().any(|line| is_one(&line)), "there is no {op} with {kind}");
    }
    let check = ["chaos", "--check", file.to_str().unwrap()];
    client().args(check).assert().code(0).stdout(contains("check     passed: ")).stderr("");
}

#[test]
fn servers_that_close_and_cut_leave_a_good_history() {
    let theatre = theatre(20);
    let rough = [Act::Serve, Act::Serve, Act::ExecuteThenClose, Act::Serve, Act::ExecuteThenCut, Act::Close];
    let rough: Vec<Act> = rough.iter().cycle().take(120).cloned().collect();
    let servers = [Fake::start(1, &theatre, &rough), Fake::start(2, &theatre, &rough)];
    let cluster = Cluster::of(&[&servers[0], &servers[1]]);
    let report = chaos(&cluster, &[], 0);
    assert!(report["retried"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["unknown"], 0, "{report}");
}

#[test]
fn every_fault_of_a_cluster_is_found_and_explained() {
    for fault in [Fault::SellsTwice, Fault::LosesReads, Fault::ForgetsSessions] {
        let theatre = theatre(20);
        theatre.lock().unwrap().fault = Some(fault);
        let script: Vec<Act> =
            [Act::Serve, Act::ExecuteThenClose].iter().cycle().take(400).cloned().collect();
        let server = Fake::start(1, &theatre, &script);
        let cluster = Cluster::of(&[&server]);
        let report = chaos(&cluster, &[], 1);
        assert_eq!(report["result"], "violated", "{report}");
        let words = report["verdict"].as_str().unwrap();
        assert!(words.contains("It had to be told: "), "{words}");
    }
}

#[test]
fn a_file_is_judged_without_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.jsonl");
    let judge = |text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        client().args(["chaos", "--check", file.to_str().unwrap()]).args(more).assert()
    };
    let line = |name: &str, seats: &str| {
        format!(
            "{{\"client\":1,\"op\":\"reserve\",\"event\":\"theatre\",\"name\":\"{name}\",\"count\":1,\"seats\":[],\
             \"call_ns\":0,\"return_ns\":9,\"result\":{{\"kind\":\"ok\",\"seats\":{seats},\"left\":0}}}}\n"
        )
    };
    let good = line("ann", "[1]") + &line("bob", "[2]");
    judge(&good, &["--seats", "5"]).code(0).stdout(contains("one server could have told all of it"));
    judge(&good, &[]).code(3).stdout(contains("check     incomplete: 2 calls: not judged: how many seats"));
    let twice = line("ann", "[1]") + &line("bob", "[1]");
    judge(&twice, &["--seats", "5"])
        .code(1)
        .stdout(contains("check     FAILED").and(contains("reserve bob 1")));
    judge("{}\n", &[]).code(2).stderr(contains("line 1: "));
    client().args(["chaos", "--check", "/nowhere"]).assert().code(2).stderr(contains("/nowhere: "));
    client().args(["chaos", "--check", "x", "--clients", "3"]).assert().code(2);
}

#[test]
fn no_server_is_three_and_a_file_that_cannot_be_made_is_two() {
    let cluster = Cluster::on_ports(&[dead_port()]);
    let report = chaos(&cluster, &["--deadline", "0.3"], 3);
    assert_eq!(report["result"], "not_executed");
    let assert = cluster.client(&["chaos", "--history", "/nowhere/history"]).assert();
    assert.code(2).stderr(contains("/nowhere/history: "));
}
