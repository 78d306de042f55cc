//! The classic commands over HTTP.

use super::talk::{Http, ask, get, request, reserve};
use crate::harness::{Cluster, until};
use boxoffice::api::wire::{ClientRequest, ServerReply};
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::SessionId;
use rustix::process::Signal;
use serde_json::json;

#[test]
fn reservations_are_made_found_and_given_back_on_any_server() {
    let cluster = Cluster::started(3, "");
    let made = reserve(&cluster, 1, r#"{"name":"bob","count":2}"#);
    assert_eq!((made.status, made.header("location")), (201, "/v1/reservations/bob"));
    let message = "The seats have been reserved for bob: 1,2.";
    assert_eq!(made.json(), json!({"name": "bob", "seats": [1, 2], "message": message}));
    let picked = reserve(&cluster, 2, r#"{"name":"Zo\u00eb / x","seats":[9,7]}"#);
    assert_eq!(picked.json()["seats"], json!([7, 9]));
    let place = picked.header("location").to_owned();
    assert_eq!(get(&cluster, 3, &place).json(), json!({"name": "Zo\u{eb} / x", "seats": [7, 9]}));
    assert_eq!(get(&cluster, 3, "/v1/reservations/bob?consistency=local").status, 200);
    assert_eq!(cluster.search(1, "bob"), [1, 2], "the classic client sees the same");
    let freed = ask(&cluster, 3, "DELETE", "/v1/reservations/bob", "");
    let message = "2 seats have been released. 98 seats are now available.";
    assert_eq!(freed.json(), json!({"count": 2, "left": 98, "message": message}));
    assert_eq!(get(&cluster, 1, "/v1/reservations/bob").problem(), (404, "no-reservation".to_owned()));
}

#[test]
fn refusals_are_problems_with_the_classic_words() {
    let cluster = Cluster::started(1, "");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","seats":[5]}"#).status, 201);
    let refused = |answer: super::talk::Answer, status: u16, code: &str, detail: &str| {
        assert_eq!(answer.problem(), (status, code.to_owned()));
        assert_eq!(answer.json()["detail"], detail);
        answer.json()
    };
    let answer = refused(
        reserve(&cluster, 1, r#"{"name":"ann","count":100}"#),
        409,
        "not-enough-seats",
        "Failed: only 99 seats left but 100 seats are requested.",
    );
    assert_eq!((&answer["left"], &answer["count"]), (&json!(99), &json!(100)));
    let words = "Failed: bob has booked the following seats: 5.";
    refused(reserve(&cluster, 1, r#"{"name":"bob","count":1}"#), 409, "already-booked", words);
    let words = "Failed: the following seats are taken already: 5.";
    let answer = refused(reserve(&cluster, 1, r#"{"name":"ann","seats":[4,5]}"#), 409, "seats-taken", words);
    assert_eq!(answer["seats"], json!([5]));
    let words = "Failed: there are no seats 101; the seats are 1 to 100.";
    refused(reserve(&cluster, 1, r#"{"name":"ann","seats":[101]}"#), 422, "no-such-seats", words);
    let words = "Failed: no reservation is made by ann.";
    refused(ask(&cluster, 1, "DELETE", "/v1/reservations/ann", ""), 404, "no-reservation", words);
}

#[test]
fn a_list_is_cached_by_its_tag_and_equal_on_all_servers() {
    let cluster = Cluster::started(2, "");
    let made = reserve(&cluster, 1, r#"{"name":"bob","seats":[1,2,7]}"#);
    assert_eq!(made.status, 201);
    let list = get(&cluster, 2, "/v1/seats?consistency=linearizable");
    assert_eq!(list.json(), json!({"capacity": 100, "left": 97, "taken": [[1, 2], [7, 7]]}));
    let tag = list.header("etag").to_owned();
    assert_eq!(get(&cluster, 1, "/v1/seats?consistency=linearizable").header("etag"), tag);
    let mut http = Http::open(&cluster, 1);
    let mut with_tag = || http.ask("GET", "/v1/seats", &format!("if-none-match: {tag}\r\n"), "");
    let same = with_tag();
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", tag.as_str()));
    assert_eq!(reserve(&cluster, 1, r#"{"name":"ann","count":1}"#).status, 201);
    let other = with_tag();
    assert_eq!((other.status, other.json()["left"].as_u64()), (200, Some(96)));
    assert!(other.header("boxoffice-position").parse::<u64>().unwrap() > 0);
}

#[test]
fn looking_waits_for_nobody() {
    let cluster = Cluster::started(2, "http: {answer_ms: 200}\n");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":1}"#).status, 201);
    cluster.signal(2, Signal::STOP);
    // Within the lease reads go on; then they would need the other server.
    until("linearizable reads wait", || {
        let answer = get(&cluster, 1, "/v1/seats?consistency=linearizable");
        (answer.status == 503).then(|| assert_eq!(answer.problem().1, "not-ready"))
    });
    assert_eq!(get(&cluster, 1, "/v1/seats").json()["left"], 99);
    assert_eq!(get(&cluster, 1, "/v1/reservations/bob?consistency=local").json()["seats"], json!([1]));
    cluster.signal(2, Signal::CONT);
}

#[test]
fn an_outcome_that_nobody_knows_is_not_called_a_refusal() {
    let cluster = Cluster::started(2, "http: {answer_ms: 100}\n");
    cluster.signal(2, Signal::STOP);
    let answer = reserve(&cluster, 1, r#"{"name":"bob","count":1}"#);
    assert_eq!(answer.problem(), (504, "outcome-unknown".to_owned()));
    cluster.signal(2, Signal::CONT);
    // It was done after all, and once.
    until("the reservation is there", || (cluster.search(1, "bob") == [1]).then_some(()));
}

#[test]
fn a_full_queue_is_told_and_nothing_is_done() {
    let more = "limits: {pending_commands_max: 1, requests_outstanding_max: 1}\n";
    let cluster = Cluster::started(2, more);
    cluster.signal(2, Signal::STOP);
    let mut open = Vec::new();
    let code = until("the queue is full", || {
        let mut http = Http::open(&cluster, 1);
        let body = format!(r#"{{"name":"n{}","count":1}}"#, open.len());
        http.send(request("POST", "/v1/reservations", "", &body));
        http.stream.get_ref().set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let is_answered = http.stream.get_ref().peek(&mut [0]).is_ok_and(|bytes| bytes == 1);
        if is_answered {
            return Some(http.answer().problem());
        }
        open.push(http);
        None
    });
    assert_eq!(code, (503, "overloaded".to_owned()));
    cluster.signal(2, Signal::CONT);
}

#[test]
fn requests_push_no_session_out() {
    // Two sessions in all: one for each request would leave none to the classic client.
    let cluster = Cluster::started(1, "limits: {sessions_max: 2}\n");
    let mut classic = cluster.connect(1).unwrap();
    let session = SessionId { birth_ms: classic.state_time_ms, random: 5 };
    let operation = Operation::Reserve { name: "bob".parse().unwrap(), count: 1 };
    let command = Command { session, sequence: 1, answered_until: 0, operation, key: None };
    let mut send = || classic.call(ClientRequest::Command(command.clone())).unwrap();
    let first = send();
    assert!(matches!(&first, ServerReply::Outcome(outcome) if outcome.is_success()), "{first:?}");
    let mut http = Http::open(&cluster, 1);
    for n in 0..20 {
        let made = http.ask("POST", "/v1/reservations", "", &format!(r#"{{"name":"n{n}","count":1}}"#));
        assert_eq!(made.status, 201);
        assert_eq!(http.ask("DELETE", &format!("/v1/reservations/n{n}"), "", "").status, 200);
    }
    assert_eq!(send(), first, "a retry is still told the first answer");
}

#[test]
fn whole_numbers_may_have_a_fraction_of_nothing() {
    let cluster = Cluster::started(1, "");
    let made = reserve(&cluster, 1, r#"{"name":"bob","seats":[2.0,1e1]}"#);
    assert_eq!(made.json()["seats"], json!([2, 10]));
}
