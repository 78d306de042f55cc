//! Boxoffice, over its client protocol, with the types and frames of the server's own crate.
//!
//! A connection is what a real client is: a hello, a session of its own that was born when the hello said, numbered commands,
//! and the promise which outcomes it has. It does the least beyond that: what is ready is encoded into one buffer and
//! written at once, what is there is decoded at once.

use super::boxoffice_events::Events;
use super::stream::Stream;
use crate::args::{Freshness, LoadArgs};
use crate::backend::{Action, Backend, Op, Reply, SEATS, Seats};
use crate::drive::{self, Site};
use crate::error::LoadError;
use crate::grow::{self, Growth};
use boxoffice::api::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame,
    ClientHello, ClientRequest, Consistency, ServerFrame, ServerHello, ServerReply,
};
use boxoffice::client::session::Session;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::transport::frame::{FrameDecoder, decode_message, encode_message};
use fastrand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write as _};
use std::rc::Rc;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Client ports; connections go round them.
    pub servers: Vec<String>,
    /// Name of the cluster.
    pub cluster: String,
    /// Seats of each event.
    pub seats: u32,
    /// How many events there shall be; 0 for the theatre.
    pub events: u32,
    /// How fresh reads are.
    pub reads: Freshness,
}

/// One run.
pub async fn run(load: &LoadArgs, asked: &Asked) -> Result<String, LoadError> {
    let (site, connections) = connect(load, asked).await?;
    drive::run(load, site, connections).await
}

/// Grows as standard input says.
pub async fn grow(load: &LoadArgs, asked: &Asked, fill_depth: usize) -> Result<(), LoadError> {
    let (site, connections) = connect(load, asked).await?;
    let mut growth = Growth::new(load, site, connections, fill_depth);
    grow::obey(&mut growth, grow::standard_input(), |line| {
        writeln!(io::stdout(), "{line}").map_err(LoadError::Output)
    })
    .await
}

/// All connections, and the events that they ask about.
async fn connect(load: &LoadArgs, asked: &Asked) -> Result<(Site, Vec<Connection>), LoadError> {
    let consistency = match asked.reads {
        Freshness::Linearizable => Consistency::Linearizable,
        Freshness::Local => Consistency::Local,
    };
    let mut chance = Rng::with_seed(load.seed);
    let mut events = None;
    if asked.events > 0 {
        let mut link = Link::open(&asked.servers[0], &asked.cluster, chance.u64(..)).await?;
        events = Some(Rc::new(Events::add(&mut link, asked.events, asked.seats).await?));
    }
    let mut connections = Vec::new();
    for number in 0..load.connections() {
        let address = &asked.servers[number % asked.servers.len()];
        let link = Link::open(address, &asked.cluster, chance.u64(..)).await?;
        connections.push(Connection { link, events: events.clone(), consistency, sent: Vec::new() });
    }
    let site = Site { seats_per_event: Some(asked.seats), events: asked.events.max(1) };
    Ok((site, connections))
}

/// A connection with its session.
pub struct Link {
    stream: Stream,
    decoder: FrameDecoder,
    /// Numbers commands.
    pub session: Session,
    /// Most frames that the server takes before it answers.
    pub in_flight_max: usize,
}

impl Link {
    /// Says hello. `random` is the session's part of its id.
    pub async fn open(address: &str, cluster: &str, random: u64) -> Result<Link, LoadError> {
        let mut stream = Stream::connect(address).await?;
        let hello = ClientHello {
            magic: CLIENT_MAGIC,
            version: CLIENT_PROTOCOL_VERSION,
            cluster: cluster.to_owned(),
            token: None,
        };
        let mut decoder = FrameDecoder::new(ANSWER_FRAME_BYTES_MAX);
        encode(&mut stream, &hello)?;
        stream.send().await?;
        let hello = loop {
            if let Some(hello) = decode::<ServerHello>(&stream, &mut decoder)? {
                break hello;
            }
            stream.receive_into(decoder.space()).await?;
        };
        match hello {
            ServerHello::Welcome { state_time_ms, in_flight_max, .. } => Ok(Link {
                stream,
                decoder,
                session: Session::new(state_time_ms, random),
                in_flight_max: in_flight_max as usize,
            }),
            ServerHello::Refused(error) => Err(stream.protocol(error.to_string())),
        }
    }

    /// Takes a request that goes out with the next exchange.
    pub fn request(&mut self, frame: &ClientFrame) -> Result<(), LoadError> {
        encode(&mut self.stream, frame)
    }

    /// Sends, waits for an answer, and gives all that are there.
    pub async fn exchange(
        &mut self,
        mut each: impl FnMut(&mut Session, ServerFrame),
    ) -> Result<(), LoadError> {
        self.stream.send().await?;
        let mut is_answered = false;
        loop {
            while let Some(frame) = decode(&self.stream, &mut self.decoder)? {
                each(&mut self.session, frame);
                is_answered = true;
            }
            if is_answered {
                return Ok(());
            }
            self.stream.receive_into(self.decoder.space()).await?;
        }
    }
}

fn encode<T: Serialize>(stream: &mut Stream, message: &T) -> Result<(), LoadError> {
    let encoded = encode_message(&mut stream.out, message, CLIENT_FRAME_BYTES_MAX);
    encoded.map_err(|error| stream.protocol(error.to_string()))
}

fn decode<T: DeserializeOwned>(stream: &Stream, decoder: &mut FrameDecoder) -> Result<Option<T>, LoadError> {
    let Some(body) = decoder.next().map_err(|error| stream.protocol(error.to_string()))? else {
        return Ok(None);
    };
    decode_message(&body).map(Some).map_err(|error| stream.protocol(error.to_string()))
}

/// A connection of the load.
struct Connection {
    link: Link,
    /// None for the theatre.
    events: Option<Rc<Events>>,
    consistency: Consistency,
    /// What each slot has sent, as a client keeps it for another try; none for a query.
    sent: Vec<Option<Command>>,
}

impl Backend for Connection {
    fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
        let name: Name = op.name.parse().expect("the load makes names of letters and digits");
        let events = self.events.as_deref();
        let operation = match (op.action, events) {
            (Action::Search, None) => return self.ask(slot, Query::Search { name }),
            (Action::Search, Some(events)) => return self.ask(slot, events.claim(op.event, name)),
            (Action::Reserve, None) => Operation::Reserve { name, count: SEATS as u32 },
            (Action::Reserve, Some(events)) => events.book(op.event, name),
            (Action::Delete, None) => Operation::Delete { name },
            (Action::Delete, Some(events)) => events.cancel(op.event, name),
        };
        let command = self.link.session.command(operation);
        let frame = ClientFrame { id: slot as u64, body: ClientRequest::Command(command) };
        self.link.request(&frame)?;
        let ClientRequest::Command(command) = frame.body else { unreachable!("it was made above") };
        self.keep(slot, Some(command));
        Ok(())
    }

    async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
        let sent = &mut self.sent;
        let each = |session: &mut Session, frame: ServerFrame| {
            let slot = frame.id as usize;
            if let Some(command) = sent.get_mut(slot).and_then(Option::take) {
                session.close(&command);
            }
            replies.push((slot, reply(frame.body)));
        };
        self.link.exchange(each).await
    }
}

impl Connection {
    fn ask(&mut self, slot: usize, query: Query) -> Result<(), LoadError> {
        let body = ClientRequest::Query { query, consistency: self.consistency };
        self.link.request(&ClientFrame { id: slot as u64, body })?;
        self.keep(slot, None);
        Ok(())
    }

    fn keep(&mut self, slot: usize, command: Option<Command>) {
        if self.sent.len() <= slot {
            self.sent.resize(slot + 1, None);
        }
        self.sent[slot] = command;
    }
}

/// What an answer means to the load.
pub fn reply(body: ServerReply) -> Reply {
    match body {
        ServerReply::Outcome(Outcome::Reserved { seats, .. }) => two(&seats, Reply::Reserved),
        ServerReply::Outcome(Outcome::Released { count, .. }) if count == SEATS as u32 => Reply::Deleted,
        ServerReply::Outcome(Outcome::NotEnough { .. }) => Reply::SoldOut,
        ServerReply::Outcome(Outcome::Events(outcome)) => super::boxoffice_events::reply(&outcome),
        ServerReply::Outcome(refusal) => Reply::Refused(refusal.to_string()),
        ServerReply::Answer(Answer::Search { seats: Some(seats), .. }) => two(&seats, Reply::Found),
        ServerReply::Answer(Answer::Events(answer)) => super::boxoffice_events::found(&answer),
        ServerReply::Answer(answer) => Reply::Refused(format!("{answer:?}")),
        ServerReply::Error(error) => Reply::Refused(error.to_string()),
        other => Reply::Refused(format!("{other:?}")),
    }
}

/// A reply with these seats, if they are as many as were asked for.
pub fn two(seats: &[Seat], reply: fn(Seats) -> Reply) -> Reply {
    match seats {
        &[first, second] => reply([first.0, second.0]),
        seats => Reply::Refused(format!("{} seats instead of {SEATS}", seats.len())),
    }
}
