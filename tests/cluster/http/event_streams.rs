//! Streams of events: each sees its own, one sees everything, and a server can be changed for another.

use super::talk::{Http, get, request, reserve};
use crate::harness::Cluster;
use boxoffice::domain::command::Operation;
use boxoffice::domain::events::command::{Action, Count, EventOperation, NewEvent, Place, Seating};
use boxoffice::domain::events::ids::{Actor, EventId, EventKey};
use serde_json::{Value, json};

const SEMINAR: (&str, &str) = ("TORM100519", "Seminars");
const TRADE: (&str, &str) = ("TORA100519", "Trade shows");

fn key((id, kind): (&str, &str)) -> EventKey {
    EventKey { id: id.parse().unwrap(), kind: kind.parse().unwrap() }
}

fn path((id, kind): (&str, &str)) -> String {
    format!("/v1/events/{id}/{}/stream", kind.replace(' ', "%20"))
}

fn name((id, kind): (&str, &str)) -> Value {
    json!({ "id": id, "kind": kind })
}

fn who(text: &str) -> Actor {
    text.parse().map_or_else(|_| Actor::Guest(text.parse().unwrap()), Actor::User)
}

fn any(count: u32) -> Seating {
    Seating::Any(Count::new(count).unwrap())
}

/// Somebody does something, through whichever of these servers serves.
fn act(cluster: &Cluster, servers: &[u8], actor: &str, action: Action) {
    let operation = Operation::Events(Box::new(EventOperation { actor: who(actor), action }));
    let outcome = cluster.execute(servers, operation);
    assert!(outcome.is_success(), "{outcome}");
}

/// A manager adds an event, through a server that knows it from then on.
fn add(cluster: &Cluster, server: u8, event: (&str, &str), capacity: u32) {
    let EventKey { id: EventId::Slot(id), kind } = key(event) else { panic!("it says where it is") };
    let event = NewEvent { place: Place::Slot(id), kind, name: None, theatre: None };
    act(cluster, &[server], "TORM0001", Action::AddEvent { event, capacity });
}

fn book(cluster: &Cluster, servers: &[u8], holder: &str, event: (&str, &str), count: u32) {
    act(
        cluster,
        servers,
        holder,
        Action::Book { holder: who(holder), event: key(event), seating: any(count) },
    );
}

fn stream(cluster: &Cluster, id: u8, path: &str, last: &str) -> Http {
    let mut http = Http::open(cluster, id);
    let headers = if last.is_empty() { String::new() } else { format!("last-event-id: {last}\r\n") };
    http.send(request("GET", path, &headers, ""));
    let head = http.head();
    assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"), "{path}");
    http
}

/// Name, id, and the data without the position, which must be that of the id.
fn event(http: &mut Http) -> (String, String, Value) {
    let (name, id, mut data) = http.event_as_told().expect("the stream goes on");
    let id = id.unwrap_or_else(|| panic!("{name} {data}"));
    if let Some(position) = data.as_object_mut().unwrap().remove("position") {
        assert_eq!(position.to_string(), id.split('.').next().unwrap());
    }
    (name, id, data)
}

#[test]
fn each_stream_sees_its_own_event_and_one_sees_everything() {
    let cluster = Cluster::started(2, "");
    add(&cluster, 1, SEMINAR, 5);
    book(&cluster, &[1], "ann", SEMINAR, 2);
    add(&cluster, 1, TRADE, 70);
    let mut seminar = stream(&cluster, 1, &path(SEMINAR), "");
    let mut trade = stream(&cluster, 1, &path(TRADE), "");
    let mut theatre = stream(&cluster, 1, "/v1/seats/stream", "");
    let mut all = stream(&cluster, 1, "/v1/events/stream", "");
    let (reset, _, data) = event(&mut seminar);
    let expected = json!({ "capacity": 5, "left": 3, "held": 0, "waiting": 0, "taken": [[1, 2]] });
    assert_eq!((reset.as_str(), data), ("reset", expected));
    let (_, _, data) = event(&mut trade);
    assert_eq!(data, json!({ "capacity": 70, "left": 70, "held": 0, "waiting": 0, "taken": [] }));
    assert_eq!(event(&mut theatre).2, json!({ "capacity": 100, "left": 100, "taken": [] }));
    let row = |event, capacity, left| json!({ "event": name(event), "capacity": capacity, "left": left, "held": 0, "waiting": 0 });
    let events = [row(SEMINAR, 5, 3), row(TRADE, 70, 70)];
    let numbers = json!({ "capacity": 100, "left": 100 });
    assert_eq!(event(&mut all).2, json!({ "theatre": numbers, "total": 2, "events": events }));

    book(&cluster, &[2], "bob", TRADE, 66);
    book(&cluster, &[2], "bob", SEMINAR, 3);
    assert_eq!(reserve(&cluster, 2, r#"{"name":"bob","count":2}"#).status, 201);
    act(
        &cluster,
        &[2],
        "cid",
        Action::Join { holder: who("cid"), event: key(TRADE), count: Count::new(9).unwrap() },
    );
    let own = |left: u32, waiting: u32, taken: Value| json!({ "left": left, "held": 0, "waiting": waiting, "taken": taken, "freed": [] });
    let (change, first, data) = event(&mut trade);
    assert_eq!((change.as_str(), &data), ("change", &own(4, 0, json!([[1, 66]]))));
    let (_, last, joined) = event(&mut trade);
    assert_eq!(joined, own(4, 1, json!([])), "who waits changes no seat");
    assert_eq!(event(&mut seminar).2, own(0, 0, json!([[3, 5]])), "the other one's is not told");
    assert_eq!(event(&mut theatre).2, json!({ "left": 98, "taken": [[1, 2]], "freed": [] }));
    let with = |event: Value, mut data: Value| {
        data["event"] = event;
        data
    };
    let told: Vec<_> = (0..4).map(|_| event(&mut all)).collect();
    assert_eq!(told[0].1, first);
    assert_eq!(told[0].2, with(name(TRADE), data));
    assert_eq!(told[1].2, with(name(SEMINAR), own(0, 0, json!([[3, 5]]))));
    assert_eq!(told[2].2, with(Value::Null, json!({ "left": 98, "taken": [[1, 2]], "freed": [] })));
    assert_eq!((&told[3].1, &told[3].2), (&last, &with(name(TRADE), joined)));
    // Events that come, and have more seats.
    let later = ("MTLE010619", "Seminars");
    let EventId::Slot(id) = key(later).id else { panic!("it says where it is") };
    for capacity in [5, 8] {
        let event = NewEvent { place: Place::Slot(id), kind: key(later).kind, name: None, theatre: None };
        act(&cluster, &[1], "MTLM0001", Action::AddEvent { event, capacity });
    }
    let (_, _, data) = event(&mut all);
    assert_eq!((&data["added"], &data["capacity"], &data["left"]), (&json!(true), &json!(5), &json!(5)));
    let (_, _, data) = event(&mut all);
    assert_eq!((&data["added"], &data["capacity"], &data["left"]), (&Value::Null, &json!(8), &json!(8)));
}

#[test]
fn a_hold_that_falls_back_is_told() {
    let cluster = Cluster::started(2, "holds: {seconds: 1}\n");
    add(&cluster, 2, SEMINAR, 5);
    let mut http = stream(&cluster, 2, &path(SEMINAR), "");
    event(&mut http);
    act(&cluster, &[1], "ann", Action::Hold { holder: who("ann"), event: key(SEMINAR), seating: any(2) });
    let data = |left, held, taken: Value, freed: Value| json!({ "left": left, "held": held, "waiting": 0, "taken": taken, "freed": freed });
    assert_eq!(event(&mut http).2, data(3, 2, json!([[1, 2]]), json!([])));
    assert_eq!(event(&mut http).2, data(5, 0, json!([]), json!([[1, 2]])), "nobody asked for it");
}

#[test]
fn everything_goes_on_at_another_server_each_change_once() {
    let mut cluster = Cluster::started(3, "");
    add(&cluster, 1, SEMINAR, 5);
    add(&cluster, 1, TRADE, 5);
    let mut http = stream(&cluster, 1, "/v1/events/stream", "");
    event(&mut http);
    book(&cluster, &[2], "ann", SEMINAR, 2);
    assert_eq!(event(&mut http).2["taken"], json!([[1, 2]]));
    let exchange =
        Action::Exchange { holder: who("ann"), from: key(SEMINAR), to: key(TRADE), seating: any(3) };
    act(&cluster, &[2], "ann", exchange);
    // One command, two events: the connection breaks between them.
    let (_, seen, data) = event(&mut http);
    assert_eq!((&data["event"], &data["freed"]), (&name(SEMINAR), &json!([[1, 2]])));
    assert!(seen.ends_with(".1"), "{seen}");
    drop(http);
    cluster.kill(1);
    book(&cluster, &[2, 3], "bob", SEMINAR, 1);
    let mut http = stream(&cluster, 3, "/v1/events/stream", &seen);
    let (change, id, data) = event(&mut http);
    assert_eq!((change.as_str(), id.as_str()), ("change", seen.trim_end_matches(".1")));
    assert_eq!((&data["event"], &data["taken"]), (&name(TRADE), &json!([[1, 3]])));
    let (_, id, data) = event(&mut http);
    assert_eq!((&data["event"], &data["taken"]), (&name(SEMINAR), &json!([[1, 1]])));
    // One event's stream goes on elsewhere as well.
    let mut seminar = stream(&cluster, 3, &path(SEMINAR), seen.trim_end_matches(".1"));
    assert_eq!(
        event(&mut seminar),
        ("change".to_owned(), id, {
            let mut data = data;
            data.as_object_mut().unwrap().remove("event");
            data
        })
    );
}

#[test]
fn the_stream_of_a_removed_event_ends() {
    let cluster = Cluster::started(2, "");
    let unknown = (404, "no-such-event".to_owned());
    assert_eq!(get(&cluster, 1, &path(SEMINAR)).problem(), unknown);
    add(&cluster, 2, SEMINAR, 5);
    let mut http = stream(&cluster, 2, &path(SEMINAR), "");
    let (_, seen, _) = event(&mut http);
    let mut all = stream(&cluster, 2, "/v1/events/stream", "");
    event(&mut all);
    book(&cluster, &[1], "ann", SEMINAR, 2);
    act(&cluster, &[1], "TORM0001", Action::RemoveEvent { event: key(SEMINAR) });
    assert_eq!(event(&mut http).2["left"], json!(3));
    let (end, gone, data) = event(&mut http);
    assert_eq!((end.as_str(), &data["reason"]), ("end", &json!("removed")));
    assert!(http.event().is_none(), "that was the last");
    event(&mut all);
    assert_eq!(
        event(&mut all),
        ("change".to_owned(), gone.clone(), json!({ "event": name(SEMINAR), "removed": true }))
    );
    // Who was away meanwhile learns it elsewhere, and then no more.
    let mut http = stream(&cluster, 1, &path(SEMINAR), &seen);
    assert_eq!(event(&mut http).0, "change");
    assert_eq!(event(&mut http).1, gone);
    let mut http = Http::open(&cluster, 1);
    let answer = http.ask("GET", &path(SEMINAR), &format!("last-event-id: {gone}\r\n"), "");
    assert_eq!(answer.problem(), unknown);
    for path in ["/v1/events/TORM310219/Seminars/stream", "/v1/events/x/Seminars/stream"] {
        assert_eq!(get(&cluster, 1, path).problem().1, "invalid-parameter", "{path}");
    }
    for last in ["1.", ".1", "1.x", "1.2.3", "-1"] {
        let answer = http.ask("GET", "/v1/events/stream", &format!("last-event-id: {last}\r\n"), "");
        assert_eq!(answer.problem().1, "invalid-parameter", "{last}");
    }
}
