//! What the engine looks like to people.

use super::Lamport;
use crate::domain::digest::Digest;
use crate::protocol::engine::Machine;
use crate::protocol::message::{About, Heartbeat, Standing};
use crate::protocol::types::{Member, Position, ServerId, Timestamp, ViewId};
use std::sync::Arc;

/// One server's picture of itself and of the others.
#[derive(Clone, Debug)]
pub struct Status {
    /// Which life speaks.
    pub me: Member,
    /// What it does.
    pub standing: Standing,
    /// The view it is active in, or the highest it accepted.
    pub view: ViewId,
    /// Members of that view.
    pub members: Vec<Member>,
    /// Its position.
    pub position: Position,
    /// The digest there.
    pub digest: Digest,
    /// Free seats.
    pub seats_left: u32,
    /// What it waits for after an outage.
    pub waiting_for: Option<String>,
    /// The request that it executed last, of whichever view: whose turn it was.
    pub last_turn: Option<Timestamp>,
    /// The first request of its queue: whose turn is next, when all have replied and it is durable.
    pub turn: Option<Timestamp>,
    /// Commands that wait for their batch.
    pub pending: usize,
    /// Offers of a lost side that have no outcome yet.
    pub offers: usize,
    /// The other configured servers, in id order.
    pub peers: Vec<PeerStatus>,
}

/// One server's picture of another.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// Which.
    pub server: ServerId,
    /// A link to it stands.
    pub linked: bool,
    /// It is a member of the view and taken for crashed.
    pub suspected: bool,
    /// It is a member of the view.
    pub member: bool,
    /// What it last said of itself.
    pub news: Option<Arc<Heartbeat>>,
}

impl<M: Machine> Lamport<M> {
    /// The cluster as this server sees it.
    pub fn status(&self) -> Status {
        let peers = self.peers.values().map(|peer| {
            let listed = self.members().iter().find(|m| m.server == peer.server);
            PeerStatus {
                server: peer.server,
                linked: peer.linked,
                suspected: listed.is_some_and(|&life| self.is_suspected(life)),
                member: listed.is_some(),
                news: peer.news.clone(),
            }
        });
        Status {
            me: self.me(),
            standing: self.standing(),
            view: self.accepted_view(),
            members: self.members().to_vec(),
            position: self.position,
            digest: self.digest,
            seats_left: self.machine.seats_left(),
            waiting_for: self.catch_up.waiting_for.clone(),
            last_turn: self.last.map(|(_, timestamp)| timestamp),
            turn: self.queue.first(),
            pending: self.pending.len(),
            offers: self.offers.len(),
            peers: peers.collect(),
        }
    }

    pub(super) fn about(&self) -> About {
        About {
            uptime_ms: self.now.tick_ms.saturating_sub(self.started_ms.unwrap_or(self.now.tick_ms)),
            seats_left: self.machine.seats_left(),
            version: self.settings.version.clone(),
        }
    }
}
