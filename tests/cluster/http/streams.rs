//! Event streams: nothing is missed, on whichever server.

use super::talk::{Http, get, request, reserve};
use crate::harness::{Cluster, until};
use boxoffice::api::wire::{ClientRequest, ServerReply};
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::{Seat, SessionId};
use rustix::process::Signal;
use serde_json::{Value, json};

fn stream(cluster: &Cluster, id: u8, last: Option<u64>) -> Http {
    let mut http = Http::open(cluster, id);
    let headers = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    http.send(request("GET", "/v1/seats/stream", &headers, ""));
    let head = http.head();
    assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
    http
}

fn event(http: &mut Http) -> (String, u64, Value) {
    let (name, id, data) = http.event().expect("the stream goes on");
    let id = id.unwrap_or_else(|| panic!("{name} {data}"));
    assert_eq!(data["position"], id);
    (name, id, data)
}

#[test]
fn a_stream_begins_with_all_seats_and_goes_on_with_changes() {
    let cluster = Cluster::started(2, "");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"bob","count":2}"#).status, 201);
    let mut http = stream(&cluster, 1, None);
    let (name, _, data) = event(&mut http);
    assert_eq!((name.as_str(), &data["taken"], &data["left"]), ("reset", &json!([[1, 2]]), &json!(98)));
    assert_eq!(reserve(&cluster, 2, r#"{"name":"bob","count":2}"#).status, 409);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"ann","seats":[4,5,9]}"#).status, 201);
    let (name, first, data) = event(&mut http);
    assert_eq!((name.as_str(), &data["taken"]), ("change", &json!([[4, 5], [9, 9]])));
    assert_eq!((&data["freed"], &data["left"]), (&json!([]), &json!(95)), "a refusal is no change");
    super::talk::ask(&cluster, 2, "DELETE", "/v1/reservations/bob", "");
    let (_, second, data) = event(&mut http);
    assert_eq!((&data["freed"], &data["taken"]), (&json!([[1, 2]]), &json!([])));
    assert!(second > first);
}

#[test]
fn a_stream_goes_on_where_it_was_on_another_server() {
    let mut cluster = Cluster::started(3, "");
    let mut http = stream(&cluster, 1, None);
    event(&mut http);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"a","count":1}"#).status, 201);
    let (_, seen, _) = event(&mut http);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"b","count":1}"#).status, 201);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"c","count":1}"#).status, 201);
    cluster.kill(1);
    let mut http = stream(&cluster, 3, Some(seen));
    for seat in [2, 3] {
        let (name, id, data) = event(&mut http);
        assert_eq!((name.as_str(), &data["taken"]), ("change", &json!([[seat, seat]])));
        assert!(id > seen);
    }
}

#[test]
fn who_was_away_for_too_long_gets_all_seats_anew() {
    let mut cluster = Cluster::started(3, "");
    assert_eq!(reserve(&cluster, 1, r#"{"name":"a","count":1}"#).status, 201);
    let (_, seen, _) = event(&mut stream(&cluster, 1, None));
    // What it has not executed yet would be among its recent changes later.
    until("the other one is as far", || (cluster.row(2).ok()?.position >= seen).then_some(()));
    cluster.stop(2);
    assert_eq!(reserve(&cluster, 1, r#"{"name":"b","count":1}"#).status, 201);
    assert_eq!(stream(&cluster, 1, Some(seen)).event().unwrap().0, "change");
    cluster.start(2);
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"c","count":1}"#).status, 201);
    // It has read its log anew: what lies before is not among its recent changes.
    let (name, _, data) = event(&mut stream(&cluster, 2, Some(0)));
    assert_eq!((name.as_str(), &data["taken"]), ("reset", &json!([[1, 3]])));
    let (name, ..) = event(&mut stream(&cluster, 1, Some(1 << 60)));
    assert_eq!(name, "reset", "a position that nobody has reached");
}

#[test]
fn a_server_that_comes_back_tells_its_subscribers_all_seats_anew() {
    let cluster = Cluster::started(3, "");
    let mut http = stream(&cluster, 3, None);
    event(&mut http);
    cluster.signal(3, Signal::STOP);
    until("the others went on", || {
        let row = cluster.row(1).ok()?;
        (row.state == boxoffice::api::wire::ServerState::Ready).then_some(())?;
        (reserve(&cluster, 1, r#"{"name":"a","count":1}"#).status != 504).then_some(())
    });
    cluster.signal(3, Signal::CONT);
    let (name, _, data) =
        std::iter::repeat_with(|| event(&mut http)).find(|(.., data)| data["left"] == 99).unwrap();
    assert!(["reset", "change"].contains(&name.as_str()), "{data}");
}

#[test]
fn a_stopping_server_says_so() {
    let mut cluster = Cluster::started(2, "");
    let mut http = stream(&cluster, 1, None);
    event(&mut http);
    cluster.stop(1);
    let (name, id, data) = http.event().unwrap();
    assert_eq!((name.as_str(), id, &data["reason"]), ("end", None, &json!("leaving")));
    assert!(http.event().is_none());
}

#[test]
fn a_subscriber_that_is_too_slow_is_told_so() {
    let more = "limits: {disk_bytes_max: 1073741824}\nhttp: {write_ms: 60000}\nseats: 1000000\n";
    let cluster = Cluster::described(1, "");
    let text = std::fs::read_to_string(&cluster.config).unwrap().replace("seats: 100\n", "") + more;
    std::fs::write(&cluster.config, text).unwrap();
    let mut cluster = cluster;
    cluster.start(1);
    cluster.wait_ready(&[1]);
    let mut http = stream(&cluster, 1, None);
    event(&mut http);
    // Each change is of many single seats: a hundred kilobytes for a subscriber, who takes none of it.
    let seats: Vec<Seat> = (0..20_000).map(|n| Seat(2 * n + 1)).collect();
    let name = || "bob".parse().unwrap();
    let mut connection = cluster.connect(1).unwrap();
    let session = SessionId { birth_ms: connection.state_time_ms, random: 5 };
    for sequence in 1..=120 {
        let operation = match sequence % 2 {
            1 => Operation::ReserveSeats { name: name(), seats: seats.clone() },
            _ => Operation::Delete { name: name() },
        };
        let command = Command { session, sequence, answered_until: sequence - 1, operation, key: None };
        let reply = connection.call(ClientRequest::Command(command)).unwrap();
        assert!(matches!(reply, ServerReply::Outcome(outcome) if outcome.is_success()));
    }
    let mut last = 0;
    let reason = loop {
        let (name, id, data) = http.event().unwrap();
        match id {
            Some(id) => {
                assert!(name == "change" && id > last);
                last = id;
            }
            None => break data["reason"].as_str().unwrap().to_owned(),
        }
    };
    assert_eq!(reason, "too-slow");
    assert!(http.event().is_none(), "that was the last");
    assert!(get(&cluster, 1, "/metrics").body.contains("streams_dropped_total{reason=\"too-slow\"} 1"));
}
