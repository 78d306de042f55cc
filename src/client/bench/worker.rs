//! One client of the load, which knows what each answer must be.

#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

use super::super::{
    args::BenchArgs,
    connection::Connection,
    exchange::{Completion, Failure, Wanted},
    values::Mix,
};
use crate::{
    api::wire::ServerReply,
    domain::{
        command::{Operation, Query},
        ids::{Name, Seat},
        outcome::{Answer, Outcome, SeatList},
    },
};
use hdrhistogram::Histogram;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::time::Instant;

/// Longest latency that is told apart, in microseconds: one hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Searches and deletions on their way when checking and cleaning up.
const SWEEP_IN_FLIGHT: usize = 32;
/// Most violations that are described; all are counted.
const VIOLATIONS_TOLD_MAX: usize = 10;

/// What was counted.
#[derive(Debug)]
pub struct Tally {
    /// Times of answers, in microseconds.
    pub latency: Histogram<u64>,
    /// Answers while time ran.
    pub requests: u64,
    /// Of these, refusals because the theatre was full.
    pub refused: u64,
    /// Requests that no server served.
    pub errors: u64,
    /// Commands of which it is not known whether they were executed.
    pub unknown: u64,
    /// Answers that must not be.
    pub violations: u64,
    /// The first of them, in words.
    pub told: Vec<String>,
    /// Names that could not be searched at the end.
    pub unchecked: u64,
}

/// What is on its way, with what is known of the name.
enum Doing {
    Reserve(Name),
    Search(Name, Vec<Seat>),
    Delete(Name, Vec<Seat>),
    /// Whatever it holds is right: an earlier outcome is unknown.
    Resolve(Name),
}

/// One client.
pub struct Worker {
    connection: Connection,
    prefix: String,
    chance: fastrand::Rng,
    mix: Mix,
    count: u32,
    in_flight: usize,
    made: u64,
    /// Names nothing of which is on its way, with their seats. A list, to pick from at random.
    held: Vec<(Name, Vec<Seat>)>,
    doubtful: BTreeSet<Name>,
    doing: BTreeMap<u64, Doing>,
    tally: Tally,
}

impl Worker {
    /// `prefix` makes its names differ from those of all others.
    pub fn new(connection: Connection, args: &BenchArgs, prefix: String, chance: fastrand::Rng) -> Self {
        let tally = Tally {
            latency: Histogram::new(3).expect("three digits are allowed"),
            requests: 0,
            refused: 0,
            errors: 0,
            unknown: 0,
            violations: 0,
            told: Vec::new(),
            unchecked: 0,
        };
        Self {
            connection,
            prefix,
            chance,
            mix: args.mix,
            count: args.count,
            in_flight: usize::from(args.in_flight),
            made: 0,
            held: Vec::new(),
            doubtful: BTreeSet::new(),
            doing: BTreeMap::new(),
            tally,
        }
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Names and their seats, as far as they are known for certain.
    pub fn held(&self) -> impl Iterator<Item = &(Name, Vec<Seat>)> {
        self.held.iter()
    }

    /// Asks until then, and waits for what is on its way.
    pub async fn load(mut self, until: Instant, answered: Arc<AtomicU64>) -> Self {
        loop {
            let is_time = Instant::now() < until;
            while is_time && self.doing.len() < self.in_flight {
                let doing = self.choose();
                self.submit(doing);
            }
            let Some(done) = self.connection.next().await else { return self };
            if done.result.is_ok() && Instant::now() < until {
                answered.fetch_add(1, Ordering::Relaxed);
                self.tally.requests += 1;
                // Saturates far above any deadline.
                // Grows as needed: a saturating record would cut everything off at its first bound of 2 ms.
                let micros = u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX);
                self.tally.latency.record(micros.min(LATENCY_US_MAX)).expect("it grows up to the bound");
            }
            self.take(done);
        }
    }

    /// Searches every name; what it holds must be what its answers said.
    pub async fn verify(mut self) -> Self {
        let held = std::mem::take(&mut self.held).into_iter().map(|(name, seats)| Doing::Search(name, seats));
        let doubtful = std::mem::take(&mut self.doubtful).into_iter().map(Doing::Resolve);
        let all = held.chain(doubtful).collect();
        self.sweep(all).await;
        self
    }

    /// Deletes what it holds.
    pub async fn clean_up(mut self) -> Self {
        let held = std::mem::take(&mut self.held);
        let all = held.into_iter().map(|(name, seats)| Doing::Delete(name, seats)).collect();
        self.sweep(all).await;
        self
    }

    async fn sweep(&mut self, all: Vec<Doing>) {
        let mut rest = all.into_iter();
        loop {
            while self.doing.len() < SWEEP_IN_FLIGHT
                && let Some(doing) = rest.next()
            {
                self.submit(doing);
            }
            let Some(done) = self.connection.next().await else { return };
            let is_hopeless = matches!(done.result, Err(Failure::NotExecuted));
            self.take(done);
            if is_hopeless {
                // Each further one would take its whole deadline.
                self.tally.unchecked += rest.by_ref().count() as u64 + self.doing.len() as u64;
                return;
            }
        }
    }

    fn choose(&mut self) -> Doing {
        let Mix { reserve, search, delete } = self.mix;
        let n = self.chance.u32(0..reserve + search + delete);
        if n < reserve || self.held.is_empty() {
            self.made += 1;
            let name = format!("{}-{}", self.prefix, self.made);
            return Doing::Reserve(name.parse().expect("the name is short and plain"));
        }
        let at = self.chance.usize(0..self.held.len());
        let (name, seats) = self.held.swap_remove(at);
        if n < reserve + search { Doing::Search(name, seats) } else { Doing::Delete(name, seats) }
    }

    fn submit(&mut self, doing: Doing) {
        let wanted = match &doing {
            Doing::Reserve(name) => {
                Wanted::Operation(Operation::Reserve { name: name.clone(), count: self.count })
            }
            Doing::Delete(name, _) => Wanted::Operation(Operation::Delete { name: name.clone() }),
            Doing::Search(name, _) | Doing::Resolve(name) => {
                Wanted::Query(Query::Search { name: name.clone() })
            }
        };
        let ticket = self.connection.submit(wanted);
        self.doing.insert(ticket, doing);
    }

    fn take(&mut self, done: Completion) {
        let doing = self.doing.remove(&done.ticket).expect("what ends was begun");
        match done.result {
            Ok(reply) => self.answered(doing, reply),
            Err(failure) => self.failed(doing, failure),
        }
    }

    fn answered(&mut self, doing: Doing, reply: ServerReply) {
        match (doing, reply) {
            (Doing::Reserve(name), ServerReply::Outcome(Outcome::Reserved { name: whose, seats })) => {
                let is_ascending = seats.windows(2).all(|pair| pair[0] < pair[1]);
                if whose != name || seats.len() != self.count as usize || !is_ascending {
                    self.violation(format!(
                        "{name} asked for {} seats, got {}",
                        self.count,
                        SeatList(&seats)
                    ));
                }
                self.held.push((name, seats));
            }
            (Doing::Reserve(_), ServerReply::Outcome(Outcome::NotEnough { .. })) => self.tally.refused += 1,
            (Doing::Delete(_, seats), ServerReply::Outcome(Outcome::Released { count, .. }))
                if count as usize == seats.len() => {}
            (Doing::Search(name, seats), ServerReply::Answer(Answer::Search { seats: found, .. })) => {
                if found.as_ref() != Some(&seats) {
                    let found = found.as_deref().unwrap_or_default();
                    let words = format!("{name} holds {}, found {}", SeatList(&seats), SeatList(found));
                    self.violation(words);
                }
                self.held.push((name, seats));
            }
            (Doing::Resolve(name), ServerReply::Answer(Answer::Search { seats, .. })) => {
                self.held.extend(seats.map(|seats| (name, seats)));
            }
            (Doing::Reserve(name) | Doing::Delete(name, _), ServerReply::Outcome(outcome)) => {
                // "Booked already" for a fresh name, "no reservation" for one that was answered: executed twice,
                // or lost.
                self.violation(format!("{name}: {outcome}"));
                self.doubtful.insert(name);
            }
            (
                Doing::Reserve(name) | Doing::Delete(name, _) | Doing::Search(name, _) | Doing::Resolve(name),
                _,
            ) => {
                self.violation(format!("{name}: an answer to another question"));
            }
        }
    }

    fn failed(&mut self, doing: Doing, failure: Failure) {
        match failure {
            Failure::Unknown => {
                self.tally.unknown += 1;
                match doing {
                    Doing::Reserve(name) | Doing::Delete(name, _) => {
                        self.doubtful.insert(name);
                    }
                    Doing::Search(..) | Doing::Resolve(_) => unreachable!("a query changes nothing"),
                }
            }
            Failure::NotExecuted | Failure::Rejected(_) | Failure::NotAllowed(_) => {
                self.tally.errors += 1;
                match doing {
                    Doing::Reserve(_) => {}
                    Doing::Search(name, seats) | Doing::Delete(name, seats) => self.held.push((name, seats)),
                    Doing::Resolve(name) => {
                        self.doubtful.insert(name);
                    }
                }
            }
        }
    }

    fn violation(&mut self, words: String) {
        self.tally.violations += 1;
        if self.tally.told.len() < VIOLATIONS_TOLD_MAX {
            self.tally.told.push(words);
        }
    }
}
