//! The page, whom its scripts may ask, and what they draw.

use super::talk::{Answer, Http, get, reserve};
use crate::harness::{Cluster, until};
use crate::tokens::Operator;
use serde_json::Value;

/// Most events in an answer.
const PAGE_MAX: usize = 4096;

fn trace(cluster: &Cluster, id: u8, after: u64) -> Value {
    let answer = get(cluster, id, &format!("/v1/trace?after={after}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = answer.json();
    assert_eq!(page["server"], id);
    page
}

fn numbers(page: &Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_trace_is_told_in_pages_each_after_the_one_before() {
    let cluster =
        Cluster::started(3, "durability: memory\nhttp: {rate_per_s: 1000000, rate_burst: 1000000}\n");
    assert_eq!(trace(&cluster, 1, 0)["events"].as_array().unwrap().len(), 0, "nobody has watched yet");
    let mut http = Http::open(&cluster, 1);
    let first = until("there is more than a page of it", || {
        for _ in 0..100 {
            // Refused or not: each is a request that all servers hear of.
            http.ask("POST", "/v1/reservations", "", r#"{"name":"bob","count":1}"#);
        }
        let page = trace(&cluster, 1, 0);
        (page["last"].as_u64() > page["events"][0]["number"].as_u64().map(|first| first + PAGE_MAX as u64))
            .then_some(page)
    });
    let seen = numbers(&first);
    assert_eq!(seen.len(), PAGE_MAX);
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "none is left out");
    let last = seen[PAGE_MAX - 1];
    assert_eq!(numbers(&trace(&cluster, 1, last))[0], last + 1);
    let end = trace(&cluster, 1, u64::MAX)["last"].as_u64().unwrap();
    assert_eq!(numbers(&trace(&cluster, 1, end)), [0_u64; 0], "nothing has happened since");
    for wrong in ["after=-1", "after=x", "until=1"] {
        assert_eq!(get(&cluster, 1, &format!("/v1/trace?{wrong}")).problem().0, 400, "{wrong}");
    }
}

#[test]
fn a_server_that_was_started_again_counts_anew() {
    let mut cluster = Cluster::started(3, "durability: memory\n");
    trace(&cluster, 2, 0);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"bob","count":1}"#).status, 201);
    let before = until("it has released its request", || {
        let page = trace(&cluster, 2, 0);
        page.to_string().contains("release").then_some(page["last"].as_u64().unwrap())
    });
    cluster.kill(2);
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    let page = trace(&cluster, 2, before);
    assert!(page["last"].as_u64().unwrap() < before, "the asker can tell: {page}");
    until("what it sees now is told although the asker knows of more", || {
        reserve(&cluster, 1, r#"{"name":"ann","count":1}"#);
        (numbers(&trace(&cluster, 2, before)).first() == Some(&1)).then_some(())
    });
}

#[test]
fn where_tokens_are_required_only_managers_watch() {
    let operator = Operator::new();
    let cluster = Cluster::started(1, &operator.section);
    let ask = |headers: &str| Http::open(&cluster, 1).ask("GET", "/v1/trace", headers, "");
    let bearer = |role, id| {
        let token = operator.issue(&cluster, role, id).unwrap();
        format!("authorization: Bearer {token}\r\n")
    };
    assert_eq!(ask("").problem(), (401, "token-needed".to_owned()));
    assert_eq!(ask("boxoffice-as: TORM0001\r\n").problem(), (401, "token-needed".to_owned()));
    assert_eq!(ask(&bearer("customer", "TORC0001")).problem(), (403, "not-allowed".to_owned()));
    assert_eq!(ask(&bearer("manager", "TORM0001")).status, 200);
}

/// What a browser asks before a page of this origin may send a token.
fn preflight(cluster: &Cluster, origin: &str) -> Answer {
    let headers = format!(
        "origin: {origin}\r\naccess-control-request-method: GET\r\naccess-control-request-headers: authorization\r\n"
    );
    Http::open(cluster, 1).ask("OPTIONS", "/v1/trace", &headers, "")
}

#[test]
fn pages_of_the_other_servers_may_ask_and_strangers_may_not() {
    let cluster = Cluster::started(2, "");
    let other = format!("http://127.0.0.1:{}", cluster.http_ports[&2]);
    let admitted = preflight(&cluster, &other);
    assert_eq!((admitted.status, admitted.header("access-control-allow-origin")), (204, &*other));
    assert_eq!(admitted.header("vary"), "origin");
    assert!(admitted.header("access-control-allow-headers").contains("authorization"));
    let asked = Http::open(&cluster, 1).ask("GET", "/v1/seats", &format!("origin: {other}\r\n"), "");
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (200, &*other));
    assert!(asked.header("access-control-expose-headers").contains("boxoffice-position"));
    for stranger in ["http://evil.example", "null", &format!("{other}0"), &format!("https{}", &other[4..])] {
        let refused = preflight(&cluster, stranger);
        assert_eq!(refused.status, 405, "{stranger}");
        assert_eq!(refused.header("access-control-allow-origin"), "", "{stranger}");
        let asked = Http::open(&cluster, 1).ask("GET", "/v1/seats", &format!("origin: {stranger}\r\n"), "");
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (200, ""), "{stranger}");
        // A browser sends this one without asking first.
        let simple = format!("origin: {stranger}\r\n");
        let sold = Http::open(&cluster, 1).ask("POST", "/reserve?eventId=theatre&tickets=2", &simple, "");
        assert_eq!(sold.problem(), (403, "not-allowed".to_owned()), "{stranger}");
    }
    assert_eq!(get(&cluster, 1, "/v1/seats").json()["left"], 100, "nothing was sold");
    for own in [format!("http://127.0.0.1:{}", cluster.http_ports[&1]), other] {
        let origin = format!("origin: {own}\r\n");
        let sold = Http::open(&cluster, 1).ask("POST", "/reserve?eventId=theatre&tickets=2", &origin, "");
        assert_eq!(sold.status, 200, "{own}");
    }
}

#[test]
fn the_page_loads_nothing_and_is_not_sent_twice() {
    let cluster = Cluster::started(2, "");
    let page = get(&cluster, 1, "/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains(&format!(" http://127.0.0.1:{}", cluster.http_ports[&2])), "{policy}");
    assert!(page.body.starts_with("<!doctype html>"));
    let etag = page.header("etag");
    let again = Http::open(&cluster, 2).ask("GET", "/", &format!("if-none-match: {etag}\r\n"), "");
    assert_eq!((again.status, &*again.body), (304, ""), "it is the same on all servers");
    let other = Http::open(&cluster, 2).ask("GET", "/", "if-none-match: \"other\"\r\n", "");
    assert_eq!((other.status, other.header("etag")), (200, etag));
}
