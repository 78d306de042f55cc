//! The client protocol: what travels inside its frames.
//!
//! A client opens a TCP connection and sends [`ClientHello`]; the server answers [`ServerHello`] and closes
//! when it refuses. After that the client may have up to `in_flight_max` [`ClientFrame`]s unanswered; answers
//! carry the frame's `id` and may come in any order. Frames are those of `transport::frame`, bodies are
//! postcard.

use crate::domain::{
    command::{Command, Query},
    outcome::{Answer, Outcome},
};
pub use crate::protocol::trace::{Said, TraceEvent, TracePage, Traced};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the client protocol. Another version is refused in the hello.
pub const CLIENT_PROTOCOL_VERSION: u16 = 3;
/// First field of a client's hello, so that a stranger's bytes are told from an old client's.
pub const CLIENT_MAGIC: [u8; 4] = *b"BOXC";
/// Largest frame a server takes from a client, in bytes of body: picking 100,000 seats by number fits.
pub const CLIENT_FRAME_BYTES_MAX: usize = 1 << 20;
/// Largest frame a client takes from a server: the list of a million seats of one name fits.
pub const ANSWER_FRAME_BYTES_MAX: usize = 8 << 20;

/// First frame of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello {
    /// [`CLIENT_MAGIC`].
    pub magic: [u8; 4],
    /// [`CLIENT_PROTOCOL_VERSION`].
    pub version: u16,
    /// Name of the cluster that the client means to talk to.
    pub cluster: String,
    /// Who the client is ([`auth`](crate::auth)); none for anyone.
    pub token: Option<String>,
}

/// First frame of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerHello {
    /// Go on.
    Welcome {
        /// Which server this is.
        server: u8,
        /// The state's time, the birth of a session that is begun now.
        state_time_ms: u64,
        /// Seats of the theatre.
        capacity: u32,
        /// How many frames a client may have unanswered on one connection; more are left unread.
        in_flight_max: u32,
    },
    /// The connection is closed after this.
    Refused(ServerError),
}

/// One request of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFrame {
    /// Chosen by the client, repeated in the answer.
    pub id: u64,
    /// What is wanted.
    pub body: ClientRequest,
}

/// What a client may want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientRequest {
    /// Order and execute a command; answered with [`ServerReply::Outcome`].
    Command(Command),
    /// Answer a query; answered with [`ServerReply::Answer`].
    Query {
        /// What is asked.
        query: Query,
        /// How fresh the answer must be.
        consistency: Consistency,
    },
    /// The cluster as this server sees it; answered at once in every state with [`ServerReply::Status`].
    Status,
    /// The operator's override of the outage rule (`docs/operations.md`); answered with
    /// [`ServerReply::Done`].
    Override,
    /// What this server saw of the algorithm after this event, by its number; answered at once with
    /// [`ServerReply::Trace`]. It records for ten seconds after it was asked last.
    Trace {
        /// 0 for all that there is.
        after: u64,
    },
}

/// How fresh the answer to a query must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consistency {
    /// Every command answered before the query was sent is seen.
    Linearizable,
    /// Whatever this server has executed, even when it is cut off.
    Local,
}

/// One answer of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFrame {
    /// The request's.
    pub id: u64,
    /// The answer.
    pub body: ServerReply,
}

/// The answer's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerReply {
    /// A command was executed (or refused by the state).
    Outcome(Outcome),
    /// What a query found.
    Answer(Answer),
    /// The cluster as this server sees it.
    Status(StatusReport),
    /// Carried out, nothing to tell.
    Done,
    /// What this server saw of the algorithm.
    Trace(TracePage),
    /// This server, now. Says in [`ServerError::outcome_known`] whether the command may still be executed.
    Error(ServerError),
}

/// Why this server does not serve this request now. Not replicated, not about seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ServerError {
    /// Not a member of an active view yet (starting, catching up, or waiting for others after an outage).
    #[error("this server is not ready: {state}")]
    NotReady {
        /// What it is doing instead, for people.
        state: String,
    },
    /// The queue of commands is full; try again later or elsewhere.
    #[error("this server has {pending} commands waiting already")]
    Overloaded {
        /// How many wait.
        pending: u32,
    },
    /// The server is stopping or was excluded; the command may or may not be executed. Ask another server with the
    /// same session and sequence number.
    #[error("this server is leaving the cluster; ask another one")]
    Leaving,
    /// The request breaks a rule that the client should have kept.
    #[error("bad request: {reason}")]
    BadRequest {
        /// Which one.
        reason: String,
    },
    /// The client speaks another version of the protocol.
    #[error("this server speaks version {server} of the client protocol, the client speaks {client}")]
    WrongVersion {
        /// Ours.
        server: u16,
        /// Theirs.
        client: u16,
    },
    /// The client means another cluster.
    #[error("this server belongs to cluster {server:?}, the client asked for {client:?}")]
    WrongCluster {
        /// Ours.
        server: String,
        /// Theirs.
        client: String,
    },
    /// As many connections as are configured exist.
    #[error("this server has {connections} client connections already, no more are accepted")]
    TooManyConnections {
        /// The limit.
        connections: u32,
    },
    /// Whoever asks may not do that; nothing was ordered.
    #[error("{reason}")]
    NotAllowed {
        /// Why.
        reason: String,
    },
}

impl ServerError {
    /// Whether a command answered with this was certainly not accepted by this server.
    pub fn outcome_known(&self) -> bool {
        !matches!(self, ServerError::Leaving)
    }
}

/// The cluster as one server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Who reports.
    pub server: u8,
    /// The cluster's name.
    pub cluster: String,
    /// `any` or `majority`.
    pub availability: String,
    /// `fsync` or `memory`.
    pub durability: String,
    /// Every configured server, in id order.
    pub servers: Vec<ServerStatus>,
    /// Reservations lost in a partition that a person must look at, in this server's conflict reports.
    pub conflicts: u64,
    /// What the reporter waits for when it is not ready, for people.
    pub waiting_for: Option<String>,
}

/// One row of the status table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its id.
    pub id: u8,
    /// Where clients reach it, as configured.
    pub address: String,
    /// What it is doing.
    pub state: ServerState,
    /// Its view, as text (`epoch.number.coordinator`); empty when not known.
    pub view: String,
    /// How many requests it has executed.
    pub position: u64,
    /// How far it is behind the furthest server that is seen.
    pub lag: u64,
    /// Its digest at `position`.
    pub digest: u64,
    /// Seats still free, as it sees them.
    pub seats_left: u32,
    /// Since its start.
    pub uptime_ms: u64,
    /// Its program's version.
    pub version: String,
    /// Why it is not ready or not reachable, for people; empty otherwise.
    pub reason: String,
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// Sells.
    Ready,
    /// Started, not yet caught up, sells nothing.
    Recovering,
    /// Between two views; goes on in a moment.
    Changing,
    /// On its way out after SIGTERM.
    Leaving,
    /// In the view, but silent.
    Suspected,
    /// Not in the view, no link.
    Down,
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ServerState::Ready => "ready",
            ServerState::Recovering => "recovering",
            ServerState::Changing => "changing",
            ServerState::Leaving => "leaving",
            ServerState::Suspected => "suspected",
            ServerState::Down => "down",
        })
    }
}
