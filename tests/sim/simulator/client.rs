//! Clients that retry the same command until it is answered, and remember what they were told.

use super::errands::{self, Booking, Memory};
use super::profile::Profile;
use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::events::outcome::EventOutcome;
use boxoffice::domain::ids::{Name, Seat, SessionId};
use boxoffice::domain::keys::Key;
use boxoffice::domain::outcome::Outcome;
use bytes::Bytes;
use fastrand::Rng;
use std::collections::BTreeSet;

/// What a server says to a client.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With the position at which it was first executed; none if its session forbade that.
    Outcome(Outcome, Option<u64>),
    Read(u64, Found),
    Refused,
}

/// What a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Free(u64),
    Held(Vec<Seat>),
}

pub struct Client {
    pub session: Option<SessionId>,
    pub sequence: u64,
    pub slots: Vec<Option<Op>>,
    pub server: u8,
    /// Names that only this client ever uses, and that were booked.
    pub own_names: Vec<Name>,
    /// Of guests that are only this client.
    pub own_bookings: Vec<Booking>,
    pub memory: Memory,
}

/// One operation under way.
#[derive(Clone)]
pub struct Op {
    pub number: u64,
    pub kind: OpKind,
    /// Positions that were answered anywhere when this was first sent: it must come after them.
    pub floor: u64,
    pub sent_at: u64,
    pub attempts: u64,
    /// Its place in the history, if one is kept.
    pub call: Option<usize>,
}

#[derive(Clone)]
pub enum OpKind {
    Command(Command, Bytes),
    ReadFree,
    ReadName(Name),
}

impl Client {
    pub fn new(window: usize) -> Self {
        let slots = vec![None; window];
        Client {
            session: None,
            sequence: 0,
            slots,
            server: 1,
            own_names: Vec::new(),
            own_bookings: Vec::new(),
            memory: Memory::default(),
        }
    }

    /// A name that many clients use.
    fn shared_name(rng: &mut Rng) -> Name {
        format!("n{}", rng.u32(0..30)).parse().expect("a name")
    }

    /// What to do next.
    pub fn next_kind(&mut self, rng: &mut Rng, profile: &Profile, session: SessionId) -> OpKind {
        if rng.u32(0..10) < profile.reads_in_ten {
            return match rng.bool() {
                true => OpKind::ReadFree,
                false => OpKind::ReadName(Self::shared_name(rng)),
            };
        }
        if rng.u32(0..12) < profile.errands_in_twelve {
            let (errand, key) = errands::any_keyed(rng, &self.memory);
            return self.keyed_command(session, errand, key);
        }
        let operation = match rng.u32(0..8) {
            0..=3 => Operation::Reserve { name: Self::shared_name(rng), count: rng.u32(1..5) },
            4 => Operation::ReserveSeats { name: Self::shared_name(rng), seats: some_seats(rng) },
            _ => Operation::Delete { name: Self::shared_name(rng) },
        };
        self.command(session, operation)
    }

    /// What to do next where each name belongs to one client: book one seat, or give an own one back.
    pub fn next_own_kind(
        &mut self,
        rng: &mut Rng,
        profile: &Profile,
        session: SessionId,
        client: usize,
    ) -> OpKind {
        if rng.u32(0..10) < profile.reads_in_ten {
            return OpKind::ReadFree;
        }
        if rng.u32(0..12) < profile.errands_in_twelve {
            let bookings = &mut self.own_bookings;
            let guest = format!("e{client}-{:x}-{}", session.random, self.sequence + 1);
            let operation = errands::own(rng, bookings, &guest);
            return self.command(session, operation);
        }
        if !self.own_names.is_empty() && rng.u32(0..3) == 0 {
            let name = self.own_names.swap_remove(rng.usize(0..self.own_names.len()));
            return self.command(session, Operation::Delete { name });
        }
        let name: Name =
            format!("u{client}-{:x}-{}", session.random, self.sequence + 1).parse().expect("a name");
        let operation = match rng.u32(0..4) {
            0 => Operation::ReserveSeats { name, seats: some_seats(rng) },
            _ => Operation::Reserve { name, count: 1 },
        };
        self.command(session, operation)
    }

    /// Remembers what it was told. `is_own`: nobody else is the holder.
    pub fn hears(&mut self, outcome: &EventOutcome, is_own: bool) {
        self.memory.told(outcome);
        if let (true, EventOutcome::Booked { holder, event, seats, stem })
        | (true, EventOutcome::Exchanged { holder, to: event, seats, stem, .. }) = (is_own, outcome)
        {
            let (holder, event, seats) = (holder.clone(), event.clone(), seats.clone());
            self.own_bookings.push(Booking { holder, event, seats, stem: *stem });
        }
    }

    fn command(&mut self, session: SessionId, operation: Operation) -> OpKind {
        self.keyed_command(session, operation, None)
    }

    fn keyed_command(&mut self, session: SessionId, operation: Operation, key: Option<Key>) -> OpKind {
        self.sequence += 1;
        let sequence = self.sequence;
        let unanswered = self.slots.iter().flatten().filter_map(|op| match &op.kind {
            OpKind::Command(command, _) if command.session == session => Some(command.sequence),
            OpKind::Command(..) | OpKind::ReadFree | OpKind::ReadName(_) => None,
        });
        let answered_until = unanswered.chain([sequence]).min().expect("there is one") - 1;
        let command = Command { session, sequence, answered_until, operation, key };
        let bytes = batch::encode(&command).into();
        OpKind::Command(command, bytes)
    }
}

fn some_seats(rng: &mut Rng) -> Vec<Seat> {
    let seats: BTreeSet<u32> = (0..rng.u32(1..4)).map(|_| rng.u32(1..45)).collect();
    seats.into_iter().map(Seat).collect()
}
