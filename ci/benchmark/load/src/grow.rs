//! A closed loop that holds a number of reservations, for `ci/bench growth`: it makes as many as it is told, then measures
//! while as many are given back as are made. What it is told are lines on standard input:
//!
//! ```text
//! fill COUNT    makes reservations, as quickly as it can, until COUNT are held
//! run SECONDS   measures for so long; a line for every slice of it as well
//! run           the same until the next line comes
//! ```
//! Each gives a line of JSON when it is done. All operations of a run are in one tally, and in that of the slice in which they
//! were answered: slices say when something was slow, which the whole does not.
#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

use crate::args::LoadArgs;
use crate::backend::{Action, Backend, Reply};
use crate::disk;
use crate::drive::Site;
use crate::error::LoadError;
use crate::machine::{self, Snapshot};
use crate::measure::Tally;
use crate::pool::{Pending, Pool};
use crate::report::{Measured, Report};
use crate::sold::Sold;
use fastrand::Rng;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::io::BufRead as _;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, sleep_until};

/// Length of a slice.
const SLICE: Duration = Duration::from_millis(100);
/// Lines of standard input that wait; their reader waits when there are more.
const LINES_MAX: usize = 16;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Fill(u64),
    /// No end is until the next line.
    Run(Option<Duration>),
}

impl Order {
    fn parse(line: &str) -> Option<Order> {
        let mut words = line.split_whitespace();
        let order = match (words.next()?, words.next()) {
            ("fill", Some(count)) => Order::Fill(count.parse().ok()?),
            ("run", Some(seconds)) => {
                Order::Run(Some(Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?))
            }
            ("run", None) => Order::Run(None),
            _ => return None,
        };
        words.next().is_none().then_some(order)
    }
}

/// A line about something that was done.
#[derive(Debug, Serialize)]
#[serde(tag = "done", rename_all = "lowercase")]
enum Line<'a> {
    Fill {
        held: u64,
        seconds: f64,
        resident_bytes: Vec<Option<[u64; 2]>>,
        #[serde(flatten)]
        refusals: Refusals,
    },
    Slice {
        /// When it ended, by the clock on the wall.
        at_ms: u64,
        seconds: f64,
        operations: u64,
        histogram_us: Vec<(u64, u64)>,
    },
    Run {
        held: u64,
        resident_bytes: Vec<Option<[u64; 2]>>,
        #[serde(flatten)]
        report: &'a Report,
    },
}

#[derive(Debug, Serialize)]
struct Refusals {
    refused: u64,
    sold_out: u64,
    wrong_answers: u64,
    sold_twice: u64,
    last_words: Option<String>,
}

/// What workers are at.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// Reservations until so many are held.
    Fill(u64),
    /// The mix, while so many are held.
    Keep(u64),
    /// Nothing new.
    Stop,
}

/// What all workers see.
struct Shared {
    pool: RefCell<Pool>,
    sold: RefCell<Sold>,
    slice: RefCell<Tally>,
    goal: Cell<Goal>,
}

struct Worker<B> {
    backend: B,
    /// By slot.
    pending: Vec<Option<Pending>>,
    began: Vec<Instant>,
    replies: Vec<(usize, Reply)>,
    shared: Rc<Shared>,
}

/// All connections, and what they hold.
pub struct Growth<B> {
    load: LoadArgs,
    fill_depth: usize,
    workers: Vec<Worker<B>>,
    shared: Rc<Shared>,
}

impl<B: Backend> Growth<B> {
    /// Nothing is held yet.
    pub fn new(load: &LoadArgs, site: Site, connections: Vec<B>, fill_depth: usize) -> Growth<B> {
        let pool = Pool::new(format!("g{:08x}", load.seed as u32), site.events, Rng::with_seed(load.seed));
        let shared = Rc::new(Shared {
            pool: RefCell::new(pool),
            sold: RefCell::new(Sold::new(site.seats_per_event.map_or(0, u64::from))),
            slice: RefCell::new(Tally::new()),
            goal: Cell::new(Goal::Stop),
        });
        let worker = |backend| Worker {
            backend,
            pending: Vec::new(),
            began: Vec::new(),
            replies: Vec::new(),
            shared: shared.clone(),
        };
        let workers = connections.into_iter().map(worker).collect();
        Growth { load: load.clone(), fill_depth, workers, shared }
    }

    fn resident_bytes(&self) -> Vec<Option<[u64; 2]>> {
        self.load.server_pids.iter().map(|pid| machine::resident_bytes(*pid)).collect()
    }

    /// Sets every connection to work, with so many operations outstanding each.
    fn start(&mut self, depth: usize, goal: Goal) -> JoinSet<Result<Worker<B>, LoadError>> {
        self.shared.goal.set(goal);
        let mut tasks = JoinSet::new();
        for worker in self.workers.drain(..) {
            tasks.spawn_local(worker.work(depth));
        }
        tasks
    }

    async fn finish(&mut self, mut tasks: JoinSet<Result<Worker<B>, LoadError>>) -> Result<(), LoadError> {
        while let Some(ended) = tasks.join_next().await {
            self.workers.push(ended.expect("a worker does not panic")?);
        }
        Ok(())
    }

    async fn fill(&mut self, count: u64) -> Result<Line<'static>, LoadError> {
        let began = Instant::now();
        *self.shared.slice.borrow_mut() = Tally::new();
        let tasks = self.start(self.fill_depth, Goal::Fill(count));
        self.finish(tasks).await?;
        let tally = self.shared.slice.replace(Tally::new());
        let refusals = Refusals {
            refused: tally.refused,
            sold_out: tally.sold_out,
            wrong_answers: tally.wrong,
            sold_twice: self.shared.sold.borrow().twice(),
            last_words: tally.last_words,
        };
        let (held, seconds) = (self.shared.pool.borrow().len(), began.elapsed().as_secs_f64());
        Ok(Line::Fill { held, seconds, resident_bytes: self.resident_bytes(), refusals })
    }

    async fn run(
        &mut self,
        length: Option<Duration>,
        lines: &mut mpsc::Receiver<String>,
        tell: &mut impl FnMut(String) -> Result<(), LoadError>,
    ) -> Result<Option<String>, LoadError> {
        let flush_p50_us = disk::flush_p50_us(&self.load.dir)?;
        let held = self.shared.pool.borrow().len();
        let mut tasks = self.start(1, Goal::Keep(held));
        let warm = Instant::now() + self.load.warm_up_seconds;
        watch(&mut tasks, sleep_until(warm.into())).await?;
        *self.shared.slice.borrow_mut() = Tally::new();
        let before = Snapshot::take(&self.load.server_pids, None)?;
        let mut all = Tally::new();
        let end = length.map(|length| Instant::now() + length);
        let mut slices = interval_at((Instant::now() + SLICE).into(), SLICE);
        slices.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        let mut next_line = None;
        loop {
            let is_ended = tokio::select! {
                _ = slices.tick() => end.is_some_and(|end| Instant::now() >= end),
                line = lines.recv(), if length.is_none() => {
                    next_line = line;
                    true
                }
                failed = watch(&mut tasks, std::future::pending()) => return failed.map(|()| None),
            };
            let tally = self.shared.slice.replace(Tally::new());
            let now = Instant::now();
            tell(line_of(&Line::Slice {
                at_ms: wall_ms(),
                seconds: now.duration_since(last).as_secs_f64(),
                operations: tally.latency_of_all().count,
                histogram_us: tally.histogram(),
            }))?;
            last = now;
            all.add(&tally);
            if is_ended {
                break;
            }
        }
        let after = Snapshot::take(&self.load.server_pids, None)?;
        self.shared.goal.set(Goal::Stop);
        self.finish(tasks).await?;
        let report = Report::new(&Measured {
            load: &self.load,
            tally: &all,
            sold: Some(&self.shared.sold.borrow()),
            seconds: after.seconds_since(&before),
            cpu: after.since(&before),
            retries: 0,
            flush_p50_us,
        });
        tell(line_of(&Line::Run { held, resident_bytes: self.resident_bytes(), report: &report }))?;
        Ok(next_line)
    }
}

/// Waits for something while workers work. One that ends has failed.
async fn watch<B: Backend>(
    tasks: &mut JoinSet<Result<Worker<B>, LoadError>>,
    what: impl Future<Output = ()>,
) -> Result<(), LoadError> {
    tokio::select! {
        () = what => Ok(()),
        Some(ended) = tasks.join_next() => {
            ended.expect("a worker does not panic")?;
            Err(LoadError::Preparation("a connection stopped before it was over".to_owned()))
        }
    }
}

fn wall_ms() -> u64 {
    // Before 1970 nothing is measured.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn line_of(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("numbers and texts can be written")
}

/// Does what the lines say, one after the other, until they end.
///
/// # Errors
/// A connection broke, or a line says nothing that is known.
pub async fn obey<B: Backend>(
    growth: &mut Growth<B>,
    mut lines: mpsc::Receiver<String>,
    mut tell: impl FnMut(String) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let mut next = lines.recv().await;
    while let Some(line) = next.take() {
        match Order::parse(&line) {
            Some(Order::Fill(count)) => {
                let done = growth.fill(count).await?;
                tell(line_of(&done))?;
            }
            Some(Order::Run(length)) => next = growth.run(length, &mut lines, &mut tell).await?,
            // Whoever ends a run says so with an empty line.
            None if line.trim().is_empty() => {}
            None => return Err(LoadError::Usage(format!("{line:?} is nothing that can be done"))),
        }
        if next.is_none() {
            next = lines.recv().await;
        }
    }
    Ok(())
}

/// Lines of standard input. The thread ends with it, or with the process.
pub fn standard_input() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    // Without the thread there are no lines, which ends everything at once.
    let _ = std::thread::Builder::new().name("input".to_owned()).spawn(read);
    lines
}

impl<B: Backend> Worker<B> {
    /// One operation after the other in so many slots, until it is said to be enough.
    async fn work(mut self, depth: usize) -> Result<Self, LoadError> {
        self.pending.resize(depth.max(self.pending.len()), None);
        self.began.resize(self.pending.len(), Instant::now());
        let mut ready: Vec<usize> = (0..depth).collect();
        let mut outstanding = 0;
        loop {
            let now = Instant::now();
            for slot in ready.drain(..) {
                let Some(pending) = self.shared.next() else { continue };
                let mut pool = self.shared.pool.borrow_mut();
                self.backend.request(slot, pool.op(&pending))?;
                self.pending[slot] = Some(pending);
                self.began[slot] = now;
                outstanding += 1;
            }
            if outstanding == 0 {
                return Ok(self);
            }
            let mut replies = std::mem::take(&mut self.replies);
            self.backend.exchange(&mut replies).await?;
            let now = Instant::now();
            for (slot, reply) in replies.drain(..) {
                let pending = self.pending[slot].take().expect("a reply belongs to an operation");
                self.shared.settle(pending, &reply, now.duration_since(self.began[slot]));
                outstanding -= 1;
                ready.push(slot);
            }
            self.replies = replies;
        }
    }
}

impl Shared {
    /// What is asked next, if anything.
    fn next(&self) -> Option<Pending> {
        let mut pool = self.pool.borrow_mut();
        let pending = match self.goal.get() {
            // Refused once, refused for ever: what is held then says so.
            Goal::Fill(count) => {
                let is_wanted = pool.len_soon() < count && self.slice.borrow().failures() == 0;
                is_wanted.then(|| pool.reserve())?
            }
            Goal::Keep(count) => pool.next(count),
            Goal::Stop => return None,
        };
        if pending.action == Action::Delete {
            self.sold.borrow_mut().give_back(pending.event(), pending.seats());
        }
        Some(pending)
    }

    fn settle(&self, pending: Pending, reply: &Reply, took: Duration) {
        let mut tally = self.slice.borrow_mut();
        let mut reserved = None;
        match (pending.action, reply) {
            (Action::Reserve, &Reply::Reserved(seats)) => {
                self.sold.borrow_mut().take(pending.event(), seats);
                reserved = Some(seats);
                tally.record(pending.action, took);
            }
            (Action::Search, Reply::Found(seats)) if *seats == pending.seats() => {
                tally.record(pending.action, took);
            }
            (Action::Delete, Reply::Deleted) => tally.record(pending.action, took),
            (_, Reply::SoldOut) => tally.sold_out += 1,
            (_, Reply::Refused(words)) => {
                tally.refused += 1;
                tally.last_words = Some(words.clone());
            }
            (_, Reply::Reserved(_) | Reply::Found(_) | Reply::Deleted) => {
                tally.wrong += 1;
                tally.last_words = Some(format!("{reply:?} to {pending:?}"));
            }
        }
        self.pool.borrow_mut().settle(pending, reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Op, Seats};

    /// Sells seats one after the other until there are no more.
    struct Counter {
        waiting: Vec<(usize, Action, Seats)>,
        sold: Rc<Cell<u32>>,
        seats: u32,
    }

    impl Backend for Counter {
        fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
            self.waiting.push((slot, op.action, op.seats));
            Ok(())
        }

        async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
            tokio::task::yield_now().await;
            for (slot, action, seats) in self.waiting.drain(..) {
                let reply = match action {
                    Action::Reserve if self.sold.get() >= self.seats => Reply::SoldOut,
                    Action::Reserve => {
                        self.sold.set(self.sold.get() + 2);
                        Reply::Reserved([self.sold.get() - 1, self.sold.get()])
                    }
                    Action::Search => Reply::Found(seats),
                    Action::Delete => Reply::Deleted,
                };
                replies.push((slot, reply));
            }
            Ok(())
        }
    }

    /// What comes of these lines in a theatre of so many seats.
    fn obeyed(seats: u32, lines: &[&str]) -> Result<Vec<serde_json::Value>, LoadError> {
        use clap::Parser as _;
        let line = format!(
            "bench-load load --dir {} --clients 4 --warm-up-seconds 0",
            std::env::temp_dir().display()
        );
        let words = line.split(' ').chain(["ceiling", "--leader", "a:1", "--seats", "1"]);
        let crate::args::Command::Load { load, .. } = crate::args::Cli::parse_from(words).command else {
            panic!("a load")
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sold = Rc::new(Cell::new(0));
        let backend = |_| Counter { waiting: Vec::new(), sold: sold.clone(), seats };
        let connections = (0..4).map(backend).collect();
        let mut growth = Growth::new(&load, Site { seats_per_event: None, events: 1 }, connections, 8);
        let (sender, receiver) = mpsc::channel(LINES_MAX);
        lines.iter().for_each(|line| sender.try_send((*line).to_owned()).unwrap());
        drop(sender);
        let mut told = Vec::new();
        let tell = |line: String| {
            told.push(serde_json::from_str(&line).unwrap());
            Ok(())
        };
        let done = tokio::task::LocalSet::new().block_on(&runtime, obey(&mut growth, receiver, tell));
        done.map(|()| told)
    }

    #[test]
    fn what_is_filled_is_held_while_it_runs() {
        let told = obeyed(1_000_000, &["fill 100", "fill 1000", "run 0.25"]).unwrap();
        assert_eq!((told[0]["done"].as_str(), told[0]["held"].as_u64()), (Some("fill"), Some(100)));
        assert_eq!(told[1]["held"], 1000);
        let run = told.last().unwrap();
        assert_eq!((run["done"].as_str(), run["held"].as_u64()), (Some("run"), Some(1000)));
        let slices = || told.iter().filter(|line| line["done"] == "slice");
        assert!(slices().count() >= 2, "{told:?}");
        let in_slices: u64 = slices().map(|slice| slice["operations"].as_u64().unwrap()).sum();
        assert_eq!(run["operations"], in_slices, "every operation is in one slice");
    }

    #[test]
    fn a_run_without_length_ends_with_the_next_line() {
        let told = obeyed(1_000_000, &["fill 10", "run", "fill 20"]).unwrap();
        let done: Vec<_> = told.iter().map(|line| line["done"].as_str().unwrap()).collect();
        assert_eq!(done, ["fill", "slice", "run", "fill"]);
        assert_eq!(told[3]["held"], 20);
    }

    #[test]
    fn filling_stops_where_there_is_no_more() {
        let told = obeyed(100, &["fill 1000"]).unwrap();
        assert_eq!(told[0]["held"], 50);
        assert!(told[0]["sold_out"].as_u64().unwrap() > 0);
    }

    #[test]
    fn orders_that_are_none_are_named() {
        assert!(obeyed(10, &["", " "]).unwrap().is_empty());
        for wrong in ["run fast", "fill", "fill 1 2", "run -1", "stop"] {
            let error = obeyed(10, &[wrong]).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
