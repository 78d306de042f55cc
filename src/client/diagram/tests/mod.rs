//! Diagrams of handmade runs.

mod files;
mod pictures;

use super::draw::Layout;
use super::order::{Ordered, order};
use super::rows::{Diagram, Mark, Part, rows};
use super::{EVENTS_DRAWN, Event, Filter, What};
use serde_json::{Value, json};

/// Where the clocks of these runs begin.
const BEGIN_US: u64 = 1_795_280_400_000_000;

/// Something that a server tells, as it is in a recording.
fn at(server: u8, us: u64, what: Value) -> Event {
    Event { server, at_us: BEGIN_US + us, what: What::Traced(serde_json::from_value(what).unwrap()) }
}

fn stamp(text: &str) -> Value {
    let (clock, server) = text.split_once('.').unwrap();
    json!({ "clock": clock.parse::<u64>().unwrap(), "server": server.parse::<u8>().unwrap() })
}

/// `request 2.1`, `reply 2.1`, `release 2.1`, `prepare 0.2.1`, `leave`, `catch_up`.
fn said(text: &str) -> Value {
    match text.split_once(' ') {
        Some(("request", request)) => json!({ "request": { "request": stamp(request) } }),
        Some((what @ ("reply" | "release"), until)) => json!({ what: { "until": stamp(until) } }),
        Some((step, view)) => json!({ "view": { "step": step, "view": view } }),
        None => json!(text),
    }
}

fn sent(server: u8, to: u8, us: u64, text: &str) -> Event {
    at(server, us, json!({ "sent": { "to": to, "said": said(text) } }))
}

fn received(server: u8, from: u8, us: u64, text: &str) -> Event {
    at(server, us, json!({ "received": { "from": from, "said": said(text) } }))
}

fn executed(server: u8, us: u64, position: u64, request: &str) -> Event {
    at(server, us, json!({ "executed": { "position": position, "request": stamp(request), "commands": 1 } }))
}

fn activated(server: u8, us: u64, view: &str, members: &[u8]) -> Event {
    at(server, us, json!({ "activated": { "view": view, "members": members } }))
}

/// One request of server 1 and all that follows from it, at so many servers.
pub fn request(servers: u8) -> Vec<Event> {
    let others = || (2..=servers).map(|server| (server, u64::from(server)));
    let mut events: Vec<Event> = others().map(|(to, n)| sent(1, to, n, "request 2.1")).collect();
    for (server, n) in others() {
        events.push(received(server, 1, 100 + n, "request 2.1"));
        events.push(sent(server, 1, 200 + n, "reply 2.1"));
    }
    events.extend(others().map(|(from, n)| received(1, from, 300 + n, "reply 2.1")));
    events.push(executed(1, 400, 1, "2.1"));
    events.extend(others().map(|(to, n)| sent(1, to, 500 + n, "release 2.1")));
    for (server, n) in others() {
        events.push(received(server, 1, 600 + n, "release 2.1"));
        events.push(executed(server, 700 + n, 1, "2.1"));
    }
    events
}

/// Sets a server's clock by so much.
fn skewed(mut events: Vec<Event>, server: u8, by_us: i64) -> Vec<Event> {
    for event in events.iter_mut().filter(|event| event.server == server) {
        event.at_us = event.at_us.checked_add_signed(by_us).unwrap();
    }
    events
}

fn diagram(events: Vec<Event>) -> Diagram {
    rows(&order(events), Filter::All, EVENTS_DRAWN)
}

fn picture_of(diagram: &Diagram, servers: &[u8], width: usize) -> String {
    let base_us = diagram.rows.first().map_or(0, |row| row.at_us);
    let layout = Layout::new(diagram, servers, width, base_us);
    let lines = diagram.rows.iter().map(|row| layout.line(row).0);
    std::iter::once(layout.head()).chain(lines).map(|line| line + "\n").collect()
}

fn picture(events: Vec<Event>, servers: &[u8], width: usize) -> String {
    picture_of(&diagram(events), servers, width)
}

/// Whatever the clocks say: each server's events keep their order, and nothing comes in before it was sent.
#[track_caller]
fn is_causal(events: &[Event], ordered: &Ordered) {
    assert_eq!(ordered.events.len(), events.len());
    for server in 1..=9 {
        let own: Vec<&Event> = events.iter().filter(|event| event.server == server).collect();
        let placed = ordered.events.iter().map(|placed| &placed.event);
        assert_eq!(placed.filter(|event| event.server == server).collect::<Vec<_>>(), own);
    }
    let is_sent = |at: usize| format!("{:?}", ordered.events[at].event.what).starts_with("Traced(Sent");
    for (at, placed) in ordered.events.iter().enumerate() {
        if let Some(other) = placed.other {
            assert_eq!(ordered.events[other].other, Some(at));
            assert_eq!(is_sent(at), at < other, "{placed:?}");
        }
    }
    assert!(ordered.events.is_sorted_by_key(|placed| placed.at_us));
}

fn parts(diagram: &Diagram) -> Vec<Part> {
    let part = |mark: &Mark| if let Mark::Arrow { part, .. } = mark { Some(*part) } else { None };
    diagram.rows.iter().filter_map(|row| part(&row.mark)).collect()
}

#[test]
fn every_message_is_one_arrow_where_nothing_crosses() {
    let events = request(3);
    let ordered = order(events.clone());
    is_causal(&events, &ordered);
    assert!(ordered.moved.is_empty());
    let diagram = diagram(events);
    assert_eq!(parts(&diagram), [Part::Whole; 6]);
    assert_eq!(diagram.rows.len(), 9);
    let turn = diagram.last_turn.unwrap();
    assert_eq!((turn.server, turn.request.as_str(), turn.position), (1, "2.1", 1));
}

#[test]
fn clocks_that_differ_are_moved_by_as_little_as_is_needed() {
    let alike = picture(request(3), &[1, 2, 3], 80);
    for (server, by_us) in [(1, 5_000_000), (1, -5_000_000), (2, 3_600_000_000), (3, -40_000)] {
        let events = skewed(request(3), server, by_us);
        let ordered = order(events.clone());
        is_causal(&events, &ordered);
        let whole = by_us.unsigned_abs();
        let moved: Vec<u64> = ordered.moved.values().copied().collect();
        assert!(!moved.is_empty() && moved.iter().all(|us| us.abs_diff(whole) < 1_000), "{moved:?}");
        // The same rows, if not to the microsecond; above all no hours of nothing in between.
        let marks = |picture: &str| {
            let mut marks: Vec<String> = picture.lines().map(|line| line[10..].to_owned()).collect();
            marks.sort();
            marks
        };
        assert_eq!(marks(&picture(events, &[1, 2, 3], 80)), marks(&alike));
    }
}

#[test]
fn a_clock_that_is_set_meanwhile_turns_no_order_round() {
    let mut events = request(3);
    for event in events.iter_mut().filter(|event| event.server == 2).skip(2) {
        event.at_us -= 3_000_000;
    }
    // What the second server tells first is 6 s late, what it tells then 3 s early: no one move is right for both.
    for event in events.iter_mut().filter(|event| event.server == 2).take(2) {
        event.at_us += 6_000_000;
    }
    let ordered = order(events.clone());
    is_causal(&events, &ordered);
    assert!(ordered.moved.is_empty(), "{:?}", ordered.moved);
}

#[test]
fn messages_that_cross_are_two_halves_each() {
    let events = vec![
        sent(1, 2, 0, "request 2.1"),
        sent(2, 1, 1, "request 2.2"),
        received(1, 2, 100, "request 2.2"),
        received(2, 1, 101, "request 2.1"),
    ];
    is_causal(&events, &order(events.clone()));
    assert_eq!(parts(&diagram(events)), [Part::Start, Part::Whole, Part::End]);
}

#[test]
fn a_message_that_takes_long_is_not_drawn_as_if_it_took_none() {
    let events = vec![sent(1, 2, 0, "request 2.1"), received(2, 1, 400_000, "request 2.1")];
    let diagram = diagram(events);
    assert_eq!(parts(&diagram), [Part::Start, Part::End]);
    assert!(diagram.rows.iter().any(|row| row.mark == Mark::Gap(400_000)));
}

#[test]
fn what_is_missing_on_either_side_stays_half_an_arrow() {
    let events = vec![
        received(2, 1, 0, "release 2.1"),
        sent(1, 2, 10, "request 4.1"),
        sent(1, 2, 20, "request 6.1"),
        received(2, 1, 30, "request 6.1"),
        // The same words later are another message.
        sent(1, 2, 40, "catch_up"),
        received(2, 1, 50, "catch_up"),
        sent(1, 2, 60, "catch_up"),
    ];
    is_causal(&events, &order(events.clone()));
    assert_eq!(
        parts(&diagram(events)),
        [Part::NotSeenToBeSent, Part::NotSeenToArrive, Part::Whole, Part::Whole, Part::NotSeenToArrive]
    );
}

#[test]
fn only_the_last_events_are_drawn_and_what_was_cut_off_is_counted() {
    let diagram = rows(&order(request(3)), Filter::All, 12);
    assert_eq!(diagram.left_out, request(3).len() - 12);
    assert_eq!(parts(&diagram).first(), Some(&Part::NotSeenToBeSent), "its beginning was cut off");
    assert!(diagram.last_turn.is_some());
}

#[test]
fn each_filter_shows_its_own_and_all_is_both() {
    let mut events = request(2);
    events.extend([
        sent(1, 2, 900, "prepare 0.2.1"),
        received(2, 1, 950, "prepare 0.2.1"),
        activated(1, 990, "0.2.1", &[1, 2]),
        at(1, 1_000, json!({ "suspected": { "server": 3 } })),
        at(2, 1_010, json!("left")),
        Event { server: 1, at_us: BEGIN_US + 1_020, what: What::Missing(3) },
    ]);
    let count = |filter| rows(&order(events.clone()), filter, EVENTS_DRAWN).rows.len();
    assert_eq!((count(Filter::All), count(Filter::Requests), count(Filter::Views)), (10, 6, 5));
    assert_eq!(Filter::All.next().next().next(), Filter::All);
}

#[test]
fn any_events_in_any_order_are_drawn_at_any_width() {
    for seed in 0..60 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let servers = chance.u8(1..=9);
        let texts = ["request 2.1", "reply 2.1", "release 2.1", "catch_up", "leave", "prepare 0.1.1"];
        let events: Vec<Event> = (0..chance.usize(0..120))
            .map(|_| {
                // One that no diagram has a line for may be named.
                let (server, other) = (chance.u8(1..=servers), chance.u8(1..=10));
                let (us, text) = (chance.u64(0..2_000_000), texts[chance.usize(..texts.len())]);
                match chance.u8(..10) {
                    0 => executed(server, us, chance.u64(..), "2.1"),
                    1 => activated(server, us, "0.1.1", &[other]),
                    2 => at(server, us, json!("left")),
                    3 => at(server, us, json!({ "suspected": { "server": other } })),
                    4 => Event { server, at_us: u64::from(other), what: What::StartedAgain },
                    5 => Event { server, at_us: us, what: What::Missing(u64::MAX) },
                    6 | 7 => sent(server, other, us, text),
                    _ => received(server, other, us, text),
                }
            })
            .collect();
        is_causal(&events, &order(events.clone()));
        let ids: Vec<u8> = (1..=servers).collect();
        for filter in [Filter::All, Filter::Requests, Filter::Views] {
            let diagram = rows(&order(events.clone()), filter, chance.usize(0..100));
            for width in [0, 1, 9, 14, 36, 50, 80, 133, 400] {
                let picture = picture_of(&diagram, &ids, width);
                assert!(picture.lines().all(|line| line.len() <= width), "{width}\n{picture}");
                assert!(picture.chars().all(|c| c == '\n' || c == ' ' || c.is_ascii_graphic()));
            }
        }
    }
}

/// Two servers ask at once, and wait for each other's reply; then the third one is killed.
pub fn story() -> Vec<Event> {
    let mut events = vec![sent(3, 1, 0, "request 2.3"), sent(3, 2, 10, "request 2.3")];
    events.extend([sent(2, 1, 60, "request 2.2"), sent(2, 3, 70, "request 2.2")]);
    for (us, server, other, text) in [
        (210, 1, 3, "request 2.3"),
        (330, 1, 2, "request 2.2"),
        (480, 2, 3, "request 2.3"),
        (520, 3, 2, "request 2.2"),
    ] {
        events.push(received(server, other, us, text));
        let until = text.replace("request", "reply");
        events.push(sent(server, other, us + 300, &until));
    }
    events.push(received(2, 1, 840, "reply 2.2"));
    events.push(received(2, 3, 960, "reply 2.2"));
    events.push(executed(2, 1_020, 1, "2.2"));
    events.extend([sent(2, 1, 1_100, "release 2.2"), sent(2, 3, 1_110, "release 2.2")]);
    events.push(received(3, 2, 1_130, "reply 2.3"));
    events.push(received(3, 1, 1_140, "reply 2.3"));
    events.push(received(1, 2, 1_300, "release 2.2"));
    events.push(executed(1, 1_400, 1, "2.2"));
    events.push(received(3, 2, 1_420, "release 2.2"));
    events.push(executed(3, 1_500, 1, "2.2"));
    events.push(executed(3, 1_600, 2, "2.3"));
    events.extend([sent(3, 1, 1_700, "release 2.3"), sent(3, 2, 1_710, "release 2.3")]);
    for (us, server) in [(1_900, 1), (1_950, 2)] {
        events.push(received(server, 3, us, "release 2.3"));
        events.push(executed(server, us + 100, 2, "2.3"));
    }
    events.push(at(1, 1_103_000, json!({ "suspected": { "server": 3 } })));
    for (us, from, to, text) in [
        (1_103_100, 1, 2, "prepare 0.2.1"),
        (1_104_000, 2, 1, "promise 0.2.1"),
        (1_105_000, 1, 2, "install 0.2.1"),
        (1_106_000, 2, 1, "installed 0.2.1"),
        (1_107_000, 1, 2, "activate 0.2.1"),
    ] {
        events.extend([sent(from, to, us, text), received(to, from, us + 400, text)]);
    }
    events.push(activated(1, 1_107_500, "0.2.1", &[1, 2]));
    events.push(activated(2, 1_107_600, "0.2.1", &[1, 2]));
    events
}

#[test]
fn of_two_that_ask_at_once_the_earlier_timestamp_is_first() {
    let diagram = diagram(story());
    let own = |row: &super::rows::Row| match row.mark {
        Mark::Bar { server, position, is_own: true, .. } => Some((server, position)),
        _ => None,
    };
    assert_eq!(diagram.rows.iter().filter_map(own).collect::<Vec<_>>(), [(2, 1), (3, 2)]);
    is_causal(&story(), &order(story()));
}
