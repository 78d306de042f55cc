//! The algorithm watched at work.

use crate::harness::{Cluster, until};
use assert_cmd::cargo::cargo_bin;
use boxoffice::api::wire::{TraceEvent, Traced};
use serde_json::Value;
use std::process::{Child, Command, Stdio};

fn watching(cluster: &Cluster) -> Child {
    let mut command = Command::new(cargo_bin!("client"));
    command.env("XDG_STATE_HOME", cluster.dir.path().join("state"));
    command.arg("--config").arg(&cluster.config).args(["trace", "--seconds", "60"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What was recorded until now: an interrupted client prints it.
fn recorded(child: Child) -> (Value, String) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {words}")), words)
}

#[test]
fn requests_replies_and_releases_are_seen_on_every_server_and_a_crash_as_well() {
    let mut cluster = Cluster::started(3, "");
    let child = watching(&cluster);
    // The client has no way to say that it watches, but the servers show it.
    let mut names = (0..).map(|n| format!("n{n}"));
    let mut reserve = |cluster: &Cluster, ids: &[u8]| {
        cluster.reserve(ids, &names.next().unwrap(), 1);
    };
    until("all servers record", || {
        reserve(&cluster, &[2]);
        let mut connection = |id| {
            let mut connection = cluster.connect(id).unwrap();
            let is_executed = |event: &TraceEvent| matches!(event.traced, Traced::Executed { .. });
            connection.trace(0).events.iter().any(is_executed)
        };
        (1..=3).all(&mut connection).then_some(())
    });
    cluster.kill(3);
    until("the others go on", || {
        let events = cluster.connect(1).unwrap().trace(0).events;
        let is_new = |event: &TraceEvent| matches!(&event.traced, Traced::Activated { members, .. } if members.len() == 2);
        events.iter().any(is_new).then_some(())
    });
    reserve(&cluster, &[2]);
    let (run, words) = recorded(child);
    assert_eq!((&run["format"], &run["cluster"]), (&"boxoffice-trace-1".into(), &"test".into()), "{words}");
    let events = run["events"].as_array().unwrap();
    assert!(events.is_sorted_by_key(|event| event["at_us"].as_u64()));
    let seen = |server: u8, path: &str| {
        events.iter().any(|event| event["server"] == server && event.pointer(path).is_some())
    };
    // What the third one saw last was still its own when it was killed.
    for server in 1..=2 {
        assert!(seen(server, "/what/executed/position"), "server {server} executes");
    }
    assert!(seen(2, "/what/sent/said/request"), "the server that was asked requests");
    for (server, path) in [
        (1, "/what/received/said/request"),
        (1, "/what/sent/said/reply"),
        (2, "/what/received/said/reply"),
        (2, "/what/sent/said/release"),
        (1, "/what/received/said/release"),
        (1, "/what/suspected"),
        (1, "/what/sent/said/view"),
        (2, "/what/activated/view"),
    ] {
        assert!(seen(server, path), "server {server}: {path}");
    }
    assert!(run["servers"][2]["trouble"].is_string(), "{}", run["servers"]);
}
