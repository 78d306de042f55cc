//! Whatever comes in has one clear answer.

use super::talk::{Http, ask, get, request, reserve};
use crate::harness::Cluster;
use std::io::Write as _;

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn bodies_that_are_not_what_belongs_there_are_refused() {
    let cluster = Cluster::started(1, "");
    for (body, expected) in [
        (r#"{"name":"bob""#, problem(400, "malformed-body")),
        ("count=2", problem(400, "malformed-body")),
        (r#"{"name":"bob","count":2,"color":"red"}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob"}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","count":0}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","count":1000001}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","count":-1}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","count":"2"}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","count":null}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","seats":[]}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","seats":[1,1]}"#, problem(422, "invalid-body")),
        (r#"{"name":" ","count":2}"#, problem(422, "invalid-body")),
        (r#"{"name":"a\u0007b","count":2}"#, problem(422, "invalid-body")),
        (r#"{"name":"bob","name":"bob","count":2}"#, problem(422, "invalid-body")),
        (r#"["bob",2]"#, problem(422, "invalid-body")),
    ] {
        assert_eq!(reserve(&cluster, 1, body).problem(), expected, "{body}");
    }
    let long = format!(r#"{{"name":"{}","count":1}}"#, "x".repeat(65));
    assert_eq!(reserve(&cluster, 1, &long).problem(), problem(422, "invalid-body"));
    assert!(cluster.search(1, "bob").is_empty(), "nothing was done");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let cluster = Cluster::started(1, "");
    let mut http = Http::open(&cluster, 1);
    http.send("POST /v1/reservations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n");
    http.send("content-length: 23\r\n\r\n{\"name\":\"b");
    http.send([0xff, 0xfe]);
    http.send("\",\"count\":1");
    http.send("}");
    let (status, code) = http.answer().problem();
    assert!([400, 422].contains(&status), "{code}");
    for path in ["/v1/reservations/%ff%fe", "/v1/reservations/%00", "/v1/reservations/%20"] {
        assert_eq!(get(&cluster, 1, path).problem(), problem(422, "invalid-name"), "{path}");
    }
    let long = format!("/v1/reservations/{}", "x".repeat(65));
    assert_eq!(get(&cluster, 1, &long).problem(), problem(422, "invalid-name"));
}

#[test]
fn media_types_are_said_and_right() {
    let cluster = Cluster::started(1, "");
    for content_type in
        ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"]
    {
        let headers = format!("{content_type}content-length: 24\r\n");
        let mut http = Http::open(&cluster, 1);
        http.send(request("POST", "/v1/reservations", &headers, ""));
        http.send(r#"{"name":"bob","count":1}"#);
        assert_eq!(http.answer().problem(), problem(415, "unsupported-media-type"), "{content_type}");
    }
}

#[test]
fn paths_lead_nowhere_else() {
    let cluster = Cluster::started(1, "");
    for path in [
        "/v1",
        "/v1/seats/",
        "//v1/seats",
        "/v1//seats",
        "/v1/../livez",
        "/v1/%2e%2e/livez",
        "/V1/seats",
        "/etc/passwd",
        "/v1/reservations/a/b",
        "/v1/reservations/",
        "/%00",
        "/v1/seats%00",
        "/v1/seats;x=1",
    ] {
        assert_eq!(get(&cluster, 1, path).problem(), problem(404, "not-found"), "{path}");
    }
    // The name's own dots and slashes are part of the name.
    for path in ["/v1/reservations/..", "/v1/reservations/..%2f..%2flivez"] {
        assert_eq!(get(&cluster, 1, path).problem(), problem(404, "no-reservation"), "{path}");
    }
}

#[test]
fn methods_and_parameters_that_are_not_known_are_refused() {
    let cluster = Cluster::started(1, "");
    for (method, path) in [
        ("PUT", "/v1/reservations"),
        ("GET", "/v1/reservations"),
        ("DELETE", "/v1/seats"),
        ("TRACE", "/livez"),
    ] {
        let answer = ask(&cluster, 1, method, path, "");
        assert_eq!(answer.problem(), problem(405, "method-not-allowed"), "{method} {path}");
        assert!(!answer.header("allow").is_empty(), "{answer:?}");
    }
    for path in [
        "/v1/seats?consistency=eventual",
        "/v1/seats?consistency=local&consistency=local",
        "/v1/seats?color=red",
        "/v1/status?x=1",
        "/livez?x",
        "/v1/reservations/bob?count=1",
    ] {
        assert_eq!(get(&cluster, 1, path).problem(), problem(400, "invalid-parameter"), "{path}");
    }
    let mut http = Http::open(&cluster, 1);
    let answer = http.ask("GET", "/v1/seats/stream", "last-event-id: yesterday\r\n", "");
    assert_eq!(answer.problem(), problem(400, "invalid-parameter"));
}

#[test]
fn heads_that_are_no_http_are_answered_and_closed() {
    let cluster = Cluster::started(1, "");
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000));
    let wide = format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET /livez HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(200));
    for (bytes, statuses) in [
        ("HELO me\r\n\r\n", &[400][..]),
        ("GET /livez HTTP/9.9\r\n\r\n", &[400]),
        ("GET /livez HTTP/1.1\r\nno colon\r\n\r\n", &[400]),
        ("POST /v1/reservations HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", &[400]),
        (&long, &[414, 431]),
        (&wide, &[431]),
        (&many, &[431]),
    ] {
        let mut http = Http::open(&cluster, 1);
        // The server may close before all is sent.
        let _ = http.stream.get_mut().write_all(bytes.as_bytes());
        let answer = http.head();
        assert!(statuses.contains(&answer.status), "{answer:?}");
    }
    assert_eq!(get(&cluster, 1, "/livez").status, 200);
}

#[test]
fn ten_megabytes_are_too_many() {
    let cluster = Cluster::started(1, "");
    let body = "x".repeat(10 << 20);
    assert_eq!(reserve(&cluster, 1, &body).problem(), problem(413, "body-too-large"));
    let mut http = Http::open(&cluster, 1);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    http.send("POST /v1/reservations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..160 {
        http.send(&chunk);
    }
    http.send("0\r\n\r\n");
    assert_eq!(http.answer().problem(), problem(413, "body-too-large"), "its length was not told before");
    let mut http = Http::open(&cluster, 1);
    let headers = "content-length: 10485760\r\nexpect: 100-continue\r\n";
    http.send(request("POST", "/v1/reservations", headers, ""));
    assert_eq!(
        http.answer().problem(),
        problem(413, "body-too-large"),
        "whoever asks first need not send it"
    );
    assert_eq!(get(&cluster, 1, "/livez").status, 200);
}
