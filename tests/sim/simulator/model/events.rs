//! Events as plain lists: who has which seats, who waits, searched from front to back for everything.

use super::deeds::{Deed, Now};
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

/// What somebody has of an event.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) who: Actor,
    pub(super) seats: Vec<u32>,
    pub(super) deed: Deed,
    pub(super) since: u64,
}

#[derive(Clone)]
pub(super) struct Event {
    pub(super) key: EventKey,
    pub(super) place: Place,
    pub(super) capacity: u32,
    pub(super) since: u64,
    pub(super) held: Vec<Held>,
    /// Who, how many, since when.
    pub(super) waiting: Vec<(Actor, u32, u64)>,
}

/// All of it.
#[derive(Clone)]
pub struct Events {
    pub(super) config: EventsConfig,
    pub(super) branches: BTreeMap<BranchCode, BTreeSet<Name>>,
    pub(super) kinds: Vec<Kind>,
    /// By the number that tickets have.
    pub(super) events: Vec<Option<Event>>,
    /// By the number that tickets have.
    guests: Vec<Option<Name>>,
    notices: BTreeMap<Actor, Vec<Notice>>,
}

pub(super) type Told = Result<EventOutcome, Refusal>;

fn refuse<T>(denied: Denied) -> Result<T, Refusal> {
    Err(Refusal::NotAllowed(denied))
}

pub(super) fn runs(seats: &[u32]) -> SeatRuns {
    let seats: Vec<Seat> = seats.iter().copied().map(Seat).collect();
    SeatRuns::from_seats(&seats).expect("ascending, and not none")
}

impl Event {
    pub(super) fn free(&self) -> Vec<u32> {
        let taken: BTreeSet<u32> = self.held.iter().flat_map(|held| held.seats.iter().copied()).collect();
        (1..=self.capacity).filter(|seat| !taken.contains(seat)).collect()
    }

    fn left(&self) -> u32 {
        self.free().len() as u32
    }

    pub(super) fn of(&self, who: &Actor) -> Option<&Held> {
        self.held.iter().find(|held| held.who == *who)
    }

    pub(super) fn booking_of(&self, who: &Actor) -> Option<&Held> {
        self.of(who).filter(|held| matches!(held.deed, Deed::Booked { .. }))
    }

    fn pick(&self, seating: &Seating) -> Result<Vec<u32>, Refusal> {
        let free = self.free();
        let (count, is_best) = match seating {
            Seating::Seats(seats) => {
                let wanted: Vec<u32> = seats.seats().map(|seat| seat.0).collect();
                let taken: Vec<u32> = wanted.iter().copied().filter(|seat| !free.contains(seat)).collect();
                if taken.is_empty() {
                    return Ok(wanted);
                }
                return Err(Refusal::Taken { event: self.key.clone(), seats: runs(&taken) });
            }
            Seating::Any(count) => (count.get(), false),
            Seating::Best(count) => (count.get(), true),
        };
        let len = count as usize;
        if free.len() < len {
            return Err(Refusal::NotEnough { event: self.key.clone(), left: free.len() as u32, count });
        }
        let is_row = |row: &&[u32]| row[len - 1] - row[0] == count - 1;
        let leaves_no_single = |row: &&[u32]| {
            let behind = row[len - 1] + 1;
            let begins = row[0] == 1 || !free.contains(&(row[0] - 1));
            begins && (!free.contains(&behind) || free.contains(&(behind + 1)))
        };
        let good = free.windows(len).filter(is_row).find(leaves_no_single).filter(|_| is_best);
        let row = good.or_else(|| free.windows(len).find(is_row)).unwrap_or(&free[..len]);
        Ok(row.to_vec())
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

    pub(super) fn event(&mut self, number: usize) -> &mut Event {
        self.events[number].as_mut().expect("it was found just before")
    }

    pub(super) fn find(&self, key: &EventKey) -> Result<usize, Refusal> {
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

    fn expire(&mut self, now: Now) -> u32 {
        let mut expired = 0;
        for number in 0..self.events.len() {
            let Some(event) = &mut self.events[number] else { continue };
            let before = event.held.len();
            event.held.retain(|held| held.deed.until_ms().is_none_or(|until_ms| until_ms > now.time_ms));
            let gone = before - event.held.len();
            if gone > 0 {
                expired += gone as u32;
                self.offer(number, now);
            }
        }
        expired
    }

    /// The free seats go to those who wait.
    pub(super) fn offer(&mut self, number: usize, now: Now) {
        let until_ms = now.time_ms + self.config.offer_ms;
        let event = self.event(number);
        while let Some(at) = event.waiting.iter().position(|(_, count, _)| *count <= event.left()) {
            let (who, count, _) = event.waiting.remove(at);
            let count = boxoffice::domain::events::command::Count::new(count).expect("it was one");
            let seats = event.pick(&Seating::Any(count)).expect("so many are free");
            let deed = Deed::Held { until_ms, offered: true, extended: false };
            event.held.push(Held { who, seats, deed, since: now.position });
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

    fn manager(&self, actor: &Actor) -> Result<BranchCode, Refusal> {
        match actor {
            Actor::User(user) if user.role == Role::Manager => {
                self.exists(user.branch)?;
                Ok(user.branch)
            }
            _ => refuse(Denied::ManagersOnly { actor: actor.clone() }),
        }
    }

    fn manager_of(&self, actor: &Actor, branch: BranchCode) -> Result<(), Refusal> {
        match self.manager(actor)? == branch {
            true => Ok(()),
            false => refuse(Denied::OtherBranch { actor: actor.clone(), branch }),
        }
    }

    fn acts_for(&self, actor: &Actor, holder: &Actor) -> Result<(), Refusal> {
        for somebody in [actor, holder] {
            if let Actor::User(user) = somebody {
                self.exists(user.branch)?;
            }
        }
        let is_own_customer = match (actor, holder) {
            (Actor::User(a), Actor::User(h)) => {
                a.role == Role::Manager && h.role == Role::Customer && a.branch == h.branch
            }
            _ => false,
        };
        match actor == holder || is_own_customer {
            true => Ok(()),
            false => refuse(Denied::ForSomebodyElse { actor: actor.clone(), holder: holder.clone() }),
        }
    }

    pub(super) fn exists(&self, branch: BranchCode) -> Result<(), Refusal> {
        if self.branches.contains_key(&branch) { Ok(()) } else { Err(Refusal::NoSuchBranch { branch }) }
    }

    pub(super) fn set_event(&mut self, new: &NewEvent, capacity: u32, now: Now) -> Told {
        if capacity == 0 || capacity > 1_000_000 {
            return Err(Refusal::CapacityOutOfRange { capacity });
        }
        self.exists(new.place.branch())?;
        if !self.kinds.contains(&new.kind) {
            return Err(Refusal::NoSuchKind { kind: new.kind.clone() });
        }
        let key = EventKey { id: new.place.id(), kind: new.kind.clone() };
        if let Ok(number) = self.find(&key) {
            let event = self.event(number);
            if event.place != new.place {
                return Err(Refusal::OtherPlace { id: key.id });
            }
            let (before, taken) = (event.capacity, event.capacity - event.left());
            let highest = event.held.iter().flat_map(|held| held.seats.iter().copied()).max().unwrap_or(0);
            if highest > capacity {
                return Err(Refusal::CapacityBelowSold { event: key, capacity, taken, highest });
            }
            event.capacity = capacity;
            self.offer(number, now);
            return Ok(EventOutcome::CapacityChanged { event: key, capacity, before });
        }
        let branch = new.place.branch();
        if let Some(theatre) = new.theatre.clone().filter(|theatre| !self.branches[&branch].contains(theatre))
        {
            return Err(Refusal::NoSuchTheatre { branch, theatre });
        }
        if self.events.iter().flatten().count() >= self.config.events_max as usize {
            return Err(Refusal::Full(Limit::Events(self.config.events_max)));
        }
        let event = Event {
            key: key.clone(),
            place: new.place,
            capacity,
            since: now.position,
            held: Vec::new(),
            waiting: Vec::new(),
        };
        match self.events.iter().position(Option::is_none) {
            Some(at) => self.events[at] = Some(event),
            None => self.events.push(Some(event)),
        }
        Ok(EventOutcome::EventAdded { event: key, capacity })
    }

    pub(super) fn remove(&mut self, number: usize) -> EventOutcome {
        let Event { key, held, .. } = self.events[number].take().expect("it was found just before");
        let mut booked: Vec<Held> =
            held.into_iter().filter(|held| matches!(held.deed, Deed::Booked { .. })).collect();
        booked.sort_by_key(|held| self.party(&held.who));
        for held in booked.iter().filter(|held| matches!(held.who, Actor::User(_))) {
            let notices = self.notices.entry(held.who.clone()).or_default();
            notices.push(Notice { event: key.clone(), seats: held.seats.len() as u32 });
            if notices.len() > NOTICES_MAX {
                notices.remove(0);
            }
        }
        EventOutcome::EventRemoved {
            event: key,
            bookings: booked.len() as u32,
            seats: booked.iter().map(|held| held.seats.len() as u32).sum(),
            affected: booked.into_iter().map(|held| held.who).take(AFFECTED_MAX).collect(),
        }
    }

    /// Seats that somebody may have who has nothing.
    fn new_seats(&mut self, who: &Actor, number: usize, seating: &Seating) -> Result<Vec<u32>, Refusal> {
        self.are_seats(number, seating)?;
        self.has_nothing(who, number)?;
        self.quota(who, number, None)?;
        self.event(number).pick(seating)
    }

    pub(super) fn are_seats(&mut self, number: usize, seating: &Seating) -> Result<(), Refusal> {
        let Seating::Seats(seats) = seating else { return Ok(()) };
        let capacity = self.event(number).capacity;
        let wanted = seats.seats().map(|seat| seat.0);
        let outside: Vec<u32> = wanted.filter(|seat| !(1..=capacity).contains(seat)).collect();
        if outside.is_empty() {
            return Ok(());
        }
        Err(Refusal::NoSuchSeats { seats: runs(&outside), capacity })
    }

    fn has_nothing(&mut self, who: &Actor, number: usize) -> Result<(), Refusal> {
        let event = self.event(number);
        let Some(held) = event.of(who) else { return Ok(()) };
        let (holder, event, seats) = (who.clone(), event.key.clone(), runs(&held.seats));
        Err(match held.deed {
            Deed::Booked { .. } => Refusal::AlreadyBooked { holder, event, seats },
            Deed::Held { until_ms, .. } => Refusal::AlreadyHeld { holder, event, seats, until_ms },
        })
    }

    /// Whether a month has room, when the booking of another event goes.
    pub(super) fn quota(&self, who: &Actor, number: usize, less: Option<usize>) -> Result<(), Refusal> {
        let Actor::User(user) = who else { return Ok(()) };
        let place = self.events[number].as_ref().expect("it was found").place;
        if place.branch() == user.branch {
            return Ok(());
        }
        let others = self.events.iter().enumerate().filter(|(at, _)| Some(*at) != less);
        let counts = others.filter_map(|(_, event)| event.as_ref()).filter(|event| {
            let is_then = event.place.date().month() == place.date().month();
            is_then && event.place.branch() != user.branch && event.booking_of(who).is_some()
        });
        let max = self.config.outside_per_month_max;
        if counts.count() < usize::from(max) {
            return Ok(());
        }
        Err(Refusal::QuotaReached { holder: who.clone(), month: place.date().month(), max })
    }

    pub(super) fn room(&self) -> Result<(), Refusal> {
        let all = self.events.iter().flatten().flat_map(|event| &event.held);
        let max = self.config.bookings_max;
        if all.filter(|held| held.deed.until_ms().is_none()).count() < max as usize {
            return Ok(());
        }
        Err(Refusal::Full(Limit::Bookings(max)))
    }

    fn give(&mut self, who: &Actor, number: usize, seats: &[u32], deed: Deed, now: Now) {
        self.number_guest(who);
        let event = self.event(number);
        event.waiting.retain(|(waits, ..)| waits != who);
        event.held.push(Held { who: who.clone(), seats: seats.to_vec(), deed, since: now.position });
    }

    pub(super) fn take(&mut self, who: &Actor, number: usize) -> Held {
        let event = self.event(number);
        let at = event.held.iter().position(|held| held.who == *who).expect("it was found");
        event.held.remove(at)
    }

    pub(super) fn book(&mut self, who: &Actor, number: usize, seats: Vec<u32>, now: Now) -> EventOutcome {
        self.give(who, number, &seats, Deed::Booked { mark: now.mark }, now);
        let stem = self.stem(who, number, now.mark);
        let event = self.event(number).key.clone();
        EventOutcome::Booked { holder: who.clone(), event, seats: runs(&seats), stem }
    }

    fn held(&mut self, who: &Actor, event: &EventKey) -> Result<usize, Refusal> {
        let number = self.find(event)?;
        let held = self.event(number).of(who).is_some_and(|held| held.deed.until_ms().is_some());
        if held { Ok(number) } else { Err(Refusal::NotHeld { holder: who.clone(), event: event.clone() }) }
    }

    fn cancel(&mut self, who: &Actor, id: EventId, kind: Option<&Kind>, now: Now) -> Told {
        let is_it = |event: &Event| {
            let is_kind = kind.is_none_or(|kind| *kind == event.key.kind);
            event.key.id == id && is_kind && event.booking_of(who).is_some()
        };
        let booked: Vec<usize> = (0..self.events.len())
            .filter(|number| self.events[*number].as_ref().is_some_and(is_it))
            .collect();
        let [number] = booked[..] else {
            let mut kinds: Vec<Kind> =
                booked.iter().map(|number| self.event(*number).key.kind.clone()).collect();
            kinds.sort();
            let holder = who.clone();
            return Err(match kinds.is_empty() {
                true => Refusal::NotBooked { holder, id, kind: kind.cloned() },
                false => Refusal::WhichKind { holder, id, kinds },
            });
        };
        Ok(self.cancelled(who, number, now))
    }

    pub(super) fn cancelled(&mut self, who: &Actor, number: usize, now: Now) -> EventOutcome {
        let count = self.take(who, number).seats.len() as u32;
        self.offer(number, now);
        let event = self.event(number);
        let (event, left) = (event.key.clone(), event.left());
        EventOutcome::Cancelled { holder: who.clone(), event, count, left }
    }

    pub(super) fn exchange(
        &mut self,
        who: &Actor,
        from: &EventKey,
        to: &EventKey,
        seating: &Seating,
        now: Now,
    ) -> Told {
        let old = self.find(from).ok().filter(|old| self.event(*old).booking_of(who).is_some());
        let not_booked =
            || Refusal::NotBooked { holder: who.clone(), id: from.id, kind: Some(from.kind.clone()) };
        let old = old.ok_or_else(not_booked)?;
        let number = self.find(to)?;
        self.are_seats(number, seating)?;
        let before = self.clone();
        if number != old {
            self.has_nothing(who, number)?;
            self.quota(who, number, Some(old))?;
        }
        self.take(who, old);
        let seats = match self.event(number).pick(seating) {
            Ok(seats) => seats,
            Err(refusal) => {
                *self = before;
                return Err(refusal);
            }
        };
        let EventOutcome::Booked { holder, event, seats, stem } = self.book(who, number, seats, now) else {
            unreachable!("a booking is one")
        };
        self.offer(old, now);
        Ok(EventOutcome::Exchanged { holder, from: from.clone(), to: event, seats, stem })
    }

    fn delete_ticket(&mut self, actor: &Actor, ticket: TicketId, now: Now) -> Told {
        if let Actor::User(user) = actor {
            self.exists(user.branch)?;
        }
        // Every ticket there is, until it is this one.
        for number in 0..self.events.len() {
            let Some(event) = self.events[number].clone() else { continue };
            for held in &event.held {
                let Deed::Booked { mark } = held.deed else { continue };
                let stem = self.stem(&held.who, number, mark);
                let Some(seat) = held.seats.iter().copied().find(|seat| stem.ticket(Seat(*seat)) == ticket)
                else {
                    continue;
                };
                if let Actor::User(_) = held.who {
                    self.acts_for(actor, &held.who)?;
                }
                let own = self.event(number).held.iter_mut().find(|own| own.who == held.who);
                let own = own.expect("it was found just before");
                own.seats.retain(|other| *other != seat);
                own.since = now.position;
                self.event(number).held.retain(|held| !held.seats.is_empty());
                self.offer(number, now);
                let left = self.event(number).left();
                return Ok(EventOutcome::TicketDeleted { ticket, event: event.key, seat: Seat(seat), left });
            }
        }
        Err(Refusal::NoSuchTicket { ticket })
    }

    pub(super) fn join(&mut self, who: &Actor, key: &EventKey, count: u32, now: Now) -> Told {
        let number = self.find(key)?;
        self.has_nothing(who, number)?;
        let waits = self.events.iter().flatten();
        let waits = waits.filter(|event| event.waiting.iter().any(|(waits, ..)| waits == who)).count();
        let held = |held: &&Held| held.deed.until_ms().is_some();
        let all = self.events.iter().flatten();
        let all: usize = all.map(|event| event.waiting.len() + event.held.iter().filter(held).count()).sum();
        let (holder, key, max) = (who.clone(), key.clone(), self.config.waiting_list_max);
        let event = self.event(number);
        if let Some(at) = event.waiting.iter().position(|(waits, ..)| waits == who) {
            return Err(Refusal::AlreadyWaiting { holder, event: key, place: at as u32 + 1 });
        }
        if count > event.capacity {
            return Err(Refusal::MoreThanAll { event: key, capacity: event.capacity, count });
        }
        if count <= event.left() {
            return Err(Refusal::SeatsAreFree { event: key, left: event.left() });
        }
        if event.waiting.len() >= max as usize {
            return Err(Refusal::Full(Limit::WaitingList(max)));
        }
        if all >= WAITING_MAX {
            return Err(Refusal::Full(Limit::Waiting(WAITING_MAX as u32)));
        }
        if waits >= WAITS_PER_CUSTOMER_MAX {
            return Err(Refusal::Full(Limit::WaitsOfOne(WAITS_PER_CUSTOMER_MAX as u32)));
        }
        event.waiting.push((holder.clone(), count, now.position));
        let place = event.waiting.len() as u32;
        self.number_guest(who);
        Ok(EventOutcome::Joined { holder, event: key, count, place })
    }
}
