//! The contract between an engine that orders commands and whoever drives it.
//!
//! An engine is a value. The driver hands it [`Input`]s with the time at which they happen, and carries out
//! the [`Effect`]s it gets back. The same inputs at the same times give the same effects, in the simulator
//! as in the server.
//!
//! # What a driver owes an engine
//!
//! 1. It carries effects out one by one, in the order in which they come. A crash may come between any two.
//! 2. Records of [`Effect::Append`] reach the log in that order. [`Input::Durable`] tells how far the log has
//!    been flushed, never more than it was. The engine itself holds back what may only be seen once a record
//!    is durable; the driver need not know which effect depends on which record.
//! 3. Between two lives (incarnations) of servers, sequenced messages ([`Message::is_sequenced`]) are delivered
//!    once, in order, without a gap. When a link cannot promise that any more, it comes up as a new one:
//!    [`Input::LinkUp`] with `resumed: false`.
//! 4. [`Input::Tick`] comes about every [`Limits::tick_ms`]. Late ticks are noticed and do no harm.
//! 5. [`Input::Drained`] comes when no other input is waiting: what has collected may become a batch.
//! 6. After [`Effect::Restart`] or [`Effect::Exit`] the engine gets no more input. For a restart the driver
//!    opens the log again, in a new incarnation, and builds a new engine from what it finds.

use super::message::Message;
use super::record::Record;
use super::types::{Lsn, Member, Now, Position, Request, ServerId, Token, ViewId};
use crate::domain::digest::Digest;
use bytes::Bytes;
use std::fmt::Debug;

/// The replicated state machine, as the engine needs it.
pub trait Machine: Sized {
    /// What executing one command came to.
    type Outcome: Clone + Debug + PartialEq;
    /// A frozen picture of the state for a snapshot, cheap to take.
    type Image: Debug;

    /// Executes a request: pushes one outcome for each command, in order, and returns a hash over them.
    fn apply(&mut self, position: Position, request: &Request, outcomes: &mut Vec<Self::Outcome>) -> u64;
    /// The state as it is now.
    fn freeze(&self) -> Self::Image;
    /// Puts commands, already encoded, together into one batch.
    fn batch(commands: &[&Bytes]) -> Bytes;
    /// Which of this state's changes after `shared` the other state lacks, each as an encoded command that
    /// offers it again. Executing an offer twice must do no harm. `seed` tells these offers from others'.
    fn divergence(&self, theirs: &Self, shared: Position, seed: u64) -> Vec<Bytes>;
    /// Free seats, shown to people.
    fn seats_left(&self) -> u32;
}

/// Something that happened.
#[derive(Debug)]
pub enum Input<M: Machine> {
    /// Time has passed.
    Tick,
    /// A link to this life of a peer stands.
    LinkUp {
        /// The peer.
        peer: Member,
        /// Everything sent between these two lives before will have been delivered.
        resumed: bool,
    },
    /// The link to a peer broke. It may come back.
    LinkDown {
        /// The peer.
        peer: Member,
    },
    /// A message came in.
    Message {
        /// From whom.
        from: Member,
        /// What.
        message: Message,
    },
    /// The log is flushed up to this record.
    Durable {
        /// The last durable record.
        lsn: Lsn,
    },
    /// A client's command, encoded.
    Submit {
        /// Names it in [`Effect::Answer`] and [`Effect::Refuse`].
        token: Token,
        /// The command.
        command: Bytes,
    },
    /// A client wants to read the state linearizably.
    Read {
        /// Names it in [`Effect::ServeRead`] and [`Effect::Refuse`].
        token: Token,
    },
    /// Nothing else is waiting.
    Drained,
    /// The log has grown enough for a snapshot.
    SnapshotDue,
    /// A snapshot of this server is durable.
    SnapshotWritten {
        /// At which position.
        position: Position,
        /// Its length.
        bytes: u64,
    },
    /// A snapshot could not be written, for want of space. The log goes on as it is.
    SnapshotFailed,
    /// Part of an own snapshot was read for a peer.
    SnapshotRead {
        /// For whom.
        peer: Member,
        /// Which snapshot.
        position: Position,
        /// From which byte.
        offset: u64,
        /// Its length; 0 when it is gone.
        total: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// A chunk of a peer's snapshot has been stored; the file has this many bytes now.
    ChunkStored {
        /// Which snapshot.
        position: Position,
        /// Bytes from its start that are stored.
        bytes: u64,
    },
    /// A peer's snapshot was received whole, checked and decoded. Not yet adopted.
    SnapshotReceived {
        /// What it says of itself.
        header: super::record::SnapshotHeader,
        /// The state in it.
        machine: Box<M>,
    },
    /// A received snapshot was damaged or could not be decoded.
    SnapshotRejected {
        /// Which.
        position: Position,
    },
    /// Leave the cluster: finish what is in flight, then exit.
    Leave,
    /// The operator's override of the outage rule.
    Override,
}

/// Something to do.
#[derive(Debug)]
pub enum Effect<M: Machine> {
    /// Write to the log.
    Append {
        /// Its number.
        lsn: Lsn,
        /// What.
        record: Record,
    },
    /// Send to one peer.
    Send {
        /// The peer; dropped when it is not linked in this life.
        to: Member,
        /// What.
        message: Message,
    },
    /// A client's command has been executed.
    Answer {
        /// Which.
        token: Token,
        /// What it came to.
        outcome: M::Outcome,
    },
    /// A read may be served from the state as it is now.
    ServeRead {
        /// Which.
        token: Token,
    },
    /// A command or read is not served here, and certainly was not ordered.
    Refuse {
        /// Which.
        token: Token,
        /// Why.
        refusal: Refusal,
    },
    /// Write a snapshot beside traffic, then say [`Input::SnapshotWritten`]. The log goes on in a new
    /// segment, whose first record is the `checkpoint`.
    Snapshot {
        /// What the snapshot says of itself.
        header: super::record::SnapshotHeader,
        /// The state.
        image: M::Image,
        /// The record's number.
        lsn: Lsn,
        /// First record of the new segment.
        checkpoint: Record,
    },
    /// Read part of an own snapshot for a peer, then say [`Input::SnapshotRead`].
    ReadSnapshot {
        /// For whom.
        peer: Member,
        /// Which.
        position: Position,
        /// From which byte.
        offset: u64,
    },
    /// Store part of a peer's snapshot, then say [`Input::ChunkStored`], or, after the last byte,
    /// [`Input::SnapshotReceived`] or [`Input::SnapshotRejected`].
    StoreChunk {
        /// Which snapshot.
        position: Position,
        /// From which byte.
        offset: u64,
        /// Its length.
        total: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Make the received snapshot the start of this server's history, durably, and drop the log before
    /// it; the new log begins with the `checkpoint`.
    Adopt {
        /// Which snapshot.
        position: Position,
        /// The checkpoint's number.
        lsn: Lsn,
        /// First record of the new log.
        checkpoint: Record,
    },
    /// Write a conflict report, durably, before anything that follows.
    Report {
        /// The last position that both sides share.
        shared: Position,
        /// The view of the side whose state is given up.
        lost_view: ViewId,
        /// What is given up and offered again, encoded commands.
        offers: Vec<Bytes>,
    },
    /// Add to the conflict report what an offer came to.
    ReportOutcome {
        /// The offer, an encoded command.
        offer: Bytes,
        /// What it came to.
        outcome: M::Outcome,
    },
    /// Drop everything in memory and start again in a new incarnation.
    Restart {
        /// Why.
        why: Restart,
    },
    /// Everything is finished: exit with success.
    Exit,
    /// Tell people.
    Note(Note),
}

/// Why a command or read is refused by this server, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not active in a view.
    NotReady,
    /// As many commands wait as are configured.
    Overloaded {
        /// How many.
        pending: u32,
    },
    /// The server is leaving.
    Leaving,
}

/// Why a server starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The others went on without it (it was paused, or cut off).
    Excluded {
        /// The view they are in.
        by: ViewId,
    },
    /// It executed something else than the others: its state is set aside and taken anew.
    Diverged {
        /// Where that was seen.
        position: Position,
    },
    /// It was itself stopped for so long that the others will have gone on without it, and may have stopped since:
    /// where one survivor may go on, it must ask before it does.
    Stopped {
        /// For how long.
        ms: u64,
    },
    /// Two sides of a partition met, and the other one goes on.
    LostMerge {
        /// The view of the side that goes on.
        to: ViewId,
    },
}

/// Something that people may want to read in the log. Every note is an event, not a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A member is taken for crashed.
    Suspected {
        /// Which.
        member: Member,
        /// Why.
        why: &'static str,
    },
    /// A member has finished what it had in flight and goes.
    Left {
        /// Which.
        member: Member,
    },
    /// This server proposes a view.
    Proposing {
        /// The view.
        view: ViewId,
        /// Its members.
        members: Vec<Member>,
    },
    /// A proposal came to nothing.
    Abandoned {
        /// The view.
        view: ViewId,
        /// Why.
        why: String,
    },
    /// A view is used from now on.
    Activated {
        /// The view.
        view: ViewId,
        /// Its members.
        members: Vec<Member>,
        /// Where its own requests begin.
        position: Position,
    },
    /// This server catches up from a peer.
    CatchingUp {
        /// The peer.
        from: ServerId,
        /// Own position.
        position: Position,
        /// The peer's.
        tip: Position,
    },
    /// Waits for others, with a sentence for people.
    Waiting {
        /// What for.
        what: String,
    },
    /// A peer reports another digest at a position that both executed.
    DigestMismatch {
        /// The peer.
        peer: ServerId,
        /// Where.
        position: Position,
        /// Ours.
        ours: Digest,
        /// Theirs.
        theirs: Digest,
    },
    /// The operator has overridden the outage rule.
    Overridden {
        /// The view that is proposed in a new epoch.
        view: ViewId,
    },
    /// A peer sent what no server of ours sends.
    Nonsense {
        /// Who.
        from: Member,
        /// What.
        what: &'static str,
    },
}

/// How few may go on selling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// One survivor suffices; right where a server that does not answer has stopped.
    Any,
    /// More than half of the configured servers; safe under partitions.
    Majority,
}

/// What an engine is told when it is built.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who it is.
    pub me: Member,
    /// All configured servers, in id order, the own one included.
    pub servers: Vec<ServerId>,
    /// How few may go on.
    pub availability: Availability,
    /// The limits.
    pub limits: Limits,
    /// Start of the generator for pauses.
    pub seed: u64,
    /// The operator says that blank servers may begin without the others (first start only).
    pub bootstrap: bool,
    /// Shown in heartbeats.
    pub version: String,
}

/// Every limit and period of an engine. All servers of a cluster must use the same.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Between two ticks.
    pub tick_ms: u64,
    /// Between two heartbeats.
    pub heartbeat_ms: u64,
    /// Silence, or an answer or flush that is owed, of this length counts as a crash.
    pub suspect_ms: u64,
    /// A link that stays down this long counts as a crash.
    pub probe_ms: u64,
    /// For how long a heartbeat that all members answered lets reads be served.
    pub lease_ms: u64,
    /// Requests of one server that may be on their way at once.
    pub requests_outstanding_max: usize,
    /// Largest batch, in bytes of commands. A single larger command goes alone.
    pub batch_bytes_max: usize,
    /// Commands that may wait for their batch; more are refused.
    pub pending_commands_max: usize,
    /// Executed requests kept in memory for servers that catch up, in bytes.
    pub tail_bytes_max: usize,
    /// Largest catch-up message, in bytes of requests.
    pub entries_bytes_max: usize,
    /// How much executed work a server may lack to be taken into a view at once, in bytes of requests. With what
    /// is on its way (`requests_outstanding_max` batches of each member) it must fit into one message.
    pub install_bytes_max: usize,
    /// Largest part of a snapshot in one message, in bytes.
    pub chunk_bytes_max: usize,
}

impl Limits {
    /// Who has said something within this time is heard: one heartbeat may be late.
    pub(super) fn heard_ms(&self) -> u64 {
        2 * self.heartbeat_ms
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            tick_ms: 50,
            heartbeat_ms: 200,
            suspect_ms: 5_000,
            probe_ms: 1_000,
            lease_ms: 1_000,
            requests_outstanding_max: 4,
            batch_bytes_max: 256 << 10,
            pending_commands_max: 65_536,
            tail_bytes_max: 128 << 20,
            entries_bytes_max: 1 << 20,
            install_bytes_max: 16 << 20,
            chunk_bytes_max: 256 << 10,
        }
    }
}

/// An engine: a value that is stepped.
pub trait Engine<M: Machine> {
    /// Takes one input and adds what is to be done to `effects`.
    fn step(&mut self, now: Now, input: Input<M>, effects: &mut Vec<Effect<M>>);
}
