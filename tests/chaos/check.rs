//! Whether the servers, with nothing wrong any more and nobody asking, have what the answers said.

use crate::client::connect;
use crate::cluster::Cluster;
use crate::history::{Op, held_at_the_end};
use crate::wait::{say, within};
use boxoffice::api::wire::ServerReply;
use boxoffice::client::exchange::Wanted;
use boxoffice::domain::command::Query;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::{Answer, SeatMap};
use std::collections::{BTreeMap, BTreeSet};

const SEARCHES_IN_FLIGHT: usize = 64;

/// All servers sell and are alike; what was answered is there, and nothing else.
pub async fn nothing_is_lost_or_sold_twice(cluster: &Cluster, ops: &[Op]) {
    let expected = held_at_the_end(ops);
    holds(cluster, &expected).await;
    for id in cluster.ids() {
        assert_eq!(cluster.status(id).await.unwrap().conflicts, 0, "no two sides met");
    }
}

/// All servers sell and are alike, and these names hold these seats, and nobody else any.
pub async fn holds(cluster: &Cluster, expected: &BTreeMap<Name, Option<Vec<Seat>>>) {
    let map = alike(cluster).await;
    let found = search_all(cluster, expected.keys()).await;
    let wrong: Vec<_> = expected.iter().filter(|&(name, seats)| found[name] != *seats).collect();
    assert!(wrong.is_empty(), "answered was {wrong:?}, found {:?}", pick(&found, &wrong));

    accounts_for(&found, &map);
    // And each server from its own state, not only the one that was asked.
    for id in cluster.ids() {
        for (name, seats) in expected.iter().filter(|(_, seats)| seats.is_some()) {
            let answer = cluster.ask_locally(id, Query::Search { name: name.clone() }).await;
            assert_eq!(answer, Answer::Search { name: name.clone(), seats: seats.clone() }, "server {id}");
        }
    }
    let row = cluster.row(1).await.unwrap();
    say(format_args!(
        "all servers alike in view {}: position {}, digest {:016x}, {} of {} names hold {} seats",
        row.view,
        row.position,
        row.digest,
        found.values().flatten().count(),
        found.len(),
        map.capacity - map.left
    ));
}

/// Waits until all servers are alike; their seat maps are one.
pub async fn alike(cluster: &Cluster) -> SeatMap {
    cluster.wait_alike(&cluster.ids()).await;
    let mut maps = Vec::new();
    for id in cluster.ids() {
        maps.push(cluster.seats_locally(id).await);
    }
    assert!(maps.windows(2).all(|pair| pair[0] == pair[1]), "{maps:?}");
    maps.remove(0)
}

/// No seat has two holders, and every taken seat has one.
pub fn accounts_for(found: &BTreeMap<Name, Option<Vec<Seat>>>, map: &SeatMap) {
    let mut holders: BTreeMap<Seat, &Name> = BTreeMap::new();
    for (name, seats) in found {
        for &seat in seats.iter().flatten() {
            if let Some(other) = holders.insert(seat, name) {
                panic!("seat {seat} belongs to {other} and {name}");
            }
        }
    }
    let is_free = |seat: u32| map.free[(seat as usize - 1) / 64] >> ((seat - 1) % 64) & 1 == 1;
    let taken: BTreeSet<Seat> = (1..=map.capacity).filter(|&seat| !is_free(seat)).map(Seat).collect();
    assert_eq!(holders.keys().copied().collect::<BTreeSet<_>>(), taken, "the taken seats and their holders");
    assert_eq!(map.capacity - map.left, taken.len() as u32);
}

/// What all these names hold, through an ordinary client.
pub async fn search_all<'a>(
    cluster: &Cluster,
    names: impl Iterator<Item = &'a Name>,
) -> BTreeMap<Name, Option<Vec<Seat>>> {
    let mut connection = connect(&cluster.config, &cluster.ids());
    let mut names = names.cloned();
    let mut found = BTreeMap::new();
    loop {
        while connection.waiting() < SEARCHES_IN_FLIGHT
            && let Some(name) = names.next()
        {
            connection.submit(Wanted::Query(Query::Search { name }));
        }
        match within("a search", connection.next()).await.map(|done| done.result) {
            Some(Ok(ServerReply::Answer(Answer::Search { name, seats }))) => found.insert(name, seats),
            Some(other) => panic!("a search ends with {other:?}"),
            None => return found,
        };
    }
}

fn pick<'a>(
    found: &'a BTreeMap<Name, Option<Vec<Seat>>>,
    wrong: &[(&Name, &Option<Vec<Seat>>)],
) -> Vec<&'a Option<Vec<Seat>>> {
    wrong.iter().map(|(name, _)| &found[*name]).collect()
}
