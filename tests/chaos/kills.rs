//! SIGKILL: servers that are gone from one moment to the next.

use crate::check;
use crate::cluster::{Cluster, Setup};
use crate::workload::Running;

#[tokio::test]
async fn killed_servers_lose_nothing_that_was_answered() {
    let cluster = Cluster::up("kills").await;
    let load = Running::start(&cluster).await;
    cluster.engine.kill(1).await;
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    cluster.engine.start(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;

    cluster.engine.kill_process(2).await;
    load.progress(50).await;
    cluster.wait_left_behind(3, 2).await;
    cluster.engine.start(2).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(10).await;
    let load = load.end("kill").await;
    check::nothing_is_lost_or_sold_twice("kill", &cluster, load).await;
}

#[tokio::test]
async fn two_of_three_are_killed_at_once_and_the_last_one_sells_on() {
    let cluster = Cluster::up("last").await;
    let load = Running::start(&cluster).await;
    tokio::join!(cluster.engine.kill(1), cluster.engine.kill(3));
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    cluster.wait_left_behind(2, 3).await;
    tokio::join!(cluster.engine.start(3), cluster.engine.start(1));
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(50).await;
    let load = load.end("two of three killed").await;
    check::nothing_is_lost_or_sold_twice("two-of-three-killed", &cluster, load).await;
}

#[tokio::test]
async fn five_servers_lose_two_at_once_and_nothing_that_was_answered() {
    let cluster = Cluster::up_as(Setup { name: "five", servers: 5, changes: &[] }).await;
    let load = Running::start(&cluster).await;
    tokio::join!(cluster.engine.kill(1), cluster.engine.kill(4));
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    cluster.wait_left_behind(5, 4).await;
    tokio::join!(cluster.engine.start(1), cluster.engine.start(4));
    cluster.wait_ready(&cluster.ids()).await;
    load.progress(50).await;
    let load = load.end("two of five killed").await;
    check::nothing_is_lost_or_sold_twice("two-of-five-killed", &cluster, load).await;
}
