//! What comes over connections: frames, what servers say to each other, what clients and servers say.

use super::Verdict;
use super::parts::Parts;
use super::server::state_config;
use boxoffice::api::wire::{
    ClientFrame, ClientHello, ClientRequest, ServerFrame, ServerHello, ServerReply, StatusReport,
};
use boxoffice::client::{seat_map, status::Overview};
use boxoffice::config::ClusterConfig;
use boxoffice::domain::batch;
use boxoffice::domain::outcome::Answer;
use boxoffice::domain::state::State;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::Incarnation;
use boxoffice::transport::frame::{self, FrameDecoder, FrameError, READ_BYTES};
use boxoffice::transport::peer::{self, PeerHello};
use boxoffice::transport::session::{Hello, Session};
use bytes::{Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

/// Small, so that a wrong length is soon too long.
const FRAME_BYTES_MAX: usize = 4_096;
/// By how much a text can grow when it is written again: names are put into NFC, which at most triples them.
const GROWTH_MAX: usize = 3;

/// A stream, the first byte of which says in which slices it comes.
pub fn frames(bytes: &[u8]) -> Verdict {
    let Some((&slice, stream)) = bytes.split_first() else { return Verdict::Refused };
    let (taken, whole, error) = read_stream(stream, stream.len());
    let (again, cut, later) = read_stream(stream, slice.into());
    assert_eq!((&taken, error), (&again, later), "slices of {slice} give other frames than one piece");
    assert_eq!(whole, cut, "whether a stream ends between frames does not depend on how it came");
    let mut written = BytesMut::new();
    taken.iter().for_each(|body| frame::encode_into(&mut written, body));
    assert_eq!(stream[..written.len()], written, "what is taken is what was sent");
    if error.is_none() && whole { Verdict::Taken } else { Verdict::Refused }
}

/// All frames of a stream that comes in slices, whether it ends between two, and why it cannot be read on.
fn read_stream(stream: &[u8], slice: usize) -> (Vec<Bytes>, bool, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(FRAME_BYTES_MAX);
    let mut taken = Vec::new();
    for piece in stream.chunks(slice.clamp(1, READ_BYTES)) {
        assert!(decoder.space().capacity() <= 2 * READ_BYTES, "no more room than one read needs");
        decoder.extend(piece);
        loop {
            match decoder.next() {
                Ok(Some(body)) => taken.push(body),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next(), Err(error), "there is no way back into a stream");
                    return (taken, false, Some(error));
                }
            }
        }
    }
    let whole = decoder.is_between_frames();
    (taken, whole, None)
}

/// A message that is read comes back from its own encoding, and had all of its content in the bytes.
fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let message = frame::decode_message::<T>(bytes).ok()?;
    let again = frame::encode_body(&message);
    assert!(again.len() <= GROWTH_MAX * bytes.len(), "{} bytes of {}", again.len(), bytes.len());
    assert_eq!(frame::decode_message::<T>(&again).as_ref(), Ok(&message));
    Some(message)
}

fn verdict<T>(message: Option<T>) -> Verdict {
    if message.is_some() { Verdict::Taken } else { Verdict::Refused }
}

/// A hello between servers, and a session that hears it twice.
pub fn peer_hello(bytes: &[u8]) -> Verdict {
    let Ok(hello) = PeerHello::decode(bytes) else { return Verdict::Refused };
    let again = PeerHello::decode(&hello.encode()[frame::HEADER_BYTES..]);
    assert_eq!(again.as_ref(), Ok(&hello));
    let told = peer::settings_difference("cluster: test\nseats: 100\n", &hello.settings);
    assert!(
        told.is_none_or(|told| !told.contains(char::is_control)),
        "a stranger's words forge no line of the log"
    );
    let mut session = Session::new(Incarnation(3), 1_000);
    let _ = session.on_hello(&session.hello(), &hello.session);
    session.send(Bytes::from_static(b"message"));
    let _ = session.on_hello(&session.hello(), &hello.session);
    Verdict::Taken
}

/// The body of a frame between servers.
pub fn peer_message(bytes: &[u8]) -> Verdict {
    let Ok((number, ack, taken)) = peer::decode_frame(bytes) else { return Verdict::Refused };
    let encoded = taken.as_ref().map(frame::encode_body).unwrap_or_default();
    let mut again = BytesMut::new();
    peer::encode_frame(&mut again, number, ack, &encoded);
    let again = &again[frame::HEADER_BYTES..];
    assert_eq!(peer::decode_frame(again).as_ref(), Ok(&(number, ack, taken.clone())));
    assert!(again.len() <= bytes.len(), "{} bytes of {}", again.len(), bytes.len());
    if let Some(taken) = taken {
        message::<Message>(&frame::encode_body(&taken)).expect("it was read before");
    }
    Verdict::Taken
}

/// One side of a session, and whatever numbers and hellos come in: it never goes back, never delivers twice, and
/// keeps no more than it may.
pub fn peer_session(bytes: &[u8]) -> Verdict {
    const KEPT_BYTES_MAX: usize = 64;
    let mut parts = Parts(bytes);
    let mut session = Session::new(Incarnation(3), KEPT_BYTES_MAX);
    let (mut delivered, mut number) = (0, 0);
    let mut verdict = Verdict::Refused;
    while let Some(step) = parts.byte() {
        let result = match step % 4 {
            0 => {
                session.send(Bytes::from(vec![step; usize::from(step)]));
                Ok(())
            }
            1 => {
                let (Some(seq), Some(ack)) = (wide(&mut parts), wide(&mut parts)) else { break };
                let before = session.received();
                let arrival = session.on_sequenced(seq, ack);
                let fresh = session.received() - before;
                assert!(fresh == 0 || (fresh, seq) == (1, before + 1), "one by one, in order");
                delivered += fresh;
                arrival.map(drop)
            }
            2 => {
                let Some(ack) = wide(&mut parts) else { break };
                session.on_ack(ack)
            }
            _ => {
                let Some(theirs) = hello(&mut parts) else { break };
                let sent = session.hello();
                let verdict = session.on_hello(&sent, &theirs);
                if verdict.as_ref().is_ok_and(|verdict| !verdict.resumed) {
                    assert!(session.hello().session > number, "no session's number is used twice");
                    number = session.hello().session;
                }
                verdict.map(drop)
            }
        };
        assert!(session.unacked_bytes() <= KEPT_BYTES_MAX.max(255), "{}", session.unacked_bytes());
        if result.is_ok() {
            verdict = Verdict::Taken;
        }
    }
    assert!(delivered <= bytes.len() as u64);
    verdict
}

/// A number, small for small bytes and at the end of all numbers for large ones.
fn wide(parts: &mut Parts) -> Option<u64> {
    let byte = u64::from(parts.byte()?);
    Some(if byte < 200 { byte } else { u64::MAX - (255 - byte) })
}

fn hello(parts: &mut Parts) -> Option<Hello> {
    let incarnation = Incarnation(wide(parts)?);
    let peer = Some(Incarnation(wide(parts)?)).filter(|life| life.0 > 0);
    Some(Hello { incarnation, peer, session: wide(parts)?, received: wide(parts)? })
}

pub fn client_hello(bytes: &[u8]) -> Verdict {
    verdict(message::<ClientHello>(bytes))
}

/// What a client asks; a command is also executed, as bad ones are when an old server lets them through.
pub fn client_request(bytes: &[u8]) -> Verdict {
    let Some(asked) = message::<ClientFrame>(bytes) else { return Verdict::Refused };
    if let ClientRequest::Command(command) = asked.body {
        let encoded = batch::encode(&command);
        assert_eq!(batch::decode(&encoded).as_ref(), Ok(&command));
        let mut builder = batch::BatchBuilder::new();
        builder.push(&command).expect("a frame is shorter than the longest command");
        assert_eq!(execute(&builder.finish()), 1);
    }
    Verdict::Taken
}

pub fn server_hello(bytes: &[u8]) -> Verdict {
    verdict(message::<ServerHello>(bytes))
}

/// What a server answers, and what a client makes of it for people.
pub fn server_answer(bytes: &[u8]) -> Verdict {
    let Some(answer) = message::<ServerFrame>(bytes) else { return Verdict::Refused };
    match answer.body {
        ServerReply::Outcome(outcome) => drop(outcome.to_string()),
        ServerReply::Answer(Answer::Seats(map)) => {
            let text = seat_map::picture(&map, 80, true);
            assert!(text.lines().count() <= 42, "a picture fits a screen");
            drop(seat_map::json(&map));
        }
        ServerReply::Answer(Answer::Events(answer)) => drop(answer.to_string()),
        ServerReply::Status(report) => show(report),
        ServerReply::Answer(Answer::Search { .. })
        | ServerReply::Trace(_)
        | ServerReply::Done
        | ServerReply::Error(_) => {}
    }
    Verdict::Taken
}

fn show(report: StatusReport) {
    let text = String::from_utf8(super::samples::configurations().remove(0)).expect("it is text");
    let config = ClusterConfig::parse(&text, Path::new("cluster.yaml")).expect("it is valid");
    let overview = Overview::merge(&config, &BTreeMap::from([(1, Ok(report))]));
    drop((overview.exit(), overview.table(true), overview.json(), overview.warnings()));
}

/// A batch as it is executed: each part has one outcome, and the state stays sound.
pub fn batch(bytes: &[u8]) -> Verdict {
    let read: Vec<_> = batch::commands(bytes).collect();
    assert!(read.len() <= bytes.len() / 4 + 1, "each command has a length of four bytes before it");
    assert_eq!(execute(bytes), read.len());
    if !read.is_empty() && read.iter().all(Result::is_ok) { Verdict::Taken } else { Verdict::Refused }
}

/// Executes a batch twice on a small state: how many outcomes it had each time.
fn execute(batch: &[u8]) -> usize {
    let mut state = State::new(state_config());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    state.apply(1, 1_000, batch, &mut first);
    state.check().expect("the state is sound");
    state.apply(2, 2_000, batch, &mut second);
    state.check().expect("the state is sound");
    assert_eq!(first.len(), second.len());
    first.len()
}
