//! All servers at once.

use crate::check;
use crate::cluster::Cluster;
use crate::wait::until;
use crate::workload::Running;
use boxoffice::api::wire::ServerState;

#[tokio::test]
async fn everything_answered_is_there_after_all_servers_were_killed_at_once() {
    let cluster = Cluster::up("outage").await;
    let load = Running::start(&cluster).await;
    load.progress(20).await;
    tokio::join!(cluster.engine.kill(1), cluster.engine.kill(2), cluster.engine.kill(3));
    cluster.engine.start(3).await;
    until("the first to return waits for those who may have answered more", async || {
        let report = cluster.status(3).await?;
        let row = cluster.row(3).await?;
        assert_ne!(row.state, ServerState::Ready, "{report:?}");
        if report.waiting_for.is_some() { Ok(()) } else { Err(format!("{report:?}")) }
    })
    .await;
    tokio::join!(cluster.engine.start(2), cluster.engine.start(1));
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(20).await;
    tokio::join!(cluster.engine.stop(1), cluster.engine.stop(2), cluster.engine.stop(3));
    tokio::join!(cluster.engine.start(1), cluster.engine.start(2), cluster.engine.start(3));
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(20).await;
    let load = load.end("all killed, then all stopped").await;
    check::nothing_is_lost_or_sold_twice_but_late("outages", &cluster, load).await;
}
