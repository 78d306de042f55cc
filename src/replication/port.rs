//! What the rest of the server sees of a replica: ask, and be answered.
//!
//! Questions go through one bounded queue to the task that owns the engine. Each carries where its answer
//! goes; whoever asks bounds how many of its questions are open, and makes room for as many answers.

use super::feed::Feed;
use super::machine::Audience;
use crate::domain::command::Query;
use crate::domain::outcome::{Answer, Outcome};
use crate::domain::state::State;
use crate::protocol::lamport::Status;
use crate::protocol::trace::TracePage;
use crate::telemetry::metrics::Metrics;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Questions that may wait for the engine's task; whoever asks on top of that waits.
const ASKS_MAX: usize = 1_024;

/// How fresh the answer to a query must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Every command answered before the query was sent is seen.
    Linearizable,
    /// Whatever this server has executed.
    Local,
}

/// What may be asked of a replica.
#[derive(Debug)]
pub enum Ask {
    /// Order and execute this encoded command.
    Submit(Bytes),
    /// Answer this.
    Read(Query, Freshness),
    /// The cluster as this server sees it.
    Status,
    /// The operator's override of the outage rule.
    Override,
    /// Take no more commands, finish what is in flight, and leave.
    Leave,
}

/// What comes back.
#[derive(Debug)]
pub enum Reply {
    /// The command was executed.
    Outcome(Outcome),
    /// What a query found.
    Answer(Answer),
    /// The cluster as this server sees it.
    Status(Box<ReplicaStatus>),
    /// What this server saw of the algorithm.
    Trace(TracePage),
    /// Carried out, nothing to tell.
    Done,
    /// Not here, not now.
    Refused(Refused),
}

/// Why a question is not answered here, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not at work in a view; certainly not executed.
    NotReady {
        /// What the server does instead, for people.
        state: String,
    },
    /// Too much waits; certainly not executed.
    Overloaded {
        /// How many commands wait.
        pending: u32,
    },
    /// The question breaks a rule that whoever asks should have kept.
    Bad {
        /// Which one.
        reason: String,
    },
    /// Whoever asks may not; said before the replica was asked.
    NotAllowed {
        /// Why.
        reason: String,
    },
    /// The server is leaving and takes no more; certainly not executed.
    Closing,
    /// The server stops or starts over: whether the command is executed is not known.
    Leaving,
}

/// A replica as it looks to people.
#[derive(Clone, Debug)]
pub struct ReplicaStatus {
    /// What the engine says; none while the log is read.
    pub engine: Option<Status>,
    /// Since the process started.
    pub uptime_ms: u64,
    /// Reservations given up after a partition that a person must look at.
    pub conflicts: u64,
    /// What the state holds.
    pub holdings: Holdings,
}

/// How much of what a replica's state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what `State` counts under that name")]
pub struct Holdings {
    pub reservations: usize,
    pub events: usize,
    pub bookings: usize,
    pub holds: usize,
    pub sessions: usize,
    pub keys: usize,
}

impl Holdings {
    /// Of this state.
    pub(super) fn of(state: &State) -> Holdings {
        Holdings {
            reservations: state.reservations_len(),
            events: state.events_len(),
            bookings: state.bookings_len(),
            holds: state.holds_len(),
            sessions: state.sessions_len(),
            keys: state.keys_len(),
        }
    }
}

/// Where an answer goes. Dropped without one, it says [`Refused::Leaving`]: nobody waits for nothing.
#[derive(Debug)]
pub struct ReplyTo {
    id: u64,
    to: Option<mpsc::Sender<(u64, Reply)>>,
}

impl ReplyTo {
    /// Answers under this number go there. There must be room for the answer when it comes.
    pub fn new(id: u64, to: mpsc::Sender<(u64, Reply)>) -> ReplyTo {
        ReplyTo { id, to: Some(to) }
    }

    /// Gives the answer. One that nobody waits for any more is dropped.
    pub fn answer(mut self, reply: Reply) {
        self.give(reply);
    }

    fn give(&mut self, reply: Reply) {
        if let Some(to) = self.to.take() {
            let _ = to.try_send((self.id, reply));
        }
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        self.give(Reply::Refused(Refused::Leaving));
    }
}

/// A question with where its answer goes; none for [`Ask::Leave`].
pub(super) type Asked = (Ask, Option<ReplyTo>);

/// Asks a replica. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Replicator {
    asks: mpsc::Sender<Asked>,
    state_time_ms: Arc<AtomicU64>,
    audience: Audience,
}

/// The other end of a [`Replicator`], for the task that owns the engine.
#[derive(Debug)]
pub struct Asks {
    pub(super) receiver: mpsc::Receiver<Asked>,
    pub(super) state_time_ms: Arc<AtomicU64>,
    pub(super) audience: Audience,
}

/// Both ends.
pub fn port() -> (Replicator, Asks) {
    let (asks, receiver) = mpsc::channel(ASKS_MAX);
    let (state_time_ms, audience) = (Arc::<AtomicU64>::default(), Audience::default());
    let replicator = Replicator { asks, state_time_ms: state_time_ms.clone(), audience: audience.clone() };
    (replicator, Asks { receiver, state_time_ms, audience })
}

#[cfg(test)]
impl Asks {
    /// The next question, for tests that answer themselves.
    pub(crate) async fn take(&mut self) -> Option<(Ask, Option<ReplyTo>)> {
        self.receiver.recv().await
    }
}

impl Replicator {
    /// Asks; waits while too many questions wait. The answer comes to `reply`, also when the replica has ended.
    pub async fn ask(&self, ask: Ask, reply: ReplyTo) {
        // What cannot be sent is dropped, and dropping it answers.
        let _ = self.asks.send((ask, Some(reply))).await;
    }

    /// Asks, and waits for the answer.
    pub async fn call(&self, ask: Ask) -> Reply {
        let (to, mut answer) = mpsc::channel(1);
        self.ask(ask, ReplyTo::new(0, to)).await;
        answer.recv().await.map_or(Reply::Refused(Refused::Leaving), |(_, reply)| reply)
    }

    /// Takes no more commands, finishes what is in flight, and leaves the cluster.
    pub async fn leave(&self) {
        // One that has ended has left.
        let _ = self.asks.send((Ask::Leave, None)).await;
    }

    /// The state's own time: the birth of a session that is begun now.
    pub fn state_time_ms(&self) -> u64 {
        self.state_time_ms.load(Ordering::Relaxed)
    }

    /// When the next seats that are set aside fall back, in the state's time; none while nothing is.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.audience.expiry.get_ms()
    }

    /// The seats as they change.
    pub fn feed(&self) -> &Feed {
        &self.audience.feed
    }

    /// What this server saw of the algorithm after this event; it records while it is asked.
    pub fn watch(&self, after: u64) -> TracePage {
        self.audience.tracer.watch(after)
    }

    /// What this server counts.
    pub fn metrics(&self) -> &Metrics {
        &self.audience.metrics
    }
}
