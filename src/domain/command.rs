//! What may be asked: commands, which are ordered and executed everywhere, and queries, which are not.

use super::events::command::{EventOperation, EventQuery, Offer};
use super::ids::{Name, Seat, SessionId};
use super::keys::Key;
use serde::{Deserialize, Serialize};

/// An operation that changes the state (or is refused by it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Any `count` free seats: the lowest run of adjacent ones that is long enough, else the lowest free ones.
    Reserve {
        /// For whom.
        name: Name,
        /// How many, 1 to [`SEATS_MAX`](super::ids::SEATS_MAX).
        count: u32,
    },
    /// Exactly these seats, all or none.
    ReserveSeats {
        /// For whom.
        name: Name,
        /// Ascending, no duplicates, not empty.
        seats: Vec<Seat>,
    },
    /// Gives the seats of a name back.
    Delete {
        /// Whose.
        name: Name,
    },
    /// Offers again a reservation of the losing side of a partition. Idempotent: a name that holds exactly
    /// these seats is a success. Never sent by clients.
    Restore {
        /// For whom.
        name: Name,
        /// Ascending, no duplicates, not empty.
        seats: Vec<Seat>,
    },
    /// Offers again a deletion of the losing side of a partition: deletes only a reservation that was made
    /// at or before the position where the histories parted. Never sent by clients.
    Withdraw {
        /// Whose.
        name: Name,
        /// The last position that both sides share.
        made_until: u64,
    },
    /// Anything about events other than the default one, the theatre.
    Events(Box<EventOperation>),
    /// Frees all seats that are set aside and due at the state's time. Sent by a server that notices that
    /// [`State::next_expiry_ms`](super::state::State::next_expiry_ms) is past, never by clients; does nothing
    /// when nothing is due.
    Expire,
    /// Offers again what the losing side of a partition did about events. Never sent by clients.
    Offer(Box<Offer>),
}

impl Operation {
    /// Whom an operation on the theatre is for. None for all others: what is about events has its people inside.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Operation::Reserve { name, .. }
            | Operation::ReserveSeats { name, .. }
            | Operation::Delete { name }
            | Operation::Restore { name, .. }
            | Operation::Withdraw { name, .. } => Some(name),
            Operation::Events(_) | Operation::Expire | Operation::Offer(_) => None,
        }
    }
}

/// A client's operation with what makes it execute once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Whose numbering.
    pub session: SessionId,
    /// Number within the session, from 1. A retry has the same number and the same operation.
    pub sequence: u64,
    /// The client has the outcomes of all numbers up to this one: they may be forgotten.
    pub answered_until: u64,
    /// What to do.
    pub operation: Operation,
    /// What the client calls the command, to ask for it again from another session.
    pub key: Option<Key>,
}

/// A question that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Which seats a name holds.
    Search {
        /// Whose.
        name: Name,
    },
    /// The whole seat map.
    Seats,
    /// Anything about events other than the theatre.
    Events(Box<EventQuery>),
}
