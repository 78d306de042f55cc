//! Several clients at once, while something else happens.
#![expect(clippy::disallowed_methods, reason = "a load has a rate, and its history the time")]

use crate::client::{DEADLINE, Role, connect, names, worker};
use crate::cluster::{Cluster, Ended};
use crate::history::{self, CAPACITY};
use crate::wait::{random, say, until};
use boxoffice::client::chaos::worker::{Fate, Record, Worker};
use boxoffice::config::ClusterConfig;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT, End, Reply};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How many clients a load has.
pub const CLIENTS: usize = 6;
/// Names that they share.
const NAMES: usize = 20;
/// A client does one thing in so long, and no more: the machine is to have time for others.
const PACE: Duration = Duration::from_millis(10);
/// No client goes on for longer once it is over: its last call has a deadline.
const ENDS_WITHIN: Duration = DEADLINE.saturating_add(Duration::from_secs(10));
/// The number of whoever comes to the counter.
const SOMEBODY: u64 = 900;

/// A client and all it did.
pub struct Client {
    pub worker: Worker,
    pub records: Vec<Record>,
}

/// Clients at work.
pub struct Running {
    tasks: JoinSet<Client>,
    began: Instant,
    is_over: Arc<AtomicBool>,
    answered: Arc<[AtomicU64]>,
    /// What others did, who are no clients of the load.
    beside: Mutex<Vec<Record>>,
}

impl Running {
    /// New clients, at all servers, that have answers already.
    pub async fn start(cluster: &Cluster) -> Running {
        let shared = names("guest", NAMES);
        Running::start_as(cluster, CLIENTS, random(), |_| (shared.clone(), CAPACITY)).await
    }

    /// New clients with names of their own, which never come near the highest seats.
    pub async fn start_apart(cluster: &Cluster) -> Running {
        let own = |n| (names(&format!("client{n}"), 3), 6);
        Running::start_as(cluster, CLIENTS, random(), own).await
    }

    /// So many clients, each with these names in a theatre that it takes to be so large.
    pub async fn start_as(
        cluster: &Cluster,
        clients: usize,
        seed: u64,
        of: impl Fn(u64) -> (Arc<[Name]>, u32),
    ) -> Running {
        let began = Instant::now();
        let new = |client| {
            let (names, capacity) = of(client);
            let role = Role { client, names, capacity, seed };
            Client { worker: worker(&cluster.config, &cluster.ids(), role, began), records: Vec::new() }
        };
        let running = Running::go_on((1..=clients as u64).map(new).collect(), began);
        running.progress(10).await;
        running
    }

    /// Clients that were at work before, turned to these servers.
    pub fn turned_to(clients: Vec<Client>, config: &ClusterConfig, servers: &[u8]) -> Running {
        let began = clients[0].worker.began();
        let turn = |client: Client| Client {
            worker: client.worker.reconnect(connect(config, servers)),
            records: client.records,
        };
        Running::go_on(clients.into_iter().map(turn).collect(), began)
    }

    fn go_on(clients: Vec<Client>, began: Instant) -> Running {
        let is_over = Arc::new(AtomicBool::new(false));
        let answered: Arc<[AtomicU64]> = clients.iter().map(|_| AtomicU64::new(0)).collect();
        let mut tasks = JoinSet::new();
        for (n, client) in clients.into_iter().enumerate() {
            tasks.spawn(work(client, n, is_over.clone(), answered.clone()));
        }
        Running { tasks, began, is_over, answered, beside: Mutex::default() }
    }

    /// When the times in the history begin.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The time in the history.
    pub fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
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

    /// One customer at the counter, with the program in the image, who leaves nothing behind. It is written down.
    pub async fn serve_somebody(&self, cluster: &Cluster) {
        let name: Name = "somebody".parse().unwrap();
        until("there is a seat for somebody", async || {
            let ask = Ask::Reserve { name: name.clone(), count: 1 };
            match self.at_the_counter(cluster, ask, &["reserve", "somebody", "1"]).await {
                Reply::Reserved(_) => Ok(()),
                reply => Err(format!("{reply}")),
            }
        })
        .await;
        let ask = Ask::Delete { name: name.clone() };
        let reply = self.at_the_counter(cluster, ask, &["delete", "somebody"]).await;
        assert!(matches!(reply, Reply::Released { count: 1, .. }), "{reply}");
    }

    async fn at_the_counter(&self, cluster: &Cluster, ask: Ask, words: &[&str]) -> Reply {
        let call_ns = self.now_ns();
        let ended = cluster.exec(words).await;
        let ended_ns = self.now_ns();
        let reply = understand(&ended).unwrap_or_else(|| panic!("{words:?}: {ended:?}"));
        let end = Some(End { return_ns: ended_ns, reply: reply.clone() });
        let call = Call { client: SOMEBODY, event: DEFAULT_EVENT.to_owned(), ask, call_ns, end };
        let record = Record { call, fate: Fate::Answered, ended_ns, server: 0, tries: 1 };
        self.beside.lock().unwrap().push(record);
        reply
    }

    /// Lets every client finish what it does.
    pub async fn stop(self) -> Vec<Client> {
        self.stop_all().await.0
    }

    async fn stop_all(self) -> (Vec<Client>, Vec<Record>) {
        self.is_over.store(true, Ordering::Relaxed);
        let clients = timeout(ENDS_WITHIN, self.tasks.join_all()).await;
        (clients.expect("clients end with their last calls"), self.beside.into_inner().unwrap())
    }

    /// All that was done; says how long clients waited.
    pub async fn end(self, what: &str) -> Load {
        let began = self.began;
        let (clients, mut records) = self.stop_all().await;
        records.extend(records_of(clients));
        say(format_args!("{what}: {}", history::summary(&records)));
        Load { records, began }
    }
}

/// All that was done by clients that have come to rest.
pub struct Load {
    pub records: Vec<Record>,
    /// When its times begin.
    pub began: Instant,
}

impl Load {
    /// The names that were asked for.
    pub fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.records.iter().filter_map(|record| record.call.ask.name().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// All that these clients did.
pub fn records_of(clients: Vec<Client>) -> Vec<Record> {
    clients.into_iter().flat_map(|client| client.records).collect()
}

/// What the program says at the counter, as far as somebody can be told it.
fn understand(ended: &Ended) -> Option<Reply> {
    let words = ended.stdout.trim_end();
    let number = |text: &str| text.parse::<u32>().ok();
    if let Some(rest) = words.strip_prefix("The seats have been reserved for somebody: ") {
        return Some(Reply::Reserved(vec![Seat(number(rest.strip_suffix('.')?)?)]));
    }
    if let Some(rest) = words.strip_prefix("Failed: only ") {
        return Some(Reply::NotEnough { left: number(rest.split(' ').next()?)? });
    }
    let (count, rest) = words.split_once(" seats have been released. ")?;
    let left = rest.strip_suffix(" seats are now available.")?;
    Some(Reply::Released { count: number(count)?, left: number(left)? })
}

async fn work(mut client: Client, n: usize, is_over: Arc<AtomicBool>, answered: Arc<[AtomicU64]>) -> Client {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let record = client.worker.act().await;
        if record.fate == Fate::Answered {
            answered[n].fetch_add(1, Ordering::Relaxed);
        }
        client.records.push(record);
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_at_the_counter_is_understood() {
        let said =
            |words: &str| understand(&Ended { code: 0, stdout: format!("{words}\n"), stderr: String::new() });
        let reserved = "The seats have been reserved for somebody: 7.";
        assert_eq!(said(reserved), Some(Reply::Reserved(vec![Seat(7)])));
        let released = "1 seats have been released. 98 seats are now available.";
        assert_eq!(said(released), Some(Reply::Released { count: 1, left: 98 }));
        let full = "Failed: only 0 seats left but 1 seats are requested.";
        assert_eq!(said(full), Some(Reply::NotEnough { left: 0 }));
        assert_eq!(said("Failed: no reservation is made by somebody."), None);
    }
}
