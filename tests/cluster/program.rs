//! The program: arguments, exit codes, and words for people.

use crate::harness::{Cluster, exists, server, until, wait_end};
use assert_cmd::assert::OutputAssertExt as _;
use predicates::prelude::*;
use predicates::str::contains;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use tempfile::TempDir;

/// The command that starts a server, its output captured.
fn starting(cluster: &Cluster, id: u8) -> std::process::Command {
    let mut command = cluster.command(id);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_configuration_is_checked_and_explained() {
    let cluster = Cluster::described(3, "");
    let check = || {
        let mut command = server();
        command.args(["--check", "--config"]).arg(&cluster.config);
        command
    };
    check().assert().code(0).stdout(contains("is valid").and(contains("one survivor goes on selling")));
    check().args(["--id", "2"]).assert().code(0).stdout(contains("server 2 (this one)"));
    check().args(["--id", "7"]).assert().code(2).stderr(contains("server 7 is not in the configuration"));
    fs::write(&cluster.config, "cluster: test\nseats: 0\nservers: []\n").unwrap();
    check().assert().code(2).stderr(contains("cluster.yaml:2: seats: 0 is out of range"));
    fs::write(&cluster.config, "cluster: test\nseats: 1\nsheep: 3\nservers: []\n").unwrap();
    check().assert().code(2).stderr(contains("unknown field `sheep`"));
    fs::remove_file(&cluster.config).unwrap();
    check().assert().code(2).stderr(contains("cannot be read"));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let cluster = Cluster::described(1, "");
    server().arg("--config").arg(&cluster.config).assert().code(2).stderr(contains("which server is this?"));
    server().args(["--id", "0"]).assert().code(2);
    server().arg("--nonsense").assert().code(2);
    let mut no_data = server();
    no_data.args(["--id", "1", "--config"]).arg(&cluster.config);
    no_data.assert().code(2).stderr(contains("no data directory"));
    starting(&cluster, 2).assert().code(2).stderr(contains("server 2 is not in the configuration"));
    starting(&cluster, 1).args(["--log-level", "a=b=c"]).assert().code(2).stderr(contains("--log-level"));
    server().arg("--help").assert().code(0).stdout(contains("Exit codes"));
    server().arg("--version").assert().code(0).stdout(contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_port_in_use_is_named() {
    let cluster = Cluster::described(1, "");
    let _taken = TcpListener::bind(("127.0.0.1", cluster.client_ports[&1])).unwrap();
    starting(&cluster, 1)
        .assert()
        .code(2)
        .stderr(contains("client_port").and(contains("another process has the port")));
}

#[test]
fn a_data_directory_serves_one_process() {
    let cluster = Cluster::started(1, "");
    let other = Cluster::described(1, "");
    let mut second = server();
    second.args(["--id", "1", "--config"]).arg(&other.config).arg("--data").arg(cluster.data(1));
    second.assert().code(2).stderr(contains("is in use by another server process"));
}

#[test]
fn a_data_directory_of_another_server_is_not_touched() {
    let mut cluster = Cluster::started(1, "");
    cluster.stop(1);
    let text = fs::read_to_string(&cluster.config).unwrap();
    fs::write(&cluster.config, text.replace("seats: 100", "seats: 120")).unwrap();
    starting(&cluster, 1)
        .assert()
        .code(2)
        .stderr(contains("was written for seats 100").and(contains("says 120")));
    fs::write(&cluster.config, text.replace("cluster: test", "cluster: other")).unwrap();
    starting(&cluster, 1).assert().code(2).stderr(contains("was written for cluster test"));
    fs::write(&cluster.config, text).unwrap();
    cluster.start(1);
    cluster.wait_ready(&[1]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_an_error() {
    let cluster = Cluster::described(1, "");
    fs::write(cluster.data(1), "a file is in the way").unwrap();
    starting(&cluster, 1).assert().code(2).stderr(contains("cannot make the data directory"));
}

#[test]
fn a_full_disk_ends_the_server_and_says_so() {
    // Sixteen log files of 8 KiB are all there is, and no snapshot is ever due.
    let more = "limits: {disk_bytes_max: 131072, snapshot_log_bytes: 32768}\nseats: 1000000\n";
    let mut cluster = Cluster::described(1, "");
    let text = fs::read_to_string(&cluster.config).unwrap().replace("seats: 100\n", "") + more;
    fs::write(&cluster.config, text).unwrap();
    cluster.start(1);
    cluster.wait_ready(&[1]);
    let mut connection = cluster.connect(1).unwrap();
    for sequence in 1.. {
        let seats =
            (sequence * 10_000..sequence * 10_000 + 9_000).map(|n| boxoffice::domain::ids::Seat(n as u32));
        let operation = boxoffice::domain::command::Operation::ReserveSeats {
            name: format!("name{sequence}").parse().unwrap(),
            seats: seats.collect(),
        };
        let session = boxoffice::domain::ids::SessionId { birth_ms: 1, random: 1 };
        let command = boxoffice::domain::command::Command {
            session,
            sequence,
            answered_until: 0,
            operation,
            key: None,
        };
        if connection.call(boxoffice::api::wire::ClientRequest::Command(command)).is_err() {
            break;
        }
        assert!(sequence < 90, "the disk never fills");
    }
    assert_eq!(cluster.wait_end(1).code(), Some(1));
    assert!(cluster.log(1).contains("storage is full"), "{}", cluster.log(1));
}

#[test]
fn health_means_that_it_serves() {
    let mut cluster = Cluster::described(3, "");
    let health = |cluster: &Cluster, id: &str| {
        let mut command = server();
        command.args(["health", "--id", id, "--config"]).arg(&cluster.config);
        command.assert()
    };
    health(&cluster, "1").code(1).stderr(contains("no answer at"));
    cluster.start(1);
    until("the server answers that it waits", || {
        let report = cluster.status(1).ok()?;
        report.waiting_for
    });
    health(&cluster, "1").code(1).stderr(contains("server 1 is recovering"));
    cluster.start(2);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    health(&cluster, "1").code(0);
}

#[test]
fn logs_are_json_on_demand() {
    let cluster = Cluster::described(1, "");
    let mut command = starting(&cluster, 1);
    let mut child = command.args(["--log-format", "json"]).spawn().unwrap();
    cluster.wait_ready(&[1]);
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(wait_end(&mut child).code(), Some(0));
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
}

/// What `server dev` says, until it tells its processes; those are returned.
fn dev(temporary: &TempDir, how: &[&str]) -> (std::process::Child, Vec<u32>, String) {
    let mut command = server();
    command.env("TMPDIR", temporary.path());
    let mut child =
        command.arg("dev").args(how).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let pids = loop {
        let line = lines.next().unwrap().unwrap();
        said += &line;
        said += "\n";
        if let Some(list) = line.strip_prefix("Their processes are ") {
            let list = list.split(':').next().unwrap();
            break list.split(' ').map(|pid| pid.parse().unwrap()).collect();
        }
    };
    // Its last words must have somewhere to go.
    std::thread::Builder::new().spawn(move || lines.for_each(drop)).unwrap();
    (child, pids, said)
}

#[test]
fn dev_runs_real_processes_and_takes_them_along() {
    let temporary = TempDir::new().unwrap();
    let (mut child, pids, said) = dev(&temporary, &["--servers", "2", "--seats", "9"]);
    assert_eq!(pids.len(), 2);
    assert!(said.contains("reserve bob 2"), "{said}");
    let config = said.split("--config ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let healthy = |id: &str| {
        let mut command = server();
        command.args(["health", "--id", id, "--config", &config]).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    until("both serve", || (healthy("1") && healthy("2")).then_some(()));
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::INT).unwrap();
    assert_eq!(wait_end(&mut child).code(), Some(0));
    assert!(pids.iter().all(|&pid| !exists(pid)));
    assert!(!fs::exists(config).unwrap(), "the directory is gone");
}

#[test]
fn the_servers_of_dev_do_not_outlive_it() {
    let temporary = TempDir::new().unwrap();
    let (mut child, pids, _) = dev(&temporary, &["--servers", "1"]);
    child.kill().unwrap();
    child.wait().unwrap();
    until("the server has ended", || pids.iter().all(|&pid| !exists(pid)).then_some(()));
}
