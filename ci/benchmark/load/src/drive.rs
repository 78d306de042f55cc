//! The closed loop: all clients of all connections on one thread, from before the warm-up to the last answer.
#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

use crate::args::LoadArgs;
use crate::backend::{Action, Backend, Op, Reply};
use crate::disk;
use crate::error::LoadError;
use crate::machine::Snapshot;
use crate::measure::Tally;
use crate::mix::{Client, Pending};
use crate::report::{Measured, Report};
use crate::sold::Sold;
use fastrand::Rng;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

/// A run ends early when so much of all seats is sold: refusals are quicker than sales.
const SOLD_MAX: f64 = 0.95;
/// What is outstanding at the end must be answered within this.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// What is sold.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Seats of each event; none where there is no end to them.
    pub seats_per_event: Option<u32>,
    /// How many events.
    pub events: u32,
}

/// When an answer comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is not measured yet.
    Before,
    /// It counts.
    Measured,
    /// It no longer does, and nothing new is asked.
    Over,
}

/// What all workers see. One thread: nobody waits for anybody.
struct Shared {
    phase: Cell<Phase>,
    tally: RefCell<Tally>,
    sold: RefCell<Sold>,
    /// So many seats are nearly all.
    held_max: u64,
    nearly_sold_out: Notify,
}

/// A connection with its clients.
struct Worker<B> {
    backend: B,
    clients: Vec<Client>,
    began: Vec<Instant>,
    replies: Vec<(usize, Reply)>,
    shared: Rc<Shared>,
}

/// Runs the load over these connections and gives the line about it.
///
/// # Errors
/// A connection broke, or answers stayed out.
pub async fn run<B: Backend>(load: &LoadArgs, site: Site, connections: Vec<B>) -> Result<String, LoadError> {
    let flush_p50_us = disk::flush_p50_us(&load.dir)?;
    let seats_per_event = site.seats_per_event.map_or(0, u64::from);
    let held_max = match site.seats_per_event {
        Some(_) => (seats_per_event as f64 * f64::from(site.events) * SOLD_MAX) as u64,
        None => u64::MAX,
    };
    let shared = Rc::new(Shared {
        phase: Cell::new(Phase::Before),
        tally: RefCell::new(Tally::new()),
        sold: RefCell::new(Sold::new(seats_per_event)),
        held_max,
        nearly_sold_out: Notify::new(),
    });
    let mut workers = workers(load, site, connections, &shared);
    if load.reserved_before > 0 {
        workers = all(workers, |worker| worker.reserve(load.reserved_before)).join().await?;
    }
    let mut running = all(workers, Worker::run);
    let warm = Instant::now() + load.warm_up_seconds;
    running.until(sleep_until(warm.into())).await?;
    let before = Snapshot::take(&load.server_pids, None)?;
    shared.phase.set(Phase::Measured);
    let end = Instant::now() + load.seconds;
    let over = async {
        tokio::select! {
            () = sleep_until(end.into()) => {}
            () = shared.nearly_sold_out.notified() => {}
        }
    };
    running.until(over).await?;
    shared.phase.set(Phase::Over);
    let after = Snapshot::take(&load.server_pids, None)?;
    let ended = timeout(LAST_ANSWERS, running.join()).await;
    let workers = ended.map_err(|_| LoadError::Unanswered(LAST_ANSWERS.as_secs()))??;
    let measured = Measured {
        load,
        tally: &shared.tally.borrow(),
        sold: Some(&shared.sold.borrow()),
        seconds: after.seconds_since(&before),
        cpu: after.since(&before),
        retries: workers.iter().map(|worker| worker.backend.retries()).sum(),
        flush_p50_us,
    };
    Ok(Report::new(&measured).line())
}

/// Clients go round the connections.
fn workers<B: Backend>(
    load: &LoadArgs,
    site: Site,
    connections: Vec<B>,
    shared: &Rc<Shared>,
) -> Vec<Worker<B>> {
    let count = connections.len();
    let make = |(at, backend)| {
        let numbers = (at..usize::from(load.clients)).step_by(count);
        let client = |number: usize| {
            let chance = Rng::with_seed(load.seed.wrapping_add(number as u64));
            let prefix = format!("r{:08x}-{number}", load.seed as u32);
            Client::new(prefix, load.mix, site.events, chance)
        };
        let clients: Vec<Client> = numbers.map(client).collect();
        let began = vec![Instant::now(); clients.len()];
        Worker { backend, clients, began, replies: Vec::new(), shared: shared.clone() }
    };
    connections.into_iter().enumerate().map(make).collect()
}

/// Workers at work. They end when this is dropped.
struct Running<B>(JoinSet<Result<Worker<B>, LoadError>>);

fn all<B: Backend, F>(workers: Vec<Worker<B>>, act: impl Fn(Worker<B>) -> F) -> Running<B>
where
    F: Future<Output = Result<Worker<B>, LoadError>> + 'static,
{
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn_local(act(worker));
    }
    Running(tasks)
}

impl<B: Backend> Running<B> {
    /// Waits for something. A worker that ends before that has failed.
    async fn until(&mut self, what: impl Future<Output = ()>) -> Result<(), LoadError> {
        tokio::select! {
            () = what => Ok(()),
            Some(ended) = self.0.join_next() => {
                ended.expect("a worker does not panic")?;
                Err(LoadError::Preparation("a connection has no clients".to_owned()))
            }
        }
    }

    /// Waits for all.
    async fn join(mut self) -> Result<Vec<Worker<B>>, LoadError> {
        let mut workers = Vec::new();
        while let Some(ended) = self.0.join_next().await {
            workers.push(ended.expect("a worker does not panic")?);
        }
        Ok(workers)
    }
}

impl<B: Backend> Worker<B> {
    /// Every client makes so many reservations.
    async fn reserve(mut self, each: u32) -> Result<Self, LoadError> {
        let mut left = vec![each; self.clients.len()];
        let mut ready: Vec<usize> = (0..self.clients.len()).collect();
        loop {
            for slot in ready.drain(..) {
                self.backend.request(slot, self.clients[slot].reserve())?;
                left[slot] -= 1;
            }
            if self.clients.iter().all(|client| client.pending.is_none()) {
                return Ok(self);
            }
            let settled = self.exchange().await?;
            ready.extend(settled.into_iter().filter(|&slot| left[slot] > 0));
        }
    }

    /// Every client does one thing of the mix after the other, until it is over.
    async fn run(mut self) -> Result<Self, LoadError> {
        let mut ready: Vec<usize> = (0..self.clients.len()).collect();
        let mut outstanding = 0;
        loop {
            if self.shared.phase.get() != Phase::Over {
                let now = Instant::now();
                for slot in ready.drain(..) {
                    let op = self.clients[slot].next();
                    self.shared.is_sent(&op);
                    self.backend.request(slot, op)?;
                    self.began[slot] = now;
                    outstanding += 1;
                }
            }
            if outstanding == 0 {
                return Ok(self);
            }
            let settled = self.exchange().await?;
            outstanding -= settled.len();
            ready.extend(settled);
        }
    }

    /// Sends, waits, and gives the clients that may go on.
    async fn exchange(&mut self) -> Result<Vec<usize>, LoadError> {
        let mut replies = std::mem::take(&mut self.replies);
        self.backend.exchange(&mut replies).await?;
        let now = Instant::now();
        let mut settled = Vec::with_capacity(replies.len());
        for (slot, reply) in replies.drain(..) {
            let took = now.duration_since(self.began[slot]);
            self.shared.settle(&mut self.clients[slot], reply, took);
            settled.push(slot);
        }
        self.replies = replies;
        Ok(settled)
    }
}

impl Shared {
    fn is_sent(&self, op: &Op<'_>) {
        if op.action == Action::Delete {
            self.sold.borrow_mut().give_back(op.event, op.seats);
        }
    }

    fn settle(&self, client: &mut Client, reply: Reply, took: Duration) {
        let pending = client.pending.take().expect("a reply belongs to an operation");
        let verdict = judge(client, pending, &reply, &mut self.sold.borrow_mut());
        if self.sold.borrow().held() >= self.held_max {
            self.nearly_sold_out.notify_one();
        }
        let mut tally = self.tally.borrow_mut();
        match verdict {
            Verdict::Right if self.phase.get() == Phase::Measured => tally.record(pending.action, took),
            Verdict::Right => {}
            Verdict::SoldOut => tally.sold_out += 1,
            Verdict::Refused(words) => {
                tally.refused += 1;
                tally.last_words = Some(words);
            }
            Verdict::Wrong(words) => {
                tally.wrong += 1;
                tally.last_words = Some(words);
            }
        }
    }
}

/// What an answer was.
#[derive(Debug)]
pub enum Verdict {
    /// What it must be.
    Right,
    /// There are not enough seats.
    SoldOut,
    /// A no, in the server's words.
    Refused(String),
    /// One that must not be.
    Wrong(String),
}

/// Holds an answer against what the client knows, and notes the seats that it gives.
pub fn judge(client: &mut Client, pending: Pending, reply: &Reply, sold: &mut Sold) -> Verdict {
    match (pending.action, reply) {
        (Action::Reserve, &Reply::Reserved(seats)) => {
            sold.take(pending.event, seats);
            client.holds(pending, seats);
            Verdict::Right
        }
        (Action::Search, Reply::Found(seats)) if *seats == pending.seats => Verdict::Right,
        (Action::Delete, Reply::Deleted) => Verdict::Right,
        (_, Reply::SoldOut) => Verdict::SoldOut,
        (_, Reply::Refused(words)) => Verdict::Refused(words.clone()),
        (_, Reply::Reserved(_) | Reply::Found(_) | Reply::Deleted) => {
            Verdict::Wrong(format!("{reply:?} to {pending:?}"))
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Seats;

    /// Sells seats one after the other, and every tenth reservation gets seats of the one before.
    struct Careless {
        waiting: Vec<(usize, Action, Seats)>,
        /// How many reservations it has made.
        sold: Rc<Cell<u32>>,
    }

    impl Backend for Careless {
        fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
            self.waiting.push((slot, op.action, op.seats));
            Ok(())
        }

        async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
            tokio::task::yield_now().await;
            for (slot, action, seats) in self.waiting.drain(..) {
                let reply = match action {
                    Action::Reserve => {
                        let number = self.sold.get() + 1;
                        self.sold.set(number);
                        let first = 2 * (number - u32::from(number.is_multiple_of(10)));
                        Reply::Reserved([first, first + 1])
                    }
                    Action::Search => Reply::Found(seats),
                    Action::Delete => Reply::Deleted,
                };
                replies.push((slot, reply));
            }
            Ok(())
        }
    }

    /// The line of a run, and how many reservations were made in all.
    fn load(line: &str, site: Site) -> (serde_json::Value, u64) {
        use clap::Parser as _;
        let line = format!("bench-load load --dir {} {line}", std::env::temp_dir().display());
        let words = line.split(' ').chain(["ceiling", "--leader", "a:1", "--seats", "1"]);
        let crate::args::Command::Load { load, .. } = crate::args::Cli::parse_from(words).command else {
            panic!("a load")
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sold = Rc::new(Cell::new(0));
        let backend = |_| Careless { waiting: Vec::new(), sold: sold.clone() };
        let connections = (0..load.connections()).map(backend).collect();
        let line = tokio::task::LocalSet::new().block_on(&runtime, run(&load, site, connections)).unwrap();
        (serde_json::from_str(&line).unwrap(), u64::from(sold.get()))
    }

    const ENDLESS: Site = Site { seats_per_event: None, events: 1 };

    #[test]
    fn a_seat_sold_twice_shows_in_the_line() {
        let (line, sold) =
            load("--seconds 0.05 --warm-up-seconds 0 --mix 100,0,0 --clients 3 --connections 1", ENDLESS);
        assert!(sold > 100, "{line}");
        assert_eq!(line["sold_twice"], sold / 10 * 2, "two seats of every tenth reservation: {line}");
        assert_eq!((line["refused"].as_u64(), line["wrong_answers"].as_u64()), (Some(0), Some(0)));
    }

    #[test]
    fn a_run_ends_before_the_seats_do() {
        let site = Site { seats_per_event: Some(1000), events: 1 };
        let (line, sold) = load("--seconds 600 --warm-up-seconds 0 --mix 100,0,0", site);
        assert_eq!(line["sold_out"], 0);
        assert!((475..490).contains(&sold), "95 of a hundred, and what was under way: {sold}");
    }

    #[test]
    fn readers_have_something_to_read() {
        let line = "--seconds 0.02 --warm-up-seconds 0 --mix 0,100,0 --clients 4 --reserved-before 5";
        let (line, sold) = load(line, ENDLESS);
        assert_eq!((line["reserve_us"]["count"].as_u64(), sold), (Some(0), 20), "they are not measured");
        assert!(line["search_us"]["count"].as_u64().unwrap() > 0);
    }
}
