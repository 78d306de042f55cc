//! What an engine writes to its log, and what a snapshot says of itself.

use super::message::{History, Proposal};
use super::types::{Entry, Position, Request, Timestamp, ViewId};
use super::view::{Install, Lineage};
use crate::domain::digest::Digest;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Record {
    /// A request of the accepted view was received (or made). Not executed by this.
    Request(Arc<Request>),
    /// The next request was executed: only what is marked so is executed again after a restart (rule 8).
    /// Written without waiting: the marks may be lost, the requests not.
    Executed {
        /// Its position.
        position: Position,
        /// The view the request was made in.
        view: ViewId,
        /// The request's timestamp.
        timestamp: Timestamp,
        /// The digest after it.
        digest: Digest,
    },
    /// A request that others executed was fetched and executed.
    Fetched {
        /// The request.
        entry: Entry,
        /// The digest after it.
        digest: Digest,
    },
    /// The lineage that the state has once the requests that follow, fetched from a donor, are executed.
    Lineage {
        /// The donor's, as of `position`.
        lineage: Lineage,
        /// The last position that is fetched.
        position: Position,
    },
    /// A view was promised: nothing older is accepted from here on.
    Promise(Proposal),
    /// A view was accepted: replaces all unexecuted requests and earlier promises' members.
    Install(Arc<Install>),
    /// The accepted view and everything promised after it count no more: the server has come over to a side
    /// that went on without them. The number of the highest promise still counts.
    Rejoin,
    /// What the other side of a partition must be offered again; replaces earlier offers.
    Offers(Vec<Bytes>),
    /// Everything above that still matters, at the start of a segment.
    Checkpoint(Box<Checkpoint>),
}

/// What must outlive the segments before it, besides the executed state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The accepted view, with what it kept and is not executed at `position`.
    pub accepted: Option<Arc<Install>>,
    /// The highest view that was promised.
    pub promised: ViewId,
    /// The views promised since the accepted one.
    pub promised_since: Vec<Proposal>,
    /// Requests of the accepted view that were logged and are not executed.
    pub logged: Vec<Arc<Request>>,
    /// The last executed request.
    pub last: Option<(ViewId, Timestamp)>,
    /// The clock.
    pub clock: u64,
    /// Offers that have not been answered yet.
    pub offers: Vec<Bytes>,
    /// What the log can vouch for.
    pub history: History,
    /// The state's position when this was written.
    pub position: Position,
}

/// What a snapshot says of itself, before the state's own bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// How many requests the state has executed.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
    /// The last executed request.
    pub last: Option<(ViewId, Timestamp)>,
    /// The views that produced it.
    pub lineage: Lineage,
    /// The clock when it was taken.
    pub clock: u64,
}
