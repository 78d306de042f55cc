//! Idempotency keys: a lost answer, a 504 and a server that is gone have one remedy.

use super::talk::{Answer, Http, request};
use crate::harness::{Cluster, until};
use crate::tokens::Operator;
use rustix::process::Signal;

const BOB: &str = r#"{"name":"bob","count":2}"#;

fn reserve(cluster: &Cluster, id: u8, key: &str, body: &str) -> Answer {
    Http::open(cluster, id).ask("POST", "/v1/reservations", &format!("idempotency-key: {key}\r\n"), body)
}

#[test]
fn a_key_is_told_the_first_answer_on_any_server_and_after_a_restart() {
    let mut cluster = Cluster::started(3, "");
    let first = reserve(&cluster, 1, "k-1", BOB);
    assert_eq!(first.status, 201);
    let freed = |cluster: &Cluster, id| {
        Http::open(cluster, id).ask("DELETE", "/v1/reservations/bob", "idempotency-key: k-2\r\n", "")
    };
    let released = freed(&cluster, 2);
    assert_eq!(released.status, 200);
    for id in 1..=3 {
        let again = reserve(&cluster, id, "\"k-1\"", BOB);
        assert_eq!((again.status, &again.body), (201, &first.body), "although it was given back since");
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(freed(&cluster, id).body, released.body);
    }
    let other = reserve(&cluster, 2, "k-1", r#"{"name":"bob","count":3}"#);
    assert_eq!(other.problem(), (422, "key-reused".to_owned()));
    assert_eq!(cluster.search(3, "bob"), [0; 0]);
    for id in 1..=3 {
        cluster.kill(id);
    }
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(reserve(&cluster, 3, "k-1", BOB).body, first.body);
    assert_eq!(cluster.search(3, "bob"), [0; 0]);
}

#[test]
fn a_refusal_is_kept_as_well() {
    let cluster = Cluster::started(2, "");
    let refused = reserve(&cluster, 1, "k", r#"{"name":"ann","count":101}"#);
    assert_eq!(refused.problem(), (409, "not-enough-seats".to_owned()));
    assert_eq!(reserve(&cluster, 1, "other", BOB).status, 201);
    assert_eq!(reserve(&cluster, 2, "k", r#"{"name":"ann","count":101}"#).body, refused.body);
}

#[test]
fn after_an_unknown_outcome_the_key_tells_it() {
    let cluster = Cluster::started(2, "http: {answer_ms: 300}\n");
    cluster.signal(2, Signal::STOP);
    let mut first = Http::open(&cluster, 1);
    first.send(request("POST", "/v1/reservations", "idempotency-key: k\r\n", BOB));
    until("the second one is told to wait", || {
        let second = reserve(&cluster, 1, "k", BOB);
        (second.status == 409).then(|| assert_eq!(second.problem().1, "key-in-progress"))
    });
    assert_eq!(first.answer().problem(), (504, "outcome-unknown".to_owned()));
    cluster.signal(2, Signal::CONT);
    for id in [1, 2] {
        let told = until("it is known", || Some(reserve(&cluster, id, "k", BOB)).filter(|a| a.status == 201));
        assert_eq!(told.json()["seats"], serde_json::json!([1, 2]));
    }
    assert_eq!(cluster.search(1, "bob"), [1, 2]);
}

#[test]
fn a_client_that_hangs_up_leaves_a_line_and_a_session_behind_that_is_used_again() {
    let mut cluster = Cluster::started(2, "limits: {sessions_max: 2}\nhttp: {requests_max: 1}\n");
    cluster.signal(2, Signal::STOP);
    let mut gone = Http::open(&cluster, 1);
    gone.send(request("POST", "/v1/reservations", "idempotency-key: k\r\n", BOB));
    until("it is worked on", || (reserve(&cluster, 1, "x", BOB).status == 429).then_some(()));
    drop(gone);
    cluster.signal(2, Signal::CONT);
    until("it was done", || (cluster.search(1, "bob") == [1, 2]).then_some(()));
    let make = |n| reserve(&cluster, 1, &format!("n{n}"), &format!(r#"{{"name":"n{n}","count":1}}"#));
    // The seats are seen to be taken a moment before whoever worked on that has left its place.
    let first = until("the place is free", || Some(make(0)).filter(|made| made.status != 429));
    assert_eq!(first.status, 201);
    for n in 1..5 {
        assert_eq!(make(n).status, 201);
    }
    assert!(cluster.stop(1).success());
    let log = std::fs::read_to_string(cluster.data(1).join("audit.jsonl")).unwrap();
    let line = log.lines().find(|line| line.contains("for bob")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(r#""result":"done""#), "{line}");
}

#[test]
fn keys_have_an_owner_a_shape_and_a_limit() {
    let operator = Operator::new();
    let more = format!("{}limits: {{keys_max: 2}}\n", operator.section);
    let cluster = Cluster::started(1, &more);
    let ask = |id: &str, key: &str| {
        let token = operator.issue(&cluster, "customer", id).unwrap();
        let headers = format!("authorization: Bearer {token}\r\nidempotency-key: {key}\r\n");
        let body = format!(r#"{{"name":"{id}","count":1}}"#);
        Http::open(&cluster, 1).ask("POST", "/v1/reservations", &headers, &body)
    };
    for id in ["TORC0001", "TORC0002"] {
        assert_eq!(ask(id, "same").status, 201, "keys of two people are two keys");
    }
    assert_eq!(ask("TORC0003", "same").problem(), (503, "too-many-keys".to_owned()));
    assert_eq!(ask("TORC0001", "same").status, 201, "those that are kept are told");
    for key in ["", "a b", &"x".repeat(129), "k\r\nidempotency-key: l"] {
        assert_eq!(ask("TORC0003", key).problem(), (400, "invalid-parameter".to_owned()), "{key:?}");
    }
}
