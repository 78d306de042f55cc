//! Looks for an order of the calls of one event in which every answer is what it had to be.
//!
//! The moments are gone through in order. A call takes effect as late as possible: when some call must be told
//! its answer. At the return of a call that has not taken effect yet, one of the open calls takes effect, then the
//! next, until that call has; each choice is tried in turn (Wing and Gong 1993; that late choices suffice is
//! Lowe's "Testing for linearizability", 2017). A configuration (the moment, the theatre, which open calls have
//! taken effect) that was seen once is not tried again. Two things keep the search short:
//!
//! - an open call that changes nothing and whose answer is right now takes effect at once: that it has taken effect
//!   already forbids nothing;
//! - open calls are tried in the order of their returns; those that never return last, the youngest of them first,
//!   for most of what is lost on its way is lost or carried out soon.

use super::history::Reply;
use super::schedule::{Moment, Schedule};
use super::theatre::{Change, Theatre};
use crate::domain::ids::{Name, Seat};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;
use xxhash_rust::xxh3::xxh3_128;

/// Most answers that are told as what a call would have had to be told.
const ALTERNATIVES_MAX: usize = 6;

/// How far a search may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Configurations that are remembered, about 50 bytes each.
    pub configurations_max: usize,
    /// Times that a call is held against the theatre.
    pub trials_max: u64,
}

impl Default for Limits {
    /// Some 200 MB and a minute.
    fn default() -> Limits {
        Limits { configurations_max: 1 << 22, trials_max: 1 << 28 }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum End {
    /// There is such an order of the tasks.
    Ordered(Vec<usize>),
    /// There is none, already when this task returns; these are the answers that it could have had.
    Stuck { task: usize, alternatives: BTreeSet<Reply> },
    /// A limit was reached.
    GaveUp,
}

/// The search and what it took.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) end: End,
    pub(super) configurations: usize,
}

/// Searches.
pub(super) fn search(schedule: &Schedule<'_>, capacity: u32, limits: Limits) -> Found {
    let search = Search {
        schedule,
        limits,
        theatre: Theatre::new(capacity),
        at: 0,
        is_done: vec![false; schedule.tasks.len()],
        open: Open::default(),
        hash: 0,
        trail: Vec::new(),
        choices: Vec::new(),
        visited: BTreeSet::new(),
        trials: 0,
        furthest: 0,
        alternatives: BTreeSet::new(),
    };
    search.run()
}

/// Calls that have begun and not taken effect.
#[derive(Debug, Default)]
struct Open {
    /// Those that change nothing, as they were told.
    still: BTreeSet<usize>,
    /// Those that change something, or may, in the order in which they are tried.
    changing: BTreeSet<Rank>,
}

/// Those with an answer first, in the order of their returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It returns at this moment.
    Returns(usize, usize),
    /// It never does.
    Open(Reverse<usize>),
}

impl Rank {
    fn task(self) -> usize {
        match self {
            Rank::Returns(_, task) | Rank::Open(Reverse(task)) => task,
        }
    }
}

/// What was done, to be undone.
#[derive(Debug)]
enum Step {
    Began(usize),
    TookEffect(usize, Change),
    Passed,
}

/// A place from which another way can be tried.
#[derive(Debug)]
struct Choice {
    trail: usize,
    tried: Rank,
}

struct Search<'a> {
    schedule: &'a Schedule<'a>,
    limits: Limits,
    theatre: Theatre,
    at: usize,
    is_done: Vec<bool>,
    open: Open,
    /// Of who holds which seat, and of which calls have taken effect.
    hash: u128,
    trail: Vec<Step>,
    choices: Vec<Choice>,
    visited: BTreeSet<(usize, u128)>,
    trials: u64,
    furthest: usize,
    alternatives: BTreeSet<Reply>,
}

impl Search<'_> {
    fn run(mut self) -> Found {
        let end = loop {
            let Some(&moment) = self.schedule.moments.get(self.at) else { break End::Ordered(self.order()) };
            match moment {
                Moment::Call(task) => self.begin(task),
                Moment::Return(task) if self.is_done[task] => self.pass(),
                Moment::Return(task) => {
                    self.note(task);
                    let is_new = self.visited.insert((self.at, self.hash));
                    if (!is_new || !self.choose(None)) && !self.back() {
                        break self.stuck();
                    }
                }
            }
            if self.trials > self.limits.trials_max || self.visited.len() > self.limits.configurations_max {
                break End::GaveUp;
            }
        };
        Found { end, configurations: self.visited.len() }
    }

    fn begin(&mut self, task: usize) {
        self.open(task);
        self.trail.push(Step::Began(task));
        self.at += 1;
        if self.open.still.contains(&task) {
            self.settle(task);
        }
    }

    fn pass(&mut self) {
        self.trail.push(Step::Passed);
        self.at += 1;
    }

    /// Lets the next open call after `tried` take effect that can. False: there is none.
    fn choose(&mut self, tried: Option<Rank>) -> bool {
        let mut from = tried.map_or(Bound::Unbounded, Bound::Excluded);
        while let Some(&rank) = self.open.changing.range((from, Bound::Unbounded)).next() {
            from = Bound::Excluded(rank);
            let task = &self.schedule.tasks[rank.task()];
            self.trials += 1;
            let (reply, change) = self.theatre.consider(task.ask);
            if change != Change::Nothing && task.told.is_none_or(|told| *told == reply) {
                self.choices.push(Choice { trail: self.trail.len(), tried: rank });
                self.take_effect(rank.task(), change);
                let still: Vec<usize> = self.open.still.iter().copied().collect();
                still.into_iter().for_each(|task| self.settle(task));
                return true;
            }
        }
        false
    }

    /// Goes back to the last choice that leaves another one, and takes that. False: there is none.
    fn back(&mut self) -> bool {
        while let Some(Choice { trail, tried }) = self.choices.pop() {
            while self.trail.len() > trail {
                self.undo();
            }
            if self.choose(Some(tried)) {
                return true;
            }
        }
        false
    }

    /// Lets a call that changes nothing take effect, if its answer is right now.
    fn settle(&mut self, task: usize) {
        self.trials += 1;
        let (reply, change) = self.theatre.consider(self.schedule.tasks[task].ask);
        if self.schedule.tasks[task].told == Some(&reply) {
            assert_eq!(change, Change::Nothing, "such an answer comes with no change");
            self.take_effect(task, change);
        }
    }

    fn take_effect(&mut self, task: usize, change: Change) {
        self.close(task);
        self.is_done[task] = true;
        self.hash ^= effect_hash(task) ^ change_hash(&change);
        self.theatre.carry_out(&change);
        self.trail.push(Step::TookEffect(task, change));
    }

    fn undo(&mut self) {
        match self.trail.pop().expect("there is something to undo") {
            Step::Began(task) => {
                self.at -= 1;
                self.close(task);
            }
            Step::TookEffect(task, change) => {
                self.theatre.take_back(&change);
                self.hash ^= effect_hash(task) ^ change_hash(&change);
                self.is_done[task] = false;
                self.open(task);
            }
            Step::Passed => self.at -= 1,
        }
    }

    fn open(&mut self, task: usize) {
        match self.rank(task) {
            Some(rank) => self.open.changing.insert(rank),
            None => self.open.still.insert(task),
        };
    }

    fn close(&mut self, task: usize) {
        let was_open = match self.rank(task) {
            Some(rank) => self.open.changing.remove(&rank),
            None => self.open.still.remove(&task),
        };
        assert!(was_open, "a call takes effect once");
    }

    /// None: it changes nothing.
    fn rank(&self, task: usize) -> Option<Rank> {
        let is_changing = self.schedule.tasks[task].told.is_none_or(Reply::is_change);
        let end = self.schedule.tasks[task].end;
        is_changing.then_some(end.map_or(Rank::Open(Reverse(task)), |end| Rank::Returns(end, task)))
    }

    /// Remembers what the call at the furthest return could have been told.
    fn note(&mut self, task: usize) {
        if self.at > self.furthest {
            self.furthest = self.at;
            self.alternatives.clear();
        }
        if self.at == self.furthest && self.alternatives.len() < ALTERNATIVES_MAX {
            let (reply, _) = self.theatre.consider(self.schedule.tasks[task].ask);
            if self.schedule.tasks[task].told != Some(&reply) {
                self.alternatives.insert(reply);
            }
        }
    }

    fn stuck(&mut self) -> End {
        let Moment::Return(task) = self.schedule.moments[self.furthest] else {
            unreachable!("a search can only be stuck at a return")
        };
        End::Stuck { task, alternatives: std::mem::take(&mut self.alternatives) }
    }

    fn order(&self) -> Vec<usize> {
        let effects = self.trail.iter().filter_map(|step| match step {
            Step::TookEffect(task, _) => Some(*task),
            Step::Began(_) | Step::Passed => None,
        });
        effects.collect()
    }
}

/// Sets are hashed by the exclusive or of their elements' hashes. That is as good as those: 128 bits each, of
/// which every bit depends on every bit of the element.
fn effect_hash(task: usize) -> u128 {
    xxh3_128(&(task as u64).to_le_bytes())
}

fn change_hash(change: &Change) -> u128 {
    match change {
        Change::Nothing => 0,
        Change::Took(name, seats) | Change::Gave(name, seats) => {
            seats.iter().fold(0, |hash, &seat| hash ^ holding_hash(name, seat))
        }
    }
}

fn holding_hash(name: &Name, seat: Seat) -> u128 {
    let mut bytes = Vec::with_capacity(name.as_str().len() + 5);
    bytes.extend(seat.0.to_le_bytes());
    // No name ends the number, nor the other way round: the number has four bytes.
    bytes.push(b':');
    bytes.extend(name.as_str().as_bytes());
    xxh3_128(&bytes)
}
