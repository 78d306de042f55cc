//! Pictures of handmade runs, kept as text: `ci/screens` writes them anew, to be looked at before they are kept.
#![expect(
    clippy::disallowed_methods,
    reason = "whether pictures are compared or written is in the environment"
)]

use super::*;
use std::path::Path;

/// Compares with the picture that is kept, or keeps this one.
#[track_caller]
fn keep(name: &str, pictures: &[String]) {
    let text = pictures.join("\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/client/diagram/pictures/{name}.txt"));
    if std::env::var_os("BOXOFFICE_WRITE_SCREENS").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "{} is another picture (ci/screens takes it anew):\n{text}", file.display());
}

#[test]
fn one_request_of_three_servers_of_five_and_of_nine() {
    let of = |servers: u8| picture(request(servers), &(1..=servers).collect::<Vec<_>>(), 80);
    keep("request", &[of(3), of(5), of(9)]);
}

/// Server 3 is killed and started again.
fn restart() -> Vec<Event> {
    let mut events = vec![
        sent(1, 2, 0, "request 2.1"),
        sent(1, 3, 5, "request 2.1"),
        received(2, 1, 100, "request 2.1"),
        sent(2, 1, 200, "reply 2.1"),
        received(1, 2, 300, "reply 2.1"),
        at(1, 1_000_000, json!({ "suspected": { "server": 3 } })),
        sent(1, 2, 1_000_100, "prepare 0.2.1"),
        received(2, 1, 1_000_200, "prepare 0.2.1"),
        sent(2, 1, 1_000_300, "promise 0.2.1"),
        received(1, 2, 1_000_400, "promise 0.2.1"),
        activated(1, 1_000_900, "0.2.1", &[1, 2]),
        activated(2, 1_001_000, "0.2.1", &[1, 2]),
        Event { server: 3, at_us: BEGIN_US + 2_000_000, what: What::StartedAgain },
        sent(3, 1, 2_000_100, "catch_up"),
        received(1, 3, 2_000_200, "catch_up"),
        sent(1, 3, 2_000_300, "catch_up"),
        received(3, 1, 2_000_400, "catch_up"),
        sent(3, 1, 2_500_000, "leave"),
        received(1, 3, 2_500_100, "leave"),
        at(3, 2_500_200, json!("left")),
        executed(1, 2_500_300, 1, "2.1"),
    ];
    events.push(Event { server: 2, at_us: BEGIN_US + 2_500_400, what: What::Missing(12) });
    events
}

#[test]
fn a_server_that_is_killed_comes_back_and_leaves() {
    keep("restart", &[80, 60].map(|width| picture(restart(), &[1, 2, 3], width)));
}

#[test]
fn messages_that_cross_and_halves() {
    let events = vec![
        received(3, 2, 0, "release 8.2"),
        sent(1, 2, 10, "request 9.1"),
        sent(1, 3, 11, "request 9.1"),
        sent(2, 1, 12, "request 9.2"),
        sent(2, 3, 13, "request 9.2"),
        received(1, 2, 100, "request 9.2"),
        received(2, 1, 101, "request 9.1"),
        received(3, 1, 102, "request 9.1"),
    ];
    keep("halves", &[80, 60].map(|width| picture(events.clone(), &[1, 2, 3], width)));
}

#[test]
fn a_server_alone_and_narrow_windows() {
    let alone = vec![executed(4, 0, 7, "2.4"), activated(4, 60_000, "0.3.4", &[4])];
    let narrow = [44, 34, 24].map(|width| picture(request(2), &[1, 2], width));
    keep("narrow", &[&[picture(alone, &[4], 80)], &narrow[..]].concat());
}
