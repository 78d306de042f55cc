//! Events as plain lists: who has which seats, who waits, searched from front to back for everything.

mod aside;
mod bookings;
mod catalogue;
mod heal;

use boxoffice::domain::command::Operation;
use boxoffice::domain::events::answer::{Claim, Claimed, Notice};
use boxoffice::domain::events::command::{Action, NewEvent, Place, Seating};
use boxoffice::domain::events::config::{
    AFFECTED_MAX, EventsConfig, NOTICES_MAX, WAITING_MAX, WAITS_PER_CUSTOMER_MAX,
};
use boxoffice::domain::events::ids::{Actor, BranchCode, EventId, EventKey, Kind, Role};
use boxoffice::domain::events::outcome::{Denied, EventOutcome, Limit, Refusal};
use boxoffice::domain::events::tickets::{TicketId, TicketStem};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::runs::SeatRuns;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// When and for which command something is executed.
#[derive(Clone, Copy)]
pub struct Now {
    pub position: u64,
    pub time_ms: u64,
    pub mark: u64,
}

/// The mark of what a command books.
pub fn mark(birth_ms: u64, random: u64, sequence: u64) -> u64 {
    let bytes: Vec<u8> = [birth_ms, random, sequence].iter().flat_map(|n| n.to_le_bytes()).collect();
    xxh3_64(&bytes)
}

/// How somebody has seats.
#[derive(Clone, Copy)]
enum Deed {
    Booked { mark: u64 },
    Held { until_ms: u64, offered: bool, extended: bool },
}

impl Deed {
    fn until_ms(&self) -> Option<u64> {
        match *self {
            Deed::Booked { .. } => None,
            Deed::Held { until_ms, .. } => Some(until_ms),
        }
    }
}

/// What somebody has of an event.
#[derive(Clone)]
struct Held {
    who: Actor,
    seats: Vec<u32>,
    deed: Deed,
    since: u64,
}

#[derive(Clone)]
struct Event {
    key: EventKey,
    place: Place,
    capacity: u32,
    since: u64,
    held: Vec<Held>,
    /// Who, how many, since when.
    waiting: Vec<(Actor, u32, u64)>,
}

/// All of it.
#[derive(Clone)]
pub struct Events {
    config: EventsConfig,
    branches: BTreeMap<BranchCode, BTreeSet<Name>>,
    kinds: Vec<Kind>,
    /// By the number that tickets have.
    events: Vec<Option<Event>>,
    /// By the number that tickets have.
    guests: Vec<Option<Name>>,
    notices: BTreeMap<Actor, Vec<Notice>>,
}

type Told = Result<EventOutcome, Refusal>;

fn refuse<T>(denied: Denied) -> Result<T, Refusal> {
    Err(Refusal::NotAllowed(denied))
}

fn runs(seats: &[u32]) -> SeatRuns {
    let seats: Vec<Seat> = seats.iter().copied().map(Seat).collect();
    SeatRuns::from_seats(&seats).expect("ascending, and not none")
}

impl Event {
    fn free(&self) -> Vec<u32> {
        let taken: BTreeSet<u32> = self.held.iter().flat_map(|held| held.seats.iter().copied()).collect();
        (1..=self.capacity).filter(|seat| !taken.contains(seat)).collect()
    }

    fn left(&self) -> u32 {
        self.free().len() as u32
    }

    fn of(&self, who: &Actor) -> Option<&Held> {
        self.held.iter().find(|held| held.who == *who)
    }

    fn booking_of(&self, who: &Actor) -> Option<&Held> {
        self.of(who).filter(|held| matches!(held.deed, Deed::Booked { .. }))
    }
}

impl Events {
    pub fn new(config: &EventsConfig) -> Self {
        let theatres = |(code, branch): &(BranchCode, _)| {
            let branch: &boxoffice::domain::events::config::Branch = branch;
            (*code, branch.theatres.iter().cloned().collect())
        };
        Events {
            branches: config.branches.iter().map(theatres).collect(),
            kinds: config.kinds.clone(),
            events: Vec::new(),
            guests: Vec::new(),
            notices: BTreeMap::new(),
            config: config.clone(),
        }
    }

    /// What an operation about events comes to.
    pub fn operate(&mut self, operation: &Operation, now: Now) -> EventOutcome {
        let expired = self.expire(now);
        self.forget_guests();
        let told = match operation {
            Operation::Events(operation) => self.act(&operation.actor, &operation.action, now),
            Operation::Expire => Ok(EventOutcome::Expired { holds: expired }),
            Operation::Offer(offer) => self.heal(offer, now),
            other => unreachable!("{other:?} is about the theatre"),
        };
        self.forget_guests();
        told.unwrap_or_else(EventOutcome::Refused)
    }

    /// Every event with its free seats.
    pub fn free(&self) -> impl Iterator<Item = (&EventKey, Vec<u32>)> {
        self.events.iter().flatten().map(|event| (&event.key, event.free()))
    }

    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Every branch with its theatres.
    pub fn branches(&self) -> impl Iterator<Item = (BranchCode, Vec<Name>)> {
        self.branches.iter().map(|(code, theatres)| (*code, theatres.iter().cloned().collect()))
    }

    /// When the next hold falls back.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        let held = self.events.iter().flatten().flat_map(|event| &event.held);
        held.filter_map(|held| held.deed.until_ms()).min()
    }

    /// Everything that somebody has, by the number of the event.
    pub fn schedule(&self, who: &Actor) -> (Vec<Claim>, Vec<Notice>) {
        let mut claims = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let Some(event) = event else { continue };
            let mut claim = |what| {
                claims.push(Claim { event: event.key.clone(), date: event.place.date(), what });
            };
            if let Some(held) = event.of(who) {
                let seats = runs(&held.seats);
                claim(match held.deed {
                    Deed::Booked { mark } => Claimed::Booking { seats, stem: self.stem(who, number, mark) },
                    Deed::Held { until_ms, offered, extended } => {
                        Claimed::Hold { seats, until_ms, offered, extended }
                    }
                });
            }
            for (at, (waits, count, _)) in event.waiting.iter().enumerate() {
                if waits == who {
                    claim(Claimed::Place { count: *count, place: at as u32 + 1 });
                }
            }
        }
        (claims, self.notices.get(who).cloned().unwrap_or_default())
    }

    /// Everybody who has anything, and everybody with a notice.
    pub fn people(&self) -> BTreeSet<Actor> {
        let events = self.events.iter().flatten();
        let mut people: BTreeSet<Actor> = self.notices.keys().cloned().collect();
        for event in events {
            people.extend(event.held.iter().map(|held| held.who.clone()));
            people.extend(event.waiting.iter().map(|(who, ..)| who.clone()));
        }
        people
    }

    fn event(&mut self, number: usize) -> &mut Event {
        self.events[number].as_mut().expect("it was found just before")
    }

    fn find(&self, key: &EventKey) -> Result<usize, Refusal> {
        let is_it = |event: &Option<Event>| event.as_ref().is_some_and(|event| event.key == *key);
        let found = self.events.iter().position(is_it);
        found.ok_or_else(|| Refusal::NoSuchEvent { event: key.clone() })
    }

    fn stem(&self, who: &Actor, event: usize, mark: u64) -> TicketStem {
        TicketStem { party: self.party(who), event: event as u32, mark }
    }

    /// As the state numbers people.
    fn party(&self, who: &Actor) -> u32 {
        match who {
            Actor::User(user) => {
                let letters = user.branch.to_string().into_bytes();
                let branch = letters.iter().fold(0, |n, letter| n * 26 + u32::from(letter - b'A'));
                branch * 32_768 + u32::from(user.role == Role::Manager) * 16_384 + u32::from(user.number())
            }
            Actor::Guest(name) => {
                let at = self.guests.iter().position(|guest| guest.as_ref() == Some(name));
                (1 << 31) + at.expect("who has something has a number") as u32
            }
        }
    }

    fn number_guest(&mut self, who: &Actor) {
        let Actor::Guest(name) = who else { return };
        if self.guests.contains(&Some(name.clone())) {
            return;
        }
        match self.guests.iter().position(Option::is_none) {
            Some(at) => self.guests[at] = Some(name.clone()),
            None => self.guests.push(Some(name.clone())),
        }
    }

    fn forget_guests(&mut self) {
        let mut people = BTreeSet::new();
        for event in self.events.iter().flatten() {
            people.extend(event.held.iter().map(|held| held.who.clone()));
            people.extend(event.waiting.iter().map(|(who, ..)| who.clone()));
        }
        for guest in &mut self.guests {
            let has_anything =
                guest.as_ref().is_some_and(|name| people.contains(&Actor::Guest(name.clone())));
            if !has_anything {
                *guest = None;
            }
        }
    }

    fn act(&mut self, actor: &Actor, action: &Action, now: Now) -> Told {
        match action {
            Action::AddBranch { branch, name: _ } => {
                self.manager(actor)?;
                if self.branches.contains_key(branch) {
                    return Err(Refusal::BranchExists { branch: *branch });
                }
                self.branches.insert(*branch, BTreeSet::new());
                Ok(EventOutcome::BranchAdded { branch: *branch })
            }
            Action::AddTheatre { theatre } => {
                let branch = self.manager(actor)?;
                let theatre = theatre.clone();
                match self.branches.get_mut(&branch).expect("it exists").insert(theatre.clone()) {
                    true => Ok(EventOutcome::TheatreAdded { branch, theatre }),
                    false => Err(Refusal::TheatreExists { branch, theatre }),
                }
            }
            Action::AddKind { kind } => {
                self.manager(actor)?;
                if self.kinds.contains(kind) {
                    return Err(Refusal::KindExists { kind: kind.clone() });
                }
                self.kinds.push(kind.clone());
                Ok(EventOutcome::KindAdded { kind: kind.clone() })
            }
            Action::AddEvent { event, capacity } => {
                self.manager_of(actor, event.place.branch())?;
                self.set_event(event, *capacity, now)
            }
            Action::RemoveEvent { event } => {
                self.manager(actor)?;
                let number = self.find(event)?;
                let branch = self.event(number).place.branch();
                self.manager_of(actor, branch)?;
                Ok(self.remove(number))
            }
            Action::DeleteTicket { ticket } => self.delete_ticket(actor, *ticket, now),
            Action::Book { holder, .. }
            | Action::Cancel { holder, .. }
            | Action::Exchange { holder, .. }
            | Action::Hold { holder, .. }
            | Action::Confirm { holder, .. }
            | Action::Extend { holder, .. }
            | Action::Release { holder, .. }
            | Action::Join { holder, .. }
            | Action::Leave { holder, .. } => {
                self.acts_for(actor, holder)?;
                self.act_for(holder, action, now)
            }
        }
    }

    fn act_for(&mut self, who: &Actor, action: &Action, now: Now) -> Told {
        match action {
            Action::Book { event, seating, .. } => {
                let number = self.find(event)?;
                let seats = self.new_seats(who, number, seating)?;
                self.room()?;
                Ok(self.book(who, number, seats, now))
            }
            Action::Cancel { event, kind, .. } => self.cancel(who, *event, kind.as_ref(), now),
            Action::Exchange { from, to, seating, .. } => self.exchange(who, from, to, seating, now),
            Action::Hold { event, seating, .. } => {
                let number = self.find(event)?;
                let seats = self.new_seats(who, number, seating)?;
                let own = self.events.iter().flatten().flat_map(|event| &event.held);
                let own = own.filter(|held| held.who == *who && held.deed.until_ms().is_some()).count();
                let max = self.config.holds_per_customer_max;
                if own >= max as usize {
                    return Err(Refusal::Full(Limit::HoldsOfOne(max)));
                }
                let until_ms = now.time_ms + self.config.hold_ms;
                self.give(who, number, &seats, Deed::Held { until_ms, offered: false, extended: false }, now);
                Ok(EventOutcome::Held {
                    holder: who.clone(),
                    event: event.clone(),
                    seats: runs(&seats),
                    until_ms,
                })
            }
            Action::Confirm { event, .. } => {
                let number = self.held(who, event)?;
                self.quota(who, number, None)?;
                self.room()?;
                let held = self.take(who, number);
                Ok(self.book(who, number, held.seats, now))
            }
            Action::Extend { event, .. } => {
                let number = self.held(who, event)?;
                let least_ms = now.time_ms + self.config.hold_ms;
                let (holder, key) = (who.clone(), event.clone());
                let held = self.event(number).held.iter_mut().find(|held| held.who == *who);
                let Some(Held { deed: Deed::Held { until_ms, extended, .. }, .. }) = held else {
                    unreachable!("it was found just before")
                };
                if *extended {
                    return Err(Refusal::ExtendedAlready { holder, event: key, until_ms: *until_ms });
                }
                (*until_ms, *extended) = ((*until_ms).max(least_ms), true);
                Ok(EventOutcome::Extended { holder, event: key, until_ms: *until_ms })
            }
            Action::Release { event, .. } => {
                let number = self.held(who, event)?;
                let count = self.take(who, number).seats.len() as u32;
                self.offer(number, now);
                let left = self.event(number).left();
                Ok(EventOutcome::HoldReleased { holder: who.clone(), event: event.clone(), count, left })
            }
            Action::Join { event, count, .. } => self.join(who, event, count.get(), now),
            Action::Leave { event, .. } => {
                let number = self.find(event)?;
                let (holder, event) = (who.clone(), event.clone());
                let list = &mut self.event(number).waiting;
                let before = list.len();
                list.retain(|(waits, ..)| *waits != holder);
                match list.len() < before {
                    true => Ok(EventOutcome::Left { holder, event }),
                    false => Err(Refusal::NotWaiting { holder, event }),
                }
            }
            other => unreachable!("{other:?} is for nobody"),
        }
    }
}
