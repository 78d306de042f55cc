//! Several clients at once, while something else happens.
#![expect(clippy::disallowed_methods, reason = "a load has a rate, and its history the time")]

use crate::client::Client;
use crate::cluster::Cluster;
use crate::history::{self, Op};
use crate::wait::{say, until, within};
use boxoffice::config::ClusterConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How many clients a load has.
pub const CLIENTS: usize = 6;
/// A client does one thing in so long, and no more: the machine is to have time for others.
const PACE: Duration = Duration::from_millis(10);

/// Clients at work.
pub struct Running {
    tasks: JoinSet<Client>,
    began: Instant,
    is_over: Arc<AtomicBool>,
    answered: Arc<[AtomicU64]>,
}

impl Running {
    /// New clients, at all servers, that have answers already.
    pub async fn start(cluster: &Cluster) -> Running {
        let began = Instant::now();
        let new = |n| Client::new(format!("client{n}"), &cluster.config, &cluster.ids(), began);
        let running = Running::go_on((1..=CLIENTS).map(new).collect(), began);
        running.progress(10).await;
        running
    }

    /// Clients that were at work before, turned to these servers.
    pub fn turned_to(clients: Vec<Client>, config: &ClusterConfig, servers: &[u8]) -> Running {
        let began = clients[0].began;
        Running::go_on(clients.into_iter().map(|client| client.turn_to(config, servers)).collect(), began)
    }

    fn go_on(clients: Vec<Client>, began: Instant) -> Running {
        let is_over = Arc::new(AtomicBool::new(false));
        let answered: Arc<[AtomicU64]> = clients.iter().map(|_| AtomicU64::new(0)).collect();
        let mut tasks = JoinSet::new();
        for (n, client) in clients.into_iter().enumerate() {
            tasks.spawn(work(client, n, is_over.clone(), answered.clone()));
        }
        Running { tasks, began, is_over, answered }
    }

    /// The time in the history.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits until every client has got so many more answers.
    pub async fn progress(&self, more: u64) {
        let count = || self.answered.iter().map(|count| count.load(Ordering::Relaxed));
        let before: Vec<u64> = count().collect();
        until(&format!("every client has {more} more answers"), async || {
            let got: Vec<u64> = count().zip(&before).map(|(now, before)| now - before).collect();
            if got.iter().all(|&got| got >= more) { Ok(()) } else { Err(format!("they got {got:?}")) }
        })
        .await;
    }

    /// Lets every client finish what it does.
    pub async fn stop(self) -> Vec<Client> {
        self.is_over.store(true, Ordering::Relaxed);
        within("clients end", self.tasks.join_all()).await
    }

    /// As `stop`; says how long clients waited, and checks what they were told.
    pub async fn finish(self, what: &str) -> Vec<Op> {
        let ops = history_of(self.stop().await);
        say(format_args!("{what}: {}", history::summary(&ops)));
        history::check(&ops);
        ops
    }
}

/// All that these clients asked.
pub fn history_of(clients: Vec<Client>) -> Vec<Op> {
    clients.into_iter().flat_map(|client| client.history).collect()
}

async fn work(mut client: Client, n: usize, is_over: Arc<AtomicBool>, answered: Arc<[AtomicU64]>) -> Client {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        if client.act().await {
            answered[n].fetch_add(1, Ordering::Relaxed);
        }
    }
    client
}
