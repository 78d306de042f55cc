//! All servers at once.

use crate::check;
use crate::cluster::Cluster;
use crate::history;
use crate::wait::say;
use crate::workload::{Running, history_of};

#[tokio::test]
async fn everything_answered_is_there_after_all_servers_were_killed_at_once() {
    let cluster = Cluster::up("outage").await;
    let load = Running::start(&cluster).await;
    load.progress(20).await;
    tokio::join!(cluster.engine.kill(1), cluster.engine.kill(2), cluster.engine.kill(3));
    // The first to return must not sell: the others may have answered more.
    cluster.engine.start(3).await;
    tokio::join!(cluster.engine.start(2), cluster.engine.start(1));
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(20).await;
    tokio::join!(cluster.engine.stop(1), cluster.engine.stop(2), cluster.engine.stop(3));
    tokio::join!(cluster.engine.start(1), cluster.engine.start(2), cluster.engine.start(3));
    cluster.wait_ready(&[1, 2, 3]).await;
    load.progress(20).await;
    let ops = history_of(load.stop().await);
    say(format_args!("all killed, then all stopped: {}", history::summary(&ops)));
    history::check_but_late(&ops);
    check::nothing_is_lost_or_sold_twice(&cluster, &ops).await;
}
