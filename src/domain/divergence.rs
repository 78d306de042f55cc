//! What to offer again after two sides of a partition have both sold.

use super::command::Operation;
use super::events::command::Offer;
use super::ids::{Name, Seat};
use super::reservations::Reservation;
use super::shards::Shards;
use serde::{Deserialize, Serialize};

/// Something the losing side did to a name and the winning side did not. Only the reservations at the end
/// count: one that was made and deleted meanwhile, or deleted and made again alike, leaves nothing to offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Divergence {
    /// A reservation from before the partition was deleted, and the winning side still has it.
    Deleted {
        /// Whose.
        name: Name,
    },
    /// A reservation was made that the winning side does not have with the same seats.
    Reserved {
        /// For whom.
        name: Name,
        /// Ascending.
        seats: Vec<Seat>,
    },
    /// Something about events.
    Events(Offer),
}

impl Divergence {
    /// The command that offers it again. It does nothing if the winning side has decided otherwise.
    /// `shared_position` as given to [`State::divergence`](super::state::State::divergence).
    pub fn operation(&self, shared_position: u64) -> Operation {
        match self {
            Divergence::Deleted { name } => {
                Operation::Withdraw { name: name.clone(), made_until: shared_position }
            }
            Divergence::Reserved { name, seats } => {
                Operation::Restore { name: name.clone(), seats: seats.clone() }
            }
            Divergence::Events(offer) => Operation::Offer(Box::new(offer.clone())),
        }
    }

    /// Whose reservation of the theatre it is about.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Divergence::Deleted { name } | Divergence::Reserved { name, .. } => Some(name),
            Divergence::Events(_) => None,
        }
    }
}

/// What `mine` did after `shared` that `theirs` does not have.
pub(super) fn between(
    mine: &Shards<Name, Reservation>,
    theirs: &Shards<Name, Reservation>,
    shared: u64,
) -> Vec<Divergence> {
    let mut found = Vec::new();
    for (name, held) in theirs.iter().filter(|(_, held)| held.made_at <= shared) {
        // Both sides had it when they parted. I have deleted it if I have none, or one made since.
        let kept = mine.get(name).is_some_and(|own| own.made_at <= shared || own.seats == held.seats);
        if !kept {
            found.push(Divergence::Deleted { name: name.clone() });
        }
    }
    for (name, own) in mine.iter().filter(|(_, own)| own.made_at > shared) {
        if theirs.get(name).is_none_or(|held| held.seats != own.seats) {
            found.push(Divergence::Reserved { name: name.clone(), seats: own.seats.to_vec() });
        }
    }
    // Deletions first: a reservation may need the seats of another name that they set free.
    found.sort();
    found
}

#[cfg(test)]
#[path = "divergence_tests.rs"]
mod tests;
