//! Links between lives: ordered, and broken now and then. What is on its way when a link breaks is sent again when it is
//! set up again between the same lives; otherwise it is lost, and the link comes up as a new one.

use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::Member;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Unordered pair of servers.
pub type Pair = (u8, u8);

pub fn pair(a: u8, b: u8) -> Pair {
    (a.min(b), a.max(b))
}

#[derive(Default)]
pub struct Net {
    /// Connections that stand, with their number; a message of an earlier connection is not delivered.
    pub connected: BTreeMap<Pair, u64>,
    /// Lives that the pair's ends had when they were last connected.
    pub lives: BTreeMap<Pair, (Member, Member)>,
    /// Pairs that cannot connect until a time.
    pub cut_until: BTreeMap<Pair, u64>,
    /// Sequenced messages sent and not delivered, by direction.
    pub unacked: BTreeMap<(u8, u8), VecDeque<(u64, Message)>>,
    /// The next sequence number by direction, and the next that is expected.
    pub next: BTreeMap<(u8, u8), u64>,
    pub expected: BTreeMap<(u8, u8), u64>,
    /// When the last message of a direction arrives: later ones come after it.
    pub last_arrival: BTreeMap<(u8, u8), u64>,
    pub connections: u64,
    pub dialing: BTreeSet<Pair>,
}

impl Net {
    pub fn is_cut(&self, pair: Pair, now: u64) -> bool {
        self.cut_until.get(&pair).is_some_and(|&until| now < until)
    }

    /// Forgets the stream of a direction.
    pub fn reset(&mut self, pair: Pair) {
        for direction in [(pair.0, pair.1), (pair.1, pair.0)] {
            self.unacked.remove(&direction);
            self.next.remove(&direction);
            self.expected.remove(&direction);
        }
    }
}
