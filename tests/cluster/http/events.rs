//! Events, managers and customers over HTTP: each path once, on real servers.

use super::talk::{Answer, Http, get};
use crate::harness::{Cluster, until};
use serde_json::{Value, json};

/// What somebody asks of a server.
pub fn ask_as(cluster: &Cluster, id: u8, who: &str, what: &str, body: &str) -> Answer {
    let (method, path) = what.split_once(' ').unwrap();
    let headers = if who.is_empty() { String::new() } else { format!("boxoffice-as: {who}\r\n") };
    Http::open(cluster, id).ask(method, path, &headers, body)
}

/// The same, which must be answered so.
#[track_caller]
pub fn done(cluster: &Cluster, id: u8, who: &str, what: &str, body: &str, status: u16) -> Answer {
    let answer = ask_as(cluster, id, who, what, body);
    assert_eq!(answer.status, status, "{who} {what} {body}: {answer:?}");
    answer
}

const TOR: &str = "TORM2345";
const JOE: &str = "TORC2345";
const SUE: &str = "TORC0002";
const EVENT: &str = "/v1/events/TORM100519/Seminars";

fn add(cluster: &Cluster, id: &str, kind: &str, capacity: u32) {
    let body = json!({ "kind": kind, "capacity": capacity, "id": id }).to_string();
    done(cluster, 1, &format!("{}M2345", &id[..3]), "POST /v1/events", &body, 201);
}

#[test]
fn managers_set_up_what_everybody_sees() {
    let cluster = Cluster::started(2, "");
    let branch = done(&cluster, 1, TOR, "POST /v1/branches", r#"{"branch":"VAN","name":"Vancouver"}"#, 201);
    assert_eq!(branch.json(), json!({ "branch": "VAN", "message": "Branch VAN has been added." }));
    done(&cluster, 2, TOR, "POST /v1/branches/TOR/theatres", r#"{"theatre":"Main"}"#, 201);
    done(&cluster, 1, TOR, "POST /v1/kinds", r#"{"kind":"Casablanca"}"#, 201);
    let branches = done(&cluster, 2, "", "GET /v1/branches?consistency=linearizable", "", 200).json();
    assert_eq!(branches["branches"][2], json!({ "branch": "TOR", "name": "Toronto", "theatres": ["Main"] }));
    assert_eq!(branches["branches"][3]["branch"], "VAN");
    let kinds = done(&cluster, 2, "", "GET /v1/kinds?consistency=linearizable", "", 200).json();
    assert_eq!(kinds, json!({ "kinds": ["Conferences", "Trade shows", "Seminars", "Casablanca"] }));

    let slot = r#"{"kind":"Seminars","capacity":3,"id":"TORM100519"}"#;
    let added = done(&cluster, 1, TOR, "POST /v1/events", slot, 201);
    assert_eq!(added.header("location"), EVENT);
    let free = r#"{"kind":"Casablanca","capacity":5,"branch":"TOR","date":"2026-12-24","time":"19:30","name":"Bogart","theatre":"Main"}"#;
    let added = done(&cluster, 1, TOR, "POST /v1/events", free, 201);
    let shown = done(&cluster, 2, "", &format!("GET {}", added.header("location")), "", 200).json();
    assert_eq!(shown["event"]["id"].as_str().map(str::len), Some(36), "an id of its own");
    let (time, name, left) = (&shown["time"], &shown["name"], &shown["left"]);
    assert_eq!((time, name, left), (&json!("19:30"), &json!("Bogart"), &json!(5)));
    let larger = r#"{"kind":"Seminars","capacity":4,"id":"TORM100519"}"#;
    let changed = done(&cluster, 2, TOR, "POST /v1/events", larger, 200).json();
    assert_eq!((&changed["before"], &changed["capacity"]), (&json!(3), &json!(4)));

    done(&cluster, 1, JOE, &format!("POST {EVENT}/bookings"), r#"{"count":2}"#, 201);
    let removed = done(&cluster, 2, TOR, &format!("DELETE {EVENT}"), "", 200).json();
    assert_eq!((&removed["bookings"], &removed["affected"]), (&json!(1), &json!([JOE])));
    let schedule = format!("GET /v1/people/{JOE}/schedule?consistency=linearizable");
    let cancelled = done(&cluster, 1, JOE, &schedule, "", 200).json();
    let event = json!({ "id": "TORM100519", "kind": "Seminars" });
    assert_eq!(cancelled["cancelled"], json!([{ "event": event, "seats": 2 }]));
}

#[test]
fn customers_book_change_and_cancel_on_any_server() {
    let cluster = Cluster::started(2, "");
    for (id, kind) in [("TORM100519", "Seminars"), ("TORM100519", "Conferences"), ("MTLE130519", "Seminars")]
    {
        add(&cluster, id, kind, 4);
    }
    let made = done(&cluster, 1, JOE, &format!("POST {EVENT}/bookings"), r#"{"count":2,"best":true}"#, 201);
    let booking = format!("{EVENT}/bookings/{JOE}");
    assert_eq!(made.header("location"), booking);
    let made = made.json();
    let expected = "The seats have been reserved for TORC2345 at TORM100519 (Seminars): 1,2.";
    assert_eq!((&made["message"], &made["count"]), (&json!(expected), &json!(2)));
    let shown = done(&cluster, 2, JOE, &format!("GET {booking}"), "", 200).json();
    assert_eq!((&shown["seats"], &shown["tickets"]), (&made["seats"], &made["tickets"]));
    let seats = done(&cluster, 2, "", &format!("GET {EVENT}/seats?consistency=linearizable"), "", 200).json();
    assert_eq!((&seats["taken"], &seats["left"]), (&json!([[1, 2]]), &json!(2)));

    let ticket = format!("/v1/tickets/{}", made["tickets"][0].as_str().unwrap());
    let told = done(&cluster, 2, JOE, &format!("GET {ticket}"), "", 200).json();
    assert_eq!((&told["seat"], &told["holder"]), (&json!(1), &json!(JOE)));
    assert_eq!(done(&cluster, 1, JOE, &format!("DELETE {ticket}"), "", 200).json()["left"], 3);
    assert_eq!(ask_as(&cluster, 2, JOE, &format!("GET {ticket}"), "").problem().1, "no-such-ticket");

    // A manager acts for customers of the branch.
    let other = format!("POST {}/bookings", EVENT.replace("Seminars", "Conferences"));
    done(&cluster, 2, TOR, &other, r#"{"holder":"TORC2345","seats":[4,2]}"#, 201);
    let by_id = format!("DELETE /v1/people/{JOE}/bookings/TORM100519");
    let which = ask_as(&cluster, 1, JOE, &by_id, "");
    assert_eq!(which.problem(), (409, "which-kind".to_owned()));
    assert_eq!(which.json()["kinds"], json!(["Conferences", "Seminars"]));
    let exchange = r#"{"from":{"id":"TORM100519","kind":"Seminars"},"to":{"id":"MTLE130519","kind":"Seminars"},"seats":[3]}"#;
    let changed = done(&cluster, 2, JOE, "POST /v1/exchanges", exchange, 201);
    assert_eq!(changed.header("location"), format!("/v1/events/MTLE130519/Seminars/bookings/{JOE}"));
    let given_back = done(&cluster, 1, JOE, &by_id, "", 200).json();
    assert_eq!((&given_back["count"], &given_back["left"]), (&json!(2), &json!(4)), "only one kind is left");

    let schedule = done(&cluster, 1, JOE, &format!("GET /v1/people/{JOE}/schedule"), "", 200).json();
    let claims = schedule["claims"].as_array().unwrap();
    assert_eq!((claims.len(), &claims[0]["what"], &claims[0]["seats"]), (1, &json!("booking"), &json!([3])));
    let told = done(&cluster, 1, TOR, "GET /v1/availability?kind=Seminars", "", 200).json();
    assert_eq!(told["message"], "Seminars - MTLE130519 3, TORM100519 4.");
    let cancelled = format!("DELETE /v1/events/MTLE130519/Seminars/bookings/{JOE}");
    assert_eq!(done(&cluster, 2, JOE, &cancelled, "", 200).json()["left"], 4);
}

#[test]
fn seats_are_held_and_waited_for() {
    let cluster = Cluster::started(1, "");
    add(&cluster, "TORM100519", "Seminars", 2);
    let held = done(&cluster, 1, JOE, &format!("POST {EVENT}/holds"), r#"{"count":2}"#, 201);
    let hold = format!("{EVENT}/holds/{JOE}");
    assert_eq!(held.header("location"), hold);
    let until_ms = held.json()["until_ms"].as_u64().unwrap();
    let shown = done(&cluster, 1, JOE, &format!("GET {hold}"), "", 200).json();
    assert_eq!((&shown["seats"], &shown["until_ms"]), (&json!([1, 2]), &json!(until_ms)));
    let extended = done(&cluster, 1, JOE, &format!("POST {hold}/extend"), "", 200).json();
    assert!(extended["until_ms"].as_u64().unwrap() >= until_ms, "{extended}");
    let again = ask_as(&cluster, 1, JOE, &format!("POST {hold}/extend"), "");
    assert_eq!(again.problem(), (409, "extended-already".to_owned()));

    let joined = done(&cluster, 1, SUE, &format!("POST {EVENT}/waiting"), r#"{"count":1}"#, 201);
    let place = format!("{EVENT}/waiting/{SUE}");
    assert_eq!((joined.header("location"), &joined.json()["place"]), (place.as_str(), &json!(1)));
    assert_eq!(done(&cluster, 1, SUE, &format!("GET {place}"), "", 200).json()["count"], 1);
    let list = done(&cluster, 1, "", &format!("GET {EVENT}/waiting"), "", 200).json();
    assert_eq!((&list["total"], &list["places"]), (&json!(1), &json!([{ "holder": SUE, "count": 1 }])));
    let waits = ask_as(&cluster, 1, SUE, &format!("GET {EVENT}/holds/{SUE}"), "");
    assert_eq!(waits.problem(), (404, "no-hold".to_owned()), "a place is no hold");
    done(&cluster, 1, SUE, &format!("DELETE {place}"), "", 200);
    assert_eq!(ask_as(&cluster, 1, SUE, &format!("GET {place}"), "").problem().1, "no-place");
    done(&cluster, 1, SUE, &format!("POST {EVENT}/waiting"), r#"{"count":1}"#, 201);

    assert_eq!(done(&cluster, 1, JOE, &format!("DELETE {hold}"), "", 200).json()["count"], 2);
    // A seat came free, and is offered to who waited for it.
    let offered = done(&cluster, 1, SUE, &format!("GET {EVENT}/holds/{SUE}"), "", 200).json();
    assert_eq!((&offered["offered"], &offered["seats"]), (&json!(true), &json!([1])));
    let confirmed = done(&cluster, 1, SUE, &format!("POST {EVENT}/holds/{SUE}/confirm"), "{}", 201);
    assert_eq!(confirmed.header("location"), format!("{EVENT}/bookings/{SUE}"));
    assert_eq!(confirmed.json()["tickets"].as_array().map(Vec::len), Some(1));
}

#[test]
fn lists_have_pages_and_tags_and_are_fresh() {
    let cluster = Cluster::started(2, "");
    for day in ["10", "11", "12"] {
        add(&cluster, &format!("TORM{day}0519"), "Trade shows", 4);
    }
    add(&cluster, "MTLE130519", "Seminars", 9);
    let (mut path, mut ids, mut pages) = ("/v1/events?kind=Trade%20shows&limit=2".to_owned(), Vec::new(), 0);
    loop {
        let page = done(&cluster, 1, "", &format!("GET {path}"), "", 200).json();
        let events = page["events"].as_array().unwrap();
        ids.extend(events.iter().map(|event| event["event"]["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((ids.join(" ").as_str(), pages), ("TORM100519 TORM110519 TORM120519", 2));
    for (filter, count) in
        [("branch=MTL", 1), ("from=2019-05-12", 2), ("until=2019-05-11&branch=TOR", 2), ("free_min=5", 1)]
    {
        let found = done(&cluster, 1, "", &format!("GET /v1/events?{filter}"), "", 200).json();
        assert_eq!(found["events"].as_array().map(Vec::len), Some(count), "{filter}");
    }

    let linearizable = "/v1/events?consistency=linearizable";
    let list = get(&cluster, 2, linearizable);
    let tag = list.header("etag").to_owned();
    assert_eq!(get(&cluster, 1, linearizable).header("etag"), tag, "equal on all servers");
    let known = format!("if-none-match: {tag}\r\n");
    let answer = Http::open(&cluster, 1).ask("GET", "/v1/events", &known, "");
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    let book = "POST /v1/events/MTLE130519/Seminars/bookings";
    done(&cluster, 1, "MTLC0001", book, r#"{"count":1}"#, 201);
    let changed = Http::open(&cluster, 2).ask("GET", linearizable, &known, "");
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["events"][0]["left"], 8);
    let own = get(&cluster, 1, "/v1/events").json();
    assert_eq!(own["events"][0]["left"], 8, "whoever booked sees it on the same server at once");
}

#[test]
fn clients_that_know_two_paths_can_list_and_reserve() {
    let cluster = Cluster::started(2, "");
    add(&cluster, "TORM100519", "Seminars", 4);
    let events = get(&cluster, 1, "/events");
    assert_eq!(events.header("content-type"), "application/json");
    assert_eq!(
        events.json(),
        json!([
            {
                "id": "theatre", "name": "test", "date": "0001-01-01T00:00:00Z",
                "totalTickets": 100, "availableTickets": 100,
            },
            {
                "id": "TORM100519/Seminars", "name": "Seminars", "date": "2019-05-10T09:00:00Z",
                "totalTickets": 4, "availableTickets": 4,
            },
        ])
    );
    let reserve = |id: u8, query: &str| {
        // As a stock client sends it: a type, and no body.
        let headers = "content-type: application/json\r\ncontent-length: 0\r\n";
        Http::open(&cluster, id).ask("POST", &format!("/reserve?{query}"), headers, "")
    };
    let tickets = |answer: &Answer| -> Vec<String> { serde_json::from_str(&answer.body).unwrap() };
    let first = reserve(1, "eventId=TORM100519%2FSeminars&tickets=2");
    assert_eq!((first.status, tickets(&first).len()), (200, 2));
    let second = reserve(2, "eventId=TORM100519%2FSeminars&tickets=1");
    assert_eq!((second.status, tickets(&second).len()), (200, 1), "nobody knows that it is the same person");
    let ticket = get(&cluster, 2, &format!("/v1/tickets/{}", tickets(&second)[0])).json();
    assert_eq!(ticket["seat"], 3);
    let theatre = reserve(1, "eventId=theatre&tickets=3");
    let (name, seat) =
        tickets(&theatre)[2].rsplit_once('/').map(|(n, s)| (n.to_owned(), s.to_owned())).unwrap();
    assert_eq!((seat.as_str(), cluster.search(2, &name)), ("3", vec![1, 2, 3]));
    let left = |id: u8| -> Value {
        let events = get(&cluster, id, "/events?consistency=linearizable").json();
        json!([events[0]["availableTickets"], events[1]["availableTickets"]])
    };
    assert_eq!((left(1), left(2)), (json!([97, 1]), json!([97, 1])));
    for (query, status, code) in [
        ("eventId=TORM100519%2FSeminars&tickets=2", 409, "not-enough-seats"),
        ("eventId=theatre&tickets=98", 409, "not-enough-seats"),
        ("eventId=MTLE130519%2FSeminars&tickets=2", 404, "no-such-event"),
        ("eventId=nothing&tickets=2", 404, "no-such-event"),
        ("eventId=theatre&tickets=two", 400, "invalid-parameter"),
        ("eventId=theatre&tickets=0", 400, "invalid-parameter"),
        ("eventId=theatre&tickets=10001", 400, "invalid-parameter"),
        ("eventId=theatre", 400, "invalid-parameter"),
        ("tickets=2", 400, "invalid-parameter"),
    ] {
        assert_eq!(reserve(1, query).problem(), (status, code.to_owned()), "{query}");
    }
    // Whoever says who they are has one booking of an event.
    let as_joe = format!("boxoffice-as: {JOE}\r\n");
    let mut twice = (0..2).map(|_| {
        let path = "/reserve?eventId=theatre&tickets=1";
        Http::open(&cluster, 1).ask("POST", path, &as_joe, "").status
    });
    assert_eq!((twice.next(), twice.next()), (Some(200), Some(409)));
}

#[test]
fn a_large_booking_is_told_in_parts() {
    let cluster = Cluster::started(1, "");
    add(&cluster, "TORM100519", "Seminars", 4_000);
    let odd: Vec<u32> = (0..1_250).map(|n| 2 * n + 1).collect();
    let body = json!({ "seats": odd }).to_string();
    let made = done(&cluster, 1, JOE, &format!("POST {EVENT}/bookings"), &body, 201);
    assert!(made.body.len() < 64 << 10, "{}", made.body.len());
    let made = made.json();
    assert_eq!((&made["count"], &made["seats"][999]), (&json!(1_250), &json!(1_999)));
    assert_eq!(made["tickets"].as_array().map(Vec::len), Some(1_000));
    let rest = done(&cluster, 1, JOE, &format!("GET {}", made["next"].as_str().unwrap()), "", 200).json();
    assert_eq!((rest["seats"].as_array().map(Vec::len), &rest["seats"][0]), (Some(250), &json!(2_001)));
    assert!(rest.get("next").is_none(), "that was all");
    let taken = ask_as(&cluster, 1, SUE, &format!("POST {EVENT}/bookings"), &body);
    assert_eq!(taken.problem(), (409, "seats-taken".to_owned()));
    assert_eq!(
        (&taken.json()["count"], taken.json()["seats"].as_array().map(Vec::len)),
        (&json!(1_250), Some(1_000))
    );
    let schedule = done(&cluster, 1, JOE, &format!("GET /v1/people/{JOE}/schedule"), "", 200).json();
    let claim = &schedule["claims"][0];
    assert_eq!((&claim["count"], claim["seats"].as_array().map(Vec::len)), (&json!(1_250), Some(100)));
}

#[test]
fn a_hold_is_gone_when_its_time_is_over() {
    let cluster = Cluster::started(1, "holds: {seconds: 1}\n");
    add(&cluster, "TORM100519", "Seminars", 2);
    done(&cluster, 1, JOE, &format!("POST {EVENT}/holds"), r#"{"count":2}"#, 201);
    until("the seats are free again", || {
        let event = get(&cluster, 1, EVENT).json();
        (event["left"] == 2).then_some(())
    });
    let late = ask_as(&cluster, 1, JOE, &format!("POST {EVENT}/holds/{JOE}/confirm"), "");
    assert_eq!(late.problem(), (404, "no-hold".to_owned()));
}
