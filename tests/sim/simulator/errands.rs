//! What clients want of events.

use boxoffice::domain::command::Operation;
use boxoffice::domain::events::command::{Action, Count, EventOperation, NewEvent, Place, Seating};
use boxoffice::domain::events::ids::{Actor, EventId, EventKey};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::keys::Key;
use boxoffice::domain::runs::SeatRuns;
use fastrand::Rng;
use std::collections::BTreeSet;

/// Events that all clients know; few, so that they are in each other's way.
const EVENTS: [&str; 5] = ["TORM100519", "TORA100519", "MTLM200519", "MTLE310519", "OTWA010619"];
/// Everybody.
const PEOPLE: [&str; 7] = ["TORC0001", "TORC0002", "MTLC0001", "OTWC0001", "TORM0001", "ann", "bob"];
/// Seats of an event where each booking belongs to one client.
const OWN_CAPACITY: u32 = 30;

fn events(actor: Actor, action: Action) -> Operation {
    Operation::Events(Box::new(EventOperation { actor, action }))
}

fn key(rng: &mut Rng) -> EventKey {
    let kind = if rng.u32(0..6) == 0 { "Conferences" } else { "Seminars" };
    let id = EVENTS[rng.usize(0..EVENTS.len())];
    EventKey { id: id.parse().expect("an event"), kind: kind.parse().expect("a kind") }
}

fn who(rng: &mut Rng) -> Actor {
    let text = PEOPLE[rng.usize(0..PEOPLE.len())];
    text.parse().map_or_else(|_| Actor::Guest(text.parse().expect("a name")), Actor::User)
}

fn count(rng: &mut Rng) -> Count {
    Count::new(rng.u32(1..4)).expect("a number of seats")
}

fn seating(rng: &mut Rng) -> Seating {
    match rng.u32(0..3) {
        0 => Seating::Any(count(rng)),
        1 => Seating::Best(count(rng)),
        _ => {
            let seats: BTreeSet<u32> = (0..rng.u32(1..4)).map(|_| rng.u32(1..8)).collect();
            let seats: Vec<Seat> = seats.into_iter().map(Seat).collect();
            Seating::Seats(SeatRuns::from_seats(&seats).expect("ascending"))
        }
    }
}

fn add(event: &EventKey, capacity: u32) -> Operation {
    let EventId::Slot(id) = event.id else { unreachable!("all of them say where they are") };
    let manager = format!("{}M0001", id.branch).parse().expect("a manager");
    let event = NewEvent { place: Place::Slot(id), kind: event.kind.clone(), name: None, theatre: None };
    events(Actor::User(manager), Action::AddEvent { event, capacity })
}

/// The same with an idempotency key, now and then: one of few, which most often mean the same, so that they are asked
/// for again by others and elsewhere.
pub fn any_keyed(rng: &mut Rng) -> (Operation, Option<Key>) {
    if rng.u32(0..4) > 0 {
        return (any(rng), None);
    }
    let number = rng.u64(0..30);
    let is_same = rng.u32(0..8) > 0;
    let key = Key { owner: None, text: format!("k{number}").parse().expect("a key") };
    (if is_same { any(&mut Rng::with_seed(number)) } else { any(rng) }, Some(key))
}

/// Anything that anybody may ask for, and what the servers ask for when time has passed.
pub fn any(rng: &mut Rng) -> Operation {
    let (event, holder) = (key(rng), who(rng));
    let actor = if rng.u32(0..12) == 0 { who(rng) } else { holder.clone() };
    let action = match rng.u32(0..34) {
        0..=3 => return add(&event, rng.u32(0..8)),
        4 => {
            let EventId::Slot(id) = event.id else { unreachable!("all of them say where they are") };
            let manager = Actor::User(format!("{}M0001", id.branch).parse().expect("a manager"));
            return events(manager, Action::RemoveEvent { event });
        }
        5..=6 => return Operation::Expire,
        7..=13 => Action::Book { holder, event, seating: seating(rng) },
        14..=17 => {
            let kind = rng.bool().then_some(event.kind);
            Action::Cancel { holder, event: event.id, kind }
        }
        18..=20 => Action::Exchange { holder, from: event, to: key(rng), seating: seating(rng) },
        21..=23 => Action::Hold { holder, event, seating: seating(rng) },
        24..=26 => Action::Confirm { holder, event },
        27 => Action::Extend { holder, event },
        28 => Action::Release { holder, event },
        29..=31 => Action::Join { holder, event, count: count(rng) },
        32 => Action::Leave { holder, event },
        _ => Action::AddKind { kind: format!("K{}", rng.u32(0..5)).parse().expect("a kind") },
    };
    events(actor, action)
}

/// Books one seat for a guest that nobody else is, gives an own booking back, or adds an event of which nobody
/// ever takes anything away: what comes of it in the end can be told from what the client was told.
pub fn own(rng: &mut Rng, bookings: &mut Vec<(Name, EventKey)>, guest: &str) -> Operation {
    let event = key(rng);
    match rng.u32(0..8) {
        0 | 1 => add(&event, OWN_CAPACITY),
        2 | 3 if !bookings.is_empty() => {
            let (name, event) = bookings.swap_remove(rng.usize(0..bookings.len()));
            let holder = Actor::Guest(name);
            let action = Action::Cancel { holder: holder.clone(), event: event.id, kind: Some(event.kind) };
            events(holder, action)
        }
        _ => {
            let holder = Actor::Guest(guest.parse().expect("a name"));
            let seating = Seating::Any(Count::new(1).expect("a number of seats"));
            events(holder.clone(), Action::Book { holder, event, seating })
        }
    }
}
