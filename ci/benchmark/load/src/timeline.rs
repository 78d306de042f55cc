//! When answers came: clients who go on with another server when theirs stops, and every wait that was long.
//!
//! Each of them is the product's own client ([`Connection`]): it chooses its server, leaves it, and asks again with the same
//! session and number. This module only writes down when each answer came. Whoever started it stops and starts servers
//! meanwhile, and closes its standard input when enough was seen. Times are microseconds of the monotonic clock, which all
//! processes of a machine share.
#![expect(
    clippy::disallowed_methods,
    reason = "a load has an end by the clock, and a thread that may wait for it in vain"
)]

use crate::args::TimelineArgs;
use crate::backend::{Action, SEATS};
use crate::backends::reply_of;
use crate::drive::{Verdict, judge};
use crate::error::LoadError;
use crate::mix::{Client, Pending};
use crate::sold::Sold;
use boxoffice::client::connection::{Connection, ConnectionOptions, News};
use boxoffice::client::exchange::{Completion, Failure, Wanted};
use boxoffice::config::ClusterConfig;
use boxoffice::domain::command::{Operation, Query};
use boxoffice::domain::ids::Name;
use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{self, Read as _};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A client that got no answer for so long is told of by itself.
const WAIT_TOLD_US: u64 = 20_000;
/// Likewise all clients together.
const SILENCE_TOLD_US: u64 = 5_000;
/// Most waits, silences and troubles that are told; a run with more of them has failed in any case.
const TOLD_MAX: usize = 20_000;
/// All tries of one operation together: what `client` takes where nothing is said.
const DEADLINE: Duration = Duration::from_secs(30);
/// What is outstanding at the end has its deadline, and a moment to be told.
const LAST_ANSWERS: Duration = Duration::from_secs(35);

/// Somebody waited from then until then.
#[derive(Debug, Serialize)]
struct Wait {
    client: usize,
    from_us: u64,
    until_us: u64,
    /// Who answered at last.
    server: u8,
    /// How often the operation was sent.
    tries: u32,
}

/// A client left a server.
#[derive(Debug, Serialize)]
struct Trouble {
    at_us: u64,
    client: usize,
    server: u8,
    reason: String,
}

/// The line of a run.
#[derive(Debug, Default, Serialize)]
struct Timeline {
    /// All other times but `began_us` are since then.
    began_us: u64,
    bucket_us: u64,
    /// When the last of the clients had its first answer; none if one never had.
    all_served_us: Option<u64>,
    /// So many answers in each stretch of `bucket_us`.
    answers: Vec<u32>,
    waits: Vec<Wait>,
    /// Nobody got an answer from then until then.
    silences: Vec<(u64, u64)>,
    troubles: Vec<Trouble>,
    /// Commands of which the client was told that they were not executed.
    failed: u64,
    /// Commands of which the client was told that nobody knows.
    unknown: u64,
    /// Answers that say no, or that must not be.
    refused: u64,
    wrong_answers: u64,
    sold_out: u64,
    sold_twice: u64,
    /// More was to be told than is kept.
    is_cut: bool,
    last_words: Option<String>,
}

/// What all clients see. One thread: nobody waits for anybody.
struct Shared {
    is_over: Cell<bool>,
    line: RefCell<Timeline>,
    sold: RefCell<Sold>,
    last_answer_us: Cell<u64>,
    unserved: Cell<usize>,
    troubles: Arc<Mutex<Vec<Trouble>>>,
}

/// Runs until standard input ends, and gives the line.
///
/// # Errors
/// The cluster is not described well, or something stays out at the end.
pub async fn run(args: TimelineArgs) -> Result<String, LoadError> {
    let config = ClusterConfig::load(&args.config).map_err(|error| LoadError::Usage(error.to_string()))?;
    let config = Arc::new(config);
    let bucket_us = args.bucket_ms * 1000;
    let line = Timeline { began_us: clock_us(), bucket_us, ..Timeline::default() };
    let shared = Rc::new(Shared {
        is_over: Cell::new(false),
        line: RefCell::new(line),
        sold: RefCell::new(Sold::new(u64::from(config.seats))),
        last_answer_us: Cell::new(0),
        unserved: Cell::new(usize::from(args.clients)),
        troubles: Arc::default(),
    });
    let mut clients = JoinSet::new();
    for number in 0..usize::from(args.clients) {
        let connection = connection(&config, &args, number, &shared);
        let chance = Rng::with_seed(args.seed.wrapping_add(number as u64));
        let client = Client::new(format!("t{:08x}-{number}", args.seed as u32), args.mix, 1, chance);
        clients.spawn_local(shared.clone().ask(number, client, connection));
    }
    tokio::select! {
        _ = input_ends() => {}
        () = sleep(args.seconds_max) => {}
    }
    shared.is_over.set(true);
    let all = async { while clients.join_next().await.is_some() {} };
    timeout(LAST_ANSWERS, all).await.map_err(|_| LoadError::Unanswered(LAST_ANSWERS.as_secs()))?;
    let mut line = shared.line.take();
    line.sold_twice = shared.sold.borrow().twice();
    line.troubles = std::mem::take(&mut *shared.troubles.lock().expect("nobody panics with it"));
    line.is_cut |= line.troubles.len() >= TOLD_MAX;
    Ok(serde_json::to_string(&line).expect("numbers and texts can be written"))
}

/// A client's connection as `client` makes it: to a random server, the others after it in a random order.
fn connection(
    config: &Arc<ClusterConfig>,
    args: &TimelineArgs,
    number: usize,
    shared: &Rc<Shared>,
) -> Connection {
    let (servers, troubles) = (config.clone(), shared.troubles.clone());
    let began_us = shared.line.borrow().began_us;
    let note = move |news: News<'_>| {
        let News::Trouble(trouble) = news else { return };
        let mut troubles = troubles.lock().expect("nobody panics with it");
        if troubles.len() < TOLD_MAX {
            let server = servers.servers[trouble.server].id;
            let at_us = clock_us() - began_us;
            troubles.push(Trouble { at_us, client: number, server, reason: trouble.reason.clone() });
        }
    };
    Connection::new(ConnectionOptions {
        config: config.clone(),
        token: None,
        server: None,
        only_that_server: false,
        deadline: DEADLINE,
        order: Rng::with_seed(args.seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
        // Never from a seed: two clients with one session would be taken for one.
        secret: Rng::with_seed(RandomState::new().hash_one(number)),
        listener: Box::new(note),
    })
}

impl Shared {
    /// One thing of the mix after the other, until it is over.
    async fn ask(self: Rc<Self>, number: usize, mut client: Client, mut connection: Connection) {
        let mut is_served = false;
        let mut last_us = self.now_us();
        while !self.is_over.get() {
            let wanted = self.next(&mut client);
            connection.submit(wanted);
            let done = connection.next().await.expect("what was submitted ends");
            let pending = client.pending.take().expect("it was asked above");
            let now_us = self.now_us();
            if done.result.is_ok() {
                self.answered(now_us);
                if !std::mem::replace(&mut is_served, true) {
                    self.first_answer(now_us);
                } else if now_us - last_us >= WAIT_TOLD_US {
                    let server = connection.server_id(done.server);
                    self.waited(Wait {
                        client: number,
                        from_us: last_us,
                        until_us: now_us,
                        server,
                        tries: done.tries,
                    });
                }
                last_us = now_us;
            }
            self.settle(&mut client, pending, done);
        }
    }

    fn now_us(&self) -> u64 {
        clock_us() - self.line.borrow().began_us
    }

    fn next(&self, client: &mut Client) -> Wanted {
        let op = client.next();
        let name: Name = op.name.parse().expect("the load makes names of letters and digits");
        match op.action {
            Action::Reserve => Wanted::Operation(Operation::Reserve { name, count: SEATS as u32 }),
            Action::Search => Wanted::Query(Query::Search { name }),
            Action::Delete => {
                self.sold.borrow_mut().give_back(op.event, op.seats);
                Wanted::Operation(Operation::Delete { name })
            }
        }
    }

    fn answered(&self, now_us: u64) {
        let line = &mut *self.line.borrow_mut();
        let bucket = (now_us / line.bucket_us) as usize;
        if line.answers.len() <= bucket {
            line.answers.resize(bucket + 1, 0);
        }
        line.answers[bucket] += 1;
        let last_us = self.last_answer_us.replace(now_us);
        if last_us > 0 && now_us - last_us >= SILENCE_TOLD_US {
            keep(&mut line.silences, (last_us, now_us), &mut line.is_cut);
        }
    }

    fn first_answer(&self, now_us: u64) {
        self.unserved.set(self.unserved.get() - 1);
        if self.unserved.get() == 0 {
            self.line.borrow_mut().all_served_us = Some(now_us);
        }
    }

    fn waited(&self, wait: Wait) {
        let line = &mut *self.line.borrow_mut();
        keep(&mut line.waits, wait, &mut line.is_cut);
    }

    fn settle(&self, client: &mut Client, pending: Pending, done: Completion) {
        let line = &mut *self.line.borrow_mut();
        let reply = match done.result {
            Ok(body) => reply_of(body),
            Err(failure) => {
                line.last_words = Some(failure.to_string());
                let count = match failure {
                    Failure::Unknown => &mut line.unknown,
                    Failure::NotExecuted => &mut line.failed,
                    Failure::NotAllowed(_) | Failure::Rejected(_) => &mut line.refused,
                };
                *count += 1;
                return;
            }
        };
        match judge(client, pending, &reply, &mut self.sold.borrow_mut()) {
            Verdict::Right => {}
            Verdict::SoldOut => line.sold_out += 1,
            Verdict::Refused(words) => {
                line.refused += 1;
                line.last_words = Some(words);
            }
            Verdict::Wrong(words) => {
                line.wrong_answers += 1;
                line.last_words = Some(words);
            }
        }
    }
}

fn keep<T>(list: &mut Vec<T>, item: T, is_cut: &mut bool) {
    if list.len() < TOLD_MAX {
        list.push(item);
    } else {
        *is_cut = true;
    }
}

/// The monotonic clock of the machine.
fn clock_us() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

/// Standard input has ended, or whoever would end it.
async fn input_ends() {
    let (end, ends) = oneshot::channel::<()>();
    // A thread that may be left behind when the time is up before.
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        drop(end);
    });
    let _ = ends.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(clients: usize) -> Shared {
        Shared {
            is_over: Cell::new(false),
            line: RefCell::new(Timeline { bucket_us: 10_000, ..Timeline::default() }),
            sold: RefCell::new(Sold::new(100)),
            last_answer_us: Cell::new(0),
            unserved: Cell::new(clients),
            troubles: Arc::default(),
        }
    }

    #[test]
    fn every_answer_is_counted_in_its_stretch_and_long_silences_are_told() {
        let shared = shared(1);
        for at_us in [9_999, 10_000, 14_000, 35_000, 39_999] {
            shared.answered(at_us);
        }
        let line = shared.line.borrow();
        assert_eq!(line.answers, [1, 2, 0, 2]);
        assert_eq!(line.silences, [(14_000, 35_000)], "4,999 us and less are none");
    }

    #[test]
    fn all_are_served_when_the_last_one_is() {
        let shared = shared(2);
        shared.first_answer(5);
        assert_eq!(shared.line.borrow().all_served_us, None);
        shared.first_answer(9);
        assert_eq!(shared.line.borrow().all_served_us, Some(9));
    }

    #[test]
    fn what_is_too_much_is_said_to_be_missing() {
        let (mut list, mut is_cut) = (vec![0; TOLD_MAX - 1], false);
        keep(&mut list, 1, &mut is_cut);
        assert!(!is_cut);
        keep(&mut list, 2, &mut is_cut);
        assert!(is_cut && list.len() == TOLD_MAX);
    }

    #[test]
    fn a_command_without_an_outcome_is_counted_as_what_it_is() {
        let shared = shared(1);
        for failure in [Failure::Unknown, Failure::NotExecuted, Failure::Rejected("no".into())] {
            let mut client = Client::new("t".into(), "100,0,0".parse().unwrap(), 1, Rng::with_seed(1));
            shared.next(&mut client);
            let pending = client.pending.take().unwrap();
            let (result, took) = (Err(failure), Duration::ZERO);
            let done = Completion { ticket: 1, result, server: 0, tries: 1, took, command: None };
            shared.settle(&mut client, pending, done);
        }
        let line = shared.line.borrow();
        assert_eq!((line.unknown, line.failed, line.refused), (1, 1, 1));
        assert_eq!(line.last_words.as_deref(), Some("no; it was not executed"));
    }
}
