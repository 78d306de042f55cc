//! Servers cut off from each other and not from their clients, for longer than it takes to notice.

use crate::check;
use crate::client::{Client, connect_for};
use crate::cluster::{Cluster, Setup};
use crate::history::{self, Asked, Op, held_at_the_end};
use crate::wait::{say, until};
use crate::workload::{Running, history_of};
use boxoffice::api::wire::ServerState;
use boxoffice::client::exchange::{Failure, Wanted};
use boxoffice::domain::command::Operation;
use boxoffice::domain::ids::{Name, Seat};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;

#[tokio::test]
async fn under_majority_a_server_that_is_cut_off_sells_nothing_and_nothing_is_lost() {
    let changes = &[("availability: any ", "availability: majority ")];
    let cluster = Cluster::up_as(Setup { name: "majority", servers: 3, changes }).await;
    let load = Running::start(&cluster).await;
    cluster.engine.cut(1).await;
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    until("server 1 knows that it may not sell", async || match cluster.row(1).await? {
        row if row.state == ServerState::Ready => Err(format!("{row:?}")),
        _ => Ok(()),
    })
    .await;
    let mut minority = connect_for(&cluster.config, &[1], Duration::from_secs(5));
    let reserve = Operation::Reserve { name: "minority".parse().unwrap(), count: 1 };
    let refused = minority.call(Wanted::Operation(reserve), pending()).await;
    assert_eq!(refused.result, Err(Failure::NotExecuted), "{:?}", minority.troubles());
    load.progress(50).await;

    cluster.engine.heal(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(50).await;
    let ops = load.finish("cut under majority").await;
    check::nothing_is_lost_or_sold_twice(&cluster, &ops).await;
}

/// The smaller side gives way. Whatever it sold is offered again: it fits, or it is reported.
#[tokio::test]
async fn under_any_two_sides_sell_and_what_cannot_stay_is_reported() {
    let cluster = Cluster::up("any").await;
    let (left, right) = ([1], [2, 3]);
    let mut clients = Running::start(&cluster).await.stop().await;
    let right_clients = clients.split_off(clients.len() / 2);
    let left_load = Running::turned_to(clients, &cluster.config, &left);
    let right_load = Running::turned_to(right_clients, &cluster.config, &right);
    left_load.progress(30).await;
    right_load.progress(30).await;

    let cut_at = left_load.now();
    cluster.engine.cut(1).await;
    cluster.wait_left_behind(1, 2).await;
    cluster.wait_left_behind(2, 1).await;
    left_load.progress(50).await;
    right_load.progress(50).await;
    let left_ops = history_of(left_load.stop().await);
    cluster.engine.heal(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    right_load.progress(30).await;
    let right_ops = history_of(right_load.stop().await);
    for (side, ops) in [("server 1", &left_ops), ("servers 2 and 3", &right_ops)] {
        say(format_args!("two sides, clients of {side}: {}", history::summary(ops)));
        history::check(ops);
    }

    let report = settled_report(&cluster).await;
    let map = check::alike(&cluster).await;
    let (left_held, right_held) = (held_at_the_end(&left_ops), held_at_the_end(&right_ops));
    let found = check::search_all(&cluster, left_held.keys().chain(right_held.keys())).await;
    check::accounts_for(&found, &map);
    for (name, seats) in &right_held {
        assert_eq!(found[name], *seats, "{name} of the side that goes on");
    }
    let lost = check_left(&left_ops, cut_at, &left_held, &found);
    assert_eq!(unsettled(&report), lost, "the report names what is lost, and nothing else");
    assert_eq!(cluster.status(1).await.unwrap().conflicts, lost.len() as u64);
    let status = cluster.exec(&["status"]).await;
    assert_eq!(lost.is_empty(), !status.stderr.contains("conflict"), "{status:?}");
    say(format_args!("{} lines of report, {} reservations lost: {lost:?}", report.len(), lost.len()));
    assert!(!lost.is_empty(), "both sides sold the lowest free seats: some must have clashed");
}

/// What the clients of the side that gives way have at the end. Returns the names that lost their seats.
fn check_left(
    ops: &[Op],
    cut_at: Duration,
    held: &BTreeMap<Name, Option<Vec<Seat>>>,
    found: &BTreeMap<Name, Option<Vec<Seat>>>,
) -> BTreeSet<String> {
    let before = |op: &&Op| op.returned < cut_at && matches!(op.asked, Asked::Reserve { .. });
    let shared: BTreeSet<&Name> = ops.iter().filter(before).map(|op| op.asked.name()).collect();
    let mut lost = BTreeSet::new();
    for (name, seats) in held {
        match (&found[name], seats) {
            (found, seats) if found == seats => {}
            (None, Some(seats)) => {
                assert!(!shared.contains(name), "{name} held {seats:?} before the cut");
                lost.insert(name.to_string());
            }
            (found, answered) => panic!("{name}: {found:?} and not {answered:?}"),
        }
    }
    lost
}

/// Waits until everything that was offered again has come to something.
async fn settled_report(cluster: &Cluster) -> Vec<Value> {
    until("every offer is settled or reported", async || {
        let report = cluster.conflict_report(1).await;
        let count = |key: &str| report.iter().filter(|line| !line[key].is_null()).count();
        let (offers, outcomes) = (count("given_up"), count("offered"));
        if offers > 0 && offers == outcomes { Ok(report) } else { Err(format!("{report:#?}")) }
    })
    .await
}

/// Whose offers came to nothing.
fn unsettled(report: &[Value]) -> BTreeSet<String> {
    let lost = report.iter().filter(|line| line["settled"] == Value::Bool(false));
    lost.map(|line| line["offered"]["Restore"]["name"].as_str().expect("a reservation").to_owned()).collect()
}
