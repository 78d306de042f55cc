//! From the log to an engine: the same steps in the same order, and nothing that the log does not say.

use super::normal::Origin;
use super::queue::Queue;
use super::tail::Tail;
use super::{Lamport, Phase, catch_up, detector, reads};
use crate::domain::digest::Digest;
use crate::protocol::engine::{Machine, Settings};
use crate::protocol::message::History;
use crate::protocol::record::{Checkpoint, Record, SnapshotHeader};
use crate::protocol::types::{Now, Position, Request, Timestamp, ViewId};
use crate::protocol::view::Lineage;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What was found on the disk.
#[derive(Debug)]
pub struct Recovered<M> {
    /// The state of the snapshot that is used, or an empty one.
    pub machine: M,
    /// What that snapshot says of itself, and its length; none for an empty state.
    pub snapshot: Option<(SnapshotHeader, u64)>,
    /// All records since, and possibly some from before it.
    pub records: Vec<Record>,
    /// What the log can vouch for.
    pub history: History,
}

/// Why a log makes no engine. Each is damage that checksums did not show, or a program that executes
/// differently from the one that wrote the log: the log is set aside and the state taken from the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// An executed request is in no record before its mark.
    #[error("the log marks position {position} as executed, but does not have its request")]
    MissingRequest {
        /// Where.
        position: Position,
    },
    /// Executing again gave another digest.
    #[error("executing position {position} again gives digest {found:?}, the log says {logged:?}")]
    OtherDigest {
        /// Where.
        position: Position,
        /// Now.
        found: Digest,
        /// Then.
        logged: Digest,
    },
    /// A mark is for a later position than the next one.
    #[error("the log goes from position {from} to {to}")]
    Gap {
        /// The last position before.
        from: Position,
        /// The next one found.
        to: Position,
    },
}

impl<M: Machine> Lamport<M> {
    /// Builds the engine of a new life from what is on the disk. It is recovering until a view takes it in.
    ///
    /// # Errors
    ///
    /// See [`RecoverError`].
    pub fn new(settings: Settings, recovered: Recovered<M>) -> Result<Self, RecoverError> {
        let me = settings.me;
        let header = recovered.snapshot.as_ref().map(|(header, _)| header.clone());
        let (position, digest) = header.as_ref().map_or((0, Digest::default()), |h| (h.position, h.digest));
        let others = settings.servers.iter().copied().filter(|&s| s != me.server);
        let mut engine = Lamport {
            now: Now::default(),
            rng: fastrand::Rng::with_seed(settings.seed),
            stopped: false,
            machine: recovered.machine,
            position,
            digest,
            lineage: header.as_ref().map_or_else(Lineage::default, |h| h.lineage.clone()),
            tail: Tail::new(position, digest, settings.limits.tail_bytes_max),
            last_lsn: 0,
            durable: 0,
            owed: VecDeque::new(),
            snapshot: recovered.snapshot.map(|(header, bytes)| (header.position, bytes)),
            snapshot_pending: false,
            snapshot_overtaken: false,
            phase: Phase::Recovering,
            history: recovered.history,
            clock: header.as_ref().map_or(0, |h| h.clock),
            promised: ViewId::ZERO,
            promised_since: Vec::new(),
            accepted: None,
            accepted_here: false,
            last: header.and_then(|h| h.last),
            queue: Queue::new(me.server, Vec::new()),
            installed_owed: None,
            broken: BTreeSet::new(),
            attempt: None,
            seen: ViewId::ZERO,
            backoff_ms: 0,
            changing_ms: 0,
            recovering_ms: 0,
            override_wanted: false,
            asked_for: Vec::new(),
            peers: others.map(|s| (s, detector::Peer::new(s))).collect(),
            timers: detector::Timers::default(),
            last_tick_ms: None,
            started_ms: None,
            catch_up: catch_up::CatchUp::default(),
            pending: VecDeque::new(),
            collect_until: None,
            last_batch_len: 0,
            in_flight: BTreeMap::new(),
            reads: reads::Reads::default(),
            offers: Vec::new(),
            offers_submitted: false,
            questions: 0,
            leaving: false,
            settings,
        };
        for record in recovered.records {
            engine.replay(record)?;
        }
        engine.drop_executed();
        engine.lineage = engine.lineage.at(engine.position);
        Ok(engine)
    }

    fn replay(&mut self, record: Record) -> Result<(), RecoverError> {
        match record {
            Record::Request(request) => {
                self.clock = self.clock.max(request.timestamp.clock);
                if request.view == self.accepted_view() {
                    // One that does not come after its server's earlier ones was never replied to.
                    let _ = self.queue.insert(request, 0);
                }
            }
            Record::Executed { position, view, timestamp, digest } => {
                let request = self.unexecuted(position, view, timestamp);
                self.replay_executed(position, request, digest, Origin::View)?;
            }
            Record::Fetched { entry, digest } => {
                self.queue.remove(entry.request.timestamp);
                self.clock = self.clock.max(entry.request.timestamp.clock);
                self.replay_executed(entry.position, Some(entry.request), digest, Origin::Donor)?;
            }
            Record::Lineage { lineage, position } => {
                if position > self.position {
                    self.lineage = lineage;
                }
            }
            Record::Promise(proposal) => {
                self.promised = self.promised.max(proposal.view);
                self.remember_proposal(proposal);
            }
            Record::Install(install) => self.take_over(install),
            Record::Rejoin => self.rejoin(),
            Record::Offers(offers) => self.offers = offers,
            Record::Checkpoint(checkpoint) => self.replay_checkpoint(*checkpoint)?,
        }
        Ok(())
    }

    /// The request that a mark speaks of: kept by the accepted view at that position, or logged in it.
    fn unexecuted(&mut self, position: Position, view: ViewId, timestamp: Timestamp) -> Option<Arc<Request>> {
        let logged = if view == self.accepted_view() { self.queue.remove(timestamp) } else { None };
        let kept = self.accepted.as_ref().and_then(|install| {
            let entry = install.kept.iter().find(|e| e.position == position)?;
            Some(entry.request.clone()).filter(|r| (r.view, r.timestamp) == (view, timestamp))
        });
        logged.or(kept)
    }

    fn replay_executed(
        &mut self,
        position: Position,
        request: Option<Arc<Request>>,
        digest: Digest,
        origin: Origin,
    ) -> Result<(), RecoverError> {
        if position <= self.position {
            return Ok(());
        }
        if position != self.position + 1 {
            return Err(RecoverError::Gap { from: self.position, to: position });
        }
        let request = request.ok_or(RecoverError::MissingRequest { position })?;
        self.apply_quietly(request, origin);
        if self.digest != digest {
            return Err(RecoverError::OtherDigest { position, found: self.digest, logged: digest });
        }
        Ok(())
    }

    fn replay_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), RecoverError> {
        if checkpoint.position > self.position {
            return Err(RecoverError::Gap { from: self.position, to: checkpoint.position });
        }
        self.accepted = checkpoint.accepted;
        self.promised = self.promised.max(checkpoint.promised);
        self.promised_since = checkpoint.promised_since;
        self.clock = self.clock.max(checkpoint.clock);
        self.offers = checkpoint.offers;
        self.history = checkpoint.history;
        let others = self.others().iter().map(|m| m.server).collect();
        self.queue = Queue::new(self.me().server, others);
        for request in checkpoint.logged {
            let _ = self.queue.insert(request, 0);
        }
        Ok(())
    }
}
