//! Outcomes as the state keeps them for retries: without what the command itself says.

use super::command::Operation;
use super::ids::Name;
use super::outcome::Outcome;
use super::runs::SeatRuns;
use serde::{Deserialize, Serialize};

/// The outcome of an executed operation. With the operation's name and the theatre's capacity it is an
/// [`Outcome`]; first answer and retry are made from the same value, and so the same word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kept {
    Reserved(SeatRuns),
    NotEnough { left: u32, count: u32 },
    AlreadyBooked(SeatRuns),
    Taken(SeatRuns),
    NoSuchSeats(SeatRuns),
    Released { count: u32, left: u32 },
    NoReservation,
    Malformed,
}

impl Kept {
    /// What the client of this operation is told.
    pub(super) fn outcome(&self, operation: &Operation, capacity: u32) -> Outcome {
        let name = || name_of(operation).clone();
        match self {
            Kept::Reserved(seats) => Outcome::Reserved { name: name(), seats: seats.to_vec() },
            &Kept::NotEnough { left, count } => Outcome::NotEnough { left, count },
            Kept::AlreadyBooked(seats) => Outcome::AlreadyBooked { name: name(), seats: seats.to_vec() },
            Kept::Taken(seats) => Outcome::Taken { seats: seats.to_vec() },
            Kept::NoSuchSeats(seats) => Outcome::NoSuchSeats { seats: seats.to_vec(), capacity },
            &Kept::Released { count, left } => Outcome::Released { count, left },
            Kept::NoReservation => Outcome::NoReservation { name: name() },
            Kept::Malformed => Outcome::Malformed,
        }
    }

    /// Bytes outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Kept::Reserved(seats)
            | Kept::AlreadyBooked(seats)
            | Kept::Taken(seats)
            | Kept::NoSuchSeats(seats) => seats.heap_bytes(),
            Kept::NotEnough { .. } | Kept::Released { .. } | Kept::NoReservation | Kept::Malformed => 0,
        }
    }
}

/// Whom an operation is for; every one is for somebody.
fn name_of(operation: &Operation) -> &Name {
    match operation {
        Operation::Reserve { name, .. }
        | Operation::ReserveSeats { name, .. }
        | Operation::Delete { name }
        | Operation::Restore { name, .. }
        | Operation::Withdraw { name, .. } => name,
    }
}
