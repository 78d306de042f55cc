//! One client's connection: hello, then questions in and answers out, each side at its own pace.
//!
//! What one client can make the server hold is bounded: a question takes as many permits as its answer may be
//! large, and gives them back when the answer is written. Without permits nothing more is read. A client that
//! takes nothing for [`WRITE_WAIT`] is cut off.

use super::gate::{Caller, GateError};
use super::open::{Open, Question};
use super::tcp::ClientPort;
use super::told::told;
use super::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame,
    ClientHello, ClientRequest, Consistency, ServerError, ServerFrame, ServerHello, ServerReply,
};
use super::{status, validate};
use crate::audit::describe::{Asked, brief};
use crate::audit::record::AuditResult;
use crate::domain::batch;
use crate::replication::port::{Ask, Freshness, Refused, Reply, ReplyTo};
use crate::transport::frame::{self, DecodeError, FrameDecoder, FrameError};
use bytes::BytesMut;
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, timeout};

/// How long a client may take to say hello.
pub(super) const HELLO_WAIT: Duration = Duration::from_secs(5);
/// Longest hello, in bytes of body.
const HELLO_BYTES_MAX: usize = 4 << 10;
/// How often the token of the hello is checked again: it may have expired.
const TOKEN_CHECK_PERIOD: Duration = Duration::from_secs(60);
/// How often in its idle time a client is looked at: it is closed at most one look later.
const IDLE_LOOKS: u32 = 4;
/// How long a client may take nothing of what is written to it.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Answers are put together up to about so many bytes for one write.
const WRITE_BYTES: usize = 64 << 10;
/// Answers that are taken from their queue at once.
const REPLIES_AT_ONCE: usize = 1_024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it was closed")]
    Closed,
    #[error("it was closed within a frame")]
    Cut,
    #[error("it was idle")]
    Idle,
    #[error("it takes no answers")]
    NotReading,
    #[error("the server stops")]
    Stopping,
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Message(#[from] DecodeError),
    #[error("it does not speak the client protocol")]
    Stranger,
    #[error("it said no hello in time")]
    NoHello,
    #[error("{0}")]
    Refused(ServerError),
}

impl Ended {
    /// Whether people should read it in the log.
    fn is_remarkable(&self) -> bool {
        match self {
            Ended::Io(_) | Ended::Closed | Ended::Idle | Ended::Stopping => false,
            Ended::Cut
            | Ended::NotReading
            | Ended::Frame(_)
            | Ended::Message(_)
            | Ended::Stranger
            | Ended::NoHello
            | Ended::Refused(_) => true,
        }
    }
}

/// Serves one client.
pub(super) async fn serve(
    port: Arc<ClientPort>,
    mut stream: TcpStream,
    from: SocketAddr,
    stop: watch::Receiver<bool>,
) {
    let ended = match timeout(HELLO_WAIT, greet(&port, &mut stream)).await {
        Ok(Ok((decoder, token))) => talk(&port, &mut stream, decoder, token, stop).await,
        Ok(Err(ended)) => ended,
        Err(_) => Ended::NoHello,
    };
    if ended.is_remarkable() {
        tracing::warn!(%from, why = %ended, "client connection closed");
    } else {
        tracing::debug!(%from, why = %ended, "client connection closed");
    }
}

/// Tells a client that it cannot be served, after its hello: closing before that could lose the answer.
pub(super) async fn refuse(mut stream: TcpStream, error: ServerError) {
    let mut decoder = FrameDecoder::new(HELLO_BYTES_MAX);
    if hear(&mut stream, &mut decoder).await.is_ok() {
        let _ = say(&mut stream, &ServerHello::Refused(error)).await;
    }
}

async fn hear(stream: &mut TcpStream, decoder: &mut FrameDecoder) -> Result<ClientHello, Ended> {
    let body = loop {
        if let Some(body) = decoder.next()? {
            break body;
        }
        if stream.read_buf(decoder.space()).await? == 0 {
            return Err(if decoder.is_between_frames() { Ended::Closed } else { Ended::Cut });
        }
    };
    match postcard::take_from_bytes::<([u8; 4], u16)>(&body) {
        Ok(((CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION), _)) => Ok(frame::decode_message(&body)?),
        Ok(((CLIENT_MAGIC, version), _)) => {
            Ok(ClientHello { magic: CLIENT_MAGIC, version, cluster: String::new(), token: None })
        }
        Ok(_) | Err(_) => Err(Ended::Stranger),
    }
}

async fn say(stream: &mut TcpStream, message: &impl Serialize) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame::encode_message(&mut out, message, ANSWER_FRAME_BYTES_MAX).map_err(io::Error::other)?;
    stream.write_all(&out).await
}

/// Both hellos.
async fn greet(port: &ClientPort, stream: &mut TcpStream) -> Result<(FrameDecoder, Option<String>), Ended> {
    stream.set_nodelay(true)?;
    let mut decoder = FrameDecoder::new(HELLO_BYTES_MAX);
    let hello = hear(stream, &mut decoder).await?;
    let config = &port.config;
    let refusal = if hello.version != CLIENT_PROTOCOL_VERSION {
        Some(ServerError::WrongVersion { server: CLIENT_PROTOCOL_VERSION, client: hello.version })
    } else if hello.cluster != config.cluster {
        Some(ServerError::WrongCluster { server: config.cluster.clone(), client: hello.cluster })
    } else {
        port.gate.caller(hello.token.as_deref()).err().map(not_allowed)
    };
    if let Some(error) = refusal {
        say(stream, &ServerHello::Refused(error.clone())).await?;
        return Err(Ended::Refused(error));
    }
    let welcome = ServerHello::Welcome {
        server: port.me,
        state_time_ms: port.replicator.state_time_ms(),
        capacity: config.seats,
        in_flight_max: config.limits.client_in_flight_max as u32,
    };
    say(stream, &welcome).await?;
    decoder.set_max(CLIENT_FRAME_BYTES_MAX);
    Ok((decoder, hello.token))
}

fn not_allowed(why: GateError) -> ServerError {
    ServerError::NotAllowed { reason: why.to_string() }
}

async fn talk(
    port: &ClientPort,
    stream: &mut TcpStream,
    decoder: FrameDecoder,
    token: Option<String>,
    stop: watch::Receiver<bool>,
) -> Ended {
    let max = port.config.limits.client_in_flight_max;
    let open = Open::new(max);
    let (replies, answered) = mpsc::channel(max + 1);
    let (read, write) = stream.split();
    let reading = async {
        let ended = read_all(port, read, decoder, token, &open, &replies, stop).await;
        if let Ended::Frame(_) | Ended::Message(_) = &ended {
            // It answers no question, but it should be written like any answer.
            let reason = ended.to_string();
            open.take(u64::MAX, 0, 1, None).await;
            ReplyTo::new(u64::MAX, replies.clone()).answer(Reply::Refused(Refused::Bad { reason }));
        }
        // Whoever closes one direction still gets the answers of what it asked.
        let _ = open.permits.acquire_many(max as u32).await;
        ended
    };
    let ended = tokio::select! {
        ended = reading => ended,
        ended = write_all(port, write, &open, answered) => ended,
    };
    // Whoever hung up was not told; it may have been executed.
    for question in std::mem::take(&mut *open.lock()).into_values() {
        if let (Some(log), Some(asked)) = (&port.audit, question.audit) {
            log.write(asked.answered(
                port.me,
                AuditResult::Unknown,
                "the client hung up before the answer".to_owned(),
            ));
        }
    }
    ended
}

async fn read_all(
    port: &ClientPort,
    mut stream: ReadHalf<'_>,
    mut decoder: FrameDecoder,
    token: Option<String>,
    open: &Open,
    replies: &mpsc::Sender<(u64, Reply)>,
    mut stop: watch::Receiver<bool>,
) -> Ended {
    let idle = Duration::from_millis(port.config.timeouts.idle_ms);
    let mut number = 0;
    let caller = || port.gate.caller(token.as_deref());
    let mut asks = caller();
    let mut check = tokio::time::interval(TOKEN_CHECK_PERIOD);
    // One timer for the connection's life, rather than one for each read.
    let mut looks = tokio::time::interval((idle / IDLE_LOOKS).max(Duration::from_millis(1)));
    // A process that was paused must look at what came in meanwhile, not at all looks that it missed.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent_looks = 0;
    let stopping = stop.wait_for(|&stop| stop);
    tokio::pin!(stopping);
    loop {
        while let Some(asked) = match decoder.next_message::<ClientFrame>() {
            Ok(asked) => asked,
            Err(error) => return error.into(),
        } {
            let Ok(asked) = asked else { return Ended::from(asked.expect_err("it is no message")) };
            number += 1;
            ask(port, &asks, asked, number, open, replies).await;
        }
        let read = tokio::select! {
            biased;
            _ = &mut stopping => return Ended::Stopping,
            _ = looks.tick() => {
                // Who waits for an answer is not idle. The first look is at once.
                silent_looks = if open.lock().is_empty() { silent_looks + 1 } else { 0 };
                if silent_looks > IDLE_LOOKS {
                    return Ended::Idle;
                }
                continue;
            }
            _ = check.tick(), if token.is_some() => {
                asks = caller();
                continue;
            }
            read = stream.read_buf(decoder.space()) => read,
        };
        match read {
            Ok(0) if decoder.is_between_frames() => return Ended::Closed,
            Ok(0) => return Ended::Cut,
            Ok(_) => silent_looks = 0,
            Err(error) => return error.into(),
        }
    }
}

/// Passes one question on, once there is room for its answer.
async fn ask(
    port: &ClientPort,
    caller: &Result<Caller, GateError>,
    frame: ClientFrame,
    number: u64,
    open: &Open,
    replies: &mpsc::Sender<(u64, Reply)>,
) {
    let user = caller.as_ref().ok().and_then(|caller| caller.user());
    let allowed = caller.clone().and_then(|caller| port.gate.check(caller, &frame.body));
    let audit = port.audit.as_ref().and_then(|_| match &allowed {
        Ok(()) => asked(&frame.body).map(|asked| asked.by(user)),
        Err(_) => Some(Asked::refused().by(user)),
    });
    open.take(number, frame.id, open.weight(&frame.body), audit).await;
    let reply = ReplyTo::new(number, replies.clone());
    let bad = |reason| Reply::Refused(Refused::Bad { reason });
    if let Err(why) = allowed {
        return reply.answer(Reply::Refused(Refused::NotAllowed { reason: why.to_string() }));
    }
    let question = match frame.body {
        ClientRequest::Command(command) => match validate::check(&command) {
            Ok(()) => Ask::Submit(batch::encode(&command).into()),
            Err(reason) => return reply.answer(bad(reason)),
        },
        ClientRequest::Query { query, consistency } => Ask::Read(
            query,
            match consistency {
                Consistency::Linearizable => Freshness::Linearizable,
                Consistency::Local => Freshness::Local,
            },
        ),
        ClientRequest::Status => Ask::Status,
        ClientRequest::Override => Ask::Override,
        ClientRequest::Trace { after } => return reply.answer(Reply::Trace(port.replicator.watch(after))),
    };
    port.replicator.ask(question, reply).await;
}

async fn write_all(
    port: &ClientPort,
    mut stream: WriteHalf<'_>,
    open: &Open,
    mut answered: mpsc::Receiver<(u64, Reply)>,
) -> Ended {
    let (mut out, mut ready) = (BytesMut::new(), Vec::new());
    loop {
        if answered.recv_many(&mut ready, REPLIES_AT_ONCE).await == 0 {
            return Ended::Closed;
        }
        let mut replies = ready.drain(..).peekable();
        while replies.peek().is_some() {
            let permits = put_some(port, open, &mut out, &mut replies);
            match timeout(WRITE_WAIT, stream.write_all(&out)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => return Ended::NotReading,
            }
            out.clear();
            if out.capacity() > 4 * WRITE_BYTES {
                out = BytesMut::new();
            }
            open.permits.add_permits(permits as usize);
        }
    }
}

/// Puts answers together for one write. Gives the permits that they have.
fn put_some(
    port: &ClientPort,
    open: &Open,
    out: &mut BytesMut,
    replies: &mut impl Iterator<Item = (u64, Reply)>,
) -> u32 {
    let (mut asked, mut permits) = (open.lock(), 0);
    while out.len() < WRITE_BYTES
        && let Some((number, reply)) = replies.next()
    {
        let Question { id, weight, audit } = asked.remove(&number).unwrap_or_default();
        permits += weight;
        let body = body(port, reply);
        if let (Some(log), Some(asked)) = (&port.audit, audit) {
            let (result, answer) = told_of(&body);
            log.write(asked.answered(port.me, result, answer));
        }
        put(out, ServerFrame { id, body });
    }
    permits
}

/// What the audit log says of a request; looking at the servers is none.
fn asked(request: &ClientRequest) -> Option<Asked> {
    match request {
        ClientRequest::Command(command) => Some(Asked::command(command)),
        ClientRequest::Query { query, .. } => Some(Asked::query(query)),
        ClientRequest::Override => Some(Asked::overriding()),
        ClientRequest::Status | ClientRequest::Trace { .. } => None,
    }
}

/// What the audit log says of a reply.
fn told_of(reply: &ServerReply) -> (AuditResult, String) {
    match reply {
        ServerReply::Outcome(outcome) if outcome.is_success() => (AuditResult::Done, brief(outcome)),
        ServerReply::Outcome(outcome) => (AuditResult::Failed, brief(outcome)),
        ServerReply::Answer(answer) => told(answer),
        ServerReply::Status(_) | ServerReply::Trace(_) | ServerReply::Done => {
            (AuditResult::Done, "Done.".to_owned())
        }
        ServerReply::Error(error) => {
            let result = if error.outcome_known() { AuditResult::Failed } else { AuditResult::Unknown };
            (result, brief(error))
        }
    }
}

fn put(out: &mut BytesMut, frame: ServerFrame) {
    if let Err(error) = frame::encode_message(out, &frame, ANSWER_FRAME_BYTES_MAX) {
        let reason = format!("the answer cannot be sent: {error}");
        let body = ServerReply::Error(ServerError::BadRequest { reason });
        frame::encode_message(out, &ServerFrame { id: frame.id, body }, ANSWER_FRAME_BYTES_MAX)
            .expect("a sentence is below the limit");
    }
}

fn body(port: &ClientPort, reply: Reply) -> ServerReply {
    match reply {
        Reply::Outcome(outcome) => ServerReply::Outcome(outcome),
        Reply::Answer(answer) => ServerReply::Answer(answer),
        Reply::Status(replica) => ServerReply::Status(status::report(&port.config, port.me, &replica)),
        Reply::Done => ServerReply::Done,
        Reply::Trace(page) => ServerReply::Trace(page),
        Reply::Refused(refused) => ServerReply::Error(match refused {
            Refused::NotReady { state } => ServerError::NotReady { state },
            Refused::Overloaded { pending } => ServerError::Overloaded { pending },
            Refused::Bad { reason } => ServerError::BadRequest { reason },
            Refused::NotAllowed { reason } => ServerError::NotAllowed { reason },
            Refused::Closing | Refused::Leaving => ServerError::Leaving,
        }),
    }
}
