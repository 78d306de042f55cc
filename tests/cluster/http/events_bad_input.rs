//! Events over HTTP, asked wrongly: one clear answer each.

use super::events::{ask_as, done};
use super::talk::{Http, get, request};
use crate::harness::{Cluster, until};
use boxoffice::auth::{Issuer, new_key};
use serde_json::json;
use std::time::Duration;

const TOR: &str = "TORM2345";
const JOE: &str = "TORC2345";
const SUE: &str = "TORC0002";
const SEMINAR: &str = r#"{"kind":"Seminars","capacity":3,"id":"TORM100519"}"#;
const BOOKINGS: &str = "POST /v1/events/TORM100519/Seminars/bookings";

/// A server with one seminar of three seats, two of which Joe has.
fn seminar(more: &str) -> Cluster {
    let cluster = Cluster::started(1, more);
    done(&cluster, 1, TOR, "POST /v1/events", SEMINAR, 201);
    done(&cluster, 1, JOE, BOOKINGS, r#"{"count":2}"#, 201);
    cluster
}

#[track_caller]
fn refused(cluster: &Cluster, rows: &[(&str, &str, &str, u16, &str)]) {
    for (who, what, body, status, code) in rows {
        let answer = ask_as(cluster, 1, who, what, body);
        assert_eq!(answer.problem(), (*status, (*code).to_owned()), "{who} {what} {body}: {}", answer.body);
    }
}

#[test]
fn what_cannot_be_is_refused_before_it_is_ordered() {
    let cluster = seminar("");
    let position = cluster.row(1).unwrap().position;
    refused(
        &cluster,
        &[
            // Dates that do not exist.
            (TOR, "GET /v1/events/TORM310219/Seminars", "", 422, "invalid-id"),
            (TOR, "GET /v1/events/TORM290223/Seminars", "", 422, "invalid-id"),
            (TOR, "GET /v1/events/TORX100519/Seminars", "", 422, "invalid-id"),
            (TOR, "GET /v1/events?from=2019-02-29", "", 400, "invalid-parameter"),
            (TOR, "GET /v1/events?until=yesterday", "", 400, "invalid-parameter"),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":3,"id":"TORM310219"}"#,
                422,
                "invalid-body",
            ),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":3,"branch":"TOR","date":"2026-02-30","time":"19:30"}"#,
                422,
                "invalid-body",
            ),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":3,"branch":"TOR","date":"2026-02-28","time":"25:30"}"#,
                422,
                "invalid-body",
            ),
            (TOR, "POST /v1/events", r#"{"kind":"Seminars","capacity":3}"#, 422, "invalid-body"),
            // Numbers of seats.
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":0,"id":"TORM100519"}"#,
                422,
                "invalid-body",
            ),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":1000001,"id":"TORM100519"}"#,
                422,
                "invalid-body",
            ),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":-1,"id":"TORM100519"}"#,
                422,
                "invalid-body",
            ),
            (SUE, BOOKINGS, r#"{"count":0}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"count":1000001}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"seats":[]}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"seats":[1,1]}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"seats":[3],"best":true}"#, 422, "invalid-body"),
            // What is not known.
            (SUE, BOOKINGS, r#"{"count":1,"color":"red"}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"count":1,"holder":null}"#, 422, "invalid-body"),
            (SUE, BOOKINGS, r#"{"count":1"#, 400, "malformed-body"),
            (SUE, "GET /v1/events?color=red", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/events?limit=0", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/events?limit=1001", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/events?after=TORM100519", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/events?branch=toronto", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/events?consistency=eventual", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/availability", "", 400, "invalid-parameter"),
            (SUE, "GET /v1/tickets/1", "", 422, "invalid-id"),
            (SUE, "DELETE /v1/people/TORC0002/bookings/TORM320519", "", 422, "invalid-id"),
            (
                SUE,
                "POST /v1/events/TORM100519/Seminars/holds/TORC0002/confirm",
                r#"{"x":1}"#,
                422,
                "invalid-body",
            ),
            // Paths.
            (SUE, "GET /v1/events/TORM100519", "", 404, "not-found"),
            (SUE, "GET /v1/events/TORM100519/", "", 404, "not-found"),
            (SUE, "GET /v1/events/TORM100519/Seminars/", "", 404, "not-found"),
            (SUE, "GET /v1/events/../livez", "", 422, "invalid-id"),
            (SUE, "GET /v1/events/%2e%2e/livez", "", 422, "invalid-id"),
            (SUE, "GET /v1/events/TORM100519%2FSeminars/seats", "", 422, "invalid-id"),
            (SUE, "GET /v1/events/TORM100519/%00", "", 422, "invalid-id"),
            (SUE, "GET /v1/events/TORM100519/%ff%fe", "", 422, "invalid-id"),
            (SUE, "GET /v1/events/TORM100519/..%2f..%2flivez", "", 404, "no-such-event"),
            (SUE, "PUT /v1/events", "", 405, "method-not-allowed"),
            (SUE, "POST /events", "", 405, "method-not-allowed"),
            (SUE, "GET /reserve?eventId=theatre&tickets=1", "", 405, "method-not-allowed"),
        ],
    );
    assert_eq!(cluster.row(1).unwrap().position, position, "none of it was ordered");
}

#[test]
fn what_the_state_refuses_has_its_code_and_its_values() {
    let cluster = seminar("");
    let full = json!({ "count": 2 }).to_string();
    refused(
        &cluster,
        &[
            // What does not exist.
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Films","capacity":3,"id":"TORM100519"}"#,
                409,
                "not-in-catalogue",
            ),
            ("VANM2345", "POST /v1/kinds", r#"{"kind":"Films"}"#, 409, "not-in-catalogue"),
            ("VANC2345", BOOKINGS, r#"{"count":1}"#, 409, "not-in-catalogue"),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":3,"id":"TORM110519","theatre":"None"}"#,
                409,
                "not-in-catalogue",
            ),
            (TOR, "GET /v1/availability?kind=Films", "", 409, "not-in-catalogue"),
            ("", "GET /v1/events/TORM110519/Seminars", "", 404, "no-such-event"),
            ("", "GET /v1/events/TORM110519/Seminars/seats", "", 404, "no-such-event"),
            ("", "GET /v1/events/TORM110519/Seminars/waiting", "", 404, "no-such-event"),
            (SUE, "POST /v1/events/TORM110519/Seminars/bookings", &full, 404, "no-such-event"),
            (SUE, "GET /v1/tickets/00000003-0000-8400-8016-d41b24088fd8", "", 404, "no-such-ticket"),
            (SUE, "GET /v1/events/TORM100519/Seminars/bookings/TORC0002", "", 404, "no-reservation"),
            (SUE, "DELETE /v1/events/TORM100519/Seminars/bookings/TORC0002", "", 404, "no-reservation"),
            (SUE, "DELETE /v1/people/TORC0002/bookings/TORM100519", "", 404, "no-reservation"),
            (SUE, "GET /v1/events/TORM100519/Seminars/holds/TORC0002", "", 404, "no-hold"),
            (SUE, "DELETE /v1/events/TORM100519/Seminars/holds/TORC0002", "", 404, "no-hold"),
            (SUE, "DELETE /v1/events/TORM100519/Seminars/waiting/TORC0002", "", 404, "no-place"),
            // What exists.
            (TOR, "POST /v1/branches", r#"{"branch":"MTL","name":"Montreal"}"#, 409, "exists-already"),
            (TOR, "POST /v1/kinds", r#"{"kind":"Seminars"}"#, 409, "exists-already"),
            (JOE, BOOKINGS, r#"{"count":1}"#, 409, "already-booked"),
            // Seats.
            (SUE, BOOKINGS, &full, 409, "not-enough-seats"),
            (SUE, BOOKINGS, r#"{"seats":[1,3]}"#, 409, "seats-taken"),
            (SUE, BOOKINGS, r#"{"seats":[3,4]}"#, 422, "no-such-seats"),
            (SUE, "POST /v1/events/TORM100519/Seminars/waiting", r#"{"count":1}"#, 409, "seats-are-free"),
            (SUE, "POST /v1/events/TORM100519/Seminars/waiting", r#"{"count":4}"#, 409, "not-enough-seats"),
            (
                TOR,
                "POST /v1/events",
                r#"{"kind":"Seminars","capacity":1,"id":"TORM100519"}"#,
                409,
                "capacity-below-sold",
            ),
        ],
    );
    let below = r#"{"kind":"Seminars","capacity":1,"id":"TORM100519"}"#;
    let below = ask_as(&cluster, 1, TOR, "POST /v1/events", below).json();
    assert_eq!((&below["taken"], &below["highest"]), (&json!(2), &json!(2)), "with the number");
    let unknown = ask_as(&cluster, 1, "VANM2345", "POST /v1/kinds", r#"{"kind":"Films"}"#).json();
    assert_eq!((&unknown["reason"], &unknown["branch"]), (&json!("no_such_branch"), &json!("VAN")));
}

#[test]
fn nobody_does_what_is_somebody_elses() {
    let cluster = seminar("");
    let theatre = r#"{"theatre":"Main"}"#;
    let other = r#"{"holder":"TORC2345","count":1}"#;
    let removed = "DELETE /v1/events/TORM100519/Seminars";
    let booking = "/v1/events/TORM100519/Seminars/bookings/TORC2345";
    refused(
        &cluster,
        &[
            // Nobody in particular.
            ("", "POST /v1/kinds", r#"{"kind":"Films"}"#, 401, "actor-needed"),
            ("", BOOKINGS, r#"{"count":1}"#, 401, "actor-needed"),
            ("", &format!("GET {booking}"), "", 401, "actor-needed"),
            ("", "GET /v1/availability?kind=Seminars", "", 401, "actor-needed"),
            ("", "GET /v1/people/TORC2345/schedule", "", 401, "actor-needed"),
            // Customers and guests are no managers, and managers have one branch.
            (JOE, "POST /v1/kinds", r#"{"kind":"Films"}"#, 403, "not-allowed"),
            ("bob", "POST /v1/branches", r#"{"branch":"VAN","name":"Vancouver"}"#, 403, "not-allowed"),
            (JOE, "POST /v1/events", SEMINAR, 403, "not-allowed"),
            (JOE, removed, "", 403, "not-allowed"),
            (JOE, "GET /v1/availability?kind=Seminars", "", 403, "not-allowed"),
            ("MTLM2345", removed, "", 403, "not-allowed"),
            ("MTLM2345", "POST /v1/events", SEMINAR, 403, "not-allowed"),
            ("MTLM2345", "POST /v1/branches/TOR/theatres", theatre, 403, "not-allowed"),
            (JOE, "POST /v1/branches/TOR/theatres", theatre, 403, "not-allowed"),
            // Other people's bookings.
            (SUE, &format!("GET {booking}"), "", 403, "not-allowed"),
            (SUE, &format!("DELETE {booking}"), "", 403, "not-allowed"),
            (SUE, "DELETE /v1/people/TORC2345/bookings/TORM100519", "", 403, "not-allowed"),
            (SUE, "GET /v1/people/TORC2345/schedule", "", 403, "not-allowed"),
            (SUE, BOOKINGS, other, 403, "not-allowed"),
            ("MTLM2345", BOOKINGS, other, 403, "not-allowed"),
            ("bob", &format!("DELETE {booking}"), "", 403, "not-allowed"),
        ],
    );
    let tickets = done(&cluster, 1, JOE, &format!("GET {booking}"), "", 200).json();
    let ticket = format!("/v1/tickets/{}", tickets["tickets"][0].as_str().unwrap());
    refused(
        &cluster,
        &[
            ("", &format!("GET {ticket}"), "", 401, "actor-needed"),
            (SUE, &format!("GET {ticket}"), "", 403, "not-allowed"),
            (SUE, &format!("DELETE {ticket}"), "", 403, "not-allowed"),
        ],
    );
    let needed = ask_as(&cluster, 1, "", "POST /v1/kinds", r#"{"kind":"Films"}"#);
    assert_eq!(needed.header("www-authenticate"), "Bearer");
    for headers in ["boxoffice-as: \r\n", "boxoffice-as: a\r\nboxoffice-as: a\r\n"] {
        let answer = Http::open(&cluster, 1).ask("GET", "/v1/kinds", headers, "");
        assert_eq!(answer.problem(), (400, "invalid-parameter".to_owned()), "{headers}");
    }
    let mut http = Http::open(&cluster, 1);
    http.send(b"GET /v1/kinds HTTP/1.1\r\nhost: a\r\nboxoffice-as: \xff\xfe\r\n\r\n");
    assert_eq!(http.answer().problem(), (400, "invalid-parameter".to_owned()));
}

#[test]
fn tokens_that_are_not_good_are_refused() {
    let (secret, public) = new_key().unwrap();
    let cluster = Cluster::started(1, &format!("auth: {{mode: required, public_key: {public}}}\n"));
    let issue = |secret: &str, to: &str, id: &str, seconds: u64| {
        let issuer = Issuer::new(secret).unwrap();
        issuer.issue(to, id.parse().unwrap(), Duration::from_secs(seconds)).unwrap()
    };
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let add = |headers: &str| Http::open(&cluster, 1).ask("POST", "/v1/events", headers, SEMINAR);
    let manager = issue(&secret, "test", TOR, 3_600);
    let forged = issue(&new_key().unwrap().0, "test", TOR, 3_600);
    let mut changed = manager.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    for (what, token) in [
        ("another key's", forged),
        ("changed", changed),
        ("another cluster's", issue(&secret, "other", TOR, 3_600)),
        ("nonsense", "v4.public.nonsense".to_owned()),
        ("none", String::new()),
        ("long", "v4.public.".repeat(500)),
    ] {
        assert_eq!(add(&bearer(&token)).problem(), (401, "token-needed".to_owned()), "{what}");
        let look = Http::open(&cluster, 1).ask("GET", "/v1/kinds", &bearer(&token), "");
        assert_eq!(look.problem().0, 401, "it is better to know than to be taken for anyone: {what}");
    }
    let short = issue(&secret, "test", TOR, 1);
    until("the token has expired", || (add(&bearer(&short)).status == 401).then_some(()));
    let expired = add(&bearer(&short));
    assert!(expired.json()["detail"].as_str().unwrap().contains("expired"), "{expired:?}");

    assert_eq!(add("").problem(), (401, "token-needed".to_owned()));
    assert_eq!(add(&format!("boxoffice-as: {TOR}\r\n")).problem(), (401, "token-needed".to_owned()));
    let customer = issue(&secret, "test", JOE, 3_600);
    assert_eq!(add(&bearer(&customer)).problem(), (403, "not-allowed".to_owned()));
    let both = format!("{}boxoffice-as: {TOR}\r\n", bearer(&customer));
    assert_eq!(add(&both).problem(), (403, "not-allowed".to_owned()), "the token is for somebody else");
    let answer = add(&bearer(&manager));
    assert!([200, 201].contains(&answer.status), "{answer:?}");
    assert_eq!(get(&cluster, 1, "/v1/events").status, 200, "anyone may look");
    let reserve = Http::open(&cluster, 1).ask("POST", "/reserve?eventId=theatre&tickets=1", "", "");
    assert_eq!(reserve.problem(), (401, "token-needed".to_owned()));
}

#[test]
fn bodies_are_json_and_not_too_large_on_every_path_that_has_one() {
    let cluster = seminar("");
    let event = "/v1/events/TORM100519/Seminars";
    let paths = [
        "/v1/branches".to_owned(),
        "/v1/branches/TOR/theatres".to_owned(),
        "/v1/kinds".to_owned(),
        "/v1/events".to_owned(),
        "/v1/exchanges".to_owned(),
        format!("{event}/bookings"),
        format!("{event}/holds"),
        format!("{event}/waiting"),
    ];
    for path in &paths {
        let ask = |headers: &str, body: &[u8]| {
            let mut http = Http::open(&cluster, 1);
            let length = body.len();
            http.send(format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\nboxoffice-as: {TOR}\r\n{headers}content-length: {length}\r\n\r\n"
            ));
            http.send(body);
            http.answer().problem()
        };
        let json = "content-type: application/json\r\n";
        assert_eq!(ask("", b"{}"), (415, "unsupported-media-type".to_owned()), "{path}");
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        assert_eq!(ask(form, b"count=1"), (415, "unsupported-media-type".to_owned()), "{path}");
        assert_eq!(ask(json, b"{\"x\":\"\xff\xfe\"}").0 / 100, 4, "{path}");
        assert_eq!(ask(json, b"").1, "malformed-body", "{path}");
        assert_eq!(ask(json, b"[]").1, "invalid-body", "{path}");
        assert_eq!(ask(json, b"{}").1, "invalid-body", "{path}");
        assert_eq!(ask(json, b"{\"unheard\":1}").1, "invalid-body", "{path}");
        assert_eq!(ask(json, &vec![b' '; 10 << 20]), (413, "body-too-large".to_owned()), "{path}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!("{{\"seats\":{deep}}}");
    assert_eq!(ask_as(&cluster, 1, SUE, BOOKINGS, &deep).status / 100, 4);
    assert_eq!(get(&cluster, 1, "/livez").status, 200);
}

#[test]
fn nobody_holds_more_than_the_limit_however_often_they_ask() {
    let more = "holds: {per_customer_max: 3}\nhttp: {rate_per_s: 1000000, rate_burst: 1000000}\n";
    let cluster = Cluster::started(1, more);
    let mut http = Http::open(&cluster, 1);
    let as_manager = format!("boxoffice-as: {TOR}\r\n");
    let holds = |day: u32| format!("/v1/events/TORM{day:02}0519/Seminars/holds");
    for day in 1..=20 {
        let body =
            json!({ "kind": "Seminars", "capacity": 9, "id": format!("TORM{day:02}0519") }).to_string();
        assert_eq!(http.ask("POST", "/v1/events", &as_manager, &body).status, 201);
    }
    let as_joe = format!("boxoffice-as: {JOE}\r\n");
    let mut made = 0;
    for n in 0..2_000 {
        let answer = http.ask("POST", &holds(n % 20 + 1), &as_joe, r#"{"count":1}"#);
        match answer.status {
            201 => made += 1,
            _ => assert!(["limit-reached", "already-held"].contains(&answer.problem().1.as_str())),
        }
    }
    assert_eq!(made, 3);
    let over = http.ask("POST", &holds(20), &as_joe, r#"{"count":1}"#);
    assert_eq!(over.problem(), (409, "limit-reached".to_owned()));
    assert_eq!((&over.json()["limit"], &over.json()["max"]), (&json!("holds_of_one"), &json!(3)));
}

#[test]
fn a_waiting_list_is_full_at_its_limit() {
    let cluster =
        seminar("limits: {waiting_list_max: 50}\nhttp: {rate_per_s: 1000000, rate_burst: 1000000}\n");
    let path = "/v1/events/TORM100519/Seminars/waiting";
    let mut http = Http::open(&cluster, 1);
    // A flood: everything is sent before the first answer is read.
    let flood: String = (0..200)
        .map(|n| request("POST", path, &format!("boxoffice-as: guest{n}\r\n"), r#"{"count":2}"#))
        .collect();
    http.send(flood);
    let mut codes = [0, 0];
    for _ in 0..200 {
        let answer = http.answer();
        match answer.status {
            201 => codes[0] += 1,
            _ => {
                assert_eq!(answer.problem(), (409, "limit-reached".to_owned()));
                codes[1] += 1;
            }
        }
    }
    assert_eq!(codes, [50, 150]);
    let again = http.ask("POST", path, "boxoffice-as: guest0\r\n", r#"{"count":2}"#);
    assert_eq!(again.problem(), (409, "already-waiting".to_owned()));
    let list = http.ask("GET", &format!("{path}?limit=20&skip=40"), "", "").json();
    assert_eq!((&list["total"], list["places"].as_array().map(Vec::len)), (&json!(50), Some(10)));
    assert_eq!(list["places"][0]["holder"], "guest40", "in the order in which they came");
}
