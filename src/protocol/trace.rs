//! What servers say to each other, told to people: Lamport's requests, replies and releases, and changes of view.
//!
//! Absent on purpose: life signs (there would be little else to see) and what is in a request: names stay in the state.

use super::message::Message;
use super::types::{Position, ServerId, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that one server saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEvent {
    /// Grows by one from event to event of one process.
    pub number: u64,
    /// Microseconds since 1970, by that server's own clock.
    pub at_us: u64,
    /// What it saw.
    #[serde(rename = "what")]
    pub traced: Traced,
}

/// What one server saw after some event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracePage {
    /// Of the last event that it saw; an asker who knows of a later one asks another process than before.
    pub last: u64,
    /// In their order, not all of them when there are many.
    pub events: Vec<TraceEvent>,
}

/// What can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traced {
    /// It sent something.
    Sent {
        /// To whom.
        to: ServerId,
        /// What.
        said: Said,
    },
    /// Something came in.
    Received {
        /// From whom.
        from: ServerId,
        /// What.
        said: Said,
    },
    /// It executed a request: this is the critical section, and every server is in it with the same request.
    Executed {
        /// Where in the order.
        position: Position,
        /// Whose turn it was.
        request: Timestamp,
        /// How many commands it had.
        commands: u32,
    },
    /// It works in a view from here on.
    Activated {
        /// Which.
        view: String,
        /// With whom.
        members: Vec<ServerId>,
    },
    /// It has left the cluster.
    Left,
    /// It takes another server for crashed.
    Suspected {
        /// Whom.
        server: ServerId,
    },
}

/// A message, as short as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// "Let me in."
    Request {
        /// With this timestamp.
        request: Timestamp,
    },
    /// "After you", for every request of the receiver up to this one.
    Reply {
        /// The last one.
        until: Timestamp,
    },
    /// "I have been in", for every request of the sender up to this one.
    Release {
        /// The last one.
        until: Timestamp,
    },
    /// A step of a change of view.
    View {
        /// Which step, by its name in the protocol.
        step: ViewStep,
        /// Which view.
        view: String,
    },
    /// The sender leaves.
    Leave,
    /// Catching up: a question or a part of the answer.
    CatchUp,
}

/// Steps of a change of view, in their order; a refusal ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the message of that name")]
pub enum ViewStep {
    Prepare,
    Promise,
    Refused,
    Install,
    Installed,
    Activate,
}

impl ViewStep {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            ViewStep::Prepare => "prepare",
            ViewStep::Promise => "promise",
            ViewStep::Refused => "refused",
            ViewStep::Install => "install",
            ViewStep::Installed => "installed",
            ViewStep::Activate => "activate",
        }
    }
}

impl Said {
    /// How a message is told; none for life signs.
    pub fn of(message: &Message) -> Option<Said> {
        let view = |step, view: &dyn ToString| Said::View { step, view: view.to_string() };
        Some(match message {
            Message::Request(request) => Said::Request { request: request.timestamp },
            Message::Reply { until, .. } => Said::Reply { until: *until },
            Message::Release { until, .. } => Said::Release { until: *until },
            Message::Prepare { view: of, .. } => view(ViewStep::Prepare, of),
            Message::Promise { view: of, .. } => view(ViewStep::Promise, of),
            Message::Refused { view: of, .. } => view(ViewStep::Refused, of),
            Message::Install(install) => view(ViewStep::Install, &install.view),
            Message::Installed { view: of } => view(ViewStep::Installed, of),
            Message::Activate { view: of } => view(ViewStep::Activate, of),
            Message::Leave => Said::Leave,
            Message::Fetch { .. }
            | Message::Entries { .. }
            | Message::Offer { .. }
            | Message::FetchSnapshot { .. }
            | Message::SnapshotChunk { .. } => Said::CatchUp,
            Message::Heartbeat(_) | Message::HeartbeatAck { .. } => return None,
        })
    }
}
