//! A server that does as its script says, to find out what the client makes of it. Speaks the real protocol on
//! a port of its own; several of them can share one theatre, like a cluster.

#![expect(
    clippy::disallowed_methods,
    reason = "a double lives as long as the test process; its client shows whether it died"
)]

use boxoffice::{
    api::wire::{
        ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame,
        ClientHello, ClientRequest, ServerError, ServerFrame, ServerHello, ServerReply, ServerState,
        ServerStatus, StatusReport, TracePage,
    },
    domain::{
        command::{Command, Operation, Query},
        ids::{Name, Seat, SessionId},
        outcome::{Answer, Outcome, SeatMap},
    },
    transport::frame::{FrameDecoder, decode_message, encode_message},
};
use bytes::BytesMut;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// No read of a test double takes longer: a test that hangs fails.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// What to do with the next connection or request.
#[derive(Clone)]
pub enum Act {
    /// Execute and answer.
    Serve,
    /// The same, a byte at a time.
    Dribble,
    /// Execute, then close without an answer.
    ExecuteThenClose,
    /// Execute, then close in the middle of the answer.
    ExecuteThenCut,
    /// Close without executing.
    Close,
    /// Never answer; the connection stays open.
    Silent,
    /// Answer with bytes that are no frame.
    Garbage,
    /// Answer this without executing.
    Say(ServerReply),
    /// Accept the connection and say nothing, not even hello.
    SilentHello,
    /// Refuse in the hello.
    Refuse(ServerError),
}

/// A theatre with its sessions; naive on purpose.
#[derive(Default)]
pub struct Theatre {
    capacity: u32,
    bookings: BTreeMap<Name, Vec<Seat>>,
    outcomes: BTreeMap<(SessionId, u64), Outcome>,
    /// How many commands were executed, retries not counted.
    pub executed: usize,
    /// What it does wrong.
    pub fault: Option<Fault>,
}

/// A mistake that a check must find.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Takes every seat for free.
    SellsTwice,
    /// Finds no reservation.
    LosesReads,
    /// Executes a retry again.
    ForgetsSessions,
}

/// The theatre of a whole cluster.
pub type Shared = Arc<Mutex<Theatre>>;

/// One running double. Its threads end with the test process.
pub struct Fake {
    /// Where it listens.
    pub port: u16,
    seen: Arc<Mutex<Vec<ClientRequest>>>,
}

/// An empty theatre.
pub fn theatre(capacity: u32) -> Shared {
    Arc::new(Mutex::new(Theatre { capacity, ..Theatre::default() }))
}

/// A port on which nobody listens.
pub fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Fake {
    /// Server `id`, which follows the script and serves when it is at its end.
    pub fn start(id: u8, theatre: &Shared, script: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.iter().cloned().collect::<VecDeque<Act>>()));
        let server = Server { id, theatre: theatre.clone(), script, seen: seen.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A client that goes away is no fault of the double.
                std::thread::spawn(move || server.converse(stream));
            }
        });
        Self { port, seen }
    }

    /// Every request that came in, in order.
    pub fn seen(&self) -> Vec<ClientRequest> {
        self.seen.lock().unwrap().clone()
    }

    /// The commands among them.
    pub fn commands(&self) -> Vec<Command> {
        let command = |request| match request {
            ClientRequest::Command(command) => Some(command),
            ClientRequest::Query { .. }
            | ClientRequest::Status
            | ClientRequest::Override
            | ClientRequest::Trace { .. } => None,
        };
        self.seen().into_iter().filter_map(command).collect()
    }
}

#[derive(Clone)]
struct Server {
    id: u8,
    theatre: Shared,
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<ClientRequest>>>,
}

impl Server {
    fn converse(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        let mut decoder = FrameDecoder::new(CLIENT_FRAME_BYTES_MAX);
        let hello: ClientHello = read(&mut stream, &mut decoder)?;
        assert_eq!((hello.magic, hello.version), (CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION));
        match self.next_act(|act| matches!(act, Act::SilentHello | Act::Refuse(_))) {
            Some(Act::SilentHello) => return wait_for_end(&mut stream),
            Some(Act::Refuse(error)) => {
                stream.write_all(&frame(&ServerHello::Refused(error))).ok()?;
                return None;
            }
            _ => {}
        }
        let capacity = self.theatre.lock().unwrap().capacity;
        let welcome =
            ServerHello::Welcome { server: self.id, state_time_ms: 1_000, capacity, in_flight_max: 64 };
        stream.write_all(&frame(&welcome)).ok()?;
        loop {
            let request: ClientFrame = read(&mut stream, &mut decoder)?;
            self.seen.lock().unwrap().push(request.body.clone());
            self.act(&mut stream, request)?;
        }
    }

    fn next_act(&self, fits: impl Fn(&Act) -> bool) -> Option<Act> {
        let mut script = self.script.lock().unwrap();
        if script.front().is_some_and(fits) { script.pop_front() } else { None }
    }

    fn act(&self, stream: &mut TcpStream, ClientFrame { id, body }: ClientFrame) -> Option<()> {
        let whole = |body| frame(&ServerFrame { id, body });
        match self.next_act(|_| true).unwrap_or(Act::Serve) {
            Act::Serve => stream.write_all(&whole(self.execute(body))).ok(),
            Act::Dribble => {
                stream.set_nodelay(true).ok()?;
                whole(self.execute(body)).iter().try_for_each(|&byte| stream.write_all(&[byte])).ok()
            }
            Act::ExecuteThenClose => {
                self.execute(body);
                None
            }
            Act::ExecuteThenCut => {
                let answer = whole(self.execute(body));
                stream.write_all(&answer[..answer.len() / 2]).ok()?;
                None
            }
            Act::Close => None,
            Act::Silent => wait_for_end(stream),
            Act::Garbage => {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok()?;
                wait_for_end(stream)
            }
            Act::Say(reply) => stream.write_all(&whole(reply)).ok(),
            Act::SilentHello | Act::Refuse(_) => panic!("this act is for a hello"),
        }
    }

    fn execute(&self, request: ClientRequest) -> ServerReply {
        let mut theatre = self.theatre.lock().unwrap();
        match request {
            ClientRequest::Command(command) => ServerReply::Outcome(theatre.command(command)),
            ClientRequest::Query { query: Query::Search { name }, .. } => {
                let seats = theatre.bookings.get(&name).cloned();
                let seats = seats.filter(|_| theatre.fault != Some(Fault::LosesReads));
                ServerReply::Answer(Answer::Search { name, seats })
            }
            ClientRequest::Query { query: Query::Seats, .. } => {
                ServerReply::Answer(Answer::Seats(theatre.map()))
            }
            ClientRequest::Query { query: Query::Events(_), .. } => panic!("this server has no events"),
            ClientRequest::Status => ServerReply::Status(self.status(&theatre)),
            ClientRequest::Override => ServerReply::Done,
            ClientRequest::Trace { .. } => ServerReply::Trace(TracePage { last: 0, events: Vec::new() }),
        }
    }

    fn status(&self, theatre: &Theatre) -> StatusReport {
        let row = ServerStatus {
            id: self.id,
            address: format!("127.0.0.1:{}", self.id),
            state: ServerState::Ready,
            view: "0.1.1".into(),
            position: theatre.executed as u64,
            lag: 0,
            digest: 0xABCD,
            seats_left: theatre.left(),
            uptime_ms: 61_000,
            version: "0.1.0".into(),
            reason: String::new(),
        };
        StatusReport {
            server: self.id,
            cluster: "test".into(),
            availability: "any".into(),
            durability: "fsync".into(),
            servers: vec![row],
            conflicts: 0,
            waiting_for: None,
        }
    }
}

impl Theatre {
    fn left(&self) -> u32 {
        self.capacity.saturating_sub(self.bookings.values().map(Vec::len).sum::<usize>() as u32)
    }

    fn free(&self) -> impl Iterator<Item = Seat> {
        let sold = self.bookings.values().flatten().copied();
        let taken: BTreeSet<Seat> = sold.filter(|_| self.fault != Some(Fault::SellsTwice)).collect();
        (1..=self.capacity).map(Seat).filter(move |seat| !taken.contains(seat))
    }

    fn map(&self) -> SeatMap {
        let mut free = vec![0u64; self.capacity.div_ceil(64) as usize];
        self.free().for_each(|seat| free[(seat.0 as usize - 1) / 64] |= 1 << ((seat.0 - 1) % 64));
        // It adds up, whatever is wrong with the theatre: clients refuse one that does not.
        let left = free.iter().map(|word| word.count_ones()).sum();
        SeatMap { capacity: self.capacity, left, free }
    }

    fn command(&mut self, command: Command) -> Outcome {
        let id = (command.session, command.sequence);
        match self.outcomes.get(&id) {
            Some(first) if self.fault != Some(Fault::ForgetsSessions) => return first.clone(),
            Some(_) | None => {}
        }
        let outcome = self.operation(command.operation);
        self.executed += 1;
        self.outcomes.insert(id, outcome.clone());
        outcome
    }

    fn operation(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Reserve { count, .. } if count > self.left() => {
                Outcome::NotEnough { left: self.left(), count }
            }
            Operation::Reserve { name, .. } if self.bookings.contains_key(&name) => {
                let seats = self.bookings[&name].clone();
                Outcome::AlreadyBooked { name, seats }
            }
            Operation::Reserve { name, count } => {
                let free: Vec<Seat> = self.free().collect();
                let is_run = |seats: &&[Seat]| seats[seats.len() - 1].0 - seats[0].0 == count - 1;
                let run = free.windows(count as usize).find(is_run);
                let seats = run.unwrap_or(&free[..count as usize]).to_vec();
                self.bookings.insert(name.clone(), seats.clone());
                Outcome::Reserved { name, seats }
            }
            Operation::ReserveSeats { seats, .. } if seats.iter().any(|seat| seat.0 > self.capacity) => {
                let seats = seats.into_iter().filter(|seat| seat.0 > self.capacity).collect();
                Outcome::NoSuchSeats { seats, capacity: self.capacity }
            }
            Operation::ReserveSeats { name, .. } if self.bookings.contains_key(&name) => {
                let seats = self.bookings[&name].clone();
                Outcome::AlreadyBooked { name, seats }
            }
            Operation::ReserveSeats { name, seats } => {
                let free: Vec<Seat> = self.free().collect();
                let taken: Vec<Seat> = seats.iter().copied().filter(|seat| !free.contains(seat)).collect();
                if taken.is_empty() {
                    self.bookings.insert(name.clone(), seats.clone());
                    Outcome::Reserved { name, seats }
                } else {
                    Outcome::Taken { seats: taken }
                }
            }
            Operation::Delete { name } => match self.bookings.remove(&name) {
                Some(seats) => Outcome::Released { count: seats.len() as u32, left: self.left() },
                None => Outcome::NoReservation { name },
            },
            Operation::Restore { .. }
            | Operation::Withdraw { .. }
            | Operation::Events(_)
            | Operation::Expire
            | Operation::Offer(_) => Outcome::Malformed,
        }
    }
}

fn frame<T: serde::Serialize>(message: &T) -> BytesMut {
    let mut out = BytesMut::new();
    encode_message(&mut out, message, ANSWER_FRAME_BYTES_MAX).unwrap();
    out
}

fn read<T: serde::de::DeserializeOwned>(stream: &mut TcpStream, decoder: &mut FrameDecoder) -> Option<T> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(body) = decoder.next().expect("clients send whole frames") {
            return Some(decode_message(&body).expect("clients send messages"));
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => decoder.extend(&buffer[..n]),
        }
    }
}

fn wait_for_end(stream: &mut TcpStream) -> Option<()> {
    while stream.read(&mut [0; 4096]).ok()? > 0 {}
    None
}
