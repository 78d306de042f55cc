//! What happens to which server when: a function of the seed. Pure.
//!
//! Whatever is planned lies within what `availability` promises: under `any` servers are stopped, killed and paused, all
//! but one of them or all at once, and the network is whole; under `majority` it is cut as well. Every episode ends
//! with all servers at work.

use std::collections::BTreeSet;

/// Shortest and longest time that a fault lasts: on both sides of what it takes to notice it.
const HOLD_MS: std::ops::Range<u64> = 300..9_000;
/// Longest time between the first blow of an episode and the last.
const SPREAD_MS: u64 = 4_000;
/// Shortest and longest rest between two episodes.
const CALM_MS: std::ops::Range<u64> = 500..3_000;

/// The promise that must be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Any,
    Majority,
}

/// What may happen to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `docker stop`: it leaves in good order, and is started again.
    Stop,
    /// `docker kill`, and started again.
    Kill,
    /// `docker pause`, and on.
    Pause,
    /// Off the network of the servers, and on it again.
    Cut,
}

/// One fault of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blow {
    pub server: u8,
    pub fault: Fault,
    /// Since the episode began.
    pub from_ms: u64,
    pub until_ms: u64,
}

/// What happens between two times at which all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Episode {
    /// These, which may overlap; no server twice.
    Blows(Vec<Blow>),
    /// One server after the other goes and comes back, in this order.
    Rolling(Fault, Vec<u8>),
}

/// All that is left to happen.
pub struct Plan {
    pub availability: Availability,
    servers: u8,
    chance: fastrand::Rng,
}

impl Availability {
    pub fn name(self) -> &'static str {
        match self {
            Availability::Any => "any",
            Availability::Majority => "majority",
        }
    }
}

impl Fault {
    pub fn name(self) -> &'static str {
        match self {
            Fault::Stop => "stop",
            Fault::Kill => "kill",
            Fault::Pause => "pause",
            Fault::Cut => "cut",
        }
    }
}

impl Plan {
    /// The seed chooses the promise, unless it is given.
    pub fn new(seed: u64, servers: u8, availability: Option<Availability>) -> Plan {
        let mut chance = fastrand::Rng::with_seed(seed);
        let chosen = if chance.bool() { Availability::Any } else { Availability::Majority };
        Plan { availability: availability.unwrap_or(chosen), servers, chance }
    }

    /// How long to rest, and what happens then.
    pub fn next(&mut self) -> (u64, Episode) {
        let calm_ms = self.chance.u64(CALM_MS);
        let episode = match self.chance.u32(0..100) {
            0..12 => {
                let fault = if self.chance.bool() { Fault::Stop } else { Fault::Kill };
                Episode::Rolling(fault, self.shuffled())
            }
            12..24 => self.outage(),
            24..62 => self.blows(1),
            _ => {
                let most = usize::from(self.servers) - 1;
                let victims = self.chance.usize(1..=most);
                self.blows(victims)
            }
        };
        (calm_ms, episode)
    }

    /// All go at once, and come back one by one.
    fn outage(&mut self) -> Episode {
        let fault = if self.chance.bool() { Fault::Stop } else { Fault::Kill };
        let mut until_ms = 0;
        let order = self.shuffled();
        let mut blows = Vec::new();
        for server in order {
            until_ms += self.chance.u64(100..2_000);
            blows.push(Blow { server, fault, from_ms: 0, until_ms });
        }
        Episode::Blows(blows)
    }

    fn blows(&mut self, victims: usize) -> Episode {
        let servers = self.shuffled();
        let blows = servers.into_iter().take(victims).map(|server| {
            let from_ms = self.chance.u64(0..SPREAD_MS);
            let until_ms = from_ms + self.chance.u64(HOLD_MS);
            Blow { server, fault: self.fault(), from_ms, until_ms }
        });
        Episode::Blows(blows.collect())
    }

    fn fault(&mut self) -> Fault {
        let faults: &[Fault] = match self.availability {
            Availability::Any => &[Fault::Stop, Fault::Kill, Fault::Pause],
            Availability::Majority => &[Fault::Stop, Fault::Kill, Fault::Pause, Fault::Cut, Fault::Cut],
        };
        faults[self.chance.usize(0..faults.len())]
    }

    fn shuffled(&mut self) -> Vec<u8> {
        let mut servers: Vec<u8> = (1..=self.servers).collect();
        self.chance.shuffle(&mut servers);
        servers
    }
}

/// The two ends of a blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    Begin,
    End,
}

/// The ends of all blows in the order in which they come.
pub fn edges(blows: &[Blow]) -> Vec<(u64, Edge, Blow)> {
    let mut edges: Vec<(u64, Edge, Blow)> = Vec::new();
    for &blow in blows {
        edges.extend([(blow.from_ms, Edge::Begin, blow), (blow.until_ms, Edge::End, blow)]);
    }
    edges.sort_by_key(|&(at_ms, edge, blow)| (at_ms, edge, blow.server));
    let servers: BTreeSet<u8> = blows.iter().map(|blow| blow.server).collect();
    assert_eq!(servers.len(), blows.len(), "one thing at a time happens to a server");
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn episodes(seed: u64, servers: u8, availability: Availability) -> Vec<(u64, Episode)> {
        let mut plan = Plan::new(seed, servers, Some(availability));
        (0..400).map(|_| plan.next()).collect()
    }

    #[test]
    fn a_seed_is_one_plan() {
        assert_eq!(episodes(7, 3, Availability::Any), episodes(7, 3, Availability::Any));
        assert_ne!(episodes(7, 3, Availability::Any), episodes(8, 3, Availability::Any));
        let chosen: BTreeSet<&str> =
            (0..50).map(|seed| Plan::new(seed, 3, None).availability.name()).collect();
        assert_eq!(chosen.len(), 2, "seeds choose both promises");
    }

    #[test]
    fn the_network_is_cut_under_majority_only_and_everything_else_happens_under_both() {
        for availability in [Availability::Any, Availability::Majority] {
            let (mut faults, mut rolling, mut outages, mut largest) = (BTreeSet::new(), 0, 0, 0);
            for (_, episode) in episodes(1, 5, availability) {
                match episode {
                    Episode::Rolling(_, order) => rolling += usize::from(order.len() == 5),
                    Episode::Blows(blows) => {
                        edges(&blows);
                        faults.extend(blows.iter().map(|blow| blow.fault.name()));
                        assert!(blows.iter().all(|blow| blow.from_ms < blow.until_ms), "{blows:?}");
                        if blows.len() == 5 {
                            outages += 1;
                        } else {
                            largest = largest.max(blows.len());
                        }
                    }
                }
            }
            assert_eq!(faults.contains("cut"), availability == Availability::Majority);
            assert!(["stop", "kill", "pause"].iter().all(|fault| faults.contains(fault)), "{faults:?}");
            assert!(rolling > 10 && outages > 10 && largest == 4, "{rolling} {outages} {largest}");
        }
    }
}
