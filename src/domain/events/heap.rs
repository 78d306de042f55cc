//! Bytes that an outcome takes beside its own, about: what the bound on kept outcomes is held to.
//!
//! Names are counted as if nobody shared them. The command that they came with is gone soon, and then they are there for
//! the outcome alone.

use super::ids::{Actor, EventKey, Kind};
use super::outcome::{Denied, EventOutcome, Refusal};
use crate::domain::ids::Name;

/// Two counters before what an `Arc` points to. Fixed, as all that follows: how much fits must not depend on who built the
/// program.
const ARC_BYTES: usize = 16;
/// An outcome without what it points to.
const OUTCOME_BYTES: usize = 160;
/// Somebody in a list, and a kind.
const ACTOR_BYTES: usize = 24;
const KIND_BYTES: usize = 16;

fn name(name: &Name) -> usize {
    ARC_BYTES + name.as_str().len()
}

fn kind(kind: &Kind) -> usize {
    ARC_BYTES + kind.as_str().len()
}

fn event(event: &EventKey) -> usize {
    kind(&event.kind)
}

fn actor(actor: &Actor) -> usize {
    match actor {
        Actor::User(_) => 0,
        Actor::Guest(guest) => name(guest),
    }
}

impl EventOutcome {
    /// Bytes of the value, which is kept in an `Arc`, and of all that it points to.
    pub(crate) fn heap_bytes(&self) -> usize {
        let beside = match self {
            EventOutcome::BranchAdded { .. } | EventOutcome::Expired { .. } | EventOutcome::Settled => 0,
            EventOutcome::TheatreAdded { theatre, .. } => name(theatre),
            EventOutcome::KindAdded { kind: added } => kind(added),
            EventOutcome::EventAdded { event: at, .. }
            | EventOutcome::CapacityChanged { event: at, .. }
            | EventOutcome::TicketDeleted { event: at, .. } => event(at),
            EventOutcome::EventRemoved { event: at, affected, .. } => {
                let names: usize = affected.iter().map(actor).sum();
                event(at) + ACTOR_BYTES * affected.len() + names
            }
            EventOutcome::Booked { holder, event: at, seats, .. }
            | EventOutcome::Held { holder, event: at, seats, .. } => {
                actor(holder) + event(at) + seats.heap_bytes()
            }
            EventOutcome::Exchanged { holder, from, to, seats, .. } => {
                actor(holder) + event(from) + event(to) + seats.heap_bytes()
            }
            EventOutcome::Cancelled { holder, event: at, .. }
            | EventOutcome::Extended { holder, event: at, .. }
            | EventOutcome::HoldReleased { holder, event: at, .. }
            | EventOutcome::Joined { holder, event: at, .. }
            | EventOutcome::Left { holder, event: at } => actor(holder) + event(at),
            EventOutcome::Refused(refusal) => refusal.heap_bytes(),
        };
        ARC_BYTES + OUTCOME_BYTES + beside
    }
}

impl Refusal {
    fn heap_bytes(&self) -> usize {
        match self {
            Refusal::NotAllowed(denied) => denied.heap_bytes(),
            Refusal::NoSuchBranch { .. }
            | Refusal::BranchExists { .. }
            | Refusal::OtherPlace { .. }
            | Refusal::CapacityOutOfRange { .. }
            | Refusal::Full(_)
            | Refusal::NoSuchTicket { .. } => 0,
            Refusal::NoSuchTheatre { theatre, .. } | Refusal::TheatreExists { theatre, .. } => name(theatre),
            Refusal::NoSuchKind { kind: named } | Refusal::KindExists { kind: named } => kind(named),
            Refusal::NoSuchEvent { event: at }
            | Refusal::CapacityBelowSold { event: at, .. }
            | Refusal::NotEnough { event: at, .. }
            | Refusal::SeatsAreFree { event: at, .. }
            | Refusal::MoreThanAll { event: at, .. }
            | Refusal::BookedSince { event: at } => event(at),
            Refusal::NoSuchSeats { seats, .. } => seats.heap_bytes(),
            Refusal::Taken { event: at, seats } => event(at) + seats.heap_bytes(),
            Refusal::AlreadyBooked { holder, event: at, seats }
            | Refusal::AlreadyHeld { holder, event: at, seats, .. } => {
                actor(holder) + event(at) + seats.heap_bytes()
            }
            Refusal::QuotaReached { holder, .. } => actor(holder),
            Refusal::NotBooked { holder, kind: named, .. } => actor(holder) + named.as_ref().map_or(0, kind),
            Refusal::WhichKind { holder, kinds, .. } => {
                let names: usize = kinds.iter().map(kind).sum();
                actor(holder) + KIND_BYTES * kinds.len() + names
            }
            Refusal::NotHeld { holder, event: at }
            | Refusal::ExtendedAlready { holder, event: at, .. }
            | Refusal::AlreadyWaiting { holder, event: at, .. }
            | Refusal::NotWaiting { holder, event: at } => actor(holder) + event(at),
        }
    }
}

impl Denied {
    fn heap_bytes(&self) -> usize {
        match self {
            Denied::ManagersOnly { actor: who } | Denied::OtherBranch { actor: who, .. } => actor(who),
            Denied::ForSomebodyElse { actor: who, holder } => actor(who) + actor(holder),
            Denied::WhoAreYou => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_everybody_affected_are_counted() {
        let long = "x".repeat(64);
        let at = || EventKey { id: "TORM100519".parse().unwrap(), kind: long.parse().unwrap() };
        let guest = || Actor::Guest(long.parse().unwrap());
        let user = || Actor::User("TORC0001".parse().unwrap());
        let left = |holder| EventOutcome::Left { holder, event: at() }.heap_bytes();
        let own = EventOutcome::Settled.heap_bytes();
        assert_eq!(own, 16 + OUTCOME_BYTES);
        assert!(size_of::<EventOutcome>() <= OUTCOME_BYTES, "it counts for more than it takes");
        assert_eq!((left(user()), left(guest())), (own + 80, own + 160));
        let affected = vec![guest(), user(), guest()];
        let beside = 3 * ACTOR_BYTES + 3 * 80;
        let removed = EventOutcome::EventRemoved { event: at(), bookings: 3, seats: 3, affected };
        assert_eq!(removed.heap_bytes(), own + beside);
        let denied = Denied::ForSomebodyElse { actor: guest(), holder: guest() };
        let refused = EventOutcome::Refused(Refusal::NotAllowed(denied));
        assert_eq!(refused.heap_bytes(), own + 160);
    }
}
