//! What the merged table says.

use super::*;
use std::path::Path;

fn config() -> ClusterConfig {
    let text = "cluster: box\nseats: 10\nservers:\n  - {id: 1, host: a, peer_port: 1, client_port: 2}\n  \
                - {id: 2, host: b, peer_port: 1, client_port: 2}\n  \
                - {id: 3, host: c, peer_port: 1, client_port: 2}\n";
    ClusterConfig::parse(text, Path::new("x")).unwrap()
}

fn server(id: u8, state: ServerState, position: u64, digest: u64) -> ServerStatus {
    ServerStatus {
        state,
        position,
        digest,
        view: "0.1.1".into(),
        version: "0.1.0".into(),
        ..nothing_known(config().server(id).unwrap())
    }
}

fn report(reporter: u8, servers: Vec<ServerStatus>) -> Reply {
    Ok(StatusReport {
        server: reporter,
        cluster: "box".into(),
        availability: "any".into(),
        durability: "fsync".into(),
        servers,
        conflicts: 0,
        waiting_for: None,
    })
}

fn all_ready() -> BTreeMap<u8, Reply> {
    let rows = |own: u8| {
        (1..=3).map(|id| server(id, ServerState::Ready, if id == own { 7 } else { 5 }, 9)).collect()
    };
    (1..=3).map(|id| (id, report(id, rows(id)))).collect()
}

#[test]
fn a_server_knows_itself_best() {
    let overview = Overview::merge(&config(), &all_ready());
    assert!(overview.rows.iter().all(|row| row.status.position == 7 && row.status.lag == 0));
    assert_eq!(overview.exit(), Exit::Done);
    assert!(overview.table(false).starts_with("box: 3 of 3 servers ready"));
    assert_eq!(overview.json()["result"], "done");
}

#[test]
fn an_unreachable_server_stays_in_the_table_with_the_reason() {
    let mut replies = all_ready();
    replies.insert(2, Err("cannot connect: refused".into()));
    let overview = Overview::merge(&config(), &replies);
    assert_eq!(overview.exit(), Exit::Refused);
    let row = &overview.rows[1];
    assert_eq!((row.status.position, row.status.lag), (5, 2), "as another server reports it");
    assert_eq!(row.status.reason, "does not answer: cannot connect: refused");
    assert_eq!(overview.json()["servers"][1]["answers"], false);
    assert!(overview.table(false).starts_with("box: 2 of 3 servers ready"));
}

#[test]
fn the_furthest_ready_server_is_believed_about_a_silent_one() {
    let behind = vec![server(1, ServerState::Recovering, 9, 0), server(3, ServerState::Ready, 1, 0)];
    let ahead = vec![server(2, ServerState::Ready, 8, 0), server(3, ServerState::Down, 6, 0)];
    let replies =
        BTreeMap::from([(1, report(1, behind)), (2, report(2, ahead)), (3, Err("timed out".into()))]);
    let overview = Overview::merge(&config(), &replies);
    assert_eq!(overview.rows[2].status.state, ServerState::Down);
    assert_eq!(overview.rows[2].reporter, Some(2));
}

#[test]
fn nobody_answers_is_unknown_and_all_rows_are_there() {
    let replies = (1..=3).map(|id| (id, Err("cannot connect: refused".to_owned()))).collect();
    let overview = Overview::merge(&config(), &replies);
    assert_eq!(overview.exit(), Exit::Unknown);
    let table = overview.table(false);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains("3   c:2      down   -"), "{table}");
}

#[test]
fn different_digests_at_one_position_are_an_alarm() {
    let mut replies = all_ready();
    replies.insert(3, report(3, vec![server(3, ServerState::Ready, 7, 1234)]));
    let overview = Overview::merge(&config(), &replies);
    assert_eq!(overview.exit(), Exit::Refused);
    assert!(overview.warnings()[0].contains("servers 1 and 3 have different digests"));
}

#[test]
fn what_servers_wait_for_and_conflicts_are_told() {
    let mut replies = all_ready();
    let Some(Ok(report)) = replies.get_mut(&2) else { panic!() };
    report.waiting_for = Some("server 3".into());
    report.conflicts = 2;
    let warnings = Overview::merge(&config(), &replies).warnings();
    assert!(warnings[0].starts_with("reservations or deletions lost in a partition: 2;"), "{warnings:?}");
    assert_eq!(warnings[1], "server 2 waits for server 3");
}

#[test]
fn uptimes_have_two_units() {
    let words = [999, 61_000, 3_660_000, 90_000_000].map(uptime);
    assert_eq!(words, ["0s", "1m 1s", "1h 1m", "1d 1h"]);
}
