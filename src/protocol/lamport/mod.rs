//! Lamport's mutual exclusion, made to survive stops. The page to read beside this is `docs/protocol.md`.
//!
//! A module for each part of it:
//!
//! | module | part |
//! |---|---|
//! | [`queue`] | the critical section: request, reply, release |
//! | `normal` | one view at work: batches out, requests in, execution |
//! | `reads` | leases, and reads that need no message |
//! | `detector` | who is alive |
//! | `meet` | sides that meet, digests that differ |
//! | `candidates` | whom a coordinator proposes |
//! | `change` | the coordinator's part in a change of view |
//! | [`choose`] | what is kept, and whether a view may be: a pure function |
//! | `outage` | who must be back after an outage |
//! | `member` | everyone's part in a change of view |
//! | `catch_up` | a recovering server's way back |
//! | `donor` | what others do for a server that comes back |
//! | `recover` | from the log to an engine |
//! | `fingerprint` | whether two engines go on alike, for searches |
//! | `status` | what it looks like to people |

mod candidates;
mod catch_up;
mod change;
pub mod choose;
mod detector;
mod donor;
mod fingerprint;
mod meet;
mod member;
mod normal;
mod outage;
pub mod queue;
mod reads;
mod recover;
mod status;
pub mod tail;

pub use recover::{RecoverError, Recovered};
pub use status::{PeerStatus, Status};

use super::engine::{Effect, Engine, Input, Machine, Note, Restart, Settings};
use super::message::{History, Message, Proposal, Standing};
use super::record::Record;
use super::types::{Lsn, Member, Now, Position, Request, ServerId, Timestamp, Token, ViewId};
use super::view::{Install, Lineage};
use crate::domain::digest::Digest;
use bytes::Bytes;
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tail::Tail;

/// Effects under construction.
type Fx<M> = Vec<Effect<M>>;

/// What this server is in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Started, not active in any view in this life.
    Recovering,
    /// Between views.
    Changing,
    /// At work in the accepted view.
    Active,
    /// Its digest disagrees with others' and no majority says who is right.
    Diverged,
}

/// The Lamport engine of one life of one server.
#[derive(Clone, Debug)]
pub struct Lamport<M: Machine> {
    settings: Settings,
    now: Now,
    rng: fastrand::Rng,
    stopped: bool,

    // The executed state.
    machine: M,
    position: Position,
    digest: Digest,
    lineage: Lineage,
    tail: Tail,

    // The log.
    last_lsn: Lsn,
    durable: Lsn,
    owed: VecDeque<(Lsn, Owed)>,
    snapshot: Option<(Position, u64)>,
    snapshot_pending: bool,
    /// The one being written is of a state that was given up meanwhile.
    snapshot_overtaken: bool,

    // Views.
    phase: Phase,
    history: History,
    clock: u64,
    promised: ViewId,
    promised_since: Vec<Proposal>,
    accepted: Option<Arc<Install>>,
    accepted_here: bool,
    last: Option<(ViewId, Timestamp)>,
    queue: Queue,
    installed_owed: Option<ViewId>,
    /// Members of the accepted view whose link lost something.
    broken: BTreeSet<Member>,
    attempt: Option<change::Attempt>,
    seen: ViewId,
    backoff_ms: u64,
    changing_ms: u64,
    recovering_ms: u64,
    override_wanted: bool,
    /// Lives whose promise the last attempt lacked.
    asked_for: Vec<Member>,

    // Others.
    peers: BTreeMap<ServerId, detector::Peer>,
    timers: detector::Timers,
    last_tick_ms: Option<u64>,
    started_ms: Option<u64>,
    catch_up: catch_up::CatchUp,
    /// Counts the questions to donors that were answered.
    questions: u64,

    // Clients.
    pending: VecDeque<(Option<Token>, Bytes)>,
    /// Commands that wait are not proposed before this request is executed.
    collect_until: Option<Timestamp>,
    /// Commands in the last own request.
    last_batch_len: usize,
    in_flight: BTreeMap<Timestamp, Vec<(Option<Token>, Bytes)>>,
    reads: reads::Reads,
    offers: Vec<Bytes>,
    offers_submitted: bool,
    leaving: bool,
}

/// Something that must not be said before a record is durable.
#[derive(Clone, Debug, Hash)]
enum Owed {
    /// A reply to a request.
    Reply { to: Member, view: ViewId, until: Timestamp },
    /// The coordinator's own promise: PREPARE may go out.
    OwnPromise { view: ViewId },
    /// A promise.
    Promise { to: Member, view: ViewId },
    /// An accepted view.
    Installed { view: ViewId },
}

impl<M: Machine> Engine<M> for Lamport<M> {
    fn step(&mut self, now: Now, input: Input<M>, fx: &mut Fx<M>) {
        if self.stopped {
            return;
        }
        self.now = now;
        self.started_ms.get_or_insert(now.tick_ms);
        match input {
            Input::Tick => self.on_tick(fx),
            Input::LinkUp { peer, resumed } => self.on_link_up(peer, resumed, fx),
            Input::LinkDown { peer } => self.on_link_down(peer),
            Input::Message { from, message } => self.on_message(from, message, fx),
            Input::Durable { lsn } => self.on_durable(lsn, fx),
            Input::Submit { token, command } => self.on_submit(token, command, fx),
            Input::Read { token } => self.on_read(token, fx),
            Input::Drained => self.on_drained(fx),
            Input::SnapshotDue => self.on_snapshot_due(fx),
            Input::SnapshotWritten { position, bytes } => {
                self.snapshot_pending = false;
                if !std::mem::take(&mut self.snapshot_overtaken) {
                    self.snapshot = Some((position, bytes));
                }
            }
            Input::SnapshotFailed => {
                self.snapshot_pending = false;
                self.snapshot_overtaken = false;
            }
            Input::SnapshotRead { peer, position, offset, total, bytes } => {
                self.send(peer, Message::SnapshotChunk { position, offset, total, bytes }, fx);
            }
            Input::ChunkStored { position, bytes } => self.on_chunk_stored(position, bytes, fx),
            Input::SnapshotReceived { header, machine } => self.on_snapshot_received(header, *machine, fx),
            Input::SnapshotRejected { position } => self.on_snapshot_rejected(position),
            Input::Leave => self.on_leave(fx),
            Input::Override => self.override_wanted = self.can_be_overridden(),
        }
    }
}

impl<M: Machine> Lamport<M> {
    /// The replicated state, for reads that [`Effect::ServeRead`] allows and for local ones.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// How many requests have been executed.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The digest of what has been executed.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether commands and reads are taken.
    pub fn is_active(&self) -> bool {
        self.phase == Phase::Active && !self.stopped
    }

    /// The view that is used, if any.
    pub fn active_view(&self) -> Option<&Install> {
        if self.is_active() { self.accepted.as_deref() } else { None }
    }

    /// The digest at a recent position.
    pub fn digest_at(&self, position: Position) -> Option<Digest> {
        self.tail.digest_at(position)
    }

    /// The request executed at a recent position.
    pub fn request_at(&self, position: Position) -> Option<&Arc<Request>> {
        self.tail.get(position)
    }

    /// The lineage of the state.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    fn me(&self) -> Member {
        self.settings.me
    }

    fn accepted_view(&self) -> ViewId {
        self.accepted.as_ref().map_or(ViewId::ZERO, |install| install.view)
    }

    /// Members of the accepted view; none before the first.
    fn members(&self) -> &[Member] {
        self.accepted.as_ref().map_or(&[], |install| &install.members)
    }

    /// The other members of the accepted view.
    fn others(&self) -> Vec<Member> {
        self.members().iter().copied().filter(|m| m.server != self.me().server).collect()
    }

    /// The greatest timestamp executed in the accepted view.
    fn executed(&self) -> Option<Timestamp> {
        self.last.filter(|(view, _)| *view == self.accepted_view()).map(|(_, timestamp)| timestamp)
    }

    fn append(&mut self, record: Record, fx: &mut Fx<M>) -> Lsn {
        self.last_lsn += 1;
        fx.push(Effect::Append { lsn: self.last_lsn, record });
        self.last_lsn
    }

    fn send(&self, to: Member, message: Message, fx: &mut Fx<M>) {
        fx.push(Effect::Send { to, message });
    }

    fn note(&self, note: Note, fx: &mut Fx<M>) {
        fx.push(Effect::Note(note));
    }

    fn restart(&mut self, why: Restart, fx: &mut Fx<M>) {
        self.stopped = true;
        fx.push(Effect::Restart { why });
    }

    fn standing(&self) -> Standing {
        match self.phase {
            Phase::Active if self.leaving => Standing::Leaving,
            Phase::Active => Standing::Active,
            Phase::Changing => Standing::Changing,
            Phase::Recovering => Standing::Recovering,
            Phase::Diverged => Standing::Diverged,
        }
    }

    fn on_message(&mut self, from: Member, message: Message, fx: &mut Fx<M>) {
        if !self.hear(from) {
            return;
        }
        match message {
            Message::Request(request) => self.on_request(from, request, fx),
            Message::Reply { view, until, clock } => self.on_reply(from, view, until, clock, fx),
            Message::Release { view, until } => self.on_release(from, view, until, fx),
            Message::Prepare { view, members } => self.on_prepare(from, view, members, fx),
            Message::Promise { view, promise } => self.on_promise(from, view, promise, fx),
            Message::Refused { view, highest } => self.on_refused(view, highest, fx),
            Message::Install(install) => self.on_install(from, install, fx),
            Message::Installed { view } => self.on_installed(from.server, view, fx),
            Message::Activate { view } => self.on_activate(from, view, fx),
            Message::Leave => self.on_peer_leave(from, fx),
            Message::Heartbeat(heartbeat) => self.on_heartbeat(from, heartbeat, fx),
            Message::HeartbeatAck { view, sequence } => self.on_heartbeat_ack(from, view, sequence, fx),
            Message::Fetch { question, position, lineage, digests } => {
                self.on_fetch(from, question, position, (&lineage, &digests), fx);
            }
            Message::Entries { question, lineage, tip, entries, digest } => {
                if self.takes_answer(from, question) {
                    self.on_entries(&lineage, tip, entries, digest, fx);
                }
            }
            Message::Offer { question, position, bytes, forked_after, lineage } => {
                if self.takes_answer(from, question) {
                    self.on_offer(position, bytes, forked_after, &lineage, fx);
                }
            }
            Message::FetchSnapshot { position, offset } => {
                fx.push(Effect::ReadSnapshot { peer: from, position, offset });
            }
            Message::SnapshotChunk { position, offset, total, bytes } => {
                self.on_chunk(from, position, offset, total, bytes, fx);
            }
        }
    }

    fn on_durable(&mut self, lsn: Lsn, fx: &mut Fx<M>) {
        assert!(lsn <= self.last_lsn, "the log cannot be durable beyond its end");
        self.durable = self.durable.max(lsn);
        let mut replies: BTreeMap<Member, (ViewId, Timestamp)> = BTreeMap::new();
        while self.owed.front().is_some_and(|(lsn, _)| *lsn <= self.durable) {
            match self.owed.pop_front() {
                Some((_, Owed::Reply { to, view, until })) => {
                    replies.insert(to, (view, until));
                }
                Some((_, Owed::OwnPromise { view })) => self.on_own_promise(view, fx),
                Some((_, Owed::Promise { to, view })) => self.send_promise(to, view, fx),
                Some((_, Owed::Installed { view })) => self.on_accept_durable(view, fx),
                None => {}
            }
        }
        for (to, (view, until)) in replies {
            if self.phase == Phase::Active && view == self.accepted_view() {
                let clock = self.clock;
                self.send(to, Message::Reply { view, until, clock }, fx);
            }
        }
        self.execute(fx);
    }

    /// Writes a snapshot, unless one is being written.
    fn on_snapshot_due(&mut self, fx: &mut Fx<M>) {
        if self.snapshot_pending {
            return;
        }
        self.snapshot_pending = true;
        let header = self.snapshot_header();
        let image = self.machine.freeze();
        self.last_lsn += 1;
        let checkpoint = Record::Checkpoint(Box::new(self.checkpoint()));
        fx.push(Effect::Snapshot { header, image, lsn: self.last_lsn, checkpoint });
    }
}
