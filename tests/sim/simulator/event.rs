//! What can happen next, in the order of its time.

use super::client::Reply;
use super::net::{End, Pair};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::Input;
use boxoffice::protocol::types::Member;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that happens.
pub enum Event {
    Tick(u8, Member),
    Input(u8, Member, Box<Input<State>>),
    Sync(u8, Member),
    Job(u8, Member, u64),
    /// Start a server, if this plan still holds.
    Start(u8, u64),
    Resume(u8),
    /// The server with the higher id of a pair dials, in this life.
    Dial(Pair, Member),
    /// The hellos have taken too long.
    HelloLate(u64),
    /// The first frame that was sent from this end arrives at the other.
    Arrive(u64, End),
    /// This end notices that the connection is broken.
    Broken(u64, End),
    /// More waits for the other end than may: this one gives the connection up.
    Overflow(u64, End),
    Send {
        client: usize,
        slot: usize,
    },
    Timeout {
        client: usize,
        slot: usize,
        attempt: u64,
    },
    Answer {
        client: usize,
        slot: usize,
        number: u64,
        reply: Box<Reply>,
    },
    Fault,
    /// Something happens to the disk of a server that is down, if the plan to start it still holds.
    Harm(u8, u64, Harm),
    /// The next server of a rolling restart.
    Roll,
    /// An operator looks at the cluster.
    Operator,
}

impl Event {
    /// For the trace: what it is, and of whom.
    pub fn code(&self) -> u64 {
        match self {
            Event::Tick(id, _) => 100 + u64::from(*id),
            Event::Input(id, ..) => 200 + u64::from(*id),
            Event::Sync(id, _) => 300 + u64::from(*id),
            Event::Job(id, ..) => 400 + u64::from(*id),
            Event::Start(id, _) => 500 + u64::from(*id),
            Event::Resume(id) => 600 + u64::from(*id),
            Event::Dial(pair, _) => 700 + u64::from(pair.0) * 10 + u64::from(pair.1),
            Event::HelloLate(connection) => 1_000 + connection,
            Event::Arrive(connection, End::Dialer) => 2_000 + connection,
            Event::Arrive(connection, End::Acceptor) => 3_000 + connection,
            Event::Broken(connection, _) | Event::Overflow(connection, _) => 4_000 + connection,
            Event::Send { client, slot } | Event::Timeout { client, slot, .. } => {
                5_000 + (client * 100 + slot) as u64
            }
            Event::Answer { number, .. } => 6_000 + number,
            Event::Fault => 1,
            Event::Harm(id, ..) => 800 + u64::from(*id),
            Event::Roll => 2,
            Event::Operator => 3,
        }
    }
}

struct Planned {
    time: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.number) == (other.time, other.number)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.number).cmp(&(other.time, other.number))
    }
}

/// All that is planned. Of two events at one time the one that was planned first comes first.
#[derive(Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<Planned>>,
    number: u64,
}

impl Agenda {
    pub fn plan(&mut self, time: u64, event: Event) {
        self.number += 1;
        self.heap.push(Reverse(Planned { time, number: self.number, event }));
    }

    pub fn next(&mut self) -> Option<(u64, Event)> {
        self.heap.pop().map(|Reverse(planned)| (planned.time, planned.event))
    }
}

/// What happens to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Bytes change.
    Damage,
    /// It is replaced by an empty one.
    Wipe,
}
