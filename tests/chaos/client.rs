//! One client under load: the product's own connection, and a note of all that was asked and answered.

use crate::history::{Asked, Op};
use crate::wait::random;
use boxoffice::api::wire::ServerReply;
use boxoffice::client::connection::{Connection, ConnectionOptions};
use boxoffice::client::exchange::Wanted;
use boxoffice::config::ClusterConfig;
use boxoffice::domain::command::{Operation, Query};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::Outcome;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A command is tried again, with its number, for so long. The shipped client's own limit is shorter: that no
/// command needed more is checked on the history.
const DEADLINE: Duration = Duration::from_secs(90);
/// Reservations that a client holds at most, and seats of each: all clients together never fill the theatre,
/// so a refusal for lack of seats is an error.
const HELD_MAX: usize = 4;
const COUNT_MAX: u32 = 3;

/// A connection to any of these servers.
pub fn connect(config: &ClusterConfig, servers: &[u8]) -> Connection {
    connect_for(config, servers, DEADLINE)
}

/// The same; each command ends after so long.
pub fn connect_for(config: &ClusterConfig, servers: &[u8], deadline: Duration) -> Connection {
    let mut config = config.clone();
    config.servers.retain(|server| servers.contains(&server.id));
    Connection::new(ConnectionOptions {
        config: Arc::new(config),
        server: None,
        only_that_server: false,
        deadline,
        order: fastrand::Rng::with_seed(random()),
        secret: fastrand::Rng::with_seed(random()),
        listener: Box::new(|_| ()),
    })
}

/// One client, which alone uses its names.
pub struct Client {
    name: String,
    connection: Connection,
    servers: Vec<u8>,
    chance: fastrand::Rng,
    pub began: Instant,
    made: u32,
    held: Vec<(Name, Vec<Seat>)>,
    pub history: Vec<Op>,
}

impl Client {
    /// `name` differs from that of all other clients of the cluster.
    pub fn new(name: String, config: &ClusterConfig, servers: &[u8], began: Instant) -> Client {
        let connection = connect(config, servers);
        let chance = fastrand::Rng::with_seed(random());
        let servers = servers.to_vec();
        Client { name, connection, servers, chance, began, made: 0, held: Vec::new(), history: Vec::new() }
    }

    /// The same client, with a connection to these servers only.
    pub fn turn_to(self, config: &ClusterConfig, servers: &[u8]) -> Client {
        Client { connection: connect(config, servers), servers: servers.to_vec(), ..self }
    }

    /// Does one thing, and whatever comes of it is in the history. False: no answer.
    pub async fn act(&mut self) -> bool {
        let asked = self.choose();
        let wanted = match asked.clone() {
            Asked::Reserve { name, count } => Wanted::Operation(Operation::Reserve { name, count }),
            Asked::Delete { name, .. } => Wanted::Operation(Operation::Delete { name }),
            Asked::Search { name, .. } => Wanted::Query(Query::Search { name }),
        };
        let called = self.began.elapsed();
        let done = self.connection.call(wanted, pending()).await;
        let returned = self.began.elapsed();
        match (&asked, &done.result) {
            (Asked::Reserve { name, .. }, Ok(ServerReply::Outcome(Outcome::Reserved { seats, .. }))) => {
                self.held.push((name.clone(), seats.clone()));
            }
            (Asked::Search { name, expected: Some(seats) }, _) => {
                self.held.push((name.clone(), seats.clone()));
            }
            // What else there may be is for the check of the history.
            (Asked::Reserve { .. } | Asked::Delete { .. } | Asked::Search { .. }, _) => {}
        }
        let is_answered = done.result.is_ok();
        self.history.push(Op {
            asked,
            called,
            returned,
            result: done.result,
            server: self.servers[done.server],
            tries: done.tries,
        });
        is_answered
    }

    fn choose(&mut self) -> Asked {
        let n = self.chance.u32(0..100);
        if self.held.is_empty() || (n < 40 && self.held.len() < HELD_MAX) {
            self.made += 1;
            let name = format!("{}-{}", self.name, self.made).parse().unwrap();
            return Asked::Reserve { name, count: self.chance.u32(1..=COUNT_MAX) };
        }
        let gone = self.history.iter().rev().take(50).find_map(|op| match &op.asked {
            Asked::Delete { name, .. } => Some(name.clone()),
            Asked::Reserve { .. } | Asked::Search { .. } => None,
        });
        match gone {
            Some(name) if n < 50 => Asked::Search { name, expected: None },
            _ => {
                let (name, seats) = self.held.swap_remove(self.chance.usize(0..self.held.len()));
                match n {
                    0..80 => Asked::Delete { name, seats },
                    _ => Asked::Search { name, expected: Some(seats) },
                }
            }
        }
    }
}
