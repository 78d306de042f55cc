//! One client that asks for the same few names as all others, and notes what it asked and was told.

use crate::{
    api::wire::ServerReply,
    client::{
        connection::Connection,
        exchange::{Completion, Failure, Wanted},
    },
    domain::{
        command::{Operation, Query},
        ids::{Name, SEATS_MAX, Seat},
    },
    verify::history::{Ask, Call, DEFAULT_EVENT, End, RecordError, Reply},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Most seats of an ordinary reservation.
const COUNT_MAX: u32 = 3;
/// Most seats of a rare large one, which meets theatres that are nearly full.
const LARGE_COUNT_MAX: u32 = 200;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// With the answer in the call.
    Answered,
    /// Without; nobody knows what came of it.
    Unknown,
    /// The connection says that it was not executed: it is not part of the history.
    NotExecuted,
    /// With an answer that no server may give, in words.
    Wrong(String),
}

/// A call and how it went.
#[derive(Clone, Debug)]
pub struct Record {
    /// What is written into the history, unless it was not executed.
    pub call: Call,
    /// How it ended.
    pub fate: Fate,
    /// When it ended, also without an answer, on the clock of the calls.
    pub ended_ns: u64,
    /// The server that answered or was asked last.
    pub server: u8,
    /// How often it was sent.
    pub tries: u32,
}

impl Record {
    /// Whether it belongs into the history.
    pub fn is_history(&self) -> bool {
        match self.fate {
            Fate::Answered | Fate::Unknown => true,
            Fate::NotExecuted | Fate::Wrong(_) => false,
        }
    }

    /// From its first sending to its end.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.ended_ns.saturating_sub(self.call.call_ns))
    }
}

/// One client; it does one thing at a time.
pub struct Worker {
    connection: Connection,
    client: u64,
    names: Arc<[Name]>,
    capacity: u32,
    chance: fastrand::Rng,
    began: Instant,
}

impl Worker {
    /// `client` is its number in the history; times are counted from `began`.
    pub fn new(
        connection: Connection,
        client: u64,
        names: Arc<[Name]>,
        capacity: u32,
        chance: fastrand::Rng,
        began: Instant,
    ) -> Self {
        assert!(!names.is_empty(), "a client needs names to ask for");
        Self { connection, client, names, capacity, chance, began }
    }

    /// The same client, with another connection.
    pub fn reconnect(self, connection: Connection) -> Self {
        Self { connection, ..self }
    }

    /// The moment from which times are counted.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Asks for something at random.
    pub async fn act(&mut self) -> Record {
        let ask = self.choose();
        self.ask(ask).await
    }

    /// Asks for this.
    pub async fn ask(&mut self, ask: Ask) -> Record {
        let wanted = match ask.clone() {
            Ask::Reserve { name, count } => Wanted::Operation(Operation::Reserve { name, count }),
            Ask::Pick { name, seats } => Wanted::Operation(Operation::ReserveSeats { name, seats }),
            Ask::Delete { name } => Wanted::Operation(Operation::Delete { name }),
            Ask::Search { name } => Wanted::Query(Query::Search { name }),
            Ask::Seats => Wanted::Query(Query::Seats),
        };
        let call_ns = self.now_ns();
        let done = self.connection.call(wanted, std::future::pending()).await;
        self.record(ask, call_ns, done)
    }

    fn record(&self, ask: Ask, call_ns: u64, done: Completion) -> Record {
        let return_ns = self.now_ns();
        let (reply, fate) = match done.result {
            Ok(reply) => match reply_to(&ask, &reply) {
                Ok(reply) => (Some(reply), Fate::Answered),
                Err(RecordError::Unknown(_)) => (None, Fate::Unknown),
                Err(
                    error @ (RecordError::NotAClients
                    | RecordError::OtherEvent
                    | RecordError::WrongAnswer(..)),
                ) => (None, Fate::Wrong(error.to_string())),
            },
            Err(Failure::Unknown) => (None, Fate::Unknown),
            Err(Failure::NotExecuted) => (None, Fate::NotExecuted),
            Err(Failure::Rejected(reason) | Failure::NotAllowed(reason)) => {
                (None, Fate::Wrong(format!("{ask}: {reason}")))
            }
        };
        let end = reply.map(|reply| End { return_ns, reply });
        let call = Call { client: self.client, event: DEFAULT_EVENT.to_owned(), ask, call_ns, end };
        let server = self.connection.server_id(done.server);
        Record { call, fate, ended_ns: return_ns, server, tries: done.tries }
    }

    fn choose(&mut self) -> Ask {
        let name = self.names[self.chance.usize(0..self.names.len())].clone();
        match self.chance.u32(0..100) {
            0..32 => Ask::Reserve { name, count: self.chance.u32(1..=COUNT_MAX) },
            32..36 => {
                let large = (self.capacity / 2).clamp(1, LARGE_COUNT_MAX);
                Ask::Reserve { name, count: self.chance.u32(1..=large) }
            }
            36..44 => Ask::Pick { name, seats: self.pick() },
            44..76 => Ask::Delete { name },
            76..97 => Ask::Search { name },
            _ => Ask::Seats,
        }
    }

    /// Seats that others want too; sometimes one that does not exist.
    fn pick(&mut self) -> Vec<Seat> {
        let highest = self.capacity.min(LARGE_COUNT_MAX).saturating_add(1).min(SEATS_MAX);
        let count = self.chance.u32(1..=COUNT_MAX);
        let seats: BTreeSet<u32> = (0..count).map(|_| self.chance.u32(1..=highest)).collect();
        seats.into_iter().map(Seat).collect()
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).expect("no run takes centuries")
    }
}

fn reply_to(ask: &Ask, reply: &ServerReply) -> Result<Reply, RecordError> {
    match reply {
        ServerReply::Outcome(outcome) => Reply::outcome(ask, outcome),
        ServerReply::Answer(answer) => Reply::answer(ask, answer),
        ServerReply::Status(_) | ServerReply::Trace(_) | ServerReply::Done | ServerReply::Error(_) => {
            Err(RecordError::WrongAnswer(format!("{reply:?}"), ask.clone()))
        }
    }
}
