//! The numbers of the protocol, each a type of its own.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A configured server, 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerId(pub u8);

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Grows each time a server starts; kept on its disk. A message of an earlier life is told by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// One life of one server: what views list and links connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Which server.
    pub server: ServerId,
    /// Which life of it.
    pub incarnation: Incarnation,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.server, self.incarnation.0)
    }
}

/// Lamport's logical time with the server as tie-break: a total order (Lamport 1978, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp {
    /// The stamping server's clock. Compared first.
    pub clock: u64,
    /// Who stamped. Compared second.
    pub server: ServerId,
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.clock, self.server)
    }
}

/// Names a view, never used twice: the coordinator's incarnation is part of it.
///
/// Ordered by epoch, then number, then coordinator, then incarnation. [`ViewId::ZERO`] is "before any view".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ViewId {
    /// Grows with each operator's override.
    pub epoch: u32,
    /// Grows with each attempt at a view.
    pub number: u64,
    /// Who proposed it.
    pub coordinator: ServerId,
    /// In which life.
    pub incarnation: Incarnation,
}

impl ViewId {
    /// Less than every view that is ever proposed; stands for "all configured servers, nothing executed".
    pub const ZERO: ViewId =
        ViewId { epoch: 0, number: 0, coordinator: ServerId(0), incarnation: Incarnation(0) };
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.epoch, self.number, self.coordinator)
    }
}

/// How many requests have been executed; the same request has the same position everywhere.
pub type Position = u64;
/// Number of a log record since the log was opened, from 1.
pub type Lsn = u64;
/// The driver's name for a client's command or read that is waiting.
pub type Token = u64;

/// When an input happens, as the driver sees it. The engine has no clock of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that never steps and runs on during suspend. Compared only with itself.
    pub tick_ms: u64,
    /// Milliseconds since 1970, for stamping requests. May step.
    pub wall_ms: u64,
}

/// "Let me into the critical section to execute these": a batch of client commands with its timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The view it was made in.
    pub view: ViewId,
    /// Its place in that view's order.
    pub timestamp: Timestamp,
    /// The proposer's wall clock, for the state's own time.
    pub time_ms: u64,
    /// The commands, opaque to the protocol.
    pub batch: Bytes,
}

impl Request {
    /// Bytes that it weighs in queues and logs, its fixed part estimated.
    pub fn weight(&self) -> usize {
        self.batch.len() + 64
    }
}

/// A request with its place in the order of execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is executed.
    pub position: Position,
    /// What is executed.
    pub request: Arc<Request>,
}
