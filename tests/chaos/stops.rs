//! `docker stop`, the way a person takes servers away.

use crate::check;
use crate::cluster::Cluster;
use crate::workload::Running;

#[tokio::test]
async fn all_but_one_may_be_stopped_and_the_last_one_sells_on() {
    let cluster = Cluster::up("stops").await;
    let load = Running::start(&cluster).await;
    cluster.engine.stop(1).await;
    load.progress(50).await;
    cluster.engine.stop(2).await;
    load.progress(50).await;
    cluster.wait_left_behind(3, 1).await;
    cluster.wait_left_behind(3, 2).await;
    load.serve_somebody(&cluster).await;

    cluster.engine.start(2).await;
    cluster.wait_ready(&[2, 3]).await;
    load.progress(50).await;
    cluster.engine.start(1).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(50).await;
    let load = load.end("stop").await;
    check::nothing_is_lost_or_sold_twice("stop", &cluster, load).await;
}

#[tokio::test]
async fn a_rolling_restart_of_all_servers_fails_no_command() {
    let cluster = Cluster::up("rolling").await;
    let load = Running::start(&cluster).await;
    for id in cluster.ids() {
        cluster.engine.stop(id).await;
        cluster.engine.start(id).await;
        cluster.wait_ready(&cluster.ids()).await;
        load.progress(10).await;
    }
    let load = load.end("rolling restart").await;
    check::nothing_is_lost_or_sold_twice("rolling-restart", &cluster, load).await;
}
