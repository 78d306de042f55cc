//! Clients that retry the same command until it is answered, and remember what they were told.

use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::{Name, Seat, SessionId};
use std::collections::BTreeSet;

pub struct Client {
    pub id: u64,
    pub session: SessionId,
    pub sequence: u64,
    pub current: Option<Op>,
    pub attempts: u64,
    pub server: u8,
}

#[derive(Clone)]
pub struct Op {
    pub number: u64,
    pub kind: OpKind,
    /// Positions known to be answered anywhere when this was first sent: it must come after them.
    pub floor: u64,
    pub sent_at: u64,
}

#[derive(Clone)]
pub enum OpKind {
    Command(Command),
    Read,
}

impl Client {
    pub fn new(id: u64, rng: &mut fastrand::Rng) -> Self {
        let session = SessionId { birth_ms: 0, random: rng.u64(..) };
        Client { id, session, sequence: 0, current: None, attempts: 0, server: 1 }
    }

    pub fn next_op(&mut self, rng: &mut fastrand::Rng, number: u64, floor: u64, now: u64) -> Op {
        let name =
            |rng: &mut fastrand::Rng| -> Name { format!("n{}", rng.u32(0..30)).parse().expect("a name") };
        let kind = match rng.u32(0..10) {
            0..=1 => OpKind::Read,
            choice => {
                let operation = match choice {
                    2..=5 => Operation::Reserve { name: name(rng), count: rng.u32(1..5) },
                    6 => {
                        let seats: BTreeSet<u32> = (0..rng.u32(1..4)).map(|_| rng.u32(1..45)).collect();
                        Operation::ReserveSeats {
                            name: name(rng),
                            seats: seats.into_iter().map(Seat).collect(),
                        }
                    }
                    _ => Operation::Delete { name: name(rng) },
                };
                self.sequence += 1;
                let (session, sequence) = (self.session, self.sequence);
                OpKind::Command(Command { session, sequence, answered_until: sequence - 1, operation })
            }
        };
        Op { number, kind, floor, sent_at: now }
    }
}
