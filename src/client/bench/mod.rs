//! `client bench`: a load, what it measured, and a check that no seat was sold twice.
//!
//! Every client reserves for names of its own that nobody else uses, so it knows what each of its answers must
//! be: a retry that was executed twice, a lost reservation or a stale read shows at once. At the end every
//! name is searched and all seats are held against each other and against the seat map.

#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

mod check;
mod report;
mod worker;

use super::{
    args::{BenchArgs, Global},
    connection::Connection,
    exchange::{Failure, Wanted},
    exit::Exit,
    output::{Output, note},
    shell::connection_options,
};
use crate::{
    api::wire::ServerReply,
    config::ClusterConfig,
    domain::{
        command::Query,
        outcome::{Answer, SeatMap},
    },
};
use check::Check;
use indicatif::{ProgressBar, ProgressStyle};
use report::Report;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use worker::Worker;

/// What is measured, and against what.
pub struct Options {
    /// The command's own options.
    pub args: BenchArgs,
    /// Those of all commands.
    pub global: Global,
    /// The cluster.
    pub config: Arc<ClusterConfig>,
}

/// Measures, checks, cleans up, prints.
pub async fn run(options: Options, output: &mut Output) -> Exit {
    let mut control = Connection::new(connection_options(&options.config, &options.global, 0));
    let before = match seat_map(&mut control).await {
        Ok(map) => map,
        Err(failure) => {
            note(format_args!("nothing was measured: {failure}"));
            control.troubles().iter().for_each(super::output::detail);
            output.json(&serde_json::json!({ "command": "bench", "result": "not_executed" }));
            return Exit::Unknown;
        }
    };
    let started = Instant::now();
    let workers = load(workers(&options), options.args.seconds).await;
    let took = started.elapsed().min(options.args.seconds);
    let workers = each(workers, "checking what was sold", Worker::verify).await;
    let check = match seat_map(&mut control).await {
        Ok(after) => Check::new(&before, &after, &workers),
        Err(failure) => Check::impossible(&failure),
    };
    let workers =
        if options.args.keep { workers } else { each(workers, "cleaning up", Worker::clean_up).await };
    let report = Report::new(&options.args, took, &workers, check);
    output.json(&report.json());
    output.text(&report);
    report.exit()
}

fn workers(options: &Options) -> Vec<Worker> {
    let run = fastrand::Rng::with_seed(super::shell::random()).u32(..);
    let make = |n: u16| {
        let mut connection = connection_options(&options.config, &options.global, u64::from(n) + 1);
        let servers = &options.config.servers;
        let spread = servers[usize::from(n) % servers.len()].id;
        connection.server = options.global.server.or(Some(spread));
        if !options.global.verbose {
            connection.listener = Box::new(|_| {});
        }
        let chance = fastrand::Rng::with_seed(options.global.seed.unwrap_or_default() + u64::from(n));
        Worker::new(Connection::new(connection), &options.args, format!("bench-{run:08x}-{n}"), chance)
    };
    (0..options.args.clients).map(make).collect()
}

/// All workers at once, for so long.
async fn load(workers: Vec<Worker>, time: Duration) -> Vec<Worker> {
    let answered = Arc::new(AtomicU64::new(0));
    let bar = ProgressBar::new(time.as_millis() as u64);
    let style = ProgressStyle::with_template("{bar:40} {elapsed} {msg}").expect("the template is sound");
    bar.set_style(style);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(worker.load(started + time, answered.clone()));
    }
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let mut ended = Vec::new();
    loop {
        tokio::select! {
            result = tasks.join_next() => match result {
                Some(worker) => ended.push(worker.expect("a worker does not panic")),
                None => break,
            },
            _ = tick.tick() => {
                let (passed, count) = (started.elapsed().min(time), answered.load(Ordering::Relaxed));
                bar.set_position(passed.as_millis() as u64);
                bar.set_message(format!("{:.0} requests/s", count as f64 / passed.as_secs_f64().max(0.001)));
            }
        }
    }
    bar.finish_and_clear();
    ended
}

/// Something that all workers do at the end.
async fn each<F>(workers: Vec<Worker>, what: &'static str, act: fn(Worker) -> F) -> Vec<Worker>
where
    F: Future<Output = Worker> + Send + 'static,
{
    let bar = ProgressBar::new(workers.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {msg}").expect("the template is sound"));
    bar.set_message(what);
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(act(worker));
    }
    let mut ended = Vec::new();
    while let Some(worker) = tasks.join_next().await {
        ended.push(worker.expect("a worker does not panic"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    ended
}

async fn seat_map(connection: &mut Connection) -> Result<SeatMap, Failure> {
    match connection.call(Wanted::Query(Query::Seats), std::future::pending()).await.result? {
        ServerReply::Answer(Answer::Seats(map)) => Ok(map),
        ServerReply::Answer(_)
        | ServerReply::Outcome(_)
        | ServerReply::Status(_)
        | ServerReply::Trace(_)
        | ServerReply::Done
        | ServerReply::Error(_) => unreachable!("an exchange ends a query for seats with seats"),
    }
}
