//! What servers say to each other.

use super::types::{Entry, Incarnation, Member, Position, Request, ServerId, Timestamp, ViewId};
use super::view::{Install, Lineage};
use crate::domain::digest::Digest;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One message on a link.
///
/// [`Message::is_sequenced`] tells which are delivered in order, once, and sent again after a link was
/// re-established; the others may be lost, and whoever needs their answer asks again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Lamport's request, with what is to be executed.
    Request(Arc<Request>),
    /// Lamport's reply: everything the sender sends from now on is later than these requests, and they
    /// are on its disk. Stands for every request of the receiver in this view up to `until`.
    Reply {
        /// The view of the requests.
        view: ViewId,
        /// The last request that is replied to.
        until: Timestamp,
        /// The sender's clock.
        clock: u64,
    },
    /// Lamport's release: the sender executed its requests of this view up to `until`.
    Release {
        /// The view of the requests.
        view: ViewId,
        /// The last request that is released.
        until: Timestamp,
    },
    /// "Promise me that you accept nothing older than this view."
    Prepare {
        /// The proposed view.
        view: ViewId,
        /// Its proposed members.
        members: Vec<Member>,
    },
    /// The promise, with all that the coordinator must know to choose what is kept.
    Promise {
        /// The view that was prepared.
        view: ViewId,
        /// What the sender has.
        promise: Arc<Promise>,
    },
    /// No: something higher has been promised.
    Refused {
        /// The view that is refused.
        view: ViewId,
        /// The highest view that was promised.
        highest: ViewId,
    },
    /// "Accept this view."
    Install(Arc<Install>),
    /// Accepted, durably, and linked to every member.
    Installed {
        /// The accepted view.
        view: ViewId,
    },
    /// Every member has accepted: use it.
    Activate {
        /// The view.
        view: ViewId,
    },
    /// The sender finishes what is in flight and will not answer after this.
    Leave,
    /// Life sign, lease request and news, unsequenced.
    Heartbeat(Arc<Heartbeat>),
    /// Answer of an active member to a heartbeat of its own view, unsequenced.
    HeartbeatAck {
        /// The view in which the sender is active.
        view: ViewId,
        /// Which heartbeat.
        sequence: u64,
    },
    /// A recovering server asks for what it lacks, unsequenced.
    Fetch {
        /// Counts the asker's questions; the answer repeats it. One that is asked again keeps its number.
        question: u64,
        /// The asker's position.
        position: Position,
        /// The asker's lineage.
        lineage: Lineage,
        /// The asker's digests at its last positions, the last of them at `position`.
        digests: Vec<Digest>,
    },
    /// Executed requests that follow the asker's position, unsequenced.
    Entries {
        /// Which question this answers.
        question: u64,
        /// The sender's lineage.
        lineage: Lineage,
        /// The sender's position.
        tip: Position,
        /// The requests, in order.
        entries: Vec<Entry>,
        /// The digest after the last of them.
        digest: Digest,
    },
    /// The asker is too far behind, or forked: it must take this snapshot. Unsequenced.
    Offer {
        /// Which question this answers.
        question: u64,
        /// The snapshot's position.
        position: Position,
        /// Its length.
        bytes: u64,
        /// Set when the asker's state has forked from the sender's: the last shared position.
        forked_after: Option<Position>,
        /// The sender's lineage.
        lineage: Lineage,
    },
    /// "Send me this part of the snapshot", unsequenced.
    FetchSnapshot {
        /// Which snapshot.
        position: Position,
        /// From which byte.
        offset: u64,
    },
    /// Part of a snapshot, unsequenced.
    SnapshotChunk {
        /// Which snapshot.
        position: Position,
        /// From which byte.
        offset: u64,
        /// The snapshot's length.
        total: u64,
        /// The bytes; empty when the sender no longer has this snapshot.
        bytes: Bytes,
    },
}

impl Message {
    /// Whether the link must deliver it once, in order, across breaks.
    pub fn is_sequenced(&self) -> bool {
        match self {
            Message::Request(_)
            | Message::Reply { .. }
            | Message::Release { .. }
            | Message::Prepare { .. }
            | Message::Promise { .. }
            | Message::Refused { .. }
            | Message::Install(_)
            | Message::Installed { .. }
            | Message::Activate { .. }
            | Message::Leave => true,
            Message::Heartbeat(_)
            | Message::HeartbeatAck { .. }
            | Message::Fetch { .. }
            | Message::Entries { .. }
            | Message::Offer { .. }
            | Message::FetchSnapshot { .. }
            | Message::SnapshotChunk { .. } => false,
        }
    }
}

/// What a server that promises tells the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Promise {
    /// The highest accepted view. None stands for [`ViewId::ZERO`] with all configured servers (rule 9).
    pub accepted: Option<Arc<Install>>,
    /// Every view promised since.
    pub promised: Vec<Proposal>,
    /// No view has been accepted in this life.
    pub recovering: bool,
    /// Whether its log holds all it ever promised.
    pub history: History,
    /// The views that produced its state.
    pub lineage: Lineage,
    /// Where its state is.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
    /// Its clock.
    pub clock: u64,
    /// The greatest timestamp it executed in the accepted view.
    pub executed: Option<Timestamp>,
    /// What it logged in the accepted view and has not executed, with whether it is released.
    pub logged: Vec<(Arc<Request>, bool)>,
}

impl Promise {
    /// The highest accepted view's name.
    pub fn accepted_view(&self) -> ViewId {
        self.accepted.as_ref().map_or(ViewId::ZERO, |install| install.view)
    }
}

/// A view that was promised: its members may have gone on in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// The view.
    pub view: ViewId,
    /// Its proposed members.
    pub members: Vec<Member>,
}

/// What a server's log can vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum History {
    /// It never held anything: a new server.
    First,
    /// Everything the server ever promised or logged is in it.
    Kept,
    /// It was lost (damage, a wiped disk, memory only): the server is no vote until a view has it again.
    Lost,
}

/// What a server does, as it tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Active in its view.
    Active,
    /// Was active in this life; between views.
    Changing,
    /// Started, not active in any view yet.
    Recovering,
    /// Finishing what is in flight.
    Leaving,
    /// Its digest disagrees and no majority says who is right: it serves nothing.
    Diverged,
}

/// Life sign and news of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Counts the sender's heartbeats, for the lease.
    pub sequence: u64,
    /// What the sender does.
    pub standing: Standing,
    /// The view it is active in, or the highest it accepted.
    pub view: ViewId,
    /// Members of that view; empty when it accepted none.
    pub members: Vec<Member>,
    /// The highest view it promised or heard of.
    pub promised: ViewId,
    /// The views it promised since the accepted one.
    pub promised_since: Vec<Proposal>,
    /// What its log can vouch for.
    pub history: History,
    /// Where its state is.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
    /// Close enough behind an active member to be taken into a view.
    pub caught_up: bool,
    /// Whom it is linked to.
    pub links: Vec<Member>,
    /// Which members of its view it takes for crashed.
    pub suspects: Vec<Member>,
    /// A link of its view has lost something. Only another view mends that, of the same members if need be.
    pub needs_view: bool,
    /// How long its disk has owed it a flush.
    pub disk_stalled_ms: u64,
    /// For people.
    pub about: About,
}

/// News that is only shown, never acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct About {
    /// Since its start.
    pub uptime_ms: u64,
    /// Free seats as it sees them.
    pub seats_left: u32,
    /// Its program's version.
    pub version: String,
}

/// The server part of a member list.
pub fn servers(members: &[Member]) -> impl Iterator<Item = ServerId> + '_ {
    members.iter().map(|m| m.server)
}

/// The life of a server in a member list.
pub fn incarnation_in(members: &[Member], server: ServerId) -> Option<Incarnation> {
    members.iter().find(|m| m.server == server).map(|m| m.incarnation)
}
