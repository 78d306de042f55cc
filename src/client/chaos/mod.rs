//! `client chaos`: a load whose every answer is held against what one server could have told.
//!
//! All clients ask for the same few names, so that they meet. What each asked and was told becomes a history
//! ([`crate::verify`]), whatever happens to the servers meanwhile; at the end the history is judged. `--check` judges one
//! that was written before.

#![expect(clippy::disallowed_methods, reason = "a load lasts for a time")]

pub mod journal;
pub mod report;
pub mod worker;

use super::{
    args::{ChaosArgs, Global},
    connection::Connection,
    exit::Exit,
    output::{Output, note},
    shell::{connection_options, random},
};
use crate::{
    config::ClusterConfig,
    domain::ids::{Name, Seat},
    verify::{
        check::{Limits, check},
        history::{Ask, Reply},
        line,
    },
};
use indicatif::{ProgressBar, ProgressStyle};
use journal::Journal;
use report::{Load, Report};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use worker::{Fate, Worker};

/// A client asks at most once in so long: a history should show faults, not speed, and be judged in seconds.
const PACE: Duration = Duration::from_millis(10);

/// What is asked of which cluster.
pub struct Options {
    /// The command's own options.
    pub args: ChaosArgs,
    /// Those of all commands.
    pub global: Global,
    /// The cluster.
    pub config: Arc<ClusterConfig>,
}

/// Judges a history from a file.
pub fn judge_file(file: &Path, seats: Option<u32>, output: &mut Output) -> Exit {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            note(format_args!("{}: {error}", file.display()));
            return Exit::Usage;
        }
    };
    let history = match line::parse(&text) {
        Ok(history) => history,
        Err(error) => {
            note(format_args!("{}: {error}", file.display()));
            return Exit::Usage;
        }
    };
    let verdict = check(&history, seats, Limits::default());
    tell(&Report { calls: history.len(), verdict, load: None }, output)
}

/// Asks, records, cleans up, judges, prints.
pub async fn run(options: Options, output: &mut Output) -> Exit {
    let journal = match Journal::create(options.args.history.as_deref()) {
        Ok(journal) => Arc::new(Mutex::new(journal)),
        Err(error) => {
            let file = options.args.history.as_deref().unwrap_or(Path::new("")).display();
            note(format_args!("{file}: {error}"));
            return Exit::Usage;
        }
    };
    let mut crowd = Crowd::new(&options);
    let Some((capacity, taken)) = seat_map(&mut crowd.worker(0)).await else {
        note("nothing was asked: no server could show the seat map");
        output.json(&serde_json::json!({ "command": "chaos", "result": "not_executed" }));
        return Exit::Unknown;
    };
    // The recording begins behind what it begins with.
    (crowd.capacity, crowd.began) = (capacity, Instant::now());
    if !taken.is_empty() {
        lock(&journal).taken_before(crowd.name("before"), taken);
    }
    crowd.load(&journal).await;
    let took = crowd.began.elapsed();
    let unchecked = crowd.look_at_the_end(&journal).await;
    let mut journal = lock(&journal);
    let closed = journal.close();
    let ChaosArgs { clients, names, .. } = options.args;
    let load = Load { clients, names, seed: crowd.seed, took, tally: journal.tally().clone(), unchecked };
    let verdict = check(journal.history(), Some(capacity), Limits::default());
    let exit = tell(&Report { calls: journal.history().len(), verdict, load: Some(load) }, output);
    match closed {
        Ok(()) => exit,
        Err(error) => {
            note(format_args!("the history could not be written: {error}"));
            exit.max(Exit::Unknown)
        }
    }
}

fn tell(report: &Report, output: &mut Output) -> Exit {
    output.json(&report.json());
    output.text(report);
    report.exit()
}

/// All clients of a load, and what they have in common.
struct Crowd<'a> {
    options: &'a Options,
    seed: u64,
    /// Makes the names of this run differ from those of all others.
    run: u32,
    names: Arc<[Name]>,
    capacity: u32,
    began: Instant,
}

impl<'a> Crowd<'a> {
    fn new(options: &'a Options) -> Self {
        let run = fastrand::Rng::with_seed(random()).u32(..);
        let seed = options.global.seed.unwrap_or_else(random);
        let names = (1..=options.args.names).map(|n| name_of(run, &n.to_string())).collect();
        Self { options, seed, run, names, capacity: 0, began: Instant::now() }
    }

    /// A name that the load does not ask for.
    fn name(&self, what: &str) -> Name {
        name_of(self.run, what)
    }

    fn worker(&self, n: u16) -> Worker {
        let Options { args: _, global, config } = self.options;
        let mut connection = connection_options(config, global, u64::from(n));
        let spread = config.servers[usize::from(n) % config.servers.len()].id;
        connection.server = global.server.or(Some(spread));
        if !global.verbose {
            connection.listener = Box::new(|_| {});
        }
        let chance = fastrand::Rng::with_seed(self.seed.wrapping_add(u64::from(n)));
        let (names, client) = (self.names.clone(), u64::from(n));
        Worker::new(Connection::new(connection), client, names, self.capacity, chance, self.began)
    }

    /// All at once, for as long as is wanted or until Ctrl-C. Who waits for an answer waits on.
    async fn load(&self, journal: &Arc<Mutex<Journal>>) {
        let time = self.options.args.seconds;
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for n in 1..=self.options.args.clients {
            tasks.spawn(work(self.worker(n), journal.clone(), is_over.clone()));
        }
        let bar = ProgressBar::new(time.as_millis() as u64);
        bar.set_style(
            ProgressStyle::with_template("{bar:40} {elapsed} {msg}").expect("the template is sound"),
        );
        let mut tick = interval(Duration::from_millis(250));
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            tokio::select! {
                ended = tasks.join_next() => match ended {
                    Some(ended) => ended.expect("a client does not panic"),
                    None => break,
                },
                _ = &mut interrupt, if !is_over.load(Ordering::Relaxed) => is_over.store(true, Ordering::Relaxed),
                _ = tick.tick() => {
                    let passed = self.began.elapsed();
                    if passed >= time {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    bar.set_position(passed.min(time).as_millis() as u64);
                    bar.set_message(format!("{} answers", lock(journal).tally().answered));
                }
            }
        }
        bar.finish_and_clear();
    }

    /// What every name holds, and the seat map; then everything is given back. Tells how many names could not be
    /// looked at: once nobody answers, each further one would take its whole deadline.
    async fn look_at_the_end(&self, journal: &Arc<Mutex<Journal>>) -> usize {
        let mut asks = vec![Ask::Seats];
        asks.extend(self.names.iter().cloned().map(|name| Ask::Search { name }));
        if !self.options.args.keep {
            asks.extend(self.names.iter().cloned().map(|name| Ask::Delete { name }));
            asks.push(Ask::Seats);
        }
        let mut control = self.worker(0);
        let count = asks.len();
        for (done, ask) in asks.into_iter().enumerate() {
            let record = control.ask(ask).await;
            let is_answered = !matches!(record.fate, Fate::NotExecuted | Fate::Unknown);
            lock(journal).note(record);
            if !is_answered {
                return count - done;
            }
        }
        0
    }
}

fn name_of(run: u32, what: &str) -> Name {
    format!("chaos-{run:08x}-{what}").parse().expect("the name is short and plain")
}

/// How many seats there are, and which ones are taken.
async fn seat_map(worker: &mut Worker) -> Option<(u32, Vec<Seat>)> {
    match worker.ask(Ask::Seats).await.call.end?.reply {
        Reply::Map { taken, left } => Some((taken.len() as u32 + left, taken)),
        Reply::Reserved(_)
        | Reply::NotEnough { .. }
        | Reply::AlreadyBooked(_)
        | Reply::Taken(_)
        | Reply::NoSuchSeats { .. }
        | Reply::Found(_)
        | Reply::Released { .. }
        | Reply::NoReservation => unreachable!("only a seat map answers the question for it"),
    }
}

async fn work(mut worker: Worker, journal: Arc<Mutex<Journal>>, is_over: Arc<AtomicBool>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let record = worker.act().await;
        lock(&journal).note(record);
    }
}

/// A client that panicked leaves nothing half done in it.
fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}
