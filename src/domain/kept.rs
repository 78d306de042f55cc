//! Outcomes as the state keeps them for retries: without what the command itself says.

use super::command::Operation;
use super::events::outcome::EventOutcome;
use super::outcome::Outcome;
use super::runs::SeatRuns;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The outcome of an executed operation. With the operation's name and the theatre's capacity it is an
/// [`Outcome`]; first answer and retry are made from the same value, and so the same word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kept {
    Reserved(SeatRuns),
    NotEnough {
        left: u32,
        count: u32,
    },
    AlreadyBooked(SeatRuns),
    Taken(SeatRuns),
    NoSuchSeats(SeatRuns),
    Released {
        count: u32,
        left: u32,
    },
    NoReservation,
    Malformed,
    /// The key was used for another operation.
    KeyReused,
    /// There is no room for another key.
    KeysFull,
    /// Needs nothing of the command.
    Events(Arc<EventOutcome>),
}

impl Kept {
    /// What the client of this operation is told.
    pub(super) fn outcome(&self, operation: &Operation, capacity: u32) -> Outcome {
        match (self, operation.name()) {
            (Kept::Events(outcome), _) => Outcome::Events(outcome.clone()),
            (Kept::Malformed, _) => Outcome::Malformed,
            (Kept::KeyReused, _) => Outcome::KeyReused,
            (Kept::KeysFull, _) => Outcome::KeysFull,
            // Operations are told apart by a hash. Two that share one are made by whoever wants to: what was kept for the
            // other has no name here, and this one was not executed.
            (_, None) => Outcome::SequenceReused,
            (Kept::Reserved(seats), Some(name)) => {
                Outcome::Reserved { name: name.clone(), seats: seats.to_vec() }
            }
            (&Kept::NotEnough { left, count }, Some(_)) => Outcome::NotEnough { left, count },
            (Kept::AlreadyBooked(seats), Some(name)) => {
                Outcome::AlreadyBooked { name: name.clone(), seats: seats.to_vec() }
            }
            (Kept::Taken(seats), Some(_)) => Outcome::Taken { seats: seats.to_vec() },
            (Kept::NoSuchSeats(seats), Some(_)) => Outcome::NoSuchSeats { seats: seats.to_vec(), capacity },
            (&Kept::Released { count, left }, Some(_)) => Outcome::Released { count, left },
            (Kept::NoReservation, Some(name)) => Outcome::NoReservation { name: name.clone() },
        }
    }

    /// Bytes outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Kept::Reserved(seats)
            | Kept::AlreadyBooked(seats)
            | Kept::Taken(seats)
            | Kept::NoSuchSeats(seats) => seats.heap_bytes(),
            Kept::Events(outcome) => outcome.heap_bytes(),
            Kept::NotEnough { .. }
            | Kept::Released { .. }
            | Kept::NoReservation
            | Kept::Malformed
            | Kept::KeyReused
            | Kept::KeysFull => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_for_an_operation_of_the_same_hash_is_not_told_to_another() {
        for kept in
            [Kept::NoReservation, Kept::Released { count: 1, left: 2 }, Kept::NotEnough { left: 1, count: 2 }]
        {
            assert_eq!(kept.outcome(&Operation::Expire, 10), Outcome::SequenceReused);
        }
    }
}
