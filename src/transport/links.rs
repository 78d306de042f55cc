//! Links to all other servers: who dials, who answers, what waits to be sent.
//!
//! There is one connection for each pair of servers; the one with the higher id dials. A newer connection
//! replaces an older one. Everything runs on one runtime of one thread; the lock around a peer's state is
//! never held across an `await` and never contended.
//!
//! What may wait is bounded. Sequenced messages count towards the session's limit, and break the session
//! beyond it; unsequenced ones are dropped when no connection stands or too much waits already.

mod connection;

use super::frame;
use super::peer::{self, NUMBERS_BYTES, PEER_FRAME_BYTES_MAX};
use super::session::Session;
use crate::protocol::message::Message;
use crate::protocol::types::{Member, ServerId};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// What links must know.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// Who this server is, in which life.
    pub me: Member,
    /// The cluster's name.
    pub cluster: String,
    /// What must be equal on all servers, as text.
    pub settings: String,
    /// `host:port` of the other servers; names are looked up at each dial.
    pub addresses: BTreeMap<ServerId, String>,
    /// Bytes that may wait for one peer.
    pub queue_bytes_max: usize,
    /// How long a dial or a hello may take; also bounds the pause between two dials.
    pub probe: Duration,
    /// How long a connection may be silent or take nothing.
    pub silence: Duration,
}

/// What links tell.
#[derive(Debug)]
pub enum LinkEvent {
    /// A connection stands.
    Up {
        /// To whom.
        peer: Member,
        /// Nothing was lost since the last one.
        resumed: bool,
    },
    /// It broke.
    Down {
        /// To whom it was.
        peer: Member,
    },
    /// A message came in.
    Message {
        /// From whom.
        from: Member,
        /// What.
        message: Message,
    },
}

/// Links of one life of this server. Dropping them closes every connection.
#[derive(Debug)]
pub struct Links {
    peers: BTreeMap<ServerId, Arc<Peer>>,
    /// Owns the tasks; they end when it is dropped.
    _tasks: JoinSet<()>,
}

/// One other server.
#[derive(Debug)]
struct Peer {
    server: ServerId,
    address: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    session: Session,
    wire: Option<Arc<Wire>>,
    outgoing: BytesMut,
    /// What was last said about this peer, so that a dial that fails alike again is not told again.
    complaint: String,
}

/// One connection, as others see it.
#[derive(Debug)]
struct Wire {
    peer: Member,
    /// There is something to write.
    filled: Notify,
    /// It must end.
    closed: Notify,
}

impl Peer {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make the numbers wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Links {
    /// Begins to dial and to answer. Events come until the receiver is gone.
    pub fn start(
        settings: LinkSettings,
        listener: Arc<TcpListener>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Links {
        let peers: BTreeMap<ServerId, Arc<Peer>> = settings
            .addresses
            .iter()
            .map(|(&server, address)| {
                let session = Session::new(settings.me.incarnation, settings.queue_bytes_max);
                let (outgoing, complaint) = (BytesMut::new(), String::new());
                let state = Mutex::new(State { session, wire: None, outgoing, complaint });
                (server, Arc::new(Peer { server, address: address.clone(), state }))
            })
            .collect();
        let context = Arc::new(connection::Context { settings, events, peers: peers.clone() });
        let mut tasks = JoinSet::new();
        for peer in peers.values().filter(|peer| peer.server < context.settings.me.server) {
            tasks.spawn(connection::dial_forever(context.clone(), peer.clone()));
        }
        tasks.spawn(connection::accept_forever(context, listener));
        Links { peers, _tasks: tasks }
    }

    /// Sends an encoded message to this life of a peer, or drops it if there is no session with that life.
    /// [`Links::flush`] lets it go.
    pub fn send(&self, to: Member, message: &Bytes, sequenced: bool) {
        let Some(peer) = self.peers.get(&to.server) else { return };
        let mut state = peer.lock();
        let State { session, wire, outgoing, .. } = &mut *state;
        if session.peer() != Some(to.incarnation) {
            return;
        }
        let fits = message.len() + NUMBERS_BYTES <= PEER_FRAME_BYTES_MAX;
        if !sequenced {
            if wire.is_some() && fits && outgoing.len() <= session.unacked_bytes_max() {
                peer::encode_frame(outgoing, 0, session.received(), message);
            }
            return;
        }
        if !fits {
            tracing::error!(peer = %to, bytes = message.len(), "a message is too large to be sent: the link starts anew");
            session.give_up();
        }
        let number = session.send(message.clone());
        match wire {
            Some(wire) if session.is_broken() => {
                tracing::warn!(peer = %to, "the server does not take what is sent to it: the link starts anew");
                wire.closed.notify_one();
            }
            Some(_) => peer::encode_frame(outgoing, number, session.received(), message),
            None => {}
        }
    }

    /// Lets everything go that was sent since the last time, each link's messages in one write.
    pub fn flush(&self) {
        for peer in self.peers.values() {
            let state = peer.lock();
            if let Some(wire) = state.wire.as_ref().filter(|_| !state.outgoing.is_empty()) {
                wire.filled.notify_one();
            }
        }
    }

    /// Whether every peer that is connected has acknowledged everything.
    pub fn is_settled(&self) -> bool {
        self.peers.values().all(|peer| {
            let state = peer.lock();
            state.wire.is_none() || state.session.unacked_bytes() == 0
        })
    }
}

/// The bytes of a message, for [`Links::send`].
pub fn encode(message: &Message) -> Bytes {
    frame::encode_body(message).into()
}
