//! What clients want of events.

use boxoffice::domain::command::Operation;
use boxoffice::domain::events::command::{Action, Count, EventOperation, NewEvent, Place, Seating};
use boxoffice::domain::events::ids::{Actor, EventId, EventKey};
use boxoffice::domain::events::outcome::EventOutcome;
use boxoffice::domain::events::tickets::{TicketId, TicketStem};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::keys::Key;
use boxoffice::domain::runs::SeatRuns;
use fastrand::Rng;
use std::collections::BTreeSet;

/// Events that all clients know; few, so that they are in each other's way. The last one's branch must be added first.
const EVENTS: [&str; 6] =
    ["TORM100519", "TORA100519", "MTLM200519", "MTLE310519", "OTWA010619", "QUEM150519"];
/// Everybody.
const PEOPLE: [&str; 8] =
    ["TORC0001", "TORC0002", "MTLC0001", "OTWC0001", "QUEC0001", "TORM0001", "ann", "bob"];
/// Branches with managers; the last one is not there at first.
const BRANCHES: [&str; 4] = ["TOR", "MTL", "OTW", "QUE"];
/// Tickets and claims that a client remembers.
const MEMORY_LEN: usize = 16;
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

/// A booking that a client was told of: whose tickets it knows.
#[derive(Clone)]
pub struct Booking {
    pub holder: Actor,
    pub event: EventKey,
    pub seats: SeatRuns,
    pub stem: TicketStem,
}

impl Booking {
    fn ticket(&self, rng: &mut Rng) -> TicketId {
        let seats = self.seats.to_vec();
        self.stem.ticket(seats[rng.usize(0..seats.len())])
    }
}

/// What a client was told lately.
#[derive(Default)]
pub struct Memory {
    tickets: Vec<(Actor, TicketId)>,
    /// Who had booked, held and waited for what.
    booked: Vec<(Actor, EventKey)>,
    held: Vec<(Actor, EventKey)>,
    waiting: Vec<(Actor, EventKey)>,
    /// That were there.
    events: Vec<EventKey>,
}

impl Memory {
    pub fn told(&mut self, outcome: &EventOutcome) {
        match outcome {
            EventOutcome::EventAdded { event, .. } if !self.events.contains(event) => {
                self.events.push(event.clone());
            }
            EventOutcome::EventRemoved { event, .. } => self.events.retain(|known| known != event),
            _ => {}
        }
        let (claims, holder, event) = match outcome {
            EventOutcome::Booked { holder, event, seats, stem }
            | EventOutcome::Exchanged { holder, to: event, seats, stem, .. } => {
                self.tickets.extend(seats.seats().map(|seat| (holder.clone(), stem.ticket(seat))));
                self.tickets.drain(..self.tickets.len().saturating_sub(MEMORY_LEN));
                (&mut self.booked, holder, event)
            }
            EventOutcome::Held { holder, event, .. } => (&mut self.held, holder, event),
            EventOutcome::Joined { holder, event, .. } => (&mut self.waiting, holder, event),
            _ => return,
        };
        claims.push((holder.clone(), event.clone()));
        claims.drain(..claims.len().saturating_sub(MEMORY_LEN));
    }
}

fn manager(branch: &str) -> Actor {
    Actor::User(format!("{branch}M0001").parse().expect("a manager"))
}

fn theatre(rng: &mut Rng) -> Name {
    format!("Hall {}", rng.u32(1..4)).parse().expect("a name")
}

fn add(rng: &mut Rng, event: &EventKey, capacity: u32) -> Operation {
    let EventId::Slot(id) = event.id else { unreachable!("all of them say where they are") };
    let theatre = (rng.u32(0..8) == 0).then(|| theatre(rng));
    let event = NewEvent { place: Place::Slot(id), kind: event.kind.clone(), name: None, theatre };
    events(manager(&id.branch.to_string()), Action::AddEvent { event, capacity })
}

/// A branch, a theatre or a kind.
fn found(rng: &mut Rng) -> Operation {
    let actor = manager(BRANCHES[rng.usize(0..BRANCHES.len())]);
    let action = match rng.u32(0..3) {
        0 => {
            let branch = BRANCHES[rng.usize(0..BRANCHES.len())].parse().expect("three letters");
            Action::AddBranch { branch, name: "Somewhere".parse().expect("a name") }
        }
        1 => Action::AddTheatre { theatre: theatre(rng) },
        _ => Action::AddKind { kind: format!("K{}", rng.u32(0..5)).parse().expect("a kind") },
    };
    events(actor, action)
}

/// What a success is called; refusals and what only servers ask for have no name.
pub fn deed(outcome: &EventOutcome) -> Option<&'static str> {
    Some(match outcome {
        EventOutcome::BranchAdded { .. } => "branch added",
        EventOutcome::TheatreAdded { .. } => "theatre added",
        EventOutcome::KindAdded { .. } => "kind added",
        EventOutcome::EventAdded { .. } => "event added",
        EventOutcome::CapacityChanged { .. } => "capacity changed",
        EventOutcome::EventRemoved { .. } => "event removed",
        EventOutcome::Booked { .. } => "booked",
        EventOutcome::Cancelled { .. } => "cancelled",
        EventOutcome::Exchanged { .. } => "exchanged",
        EventOutcome::TicketDeleted { .. } => "ticket deleted",
        EventOutcome::Held { .. } => "held",
        EventOutcome::Extended { .. } => "extended",
        EventOutcome::HoldReleased { .. } => "released",
        EventOutcome::Joined { .. } => "joined",
        EventOutcome::Left { .. } => "left",
        EventOutcome::Expired { .. } | EventOutcome::Settled | EventOutcome::Refused(_) => return None,
    })
}

/// The same with an idempotency key, now and then: one of few, which most often mean the same, so that they are asked
/// for again by others and elsewhere.
pub fn any_keyed(rng: &mut Rng, memory: &Memory) -> (Operation, Option<Key>) {
    if rng.u32(0..4) > 0 {
        return (any(rng, memory), None);
    }
    let number = rng.u64(0..30);
    let is_same = rng.u32(0..8) > 0;
    let key = Key { owner: None, text: format!("k{number}").parse().expect("a key") };
    let operation =
        if is_same { any(&mut Rng::with_seed(number), &Memory::default()) } else { any(rng, memory) };
    (operation, Some(key))
}

/// Anything that anybody may ask for, and what the servers ask for when time has passed.
pub fn any(rng: &mut Rng, memory: &Memory) -> Operation {
    let what = rng.u32(0..40);
    let (mut event, mut holder) = (key(rng), who(rng));
    if memory.events.is_empty() && rng.bool() {
        return add(rng, &event, 4);
    }
    if !memory.events.is_empty() && rng.u32(0..4) > 0 {
        event = memory.events[rng.usize(0..memory.events.len())].clone();
    }
    // What can only be done to something is mostly done where somebody had it.
    let claims = match what {
        14..=20 => &memory.booked[..],
        3 | 24..=28 => &memory.held,
        5 | 32 => &memory.waiting,
        _ => &[],
    };
    if !claims.is_empty() && rng.u32(0..4) > 0 {
        (holder, event) = claims[rng.usize(0..claims.len())].clone();
    }
    let actor = if rng.u32(0..12) == 0 { who(rng) } else { holder.clone() };
    let action = match what {
        0..=2 => {
            let capacity = rng.u32(0..8);
            return add(rng, &event, capacity);
        }
        4 => {
            let EventId::Slot(id) = event.id else { unreachable!("all of them say where they are") };
            return events(manager(&id.branch.to_string()), Action::RemoveEvent { event });
        }
        6 => return Operation::Expire,
        7..=13 => Action::Book { holder, event, seating: seating(rng) },
        14..=17 => {
            let kind = rng.bool().then_some(event.kind);
            Action::Cancel { holder, event: event.id, kind }
        }
        18..=20 => Action::Exchange { holder, from: event, to: key(rng), seating: seating(rng) },
        21..=23 => Action::Hold { holder, event, seating: seating(rng) },
        24..=26 => Action::Confirm { holder, event },
        3 | 27 => Action::Extend { holder, event },
        28 => Action::Release { holder, event },
        29..=31 => Action::Join { holder, event, count: count(rng) },
        5 | 32 => Action::Leave { holder, event },
        33 => Action::AddKind { kind: format!("K{}", rng.u32(0..5)).parse().expect("a kind") },
        34..=35 => return found(rng),
        _ if memory.tickets.is_empty() => Action::Book { holder, event, seating: seating(rng) },
        _ => {
            let (owner, ticket) = memory.tickets[rng.usize(0..memory.tickets.len())].clone();
            let actor = if rng.u32(0..6) == 0 { actor } else { owner };
            return events(actor, Action::DeleteTicket { ticket });
        }
    };
    events(actor, action)
}

/// Books a seat or two for a guest that nobody else is, changes or gives back an own booking, or adds something of which
/// nobody ever takes anything away: what comes of it in the end can be told from what the client was told.
pub fn own(rng: &mut Rng, bookings: &mut Vec<Booking>, guest: &str) -> Operation {
    let event = key(rng);
    match rng.u32(0..10) {
        0 | 1 => add(rng, &event, OWN_CAPACITY),
        2..=4 if !bookings.is_empty() => {
            let booking = bookings.swap_remove(rng.usize(0..bookings.len()));
            let Booking { holder, event, .. } = booking.clone();
            let action = match rng.u32(0..3) {
                0 => Action::DeleteTicket { ticket: booking.ticket(rng) },
                1 => {
                    let seats: BTreeSet<u32> = (0..2).map(|_| rng.u32(1..=OWN_CAPACITY)).collect();
                    let seats: Vec<Seat> = seats.into_iter().map(Seat).collect();
                    let seating = Seating::Seats(SeatRuns::from_seats(&seats).expect("ascending"));
                    Action::Exchange { holder, from: event.clone(), to: event, seating }
                }
                _ => Action::Cancel { holder, event: event.id, kind: Some(event.kind) },
            };
            events(booking.holder, action)
        }
        5 => found(rng),
        _ => {
            let holder = Actor::Guest(guest.parse().expect("a name"));
            let seating = Seating::Any(Count::new(rng.u32(1..=2)).expect("a number of seats"));
            events(holder.clone(), Action::Book { holder, event, seating })
        }
    }
}
