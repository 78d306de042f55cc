//! The tasks of links: dialling, answering, and one connection's life.

use super::{LinkEvent, LinkSettings, Peer, Wire};
use crate::protocol::message::Message;
use crate::protocol::types::{Member, ServerId};
use crate::transport::frame::{DecodeError, FrameDecoder, FrameError};
use crate::transport::peer::{
    self, HELLO_BYTES_MAX, HelloError, PEER_FRAME_BYTES_MAX, PeerHello, settings_difference,
};
use crate::transport::session::{Arrival, Hello, SessionError};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Accepted connections that have not said who they are; more are closed at once.
const STRANGERS_MAX: usize = 64;
/// The first pause between two dials; it doubles up to [`pause_max`].
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// What all connections of one life share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) settings: LinkSettings,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) peers: BTreeMap<ServerId, Arc<Peer>>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// The system says why.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The other side closed it.
    #[error("it was closed")]
    Closed,
    /// The other side closed it within a frame.
    #[error("it was closed within a frame")]
    Cut,
    /// Nothing came, or nothing was taken.
    #[error("{0}")]
    Late(&'static str),
    /// A bad frame.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A bad message.
    #[error("{0}")]
    Message(#[from] DecodeError),
    /// A stranger, or a server that is configured otherwise.
    #[error("{0}")]
    Hello(#[from] HelloError),
    /// The session does not allow it.
    #[error("{0}")]
    Session(#[from] SessionError),
    /// A newer connection took its place, or the session broke.
    #[error("it was replaced")]
    Replaced,
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}

impl Ended {
    /// Whether this says more than that somebody stopped or the network failed.
    fn is_remarkable(&self) -> bool {
        match self {
            Ended::Frame(_) | Ended::Message(_) | Ended::Hello(_) | Ended::Cut => true,
            Ended::Session(error) => matches!(error, SessionError::Gap { .. }),
            Ended::Io(_) | Ended::Closed | Ended::Late(_) | Ended::Replaced | Ended::Stopping => false,
        }
    }
}

/// Keeps a connection to one server of a lower id.
pub(super) async fn dial_forever(context: Arc<Context>, peer: Arc<Peer>) {
    let mut pause = PAUSE_MIN;
    loop {
        let mut up = false;
        let ended = match dial(&context, &peer).await {
            Ok(stream) => dialled(&context, &peer, stream, &mut up).await,
            Err(error) => error,
        };
        if matches!(ended, Ended::Stopping) {
            return;
        }
        if up {
            pause = PAUSE_MIN;
        }
        complain(&peer, &peer.address, &ended);
        wait(pause).await;
        pause = (pause * 2).min(pause_max(context.settings.probe));
    }
}

/// A link that can be set up again must be so well before it counts as a crash.
fn pause_max(probe: Duration) -> Duration {
    (probe / 8).max(PAUSE_MIN)
}

#[expect(clippy::disallowed_methods, reason = "the pause between two dials is the links' own affair")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

async fn dial(context: &Context, peer: &Peer) -> Result<TcpStream, Ended> {
    match timeout(context.settings.probe, TcpStream::connect(peer.address.as_str())).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Ended::Io(error)),
        Err(_) => Err(Ended::Late("it does not answer")),
    }
}

async fn dialled(context: &Context, peer: &Arc<Peer>, mut stream: TcpStream, up: &mut bool) -> Ended {
    let said_hello = async {
        prepare(context, &stream)?;
        let sent = say_hello(context, peer, &mut stream).await?;
        let mut decoder = FrameDecoder::new(HELLO_BYTES_MAX);
        let theirs = hear_hello(&mut stream, &mut decoder).await?;
        if theirs.from != peer.server {
            let expected = format!("answers at the address of server {}", peer.server);
            return Err(Ended::Hello(HelloError::Server { found: theirs.from, expected }));
        }
        check(context, &theirs)?;
        Ok((sent, theirs, decoder))
    };
    match timeout(context.settings.probe, said_hello).await {
        Ok(Ok((sent, theirs, decoder))) => {
            run(context, peer, stream, decoder, sent, &theirs.session, up).await
        }
        Ok(Err(ended)) => ended,
        Err(_) => Ended::Late("it says no hello"),
    }
}

/// Answers servers of higher ids, and gets rid of strangers.
pub(super) async fn accept_forever(context: Arc<Context>, listener: Arc<TcpListener>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, from)) if connections.len() < STRANGERS_MAX + context.peers.len() => {
                connections.spawn(accepted_one(context.clone(), stream, from));
            }
            Ok((_, from)) => tracing::warn!(%from, "too many connections on the servers' port: closed"),
            Err(error) => {
                tracing::warn!(%error, "a connection on the servers' port could not be accepted");
                wait(pause_max(context.settings.probe)).await;
            }
        }
    }
}

async fn accepted_one(context: Arc<Context>, mut stream: TcpStream, from: SocketAddr) {
    let mut known = None;
    let said_hello = async {
        prepare(&context, &stream)?;
        let mut decoder = FrameDecoder::new(HELLO_BYTES_MAX);
        let theirs = hear_hello(&mut stream, &mut decoder).await?;
        let Some(peer) = context.peers.get(&theirs.from) else {
            let expected = "is not in the configuration".to_owned();
            return Err(Ended::Hello(HelloError::Server { found: theirs.from, expected }));
        };
        known = Some(peer);
        // It is answered in any case, so that it can say itself what is wrong.
        let sent = say_hello(&context, peer, &mut stream).await?;
        check(&context, &theirs)?;
        Ok((peer, sent, theirs, decoder))
    };
    let ended = match timeout(context.settings.probe, said_hello).await {
        Ok(Ok((peer, sent, theirs, decoder))) => {
            run(&context, peer, stream, decoder, sent, &theirs.session, &mut false).await
        }
        Ok(Err(ended)) => ended,
        Err(_) => Ended::Late("it says no hello"),
    };
    match known {
        Some(peer) => complain(peer, &from.to_string(), &ended),
        None if matches!(ended, Ended::Stopping) => {}
        None => tracing::warn!(%from, why = %ended, "a stranger on the servers' port: connection closed"),
    }
}

/// Says once why there is no connection to a server of ours.
fn complain(peer: &Peer, from: &str, ended: &Ended) {
    let text = ended.to_string();
    let is_new = {
        let mut state = peer.lock();
        let is_new = state.complaint != text;
        state.complaint.clone_from(&text);
        is_new
    };
    if ended.is_remarkable() && is_new {
        tracing::warn!(server = %peer.server, %from, why = text, "connection to another server closed");
    } else {
        tracing::debug!(server = %peer.server, %from, why = text, "connection to another server closed");
    }
}

/// Sets what the system must know of a connection.
fn prepare(context: &Context, stream: &TcpStream) -> Result<(), Ended> {
    let LinkSettings { probe, silence, .. } = context.settings;
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(silence))?;
    let second = Duration::from_secs(1);
    let keepalive = socket2::TcpKeepalive::new().with_time(probe.max(second)).with_interval(second);
    socket.set_tcp_keepalive(&keepalive)?;
    Ok(())
}

async fn say_hello(context: &Context, peer: &Peer, stream: &mut TcpStream) -> Result<Hello, Ended> {
    let LinkSettings { me, cluster, settings, .. } = &context.settings;
    let session = peer.lock().session.hello();
    let (cluster, settings) = (cluster.clone(), settings.clone());
    let hello = PeerHello { cluster, from: me.server, to: peer.server, settings, session };
    stream.write_all(&hello.encode()).await?;
    Ok(session)
}

async fn hear_hello(stream: &mut TcpStream, decoder: &mut FrameDecoder) -> Result<PeerHello, Ended> {
    loop {
        if let Some(body) = decoder.next()? {
            return Ok(PeerHello::decode(&body)?);
        }
        if stream.read_buf(decoder.space()).await? == 0 {
            return Err(if decoder.is_between_frames() { Ended::Closed } else { Ended::Cut });
        }
    }
}

fn check(context: &Context, theirs: &PeerHello) -> Result<(), HelloError> {
    let LinkSettings { me, cluster, settings, .. } = &context.settings;
    if theirs.cluster != *cluster {
        let (theirs, ours) = (theirs.cluster.clone(), cluster.clone());
        return Err(HelloError::Cluster { theirs, ours });
    }
    if theirs.to != me.server {
        return Err(HelloError::Misdirected { wanted: theirs.to, me: me.server });
    }
    if let Some(difference) = settings_difference(settings, &theirs.settings) {
        return Err(HelloError::Settings(difference));
    }
    Ok(())
}

/// A connection whose hellos are exchanged, until it ends.
async fn run(
    context: &Context,
    peer: &Arc<Peer>,
    mut stream: TcpStream,
    mut decoder: FrameDecoder,
    sent: Hello,
    theirs: &Hello,
    up: &mut bool,
) -> Ended {
    let wire = match attach(context, peer, &sent, theirs).await {
        Ok(wire) => wire,
        Err(ended) => return ended,
    };
    *up = true;
    decoder.set_max(PEER_FRAME_BYTES_MAX);
    let (read, write) = stream.split();
    let ended = tokio::select! {
        ended = read_all(context, peer, &wire, read, decoder) => ended,
        ended = write_all(context, peer, &wire, write) => ended,
        () = wire.closed.notified() => Ended::Replaced,
    };
    detach(context, peer, &wire).await;
    ended
}

/// Makes this connection the peer's. The events go out in the same step as the change of the session.
async fn attach(context: &Context, peer: &Peer, sent: &Hello, theirs: &Hello) -> Result<Arc<Wire>, Ended> {
    let mut permits = context.events.reserve_many(2).await.map_err(|_| Ended::Stopping)?;
    let mut state = peer.lock();
    let verdict = state.session.on_hello(sent, theirs)?;
    let life = Member { server: peer.server, incarnation: verdict.peer };
    let wire = Arc::new(Wire { peer: life, filled: Notify::new(), closed: Notify::new() });
    if let Some(old) = state.wire.replace(wire.clone()) {
        old.closed.notify_one();
        if let Some(permit) = permits.next() {
            permit.send(LinkEvent::Down { peer: old.peer });
        }
    }
    let mut outgoing = BytesMut::new();
    let ack = state.session.received();
    for (number, message) in verdict.resend {
        peer::encode_frame(&mut outgoing, number, ack, &message);
    }
    state.outgoing = outgoing;
    state.complaint.clear();
    if let Some(permit) = permits.next() {
        permit.send(LinkEvent::Up { peer: life, resumed: verdict.resumed });
    }
    Ok(wire)
}

async fn detach(context: &Context, peer: &Peer, wire: &Arc<Wire>) {
    let Ok(permit) = context.events.reserve().await else { return };
    let mut state = peer.lock();
    if state.wire.as_ref().is_some_and(|current| Arc::ptr_eq(current, wire)) {
        state.wire = None;
        state.outgoing = BytesMut::new();
        permit.send(LinkEvent::Down { peer: wire.peer });
    }
}

async fn read_all(
    context: &Context,
    peer: &Peer,
    wire: &Arc<Wire>,
    mut stream: ReadHalf<'_>,
    mut decoder: FrameDecoder,
) -> Ended {
    loop {
        let read = async {
            while let Some(body) = decoder.next()? {
                deliver(context, peer, wire, &body).await?;
            }
            match timeout(context.settings.silence, stream.read_buf(decoder.space())).await {
                Ok(Ok(0)) if decoder.is_between_frames() => Err(Ended::Closed),
                Ok(Ok(0)) => Err(Ended::Cut),
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(Ended::Io(error)),
                Err(_) => Err(Ended::Late("it is silent")),
            }
        };
        if let Err(ended) = read.await {
            return ended;
        }
    }
}

/// Hands one message on, in the same step as the session counts it.
async fn deliver(context: &Context, peer: &Peer, wire: &Arc<Wire>, body: &Bytes) -> Result<(), Ended> {
    let (number, ack, message) = peer::decode_frame(body)?;
    let permit = context.events.reserve().await.map_err(|_| Ended::Stopping)?;
    let mut state = peer.lock();
    let current = state.wire.as_ref().is_some_and(|current| Arc::ptr_eq(current, wire));
    if !current || state.session.is_broken() {
        return Err(Ended::Replaced);
    }
    let arrival = if number == 0 {
        state.session.on_ack(ack)?;
        Arrival::Deliver
    } else {
        state.session.on_sequenced(number, ack)?
    };
    let Some(message) = message else { return Ok(()) };
    if matches!(message, Message::Leave) {
        // Its sender waits for this before it goes.
        let ack = state.session.received();
        peer::encode_frame(&mut state.outgoing, 0, ack, &[]);
        wire.filled.notify_one();
    }
    match arrival {
        Arrival::Deliver => permit.send(LinkEvent::Message { from: wire.peer, message }),
        Arrival::Duplicate => {}
    }
    Ok(())
}

async fn write_all(context: &Context, peer: &Peer, wire: &Arc<Wire>, mut stream: WriteHalf<'_>) -> Ended {
    loop {
        let bytes = {
            let mut state = peer.lock();
            if !state.wire.as_ref().is_some_and(|current| Arc::ptr_eq(current, wire)) {
                return Ended::Replaced;
            }
            state.outgoing.split().freeze()
        };
        if bytes.is_empty() {
            wire.filled.notified().await;
            continue;
        }
        match timeout(context.settings.silence, stream.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Ended::Io(error),
            Err(_) => return Ended::Late("it takes nothing"),
        }
    }
}
