//! Events, managers and customers on real servers, asked with the shipped client.

use crate::harness::{Cluster, until};
use crate::http::talk::Http;
use crate::tokens::Operator;
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::process::Command;

/// What the client said, and its exit code.
fn client(cluster: &Cluster, args: &str, token: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(cargo_bin!("client"));
    for name in ["BOXOFFICE_CONFIG", "BOXOFFICE_AS", "BOXOFFICE_TOKEN"] {
        command.env_remove(name);
    }
    command.env("XDG_STATE_HOME", cluster.dir.path().join("state"));
    command.arg("--config").arg(&cluster.config).args(args.split(' '));
    if let Some(token) = token {
        command.env("BOXOFFICE_TOKEN", token);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn says(cluster: &Cluster, args: &str, code: i32, words: &str) {
    let (exit, out, err) = client(cluster, args, None);
    assert_eq!((exit, out.as_str()), (code, words), "{args}: {err}");
}

#[test]
fn events_are_sold_while_servers_are_killed() {
    let mut cluster = Cluster::started(3, "");
    says(
        &cluster,
        "--as TORM2345 add-event Seminars 3 --id TORM100519",
        0,
        "TORM100519 (Seminars) has been added with 3 seats.",
    );
    let booked = "The seats have been reserved for TORC2345 at TORM100519 (Seminars): 1,2.";
    says(&cluster, "--as TORC2345 book TORM100519 Seminars 2", 0, booked);
    cluster.kill(1);
    let again = "Failed: TORC2345 has booked the following seats at TORM100519 (Seminars): 1,2.";
    says(&cluster, "--as TORC2345 book TORM100519 Seminars 1", 1, again);
    let denied = "Failed: OTWC0001 may not act for TORC2345.";
    says(&cluster, "--as OTWC0001 cancel TORM100519 --for TORC2345", 4, denied);
    says(&cluster, "--as MTLM1111 availability Seminars", 0, "Seminars - TORM100519 1.");
    cluster.kill(3);
    says(&cluster, "--as TORC2345 schedule", 0, "TORM100519 (Seminars), 2019-05-10: 1,2");
    cluster.start(1);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    let (exit, out, _) = client(&cluster, "-o json --as TORC2345 cancel TORM100519", None);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &out["count"], &out["left"]), (0, &2.into(), &3.into()), "{out}");
}

#[test]
fn held_seats_fall_back_although_nobody_asks_for_anything() {
    let cluster = Cluster::started(3, "holds: {seconds: 1}\n");
    says(
        &cluster,
        "--as TORM2345 add-event Seminars 2 --id TORM100519",
        0,
        "TORM100519 (Seminars) has been added with 2 seats.",
    );
    let (exit, out, _) = client(&cluster, "--as TORC2345 hold TORM100519 Seminars 2", None);
    assert!(exit == 0 && out.starts_with("The seats are held for TORC2345"), "{out}");
    let position = || cluster.row(1).unwrap().position;
    let held_at = position();
    until("a server sends the command that frees them", || (position() > held_at).then_some(()));
    says(
        &cluster,
        "--as TORC2345 confirm TORM100519 Seminars",
        1,
        "Failed: no seats are held for TORC2345 at TORM100519 (Seminars).",
    );
}

#[test]
fn where_tokens_are_required_nobody_acts_for_somebody_else() {
    let operator = Operator::new();
    let cluster = Cluster::started(1, &operator.section);
    let manager = operator.issue(&cluster, "manager", "TORM2345").unwrap();
    let customer = operator.issue(&cluster, "customer", "TORC2345").unwrap();
    operator.issue(&cluster, "manager", "TORC2345").expect_err("an id that is no manager's");

    let add = "add-event Seminars 3 --id TORM100519";
    let (exit, _, err) = client(&cluster, &format!("--as TORM2345 {add}"), None);
    assert!(exit == 4 && err.contains("this needs a token"), "{err}");
    let (exit, _, err) = client(&cluster, &format!("--as TORM2345 {add}"), Some(&customer));
    assert!(exit == 4 && err.contains("the token is for TORC2345, not for TORM2345"), "{err}");
    assert_eq!(client(&cluster, add, Some(&manager)).0, 0);
    let (exit, _, err) = client(&cluster, "seats", Some("v4.public.nonsense"));
    assert!(exit == 4 && err.contains("the token cannot be read"), "{err}");
    assert_eq!(client(&cluster, "seats", None).0, 0, "anyone may look");

    let body = r#"{"name":"TORC2345","count":1}"#;
    let reserve = |headers: &str| Http::open(&cluster, 1).ask("POST", "/v1/reservations", headers, body);
    assert_eq!(reserve("").problem(), (401, "token-needed".to_owned()));
    assert_eq!(reserve("authorization: Basic x\r\n").problem(), (401, "token-needed".to_owned()));
    assert_eq!(reserve(&format!("authorization: Bearer {customer}\r\n")).status, 201);
    let other = r#"{"name":"bob","count":1}"#;
    let headers = format!("authorization: Bearer {customer}\r\n");
    let refused = Http::open(&cluster, 1).ask("POST", "/v1/reservations", &headers, other);
    assert_eq!(refused.problem(), (403, "not-allowed".to_owned()));
}

#[test]
fn what_was_asked_and_answered_can_be_found_again() {
    let mut cluster = Cluster::started(1, "");
    says(&cluster, "reserve bob 2", 0, "The seats have been reserved for bob: 1,2.");
    says(
        &cluster,
        "--as TORC2345 book TORM100519 Seminars 1",
        1,
        "Failed: there is no event TORM100519 (Seminars).",
    );
    assert!(cluster.stop(1).success());
    let log = cluster.data(1).join("audit.jsonl");
    let find = |filter: &str| {
        let (exit, out, _) = client(&cluster, &format!("-o json audit {filter} {}", log.display()), None);
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (exit, lines)
    };
    let (exit, lines) = find("--who bob");
    assert_eq!((exit, lines.len()), (0, 1), "{lines:?}");
    assert_eq!(
        (&lines[0]["request"], &lines[0]["result"], &lines[0]["server"]),
        (&"reserve".into(), &"done".into(), &1.into())
    );
    assert_eq!(lines[0]["answer"], "The seats have been reserved for bob: 1,2.");
    assert_eq!(find("--result failed").1.len(), 1);
    assert_eq!(find("--from 2999-01-01").0, 1, "nothing that late");
    let (exit, out, _) = client(&cluster, "audit --who TORC2345", None);
    assert!(exit == 0 && out.contains("failed   TORC2345  book"), "the user's own log: {out}");
}
