//! `docker pause`: a server that stands still and knows nothing of it.

use crate::check;
use crate::cluster::Cluster;
use crate::workload::Running;

#[tokio::test]
async fn a_paused_server_is_left_behind_and_comes_back_harmless() {
    let cluster = Cluster::up("pauses").await;
    let load = Running::start(&cluster).await;
    cluster.engine.pause(1).await;
    load.serve_somebody(&cluster).await;
    load.progress(50).await;
    cluster.wait_left_behind(2, 1).await;
    // It still believes in its view, and in what its clients asked before.
    cluster.engine.unpause(1).await;
    load.progress(50).await;
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(50).await;
    let load = load.end("pause").await;
    check::nothing_is_lost_or_sold_twice("pause", &cluster, load).await;
}
