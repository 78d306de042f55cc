//! etcd has no seats, so the client has to make a reservation of keys and transactions. Two ways.
//!
//! **Seat keys:** a key for each seat and one for each name. The client picks two seats that it takes for free; one
//! transaction holds that neither they nor the name exist, and puts all three. Its map of free seats is a little old, as a
//! real one would be: it picks at random among 4096 seats of which a few in a hundred are taken.
//!
//! **One event:** a key that holds the next free seat. A transaction holds that nobody has changed it since it was read, puts
//! it and the name, and reads it otherwise; the client tries again until it succeeds.

use crate::args::{EtcdSeats, LoadArgs};
use crate::backend::{Action, Backend, Op, Reply, SEATS, Seats};
use crate::drive::{self, Site};
use crate::error::LoadError;
use etcd_client::{Client, Compare, CompareOp, Error, Txn, TxnOp, TxnOpResponse};
use fastrand::Rng;
use std::cell::Cell;
use std::rc::Rc;

/// A client picks among so many seats.
const WINDOW_SEATS: u32 = 4096;
/// So far the window moves with each reservation: about three of a hundred seats in it are taken.
const WINDOW_STEP_SEATS: u32 = 64;
/// Channels, which clients share: gRPC puts many calls on one.
const CHANNELS_MAX: usize = 16;
/// The event's key.
const EVENT: &str = "event";

/// One run.
pub async fn run(load: &LoadArgs, leader: &str, way: EtcdSeats) -> Result<String, LoadError> {
    let mut channels = Vec::new();
    for _ in 0..CHANNELS_MAX.min(load.connections()) {
        channels.push(Client::connect([leader], None).await.map_err(|error| failed(leader, &error))?);
    }
    let window = Rc::new(Cell::new(0));
    let connect = |number: usize| Connection {
        client: channels[number % channels.len()].clone(),
        leader: leader.to_owned(),
        way,
        window: window.clone(),
        chance: Rng::with_seed(load.seed ^ (number as u64 + 1)),
        revision: 0,
        next: 0,
        retries: 0,
        request: None,
    };
    let connections = (0..load.connections()).map(connect).collect();
    drive::run(load, Site { seats_per_event: None, events: 1 }, connections).await
}

fn failed(leader: &str, error: &Error) -> LoadError {
    LoadError::Protocol { address: leader.to_owned(), what: error.to_string() }
}

/// A client with one call at a time.
struct Connection {
    client: Client,
    leader: String,
    way: EtcdSeats,
    /// Where all clients pick seats.
    window: Rc<Cell<u32>>,
    chance: Rng,
    /// The event as this client read it last.
    revision: i64,
    next: u32,
    retries: u64,
    request: Option<(usize, Action, String, Seats)>,
}

impl Backend for Connection {
    fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
        if self.request.is_some() {
            return Err(LoadError::Usage("etcd's clients have a connection each".to_owned()));
        }
        self.request = Some((slot, op.action, op.name.to_owned(), op.seats));
        Ok(())
    }

    async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
        let Some((slot, action, name, seats)) = self.request.take() else { return Ok(()) };
        let result = match (action, self.way) {
            (Action::Reserve, EtcdSeats::SeatKeys) => self.reserve_seats(&name).await,
            (Action::Reserve, EtcdSeats::OneEvent) => self.reserve_of_event(&name).await,
            (Action::Search, _) => self.search(&name).await,
            (Action::Delete, _) => self.delete(&name, seats).await,
        };
        replies.push((slot, result.map_err(|error| failed(&self.leader, &error))?));
        Ok(())
    }

    fn retries(&self) -> u64 {
        self.retries
    }
}

impl Connection {
    async fn reserve_seats(&mut self, name: &str) -> Result<Reply, Error> {
        loop {
            let first = self.window.get() + self.chance.u32(0..WINDOW_SEATS);
            let second = self.window.get() + self.chance.u32(0..WINDOW_SEATS);
            if first == second {
                continue;
            }
            let keys = [seat_key(first), seat_key(second), name_key(name)];
            let is_new = |key: &String| Compare::create_revision(key.as_str(), CompareOp::Equal, 0);
            let values = [name.to_owned(), name.to_owned(), format!("{first},{second}")];
            let puts = keys.iter().zip(values).map(|(key, value)| TxnOp::put(key.as_str(), value, None));
            let transaction = Txn::new()
                .when(keys.iter().map(is_new).collect::<Vec<_>>())
                .and_then(puts.collect::<Vec<_>>());
            if self.client.txn(transaction).await?.succeeded() {
                self.window.set(self.window.get() + WINDOW_STEP_SEATS);
                return Ok(Reply::Reserved([first, second]));
            }
            self.retries += 1;
        }
    }

    async fn reserve_of_event(&mut self, name: &str) -> Result<Reply, Error> {
        loop {
            let (key, seats) = (name_key(name), [self.next, self.next + 1]);
            let after = (self.next + SEATS as u32).to_string();
            let transaction = Txn::new()
                .when(vec![
                    Compare::mod_revision(EVENT, CompareOp::Equal, self.revision),
                    Compare::create_revision(key.as_str(), CompareOp::Equal, 0),
                ])
                .and_then(vec![
                    TxnOp::put(EVENT, after, None),
                    TxnOp::put(key, format!("{},{}", seats[0], seats[1]), None),
                ])
                .or_else(vec![TxnOp::get(EVENT, None)]);
            let response = self.client.txn(transaction).await?;
            if response.succeeded() {
                self.revision = response.header().map_or(0, |header| header.revision());
                self.next += SEATS as u32;
                return Ok(Reply::Reserved(seats));
            }
            for answer in response.op_responses() {
                if let TxnOpResponse::Get(event) = answer
                    && let Some(event) = event.kvs().first()
                {
                    self.revision = event.mod_revision();
                    self.next = event.value_str().ok().and_then(|text| text.parse().ok()).unwrap_or_default();
                }
            }
            self.retries += 1;
        }
    }

    async fn search(&mut self, name: &str) -> Result<Reply, Error> {
        let response = self.client.get(name_key(name), None).await?;
        let text = response.kvs().first().and_then(|found| found.value_str().ok());
        let seats = text.and_then(|text| {
            let (first, second) = text.split_once(',')?;
            Some([first.parse().ok()?, second.parse().ok()?])
        });
        Ok(seats.map_or_else(|| Reply::Refused(format!("{name} has {text:?}")), Reply::Found))
    }

    async fn delete(&mut self, name: &str, seats: Seats) -> Result<Reply, Error> {
        let mut deletions = vec![TxnOp::delete(name_key(name), None)];
        if self.way == EtcdSeats::SeatKeys {
            deletions.extend(seats.map(|seat| TxnOp::delete(seat_key(seat), None)));
        }
        let exists = Compare::create_revision(name_key(name), CompareOp::Greater, 0);
        let response = self.client.txn(Txn::new().when(vec![exists]).and_then(deletions)).await?;
        Ok(match response.succeeded() {
            true => Reply::Deleted,
            false => Reply::Refused(format!("{name} has nothing")),
        })
    }
}

fn seat_key(seat: u32) -> String {
    format!("seat/{seat:08}")
}

fn name_key(name: &str) -> String {
    format!("name/{name}")
}
