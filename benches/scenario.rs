//! A fixed piece of work: three servers order, log and execute what twelve clients ask for, with everything between a
//! client's frame and the line of the audit log about its answer but the sockets, the threads and the disk.
//!
//! Whoever includes it says what happens around each [`Phase`]: `crate::phase`. A phase within another one is not part
//! of that other one.
//!
//! Not here: what the runtime and the system cost. `ci/bench` measures those.

use super::phase;
use boxoffice::api::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, ClientFrame, ClientRequest, Consistency, ServerFrame,
    ServerReply,
};
use boxoffice::audit::describe::{Asked, Texts, brief};
use boxoffice::audit::record::AuditResult;
use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::{Name, SessionId};
use boxoffice::domain::image::Image;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::{Availability, Effect, Engine as _, Input, Limits, Machine, Settings};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::{Message, Standing};
use boxoffice::protocol::types::{Member, Now, Position, Request, ServerId, Token};
use boxoffice::replication::encoded::Encoded;
use boxoffice::replication::machine::Storable;
use boxoffice::replication::persister::Persister;
use boxoffice::storage::{Identity, Options, SimDisk};
use boxoffice::transport::frame::{self, FrameDecoder};
use boxoffice::transport::peer::{self, PEER_FRAME_BYTES_MAX};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

const SERVERS: u8 = 3;
/// Of each server; each asks for one thing in each round.
const CLIENTS: u64 = 4;
const ROUNDS: u64 = 1_000;
/// Each tenth thing is a search, each tenth a deletion, as in `ci/bench`.
const MIX: u64 = 10;
const WALL_MS: u64 = 1_700_000_000_000;

/// A part of a command's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The clients, the time before the first command, what joins the parts below: not a server's work.
    Outside,
    /// A client's bytes become a question.
    Hear,
    /// The command's bytes, as they are ordered.
    Encode,
    /// The engine: order, replies, releases.
    Engine,
    /// The state executes a batch.
    Apply,
    /// A search.
    Query,
    /// Records into the log.
    Log,
    /// A message to another server becomes bytes.
    Send,
    /// Bytes of another server become a message.
    Receive,
    /// The answer becomes bytes.
    Answer,
    /// The audit log's line.
    Audit,
}

/// Does all of it; how many questions were answered.
pub fn run() -> u64 {
    let mut servers: Vec<Server> = (1..=SERVERS).map(Server::start).collect();
    let members: Vec<Member> = servers.iter().map(|server| server.me).collect();
    let mut now_ms = 0;
    for server in &mut servers {
        let me = server.me;
        for &peer in members.iter().filter(|&&member| member != me) {
            server.step(now_ms, Input::LinkUp { peer, resumed: false });
        }
    }
    while servers.iter().any(|server| server.engine.status().standing != Standing::Active) {
        now_ms += 50;
        assert!(now_ms < 60_000, "the servers have formed no view");
        servers.iter_mut().for_each(|server| server.step(now_ms, Input::Tick));
        settle(&mut servers, now_ms);
    }
    for round in 0..ROUNDS {
        now_ms += 1;
        for server in &mut servers {
            for client in 0..CLIENTS {
                server.hear(now_ms, client, round);
            }
            server.turn(now_ms);
        }
        settle(&mut servers, now_ms);
        if round % 50 == 0 {
            servers.iter_mut().for_each(|server| server.step(now_ms, Input::Tick));
        }
    }
    let asked = u64::from(SERVERS) * CLIENTS * ROUNDS;
    let answered: u64 = servers.iter().map(|server| server.answered).sum();
    assert_eq!(answered, asked, "every question has its answer");
    let digests: Vec<_> = servers.iter().map(|server| server.engine.status().digest).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "the servers agree");
    answered
}

/// Delivers what was sent, in order, until nothing is on its way.
fn settle(servers: &mut [Server], now_ms: u64) {
    loop {
        let mut frames = Vec::new();
        for server in servers.iter_mut() {
            for (to, bytes) in std::mem::take(&mut server.outgoing) {
                frames.push((server.me, to, bytes));
            }
        }
        if frames.is_empty() {
            return;
        }
        for (from, to, bytes) in frames {
            let server = &mut servers[usize::from(to.0) - 1];
            let mut decoder = FrameDecoder::new(PEER_FRAME_BYTES_MAX);
            decoder.extend(&bytes);
            while let Some(message) = phase(Phase::Receive, || {
                let body = decoder.next().expect("frames are whole")?;
                let (_, _, message) = peer::decode_frame(&body).expect("it was encoded above");
                Some(message.expect("it has a message"))
            }) {
                server.step(now_ms, Input::Message { from, message });
            }
            server.turn(now_ms);
        }
    }
}

/// The seats, as [`State`] has them; executing is a phase of its own.
#[derive(Debug)]
struct Seats(State);

/// What somebody waits for.
struct Waiting {
    id: u64,
    query: Option<Query>,
    asked: Asked,
}

/// One server without its threads.
struct Server {
    me: Member,
    engine: Lamport<Seats>,
    persister: Persister<SimDisk, Seats>,
    effects: Vec<Effect<Seats>>,
    encoded: Encoded,
    outgoing: BTreeMap<ServerId, BytesMut>,
    /// Numbers on each link.
    sent: u64,
    waiting: BTreeMap<Token, Waiting>,
    last_token: Token,
    answers: BytesMut,
    /// Of the audit log.
    line: (Texts, Vec<u8>),
    answered: u64,
}

impl Server {
    fn start(id: u8) -> Server {
        let config = Config {
            capacity: 100_000,
            sessions_max: 100_000,
            session_age_ms: 3_600_000,
            outcomes_per_session_max: 256,
            time_step_ms_max: 60_000,
            keys: Default::default(),
            events: EventsConfig::default().into(),
        };
        let limits = Limits::default();
        let identity = Identity { cluster: "count".to_owned(), server: id, seats: config.capacity };
        let (disk, chunk_bytes) = (SimDisk::faultless(), limits.chunk_bytes_max);
        // Making a file of zeroes is no part of the work.
        let options = Options { segment_bytes: 4 << 20, ..Options::default() };
        let opened = Persister::open(disk, &identity, &options, &config, chunk_bytes);
        let opened = opened.unwrap_or_else(|error| panic!("a blank disk opens: {error}"));
        let me = Member { server: ServerId(id), incarnation: opened.incarnation };
        let settings = Settings {
            me,
            servers: (1..=SERVERS).map(ServerId).collect(),
            availability: Availability::Any,
            limits,
            seed: u64::from(id),
            bootstrap: false,
            version: "count".to_owned(),
        };
        let engine = Lamport::new(settings, opened.recovered).expect("a blank log is sound");
        Server {
            me,
            engine,
            persister: opened.persister,
            effects: Vec::new(),
            encoded: Encoded::default(),
            outgoing: BTreeMap::new(),
            sent: 0,
            waiting: BTreeMap::new(),
            last_token: 0,
            answers: BytesMut::new(),
            line: Default::default(),
            answered: 0,
        }
    }

    /// A client's frame as it comes, on to the engine.
    fn hear(&mut self, now_ms: u64, client: u64, round: u64) {
        let frame = ClientFrame { id: round, body: question(self.me, client, round) };
        let mut bytes = BytesMut::new();
        frame::encode_message(&mut bytes, &frame, CLIENT_FRAME_BYTES_MAX).expect("it is short");
        let mut decoder = FrameDecoder::new(CLIENT_FRAME_BYTES_MAX);
        decoder.extend(&bytes);
        let ClientFrame { id, body } = phase(Phase::Hear, || {
            let body = decoder.next().expect("it is whole").expect("it is there");
            frame::decode_message(&body).expect("it was encoded above")
        });
        self.last_token += 1;
        let token = self.last_token;
        let (asked, query, input) = match body {
            ClientRequest::Command(command) => {
                let asked = phase(Phase::Audit, || Asked::command(&command));
                let command = phase(Phase::Encode, || {
                    let bytes = batch::encode(&command);
                    drop(command);
                    bytes.into()
                });
                (asked, None, Input::Submit { token, command })
            }
            ClientRequest::Query { query, .. } => {
                let asked = phase(Phase::Audit, || Asked::query(&query));
                (asked, Some(query), Input::Read { token })
            }
            other => unreachable!("nobody asks {other:?}"),
        };
        self.waiting.insert(token, Waiting { id, query, asked });
        self.step(now_ms, input);
    }

    /// What the driver does between two waits, and one flush of the log.
    fn turn(&mut self, now_ms: u64) {
        self.step(now_ms, Input::Drained);
        let lsn = phase(Phase::Log, || self.persister.sync()).expect("memory takes it");
        self.step(now_ms, Input::Durable { lsn });
        self.answers.clear();
    }

    fn step(&mut self, now_ms: u64, input: Input<Seats>) {
        let mut effects = std::mem::take(&mut self.effects);
        let now = Now { tick_ms: now_ms, wall_ms: WALL_MS + now_ms };
        phase(Phase::Engine, || self.engine.step(now, input, &mut effects));
        for effect in effects.drain(..) {
            self.carry(effect);
        }
        self.effects = effects;
    }

    fn carry(&mut self, effect: Effect<Seats>) {
        match effect {
            Effect::Send { to, message } => phase(Phase::Send, || self.send(to, message)),
            Effect::Answer { token, outcome } => self.answer(token, ServerReply::Outcome(outcome)),
            Effect::ServeRead { token } => {
                let query = self.waiting.get_mut(&token).and_then(|waiting| waiting.query.take());
                let query = query.expect("a read is a query");
                let answer = phase(Phase::Query, || self.engine.machine().0.query(&query));
                self.answer(token, ServerReply::Answer(answer));
            }
            Effect::Append { .. } => {
                phase(Phase::Log, || self.persister.carry(effect)).expect("memory takes it");
            }
            Effect::Note(_) => {}
            other => panic!("nothing else happens here: {other:?}"),
        }
    }

    fn send(&mut self, to: Member, message: Message) {
        self.sent += 1;
        let out = self.outgoing.entry(to.server).or_default();
        peer::encode_frame(out, self.sent, 0, &self.encoded.get(message));
    }

    fn answer(&mut self, token: Token, body: ServerReply) {
        let Waiting { id, asked, .. } = self.waiting.remove(&token).expect("somebody waits for it");
        phase(Phase::Audit, || audit(asked, &body, &mut self.line));
        phase(Phase::Answer, || {
            let frame = ServerFrame { id, body };
            frame::encode_message(&mut self.answers, &frame, ANSWER_FRAME_BYTES_MAX)
        })
        .expect("it is short");
        self.answered += 1;
    }
}

/// What the connection tells the audit log, and what that one's thread makes of it.
fn audit(asked: Asked, reply: &ServerReply, (texts, line): &mut (Texts, Vec<u8>)) {
    let (result, answer) = match reply {
        ServerReply::Outcome(outcome) if outcome.is_success() => (AuditResult::Done, brief(outcome)),
        ServerReply::Outcome(outcome) => (AuditResult::Failed, brief(outcome)),
        _ => (AuditResult::Done, "found".to_owned()),
    };
    line.clear();
    asked.answered(1, result, answer).write(texts, line).expect("it is plain data");
    assert!(!line.is_empty());
}

/// What a client of a server asks for in a round: what it deletes and looks for was reserved some rounds before.
fn question(server: Member, client: u64, round: u64) -> ClientRequest {
    let name = |round: u64| -> Name {
        format!("bench-{}-{client}-{round}", server.server).parse().expect("it is short and plain")
    };
    let operation = match (round + client) % MIX {
        8 => {
            let query = Query::Search { name: name(round - 1) };
            return ClientRequest::Query { query, consistency: Consistency::Linearizable };
        }
        9 => Operation::Delete { name: name(round - 2) },
        _ => Operation::Reserve { name: name(round), count: 2 },
    };
    let session = SessionId { birth_ms: WALL_MS, random: u64::from(server.server.0) << 32 | client };
    ClientRequest::Command(Command {
        session,
        sequence: round + 1,
        answered_until: round,
        operation,
        key: None,
    })
}

impl Machine for Seats {
    type Outcome = Outcome;
    type Image = Image;

    fn apply(&mut self, position: Position, request: &Request, outcomes: &mut Vec<Outcome>) -> u64 {
        phase(Phase::Apply, || Machine::apply(&mut self.0, position, request, outcomes))
    }

    fn freeze(&self) -> Image {
        self.0.freeze()
    }

    fn batch(commands: &[&Bytes]) -> Bytes {
        <State as Machine>::batch(commands)
    }

    fn divergence(&self, theirs: &Self, shared: Position, seed: u64) -> Vec<Bytes> {
        Machine::divergence(&self.0, &theirs.0, shared, seed)
    }

    fn seats_left(&self) -> u32 {
        self.0.left()
    }
}

impl Storable for Seats {
    type Config = Config;

    fn blank(config: &Config) -> Self {
        Seats(State::blank(config))
    }

    fn write_image(image: Image, out: &mut dyn Write) -> io::Result<()> {
        State::write_image(image, out)
    }

    fn read_state(config: &Config, input: &mut dyn Read) -> Result<Self, String> {
        State::read_state(config, input).map(Seats)
    }

    fn executed(&self) -> Position {
        self.0.executed()
    }

    fn describe_offer(offer: &[u8]) -> serde_json::Value {
        State::describe_offer(offer)
    }

    fn describe_outcome(outcome: &Outcome) -> (serde_json::Value, bool) {
        State::describe_outcome(outcome)
    }
}
