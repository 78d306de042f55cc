//! Bytes that are taken: what mutations and long runs begin with.

use super::disk::{LOG_HEADER_BYTES, SMALL_FILES, USED};
use super::parts::put_piece;
use super::server::state_config;
use boxoffice::api::wire::{
    CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame, ClientHello, ClientRequest, Consistency, ServerError,
    ServerFrame, ServerHello, ServerReply, ServerState, ServerStatus, StatusReport,
};
use boxoffice::domain::batch::BatchBuilder;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::digest::Digest;
use boxoffice::domain::events::command::{Action, Count, EventOperation, NewEvent, Offer, Place, Seating};
use boxoffice::domain::events::ids::{Actor, EventKey};
use boxoffice::domain::ids::{Name, Seat, SessionId};
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::domain::runs::SeatRuns;
use boxoffice::domain::state::State;
use boxoffice::protocol::message::{About, Heartbeat, History, Message, Promise, Proposal, Standing};
use boxoffice::protocol::record::{Checkpoint, Record, SnapshotHeader};
use boxoffice::protocol::trace::{Said, TraceEvent, TracePage, Traced, ViewStep};
use boxoffice::protocol::types::{Entry, Incarnation, Member, Request, ServerId, Timestamp, ViewId};
use boxoffice::protocol::view::{Install, Lineage};
use boxoffice::storage::Disk as _;
use boxoffice::transport::frame;
use boxoffice::transport::peer::{self, PeerHello};
use boxoffice::transport::session::Hello;
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use std::sync::Arc;

fn bodies<T: Serialize>(messages: impl IntoIterator<Item = T>) -> Vec<Vec<u8>> {
    messages.into_iter().map(|message| frame::encode_body(&message)).collect()
}

fn name(text: &str) -> Name {
    text.parse().expect("it is a name")
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::Reserve { name: name("bob"), count: 2 },
        Operation::ReserveSeats { name: name("J\u{fc}rgen"), seats: vec![Seat(4), Seat(5), Seat(20)] },
        Operation::Delete { name: name("bob") },
        Operation::Restore { name: name("ann"), seats: vec![Seat(7)] },
        Operation::Withdraw { name: name("ann"), made_until: 3 },
        about("TORM0001", add("TORM100519", 3)),
        about("TORM0001", add("TORE100519", 2)),
        about(
            "TORC0001",
            Action::Book { holder: user("TORC0001"), event: key("TORM100519"), seating: any(2) },
        ),
        about(
            "MTLC0001",
            Action::Book { holder: user("MTLC0001"), event: key("TORE100519"), seating: any(1) },
        ),
        about("TORM0001", Action::RemoveEvent { event: key("TORE100519") }),
        about(
            "MTLC0001",
            Action::Hold { holder: user("MTLC0001"), event: key("TORM100519"), seating: any(1) },
        ),
        Operation::Events(Box::new(EventOperation {
            actor: Actor::Guest(name("ann")),
            action: Action::Join {
                holder: Actor::Guest(name("ann")),
                event: key("TORM100519"),
                count: Count::new(2).expect("it is a number"),
            },
        })),
        Operation::Expire,
        Operation::Offer(Box::new(Offer::Kind("Films".parse().expect("it is a kind")))),
        Operation::Offer(Box::new(Offer::Changed {
            holder: user("TORC0001"),
            event: key("TORM100519"),
            made_until: 3,
            seats: SeatRuns::one(Seat(2)),
            mark: 7,
        })),
    ]
}

fn about(actor: &str, action: Action) -> Operation {
    Operation::Events(Box::new(EventOperation { actor: user(actor), action }))
}

fn user(text: &str) -> Actor {
    Actor::User(text.parse().expect("it is an id"))
}

fn key(id: &str) -> EventKey {
    EventKey { id: id.parse().expect("it is an id"), kind: "Seminars".parse().expect("it is a kind") }
}

fn any(count: u32) -> Seating {
    Seating::Any(Count::new(count).expect("it is a number"))
}

fn add(id: &str, capacity: u32) -> Action {
    let place = Place::Slot(id.parse().expect("it says where it is"));
    let event = NewEvent { place, kind: key(id).kind, name: Some(name("Rust at scale")), theatre: None };
    Action::AddEvent { event, capacity }
}

fn commands() -> Vec<Command> {
    let session = SessionId { birth_ms: 900, random: 7 };
    let command =
        |(sequence, operation)| Command { session, sequence, answered_until: 0, operation, key: None };
    (1..).zip(operations()).map(command).collect()
}

fn batch_of(commands: &[Command]) -> Bytes {
    let mut builder = BatchBuilder::new();
    commands.iter().for_each(|command| builder.push(command).expect("it is short"));
    builder.finish()
}

pub fn batches() -> Vec<Vec<u8>> {
    let all = commands();
    vec![batch_of(&all).to_vec(), batch_of(&all[..1]).to_vec()]
}

fn view(number: u64) -> ViewId {
    ViewId { number, coordinator: ServerId(1), incarnation: Incarnation(1), ..ViewId::ZERO }
}

fn members() -> Vec<Member> {
    (1..=3).map(|id| Member { server: ServerId(id), incarnation: Incarnation(4) }).collect()
}

fn timestamp(clock: u64) -> Timestamp {
    Timestamp { clock, server: ServerId(1) }
}

fn request(number: u64, clock: u64) -> Arc<Request> {
    let batch = batch_of(&commands()[..2]);
    Arc::new(Request { view: view(number), timestamp: timestamp(clock), time_ms: 1_000, batch })
}

/// The first view of a lone server, and a later one that keeps a request of it.
fn installs() -> [Arc<Install>; 2] {
    let alone = vec![Member { server: ServerId(1), incarnation: Incarnation(1) }];
    let first = Install {
        view: view(1),
        members: alone,
        base: 0,
        base_digest: Digest(0),
        decided: 0,
        lineage: Lineage::default(),
        kept: Vec::new(),
        clock: 3,
        left_out: Vec::new(),
    };
    let second = Install {
        view: view(2),
        members: members(),
        lineage: Lineage::with(&first),
        kept: vec![Entry { position: 1, request: request(1, 4) }],
        clock: 9,
        left_out: members()[1..].to_vec(),
        ..first.clone()
    };
    [Arc::new(first), Arc::new(second)]
}

fn proposal() -> Proposal {
    Proposal { view: view(3), members: members() }
}

fn promise() -> Arc<Promise> {
    let [first, _] = installs();
    Arc::new(Promise {
        lineage: Lineage::with(&first),
        accepted: Some(first),
        promised: vec![proposal()],
        recovering: false,
        history: History::Kept,
        position: 2,
        digest: Digest(5),
        clock: 8,
        executed: Some(timestamp(4)),
        logged: vec![(request(1, 5), true), (request(1, 6), false)],
    })
}

fn heartbeat() -> Arc<Heartbeat> {
    Arc::new(Heartbeat {
        sequence: 77,
        standing: Standing::Active,
        view: view(2),
        members: members(),
        promised: view(3),
        promised_since: vec![proposal()],
        history: History::Kept,
        position: 300,
        digest: Digest(u64::MAX),
        caught_up: true,
        links: members(),
        suspects: members()[2..].to_vec(),
        needs_view: false,
        disk_stalled_ms: 12,
        about: About { uptime_ms: 99_000, seats_left: 7, version: "0.1.0".to_owned() },
    })
}

fn messages() -> Vec<Message> {
    let [first, second] = installs();
    let lineage = Lineage::with(&second);
    let entries = vec![Entry { position: 3, request: request(2, 9) }];
    vec![
        Message::Request(request(2, 9)),
        Message::Reply { view: view(2), until: timestamp(9), clock: 12 },
        Message::Release { view: view(2), until: timestamp(9) },
        Message::Prepare { view: view(3), members: members() },
        Message::Promise { view: view(3), promise: promise() },
        Message::Refused { view: view(3), highest: view(4) },
        Message::Install(first),
        Message::Install(second),
        Message::Installed { view: view(3) },
        Message::Activate { view: view(3) },
        Message::Leave,
        Message::Heartbeat(heartbeat()),
        Message::HeartbeatAck { view: view(2), sequence: 77 },
        Message::Fetch {
            question: 7,
            position: 2,
            lineage: lineage.clone(),
            digests: vec![Digest(5), Digest(6)],
        },
        Message::Entries { question: 7, lineage: lineage.clone(), tip: 9, entries, digest: Digest(1) },
        Message::Offer { question: 7, position: 9, bytes: 4_000, forked_after: Some(2), lineage },
        Message::FetchSnapshot { position: 9, offset: 100 },
        Message::SnapshotChunk { position: 9, offset: 100, total: 200, bytes: Bytes::from(vec![3; 100]) },
    ]
}

pub fn peer_messages() -> Vec<Vec<u8>> {
    let body = |(number, message): (u64, Message)| {
        let number = if message.is_sequenced() { number } else { 0 };
        let mut out = BytesMut::new();
        peer::encode_frame(&mut out, number, 4, &frame::encode_body(&message));
        out[frame::HEADER_BYTES..].to_vec()
    };
    let mut all: Vec<Vec<u8>> = (1..).zip(messages()).map(body).collect();
    all.push([0u64.to_le_bytes(), 4u64.to_le_bytes()].concat());
    all
}

pub fn peer_hellos() -> Vec<Vec<u8>> {
    let hello = |peer: Option<u64>| {
        let session =
            Hello { incarnation: Incarnation(3), peer: peer.map(Incarnation), session: 2, received: 1 };
        let settings = "cluster: test\nseats: 100\n".to_owned();
        let hello =
            PeerHello { cluster: "test".to_owned(), from: ServerId(2), to: ServerId(1), settings, session };
        hello.encode()[frame::HEADER_BYTES..].to_vec()
    };
    vec![hello(None), hello(Some(3))]
}

/// Steps of `wire::peer_session`: hellos, messages out, messages in, acknowledgements.
pub fn peer_sessions() -> Vec<Vec<u8>> {
    vec![
        vec![3, 1, 0, 0, 0, 4, 8, 1, 1, 0, 1, 2, 1, 2, 2],
        vec![3, 1, 0, 0, 0, 4, 3, 1, 3, 1, 0, 1, 1, 1, 1, 2, 0],
        vec![3, 1, 0, 7, 0, 252, 248, 2, 0, 3, 2, 3, 8, 0],
    ]
}

pub fn frames() -> Vec<Vec<u8>> {
    let mut stream = BytesMut::from(&[7u8][..]);
    for body in peer_messages().iter().chain(&client_requests()) {
        frame::encode_into(&mut stream, body);
    }
    let mut short = BytesMut::from(&[0u8][..]);
    frame::encode_into(&mut short, b"");
    frame::encode_into(&mut short, b"body");
    vec![stream.to_vec(), short.to_vec()]
}

pub fn client_hellos() -> Vec<Vec<u8>> {
    let (magic, version) = (CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION);
    let hello = |token| ClientHello { magic, version, cluster: "test".to_owned(), token };
    bodies([hello(None), hello(Some("v4.public.e30".to_owned()))])
}

pub fn client_requests() -> Vec<Vec<u8>> {
    let query = |query, consistency| ClientRequest::Query { query, consistency };
    let asked = commands().into_iter().map(ClientRequest::Command).chain([
        query(Query::Search { name: name("bob") }, Consistency::Linearizable),
        query(Query::Seats, Consistency::Local),
        ClientRequest::Status,
        ClientRequest::Override,
        ClientRequest::Trace { after: 7 },
    ]);
    bodies((1..).zip(asked).map(|(id, body)| ClientFrame { id, body }))
}

fn errors() -> [ServerError; 8] {
    [
        ServerError::NotReady { state: "it reads its log".to_owned() },
        ServerError::Overloaded { pending: 9 },
        ServerError::Leaving,
        ServerError::BadRequest { reason: "no seats are named".to_owned() },
        ServerError::WrongVersion { server: 1, client: 2 },
        ServerError::WrongCluster { server: "a".to_owned(), client: "b".to_owned() },
        ServerError::TooManyConnections { connections: 3 },
        ServerError::NotAllowed { reason: "no".to_owned() },
    ]
}

pub fn server_hellos() -> Vec<Vec<u8>> {
    let welcome = ServerHello::Welcome { server: 1, state_time_ms: 5, capacity: 20, in_flight_max: 9 };
    bodies(errors().map(ServerHello::Refused).into_iter().chain([welcome]))
}

fn report() -> StatusReport {
    let row = |id, state, reason: &str| ServerStatus {
        id,
        address: format!("server{id}:7200"),
        state,
        view: "0.1.1".to_owned(),
        position: 4,
        lag: 0,
        digest: 99,
        seats_left: 7,
        uptime_ms: 4_000,
        version: "0.1.0".to_owned(),
        reason: reason.to_owned(),
    };
    StatusReport {
        server: 1,
        cluster: "test".to_owned(),
        availability: "any".to_owned(),
        durability: "fsync".to_owned(),
        servers: vec![row(1, ServerState::Ready, ""), row(2, ServerState::Down, "no link to it")],
        conflicts: 1,
        waiting_for: Some("server 2".to_owned()),
    }
}

pub fn server_answers() -> Vec<Vec<u8>> {
    let seats = || vec![Seat(1), Seat(2)];
    let outcomes = [
        Outcome::Reserved { name: name("bob"), seats: seats() },
        Outcome::NotEnough { left: 1, count: 2 },
        Outcome::AlreadyBooked { name: name("bob"), seats: seats() },
        Outcome::Taken { seats: seats() },
        Outcome::NoSuchSeats { seats: seats(), capacity: 1 },
        Outcome::Released { count: 2, left: 9 },
        Outcome::NoReservation { name: name("bob") },
        Outcome::SessionExpired,
    ];
    let map = State::new(state_config()).query(&Query::Seats);
    let found = Answer::Search { name: name("bob"), seats: Some(seats()) };
    let replies = outcomes.into_iter().map(ServerReply::Outcome).chain([
        ServerReply::Answer(map),
        ServerReply::Answer(found),
        ServerReply::Status(report()),
        ServerReply::Trace(trace()),
        ServerReply::Done,
    ]);
    let all = replies.chain(errors().map(ServerReply::Error));
    bodies((1..).zip(all).map(|(id, body)| ServerFrame { id, body }))
}

fn trace() -> TracePage {
    let said = Said::View { step: ViewStep::Install, view: "0.2.1".to_owned() };
    let seen = [
        Traced::Sent { to: ServerId(2), said: Said::Request { request: timestamp(4) } },
        Traced::Received { from: ServerId(2), said: Said::Reply { until: timestamp(4) } },
        Traced::Executed { position: 4, request: timestamp(4), commands: 2 },
        Traced::Sent { to: ServerId(2), said },
        Traced::Activated { view: "0.2.1".to_owned(), members: vec![ServerId(1), ServerId(2)] },
        Traced::Suspected { server: ServerId(3) },
        Traced::Left,
    ];
    let events = (1..).zip(seen).map(|(number, traced)| TraceEvent { number, at_us: 5 + number, traced });
    TracePage { last: 7, events: events.collect() }
}

fn records() -> Vec<Record> {
    let [first, second] = installs();
    let batch = request(1, 4);
    let mut outcomes = Vec::new();
    let hash = State::new(state_config()).apply(1, batch.time_ms, &batch.batch, &mut outcomes);
    let digest = Digest(0).extend(1, 4, 1, &batch.batch, hash);
    let checkpoint = Checkpoint {
        accepted: Some(second.clone()),
        promised: view(3),
        promised_since: vec![proposal()],
        logged: vec![request(2, 11)],
        last: Some((view(1), timestamp(4))),
        clock: 12,
        offers: vec![Bytes::from_static(b"offer")],
        history: History::Lost,
        position: 1,
    };
    vec![
        Record::Install(first.clone()),
        Record::Request(batch),
        Record::Executed { position: 1, view: view(1), timestamp: timestamp(4), digest },
        Record::Promise(proposal()),
        Record::Install(second),
        Record::Request(request(2, 10)),
        Record::Offers(vec![Bytes::from_static(b"offer")]),
        Record::Checkpoint(Box::new(checkpoint)),
        Record::Rejoin,
        Record::Lineage { lineage: Lineage::with(&first), position: 2 },
    ]
}

pub fn log_records() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for record in records() {
        put_piece(&mut all, &postcard::to_stdvec(&record).expect("a record is plain data"));
    }
    let [first, _] = installs();
    let entry = Entry { position: 1, request: request(1, 4) };
    let Record::Executed { digest, .. } = records()[2].clone() else { unreachable!("it is a mark") };
    let mut fetched = Vec::new();
    for record in [Record::Install(first), Record::Fetched { entry, digest }] {
        put_piece(&mut fetched, &postcard::to_stdvec(&record).expect("a record is plain data"));
    }
    vec![all, fetched]
}

fn used(name: &str) -> Vec<u8> {
    USED.disk.read(name).expect("a simulated disk")
}

fn used_like(prefix: &str) -> Vec<Vec<u8>> {
    USED.files().iter().filter(|name| name.starts_with(prefix)).map(|name| used(name)).collect()
}

pub fn log_headers() -> Vec<Vec<u8>> {
    let newest = used_like("log-").pop().expect("there is a log");
    // The rest of the page is zeroes, and the check adds them.
    let written = newest[..LOG_HEADER_BYTES - 4].iter().rposition(|byte| *byte != 0).expect("a header");
    vec![newest[..=written].to_vec()]
}

pub fn state_images() -> Vec<Vec<u8>> {
    let mut state = State::new(state_config());
    let image = |state: &State| {
        let mut bytes = Vec::new();
        state.freeze().write(&mut bytes).expect("memory takes everything");
        bytes
    };
    let blank = image(&state);
    state.apply(1, 1_000, &batch_of(&commands()[..2]), &mut Vec::new());
    state.apply(9, 2_000, &batch_of(&commands()[3..]), &mut Vec::new());
    vec![image(&state), blank]
}

pub fn snapshot_contents() -> Vec<Vec<u8>> {
    let [first, _] = installs();
    let header = SnapshotHeader {
        position: 9,
        digest: Digest(4),
        last: Some((view(1), timestamp(4))),
        lineage: Lineage::with(&first),
        clock: 10,
    };
    let header = postcard::to_stdvec(&header).expect("a header is plain data");
    let mut content = (header.len() as u32).to_le_bytes().to_vec();
    content.extend_from_slice(&header);
    content.extend_from_slice(&state_images()[0]);
    vec![content]
}

/// Pieces as `disk::snapshot_pieces` takes them: from where, how long, and what is wrong with the last byte.
pub fn snapshot_pieces() -> Vec<Vec<u8>> {
    let pieces = |pieces: &[(u16, u16, u8)]| {
        let mut all = Vec::new();
        for (offset, len, change) in pieces {
            all.extend_from_slice(&offset.to_le_bytes());
            all.extend_from_slice(&len.to_le_bytes());
            all.push(*change);
        }
        all
    };
    vec![pieces(&[(0, u16::MAX, 0)]), pieces(&[(0, 100, 0), (50, 100, 0), (150, 4_000, 0)])]
}

pub fn small_files() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (which, name) in (0u8..).zip(SMALL_FILES) {
        let content = if name.ends_with("jsonl") {
            b"{\"offered\":{},\"outcome\":\"Failed\",\"settled\":false}\n{\"settled\":true}\n".to_vec()
        } else {
            used(name)
        };
        all.push([&[which][..], &content].concat());
        if !name.ends_with("jsonl") {
            let body = &content[..content.len() - "crc32 01234567\n".len()];
            all.push([&[which + 128][..], body].concat());
        }
    }
    all
}

pub fn file_names() -> Vec<Vec<u8>> {
    vec![b"lost+found\nlog-000000-0000000001.bak\nnotes.txt\nsnapshot\nlog-\nold.tmp".to_vec(), Vec::new()]
}

/// Changes as `disk::data_directory` takes them: which file, where, what.
pub fn data_directories() -> Vec<Vec<u8>> {
    let mut change = vec![0, 0, 0];
    put_piece(&mut change, &[]);
    vec![Vec::new(), change]
}

pub fn configurations() -> Vec<Vec<u8>> {
    let full = "# a comment\ncluster: test\nseats: 100\nreplication: lamport\navailability: majority\n\
        durability: fsync\nservers:\n  - {id: 2, host: server2, peer_host: peers.server2, peer_port: 7100, \
        client_port: 7200}\n  - id: 1   # in block style\n    host: 127.0.0.1\n    peer_port: 7300\n    \
        client_port: 7400\n    listen: 0.0.0.0\ntimeouts: {heartbeat_ms: 200, suspect_ms: 5000}\nlimits:\n  \
        batch_bytes_max: 262144\n  sessions_max: 100000\n";
    let short = "cluster: a\nseats: 1\nservers: [{id: 1, host: '::1', peer_port: 1, client_port: 2}]\n";
    vec![full.as_bytes().to_vec(), short.as_bytes().to_vec()]
}

pub fn command_lines() -> Vec<Vec<u8>> {
    let lines =
        ["reserve 'Ann Lee' 2 # two", "reserve bob --seats 4-7,12", "search bob", "seats", "help seats"];
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}

pub fn histories() -> Vec<Vec<u8>> {
    let line = |op: &str, name: &str, count: u32, seats: &str, result: &str| {
        format!(
            r#"{{"client":1,"op":"{op}","event":"theatre","name":"{name}","count":{count},"seats":[{seats}],"call_ns":5,"return_ns":9,"result":{result}}}"#
        ) + "\n"
    };
    let booked = line("reserve", "bob", 2, "", r#"{"kind":"ok","seats":[1,2],"left":0}"#);
    let picked = line("reserve", "ann", 0, "2,3", r#"{"kind":"full","seats":[2],"left":0}"#);
    let map = line("seats", "", 0, "", r#"{"kind":"ok","seats":[1,2],"left":18}"#);
    let open = booked.replace(r#""return_ns":9"#, r#""return_ns":null"#);
    let open = open.replace(r#""ok","seats":[1,2]"#, r#""unknown","seats":[]"#);
    vec![(booked + &picked + &map).into_bytes(), open.into_bytes(), Vec::new()]
}
