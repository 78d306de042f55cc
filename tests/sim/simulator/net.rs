//! Connections between lives: ordered, broken now and then, and never trusted by the sessions above them.

use boxoffice::protocol::types::Member;
use boxoffice::transport::session::Hello;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Two servers, the lower id first. The one with the higher id dials.
pub type Pair = (u8, u8);

/// One end of a connection, and the direction that leads away from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Dialer,
    Acceptor,
}

impl End {
    pub fn other(self) -> End {
        match self {
            End::Dialer => End::Acceptor,
            End::Acceptor => End::Dialer,
        }
    }
}

/// What is on its way.
pub enum Frame {
    Hello(Hello),
    /// Number 0 is not sequenced; an empty message only acknowledges.
    Data {
        number: u64,
        ack: u64,
        message: Bytes,
    },
    Close,
}

/// How far one end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Hellos are exchanged.
    Opening,
    Attached,
    Closed,
}

pub struct Side {
    pub life: Member,
    pub progress: Progress,
    /// What it said on this connection.
    pub said: Option<Hello>,
    /// On their way from here.
    pub sent: VecDeque<Frame>,
    pub last_arrival: u64,
}

impl Side {
    pub fn new(life: Member) -> Self {
        Side { life, progress: Progress::Opening, said: None, sent: VecDeque::new(), last_arrival: 0 }
    }
}

pub struct Connection {
    pub dialer: Side,
    pub acceptor: Side,
    /// It broke: what was on its way is lost, and its ends will notice.
    pub is_cut: bool,
}

impl Connection {
    pub fn side(&self, end: End) -> &Side {
        match end {
            End::Dialer => &self.dialer,
            End::Acceptor => &self.acceptor,
        }
    }

    pub fn side_mut(&mut self, end: End) -> &mut Side {
        match end {
            End::Dialer => &mut self.dialer,
            End::Acceptor => &mut self.acceptor,
        }
    }

    pub fn end_of(&self, server: u8) -> Option<End> {
        [End::Dialer, End::Acceptor].into_iter().find(|end| self.side(*end).life.server.0 == server)
    }
}

/// The network.
#[derive(Default)]
pub struct Net {
    pub connections: BTreeMap<u64, Connection>,
    pub next_connection: u64,
    /// From one server to another nothing gets through until then.
    blocked_until: BTreeMap<(u8, u8), u64>,
}

impl Net {
    pub fn block(&mut self, from: u8, to: u8, until: u64) {
        let blocked = self.blocked_until.entry((from, to)).or_default();
        *blocked = (*blocked).max(until);
    }

    pub fn unblock_all(&mut self) {
        self.blocked_until.clear();
    }

    pub fn blocked_until(&self, from: u8, to: u8) -> u64 {
        self.blocked_until.get(&(from, to)).copied().unwrap_or(0)
    }

    /// Whether anything is blocked that comes from or goes to this server.
    pub fn is_touched(&self, server: u8, now: u64) -> bool {
        let touches = |(from, to): &(u8, u8)| *from == server || *to == server;
        self.blocked_until.iter().any(|(way, until)| touches(way) && *until > now)
    }

    pub fn connections_of(&self, life: Member) -> Vec<(u64, End)> {
        let ends = |connection: &Connection| {
            let end = connection.end_of(life.server.0)?;
            (connection.side(end).life == life).then_some(end)
        };
        self.connections.iter().filter_map(|(number, c)| Some((*number, ends(c)?))).collect()
    }
}
