//! The network between servers fails for a moment.

use crate::check;
use crate::cluster::Cluster;
use crate::workload::Running;

#[tokio::test]
async fn a_cut_of_a_moment_is_no_fault() {
    let cluster = Cluster::up("moment").await;
    let load = Running::start(&cluster).await;
    let view = cluster.view(1).await;
    for id in cluster.ids() {
        cluster.engine.cut(id).await;
        cluster.engine.heal(id).await;
        load.progress(50).await;
    }
    cluster.wait_ready(&cluster.ids()).await;
    assert_eq!(cluster.view(1).await, view, "nobody was taken for crashed");
    let load = load.end("three short cuts").await;
    check::nothing_is_lost_or_sold_twice("three-short-cuts", &cluster, load).await;
}
