//! Whether the servers, with nothing wrong any more and nobody asking, have what the answers said.

use crate::client::{Role, worker};
use crate::cluster::Cluster;
use crate::history::{self, CAPACITY};
use crate::wait::say;
use crate::workload::Load;
use boxoffice::client::chaos::worker::{Fate, Record};
use boxoffice::domain::command::Query;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::SeatMap;
use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT, End, Reply};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// The number of whoever looks at the end, and of who asks the servers one by one.
const AUDITOR: u64 = 901;

/// All servers sell and are alike; every answer there ever was, those at the end included, could have been told by
/// one server, in time. `name` is that of the file with the history.
pub async fn nothing_is_lost_or_sold_twice(name: &str, cluster: &Cluster, load: Load) {
    let records = look_at_the_end(cluster, load).await;
    history::check(name, &records);
}

/// The same, however long clients waited.
pub async fn nothing_is_lost_or_sold_twice_but_late(name: &str, cluster: &Cluster, load: Load) {
    let records = look_at_the_end(cluster, load).await;
    history::check_but_late(name, &records);
}

/// Adds what an ordinary client finds at the end, and what each server has for itself.
pub async fn look_at_the_end(cluster: &Cluster, load: Load) -> Vec<Record> {
    alike(cluster).await;
    let names = load.names();
    let mut records = load.records;
    let role = Role { client: AUDITOR, names: names.clone().into(), capacity: CAPACITY, seed: 0 };
    let mut auditor = worker(&cluster.config, &cluster.ids(), role, load.began);
    records.push(auditor.ask(Ask::Seats).await);
    for name in &names {
        records.push(auditor.ask(Ask::Search { name: name.clone() }).await);
    }
    for id in cluster.ids() {
        for name in &names {
            records.push(ask_locally(cluster, id, Ask::Search { name: name.clone() }, load.began).await);
        }
        records.push(ask_locally(cluster, id, Ask::Seats, load.began).await);
        assert_eq!(cluster.status(id).await.unwrap().conflicts, 0, "no two sides met");
    }
    let row = cluster.row(1).await.unwrap();
    say(format_args!(
        "all servers alike in view {}: position {}, digest {:016x}, {} seats left",
        row.view, row.position, row.digest, row.seats_left
    ));
    records
}

/// What one server has for itself. Nothing is going on: that is what all of them have.
async fn ask_locally(cluster: &Cluster, id: u8, ask: Ask, began: Instant) -> Record {
    let query = match &ask {
        Ask::Search { name } => Query::Search { name: name.clone() },
        Ask::Seats => Query::Seats,
        Ask::Reserve { .. } | Ask::Pick { .. } | Ask::Delete { .. } => panic!("{ask} is no question"),
    };
    let call_ns = began.elapsed().as_nanos() as u64;
    let answer = cluster.ask_locally(id, query).await;
    let ended_ns = began.elapsed().as_nanos() as u64;
    let end = Some(End { return_ns: ended_ns, reply: Reply::answer(&ask, &answer).unwrap() });
    let client = AUDITOR + u64::from(id);
    let call = Call { client, event: DEFAULT_EVENT.to_owned(), ask, call_ns, end };
    Record { call, fate: Fate::Answered, ended_ns, server: id, tries: 1 }
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
    let taken: BTreeSet<Seat> = boxoffice::verify::history::taken(map).into_iter().collect();
    assert_eq!(holders.keys().copied().collect::<BTreeSet<_>>(), taken, "the taken seats and their holders");
    assert_eq!(map.capacity - map.left, taken.len() as u32);
}

/// What all these names hold, through an ordinary client.
pub async fn search_all(
    cluster: &Cluster,
    names: BTreeSet<Name>,
    began: Instant,
) -> BTreeMap<Name, Option<Vec<Seat>>> {
    let names: Arc<[Name]> = names.into_iter().collect();
    let role = Role { client: AUDITOR, names: names.clone(), capacity: CAPACITY, seed: 0 };
    let mut auditor = worker(&cluster.config, &cluster.ids(), role, began);
    let mut found = BTreeMap::new();
    for name in names.iter() {
        let record = auditor.ask(Ask::Search { name: name.clone() }).await;
        let seats = match record.call.end.map(|end| end.reply) {
            Some(Reply::Found(seats)) => Some(seats),
            Some(Reply::NoReservation) => None,
            other => panic!("a search for {name} ends with {other:?}"),
        };
        found.insert(name.clone(), seats);
    }
    found
}
