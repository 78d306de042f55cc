//! Each limit of the HTTP port, reached.

use super::talk::{Http, get, request, reserve};
use crate::harness::{Cluster, until, wait_closed};
use rustix::process::Signal;

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn one_request_at_a_time_where_that_is_the_limit() {
    let cluster = Cluster::started(2, "http: {requests_max: 1}\n");
    // The other server stands still, so the first request takes a while.
    cluster.signal(2, Signal::STOP);
    let mut first = Http::open(&cluster, 1);
    first.send(request("POST", "/v1/reservations", "", r#"{"name":"bob","count":1}"#));
    until("the second one is turned away", || {
        let answer = get(&cluster, 1, "/v1/seats");
        (answer.status == 429).then(|| assert_eq!(answer.problem(), problem(429, "busy")))
    });
    cluster.signal(2, Signal::CONT);
    assert_eq!(first.answer().status, 201);
    assert_eq!(get(&cluster, 1, "/v1/seats").status, 200);
}

#[test]
fn one_client_cannot_ask_without_end() {
    let cluster = Cluster::started(1, "http: {rate_per_s: 1, rate_burst: 3}\n");
    let mut http = Http::open(&cluster, 1);
    let codes: Vec<u16> = (0..5).map(|_| http.ask("GET", "/v1/seats", "", "").status).collect();
    assert!(codes[..3] == [200; 3] && codes.contains(&429), "{codes:?}");
    let refused = until("it is refused", || {
        let answer = http.ask("GET", "/v1/seats", "", "");
        (answer.status == 429).then_some(answer)
    });
    assert_eq!((refused.problem(), refused.header("retry-after")), (problem(429, "rate-limited"), "1"));
    until("it may ask again", || (http.ask("GET", "/v1/seats", "", "").status == 200).then_some(()));
}

#[test]
fn connections_over_the_limit_are_told_so() {
    let cluster = Cluster::started(1, "http: {connections_max: 2, streams_max: 1}\n");
    let mut open: Vec<Http> = (0..2).map(|_| Http::open(&cluster, 1)).collect();
    assert!(open.iter_mut().all(|http| http.ask("GET", "/livez", "", "").status == 200));
    let mut third = Http::open(&cluster, 1);
    third.send(request("GET", "/livez", "", ""));
    assert_eq!(third.answer().problem(), problem(503, "too-many-connections"));
    wait_closed(third.stream.get_mut());
    open.pop();
    until("there is room again", || {
        std::panic::catch_unwind(|| get(&cluster, 1, "/livez")).ok().filter(|answer| answer.status == 200)
    });
}

#[test]
fn streams_over_the_limit_are_told_so() {
    let cluster = Cluster::started(1, "http: {streams_max: 1}\n");
    let mut first = Http::open(&cluster, 1);
    first.send(request("GET", "/v1/seats/stream", "", ""));
    assert_eq!(first.head().status, 200);
    let answer = get(&cluster, 1, "/v1/seats/stream");
    assert_eq!(answer.problem(), problem(503, "too-many-streams"));
    drop(first);
    until("its place is free again", || {
        let mut next = Http::open(&cluster, 1);
        next.send(request("GET", "/v1/seats/stream", "", ""));
        (next.head().status == 200).then_some(())
    });
}

#[test]
fn a_head_that_drips_in_is_cut_off() {
    let cluster = Cluster::started(1, "http: {head_ms: 300}\n");
    let mut http = Http::open(&cluster, 1);
    http.send("GET /livez HTTP/1.1\r\nhost: a\r\nx: ");
    // A byte now and then does not help.
    let answer = until("it is answered", || {
        let _ = std::io::Write::write_all(http.stream.get_mut(), b"y");
        let stream = http.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let has_answer = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        has_answer.then(|| http.answer())
    });
    assert_eq!(answer.problem(), problem(408, "request-timeout"));
    let mut idle = Http::open(&cluster, 1);
    assert_eq!(idle.ask("GET", "/livez", "", "").status, 200);
    assert!(wait_closed(idle.stream.get_mut()).is_empty(), "an idle one is closed without a word");
}

#[test]
fn a_body_that_drips_in_is_cut_off() {
    let cluster = Cluster::started(1, "http: {body_ms: 300, requests_max: 1}\n");
    let mut slow = Http::open(&cluster, 1);
    slow.send(request("POST", "/v1/reservations", "content-length: 100\r\n", ""));
    slow.send("{\"name\":");
    assert_eq!(get(&cluster, 1, "/v1/seats").status, 200, "it takes nobody's place meanwhile");
    assert_eq!(slow.answer().problem(), problem(408, "request-timeout"));
    wait_closed(slow.stream.get_mut());
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":1}"#).status, 201);
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let more = "http: {write_ms: 500, connections_max: 2, streams_max: 1, rate_per_s: 1000000, rate_burst: 1000000}\n";
    let cluster = Cluster::started(1, more);
    let mut deaf = Http::open(&cluster, 1);
    deaf.stream.get_ref().set_nonblocking(true).unwrap();
    // Asks until nothing more is taken: the answers fill what the system keeps on both sides.
    let question = request("GET", "/openapi.json", "", "").repeat(100);
    until("the connection is closed", || {
        match std::io::Write::write(deaf.stream.get_mut(), question.as_bytes()) {
            Ok(_) => None,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(_) => Some(()),
        }
    });
    assert_eq!(get(&cluster, 1, "/livez").status, 200);
}
