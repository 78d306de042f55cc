//! Servers cut off from each other and not from their clients, for longer than it takes to notice.

use crate::check;
use crate::client::{Role, connect_for, worker};
use crate::cluster::{Cluster, Setup};
use crate::history::{self, CAPACITY, calls, held_at_the_end, is_linearizable};
use crate::wait::{say, until};
use crate::workload::{Running, records_of};
use boxoffice::api::wire::ServerState;
use boxoffice::client::chaos::worker::{Fate, Record};
use boxoffice::client::exchange::{Failure, Wanted};
use boxoffice::domain::command::Operation;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::verify::history::{Ask, Call, Reply, across_a_cut};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;
use tokio::time::Instant;

/// The number of whoever sells one thing.
const SELLER: u64 = 910;

#[tokio::test]
async fn under_majority_a_server_that_is_cut_off_sells_nothing_and_nothing_is_lost() {
    let cluster = majority("majority").await;
    let load = Running::start(&cluster).await;
    cluster.engine.cut(1).await;
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    sells_nothing(&cluster, 1).await;
    load.progress(50).await;

    cluster.engine.heal(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(50).await;
    let load = load.end("cut under majority").await;
    check::nothing_is_lost_or_sold_twice("cut-under-majority", &cluster, load).await;
}

#[tokio::test]
async fn under_majority_the_last_of_three_sells_nothing_until_another_one_is_back() {
    let cluster = majority("minority").await;
    let load = Running::start(&cluster).await;
    cluster.engine.kill(1).await;
    load.progress(50).await;
    cluster.wait_ready(&[2, 3]).await;
    cluster.engine.kill(2).await;
    sells_nothing(&cluster, 3).await;
    cluster.engine.start(1).await;
    cluster.wait_ready(&[1, 3]).await;
    load.progress(50).await;
    cluster.engine.start(2).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    let load = load.end("two of three killed under majority").await;
    check::nothing_is_lost_or_sold_twice("two-of-three-killed-under-majority", &cluster, load).await;
}

/// The smaller side gives way. Whatever it sold is offered again: it fits, or it is reported. Until they meet, each
/// side is one server to its clients.
#[tokio::test]
async fn under_any_two_sides_sell_and_what_cannot_stay_is_reported() {
    let cluster = Cluster::up("any").await;
    let (left, right) = ([1], [2, 3]);
    let mut clients = Running::start_apart(&cluster).await.stop().await;
    let right_clients = clients.split_off(clients.len() / 2);
    let left_load = Running::turned_to(clients, &cluster.config, &left);
    let right_load = Running::turned_to(right_clients, &cluster.config, &right);
    left_load.progress(30).await;
    right_load.progress(30).await;

    let cut_began_ns = left_load.now_ns();
    cluster.engine.cut(1).await;
    let cut_whole_ns = left_load.now_ns();
    cluster.wait_left_behind(1, 2).await;
    cluster.wait_left_behind(2, 1).await;
    // These clash for certain; what else does depends on who is quicker.
    let began = left_load.began();
    let smaller = sell(&cluster, &left, "smaller", &[99, 100], began).await;
    let larger = sell(&cluster, &right, "larger", &[100], began).await;
    left_load.progress(50).await;
    right_load.progress(50).await;
    let mut left_records = records_of(left_load.stop().await);
    left_records.push(smaller);
    let healed_ns = right_load.now_ns();
    cluster.engine.heal(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    right_load.progress(30).await;
    let mut right_records = records_of(right_load.stop().await);
    right_records.push(larger);
    for (side, records) in [("server 1", &left_records), ("servers 2 and 3", &right_records)] {
        say(format_args!("two sides, clients of {side}: {}", history::summary(records)));
        let is_answered = |record: &Record| record.fate == Fate::Answered;
        assert!(records.iter().all(is_answered), "{side}: every client is answered");
    }
    let (left_calls, right_calls) = (calls(&left_records), calls(&right_records));
    let across = |calls: &[Call]| across_a_cut(calls, cut_began_ns, cut_whole_ns);
    is_linearizable("two-sides-smaller", &[left_calls.clone(), across(&right_calls)].concat());
    // What is offered again after the cut is nobody's request.
    let until_healed = across_a_cut(&right_calls, healed_ns, healed_ns);
    is_linearizable("two-sides-larger", &[until_healed, across(&left_calls)].concat());

    let report = settled_report(&cluster).await;
    let map = check::alike(&cluster).await;
    let (left_held, right_held) = (held_at_the_end(&left_records), held_at_the_end(&right_records));
    let names = left_held.keys().chain(right_held.keys()).cloned().collect();
    let found = check::search_all(&cluster, names, began).await;
    check::accounts_for(&found, &map);
    for (name, seats) in &right_held {
        assert_eq!(found[name], *seats, "{name} of the side that goes on");
    }
    let lost = check_left(&left_calls, cut_began_ns, &left_held, &found);
    assert_eq!(unsettled(&report), lost, "the report names what is lost, and nothing else");
    assert_eq!(cluster.status(1).await.unwrap().conflicts, lost.len() as u64);
    let status = cluster.exec(&["status"]).await;
    assert_eq!(lost.is_empty(), !status.stderr.contains("conflict"), "{status:?}");
    say(format_args!("{} lines of report, {} reservations lost: {lost:?}", report.len(), lost.len()));
    assert!(lost.contains("smaller"), "its seat is somebody else's");
}

async fn majority(name: &'static str) -> Cluster {
    let changes = &[("availability: any ", "availability: majority ")];
    Cluster::up_as(Setup { name, servers: 3, changes }).await
}

/// Waits until a server knows that it may not sell, and asks it to.
async fn sells_nothing(cluster: &Cluster, id: u8) {
    until("a server knows that it may not sell", async || match cluster.row(id).await? {
        row if row.state == ServerState::Ready => Err(format!("{row:?}")),
        _ => Ok(()),
    })
    .await;
    let mut connection = connect_for(&cluster.config, &[id], Duration::from_secs(3));
    let reserve = Operation::Reserve { name: "nobody".parse().unwrap(), count: 1 };
    let refused = connection.call(Wanted::Operation(reserve), pending()).await;
    assert_eq!(refused.result, Err(Failure::NotExecuted), "{:?}", connection.troubles());
}

/// Sells these seats, at one of these servers.
async fn sell(cluster: &Cluster, servers: &[u8], name: &str, seats: &[u32], began: Instant) -> Record {
    let (name, seats): (Name, Vec<Seat>) = (name.parse().unwrap(), seats.iter().copied().map(Seat).collect());
    let role = Role { client: SELLER, names: [name.clone()].into(), capacity: CAPACITY, seed: 0 };
    let mut seller = worker(&cluster.config, servers, role, began);
    let record = seller.ask(Ask::Pick { name, seats: seats.clone() }).await;
    assert_eq!(record.call.end.as_ref().map(|end| &end.reply), Some(&Reply::Reserved(seats)));
    record
}

/// What the clients of the side that gives way have at the end. Returns the names that lost their seats.
fn check_left(
    calls: &[Call],
    cut_ns: u64,
    held: &BTreeMap<Name, Option<Vec<Seat>>>,
    found: &BTreeMap<Name, Option<Vec<Seat>>>,
) -> BTreeSet<String> {
    let mut lost = BTreeSet::new();
    for (name, seats) in held {
        let changes = calls.iter().filter(|call| call.ask.name() == Some(name));
        let changes = changes.filter_map(|call| call.end.as_ref()).filter(|end| end.reply.is_change());
        let is_shared = changes.map(|end| end.return_ns).max().is_some_and(|last_ns| last_ns < cut_ns);
        match (&found[name], seats) {
            (found, seats) if found == seats => {}
            (None, Some(seats)) => {
                assert!(!is_shared, "{name} held {seats:?} before the cut");
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
