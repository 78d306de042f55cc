//! What watches over servers: health, readiness, status, metrics, documents.

use super::talk::{Http, get, reserve};
use crate::harness::{Cluster, until};
use rustix::process::Signal;

#[test]
fn readiness_says_why_not() {
    let mut cluster = Cluster::described(3, "");
    cluster.start(1);
    until("the server waits for the others", || {
        let answer = std::panic::catch_unwind(|| get(&cluster, 1, "/readyz")).ok()?;
        let why = answer.json()["detail"].as_str()?.to_owned();
        (answer.problem() == (503, "not-ready".to_owned()) && why.contains("waits for")).then_some(())
    });
    assert_eq!(get(&cluster, 1, "/livez").json()["status"], "alive");
    let waiting = get(&cluster, 1, "/v1/status").json();
    assert_eq!(waiting["servers"][0]["state"], "recovering");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":1}"#).problem(), (503, "not-ready".to_owned()));
    assert_eq!(get(&cluster, 1, "/v1/reservations/bob").problem().1, "not-ready");
    assert!(get(&cluster, 1, "/metrics").body.contains("\nboxoffice_ready 0\n"));
    cluster.start(2);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(get(&cluster, 1, "/readyz").status, 200);
    assert_eq!(get(&cluster, 1, "/v1/status").json()["servers"][2]["state"], "ready");
}

#[test]
fn what_happens_is_counted() {
    let mut cluster = Cluster::started(3, "");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":2}"#).status, 201);
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":2}"#).status, 409);
    cluster.kill(3);
    until("the others go on", || {
        let text = get(&cluster, 1, "/metrics").body;
        let has = |line: &str| text.lines().any(|found| found == line);
        (has("boxoffice_view_members 2") && has("boxoffice_ready 1")).then_some(())
    });
    let answer = get(&cluster, 1, "/metrics");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let value = |name: &str| -> f64 {
        let line =
            answer.body.lines().find(|line| line.strip_prefix(name).is_some_and(|r| r.starts_with(' ')));
        let line = line.unwrap_or_else(|| panic!("{name} is not in\n{}", answer.body));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    for (name, least) in [
        ("boxoffice_ready", 1.0),
        ("boxoffice_position", 2.0),
        ("boxoffice_seats_left", 98.0),
        ("boxoffice_view_members", 2.0),
        ("boxoffice_view_changes_total", 2.0),
        ("boxoffice_suspicions_total", 1.0),
        ("boxoffice_commands_total{outcome=\"reserved\"}", 1.0),
        ("boxoffice_commands_total{outcome=\"already_booked\"}", 1.0),
        ("boxoffice_command_seconds_count", 2.0),
        ("boxoffice_batch_commands_count", 2.0),
        ("boxoffice_fsync_seconds_count", 1.0),
        ("boxoffice_log_bytes", 1.0),
        ("boxoffice_http_requests_total{route=\"/v1/reservations\",status=\"201\"}", 1.0),
        ("boxoffice_http_request_seconds_count{route=\"/v1/reservations\"}", 2.0),
        ("boxoffice_http_connections", 1.0),
    ] {
        assert!(value(name) >= least, "{name} is {}", value(name));
    }
    assert_eq!((value("boxoffice_lag"), value("boxoffice_digest_mismatches_total")), (0.0, 0.0));
}

#[test]
fn health_has_a_lane_of_its_own() {
    // One request at a time, and the other server does not answer: the place is taken for a while.
    let more = "http: {requests_max: 1, rate_per_s: 1, rate_burst: 1}\n";
    let cluster = Cluster::started(2, more);
    cluster.signal(2, Signal::STOP);
    let mut first = Http::open(&cluster, 1);
    first.send(super::talk::request("POST", "/v1/reservations", "", r#"{"name":"bob","count":1}"#));
    until("its address has used up what it may ask", || {
        (get(&cluster, 1, "/v1/seats").problem().1 == "rate-limited").then_some(())
    });
    for path in ["/livez", "/metrics", "/v1/status"] {
        for _ in 0..5 {
            assert_eq!(get(&cluster, 1, path).status, 200, "{path}");
        }
    }
    cluster.signal(2, Signal::CONT);
    assert_eq!(first.answer().status, 201);
}

#[test]
fn the_documents_are_served_and_load_nothing_from_elsewhere() {
    let cluster = Cluster::started(1, "");
    let document = get(&cluster, 1, "/openapi.json");
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert_eq!(document.json()["openapi"], "3.1.0");
    let page = get(&cluster, 1, "/docs");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.body.contains("/docs.js") && get(&cluster, 1, "/docs.js").status == 200);
    for code in
        document.json()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap()
    {
        let code = code.as_str().unwrap();
        assert_eq!(get(&cluster, 1, &format!("/problems/{code}")).json()["code"], code);
    }
    assert_eq!(get(&cluster, 1, "/problems/none").problem().0, 404);
}
