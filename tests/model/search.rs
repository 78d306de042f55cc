//! Breadth first through every state that can be reached within bounds, so that what is found first is the shortest.
//!
//! Own code instead of a library (stateright would be the one), because of what a state is here: three engines of
//! several kilobytes each. A library keeps and clones them whole, a few hundred thousand states to the gigabyte and a
//! few tens of thousands to the second. With every server under a number ([`crate::space`]) a state has 56 bytes, and
//! most steps are looked up. What is kept of a state that was seen is 8 bytes of hash, and 8 for the way back.

use crate::checks::check;
use crate::cluster::{Action, Bounds, Cluster, Play, Stop};
use crate::heal;
use crate::space::Space;
use crate::story;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// One state in so many is healed after the search, and must come to an end in which all is answered.
const HEAL_EVERY: u64 = 1 << 9;
/// At most so many, spread over all depths by their hash.
const HEALS_MAX: usize = 4_000;

/// Hashes are their own hashes.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are kept");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// What a search has done.
#[derive(Debug, Default)]
pub struct Found {
    pub states: u64,
    pub transitions: u64,
    pub depth: u32,
    pub heals: usize,
    /// Ways that ended with a side given up.
    pub given_up: u64,
    /// Different servers, messages, and steps that were computed.
    pub sizes: (usize, usize, usize),
    pub violation: Option<String>,
    /// What the states come to for whoever looks from outside, where it was asked for.
    pub outlines: HashSet<u64>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { states, transitions, depth, heals, given_up, sizes, violation: _, outlines: _ } = self;
        let (servers, messages, steps) = sizes;
        write!(
            f,
            "{states} states, {transitions} transitions, depth {depth}, {heals} healed, {given_up} ways given up; \
             {servers} servers, {messages} messages, {steps} steps computed"
        )
    }
}

pub struct Search<'a> {
    space: &'a mut Space,
    bounds: &'a Bounds,
    last_view: u64,
    seen: HashSet<u64, BuildHasherDefault<Same>>,
    /// Of each state, in the order in which they were found: the one before it, and what happened there.
    ways: Vec<(u32, Action)>,
    start: Cluster,
    samples: Vec<(Cluster, u32)>,
    given_up: u64,
    outlines: Option<HashSet<u64>>,
}

impl<'a> Search<'a> {
    /// From the first view of three servers at work, of which everyone knows everything.
    pub fn new(space: &'a mut Space, bounds: &'a Bounds) -> Result<Self, String> {
        let start = heal::form(space)?;
        let last_view = space.facts(start.nodes[0]).view.number + bounds.views;
        Ok(Search {
            space,
            bounds,
            last_view,
            seen: HashSet::default(),
            ways: Vec::new(),
            start,
            samples: Vec::new(),
            given_up: 0,
            outlines: None,
        })
    }

    /// Keeps the outlines of all states.
    pub fn outlining(self) -> Self {
        Search { outlines: Some(HashSet::new()), ..self }
    }

    /// Every state, unless there are more than `states_max`. `tell` is told of the progress, a line a depth.
    pub fn run(mut self, states_max: u64, tell: &mut dyn FnMut(String)) -> Found {
        let mut found = Found::default();
        let mut level = vec![(self.start, 0)];
        self.seen.insert(self.start.essence(self.space, self.bounds).hash());
        self.ways.push((0, Action::Tick(0)));
        let mut actions = Vec::new();
        while !level.is_empty() && (self.ways.len() as u64) < states_max {
            let mut next = Vec::new();
            for &(cluster, at) in &level {
                cluster.actions(self.space, self.bounds, &mut actions);
                for &action in &actions {
                    match self.follow(cluster, action) {
                        Ok(None) => {}
                        Ok(Some(after)) => {
                            found.transitions += 1;
                            if self.insert(after, at, action) {
                                next.push((after, self.ways.len() as u32 - 1));
                            }
                        }
                        Err(why) => return self.violated(found, at, action, why),
                    }
                }
            }
            found.depth += u32::from(!next.is_empty());
            level = next;
            let (servers, messages, steps) = self.space.sizes();
            tell(format!(
                "depth {}: {} states, {} at its edge; {servers} servers, {messages} messages, {steps} steps",
                found.depth,
                self.ways.len(),
                level.len()
            ));
        }
        found.states = self.ways.len() as u64;
        found.given_up = self.given_up;
        found.outlines = self.outlines.take().unwrap_or_default();
        found.sizes = self.space.sizes();
        self.heal(found)
    }

    fn follow(&mut self, cluster: Cluster, action: Action) -> Result<Option<Cluster>, String> {
        let mut play = Play::new(self.space, cluster, self.bounds, self.last_view);
        match play.act(action) {
            Ok(()) if play.cluster == cluster => Ok(None),
            Ok(()) => Ok(Some(play.cluster)),
            Err(Stop::Beyond) => Ok(None),
            Err(Stop::GivesUp) => {
                self.given_up += 1;
                Ok(None)
            }
            Err(Stop::Violation(why)) => Err(why),
        }
        .and_then(|after| {
            if let Some(after) = &after {
                check(self.space, after)?;
            }
            Ok(after)
        })
    }

    fn insert(&mut self, cluster: Cluster, before: u32, action: Action) -> bool {
        let hash = cluster.essence(self.space, self.bounds).hash();
        if !self.seen.insert(hash) {
            return false;
        }
        self.ways.push((before, action));
        if let Some(outlines) = &mut self.outlines {
            outlines.insert(cluster.outline(self.space, self.bounds));
        }
        if hash.is_multiple_of(HEAL_EVERY) && self.samples.len() < HEALS_MAX {
            self.samples.push((cluster, self.ways.len() as u32 - 1));
        }
        true
    }

    /// The actions that lead to a state.
    fn way_to(&self, mut at: u32) -> Vec<Action> {
        let mut way = Vec::new();
        while at != 0 {
            let (before, action) = self.ways[at as usize];
            way.push(action);
            at = before;
        }
        way.reverse();
        way
    }

    fn violated(mut self, found: Found, at: u32, last: Action, why: String) -> Found {
        let mut way = self.way_to(at);
        way.push(last);
        let told = story::tell(self.space, self.start, self.bounds, &way);
        self.samples.clear();
        let sizes = self.space.sizes();
        let violation = Some(format!("{why}\nafter:\n{told}"));
        Found { states: self.ways.len() as u64, sizes, violation, ..found }
    }

    /// 7: once faults stop, every command is answered.
    fn heal(self, mut found: Found) -> Found {
        for &(cluster, at) in &self.samples {
            found.heals += 1;
            if let Err(why) = heal::heal(self.space, cluster, self.bounds) {
                let told = story::tell(self.space, self.start, self.bounds, &self.way_to(at));
                found.violation = Some(format!("{why}\nafter:\n{told}"));
                return found;
            }
        }
        found
    }
}
