//! What managers do: branches, theatres, kinds and events.

use super::catalogue::Event;
use super::command::NewEvent;
use super::config::{
    AFFECTED_MAX, ALL_SEATS_MAX, BRANCHES_MAX, Branch, KINDS_MAX, NOTICES_MAX, THEATRES_MAX,
};
use super::ids::{Actor, BranchCode, EventKey, Kind};
use super::outcome::{EventOutcome, Limit, Refusal};
use super::parties::{Party, Spot};
use super::{Cancelled, Events, Now};
use crate::domain::ids::{Name, SEATS_MAX};
use std::sync::Arc;

impl Events {
    pub(super) fn add_branch(
        &mut self,
        actor: &Actor,
        branch: BranchCode,
        name: &Name,
    ) -> Result<EventOutcome, Refusal> {
        self.must_manage(actor)?;
        if self.branches.contains_key(&branch) {
            return Err(Refusal::BranchExists { branch });
        }
        if self.branches.len() >= BRANCHES_MAX {
            return Err(Refusal::Full(Limit::Branches(BRANCHES_MAX as u32)));
        }
        let added = Branch { name: name.clone(), theatres: Vec::new() };
        Arc::make_mut(&mut self.branches).insert(branch, added);
        Ok(EventOutcome::BranchAdded { branch })
    }

    pub(super) fn add_theatre(&mut self, actor: &Actor, theatre: &Name) -> Result<EventOutcome, Refusal> {
        let branch = self.must_manage(actor)?.branch;
        let branches = Arc::make_mut(&mut self.branches);
        let theatres = &mut branches.get_mut(&branch).expect("a manager's branch exists").theatres;
        let Err(at) = theatres.binary_search(theatre) else {
            return Err(Refusal::TheatreExists { branch, theatre: theatre.clone() });
        };
        if theatres.len() >= THEATRES_MAX {
            return Err(Refusal::Full(Limit::Theatres(THEATRES_MAX as u32)));
        }
        theatres.insert(at, theatre.clone());
        Ok(EventOutcome::TheatreAdded { branch, theatre: theatre.clone() })
    }

    pub(super) fn add_kind(&mut self, actor: &Actor, kind: &Kind) -> Result<EventOutcome, Refusal> {
        self.must_manage(actor)?;
        if self.kinds.number(kind).is_some() {
            return Err(Refusal::KindExists { kind: kind.clone() });
        }
        if self.kinds.names().len() >= KINDS_MAX {
            return Err(Refusal::Full(Limit::Kinds(KINDS_MAX as u32)));
        }
        self.kinds.add(kind);
        Ok(EventOutcome::KindAdded { kind: kind.clone() })
    }

    pub(super) fn add_event(
        &mut self,
        now: Now,
        actor: &Actor,
        event: &NewEvent,
        capacity: u32,
    ) -> Result<EventOutcome, Refusal> {
        self.must_manage_branch(actor, event.place.branch())?;
        self.set_event(now, event, capacity)
    }

    /// Adds an event, or changes the capacity of one that is there.
    pub(super) fn set_event(
        &mut self,
        now: Now,
        event: &NewEvent,
        capacity: u32,
    ) -> Result<EventOutcome, Refusal> {
        if !(1..=SEATS_MAX).contains(&capacity) {
            return Err(Refusal::CapacityOutOfRange { capacity });
        }
        let (place, branch) = (event.place, event.place.branch());
        self.must_exist(branch)?;
        let no_such_kind = || Refusal::NoSuchKind { kind: event.kind.clone() };
        let kind = self.kinds.number(&event.kind).ok_or_else(no_such_kind)?;
        if let Some(number) = self.catalogue.find(place.id(), kind) {
            if self.catalogue.get(number).place != place {
                return Err(Refusal::OtherPlace { id: place.id() });
            }
            return self.change_capacity(now, number, capacity);
        }
        if let Some(theatre) = event.theatre.as_ref().filter(|theatre| !self.has_theatre(branch, theatre)) {
            return Err(Refusal::NoSuchTheatre { branch, theatre: theatre.clone() });
        }
        if self.catalogue.len() >= self.config.events_max as usize {
            return Err(Refusal::Full(Limit::Events(self.config.events_max)));
        }
        self.must_have_seats(capacity)?;
        let number = self.catalogue.add(Event {
            place,
            kind,
            capacity,
            made_at: now.position,
            changed_at: now.position,
            name: event.name.clone(),
            theatre: event.theatre.clone(),
        });
        Ok(EventOutcome::EventAdded { event: self.key(number), capacity })
    }

    /// Room for more seats of all events together.
    fn must_have_seats(&self, more: u32) -> Result<(), Refusal> {
        if self.catalogue.seats() + u64::from(more) > ALL_SEATS_MAX {
            return Err(Refusal::Full(Limit::Seats(ALL_SEATS_MAX)));
        }
        Ok(())
    }

    fn change_capacity(&mut self, now: Now, number: u32, capacity: u32) -> Result<EventOutcome, Refusal> {
        let event = self.key(number);
        let seats = &self.catalogue.hall(number).seats;
        let (before, taken) = (seats.capacity(), seats.capacity() - seats.left());
        let highest = seats.highest_taken().map_or(0, |seat| seat.0);
        if highest > capacity {
            return Err(Refusal::CapacityBelowSold { event, capacity, taken, highest });
        }
        if capacity != before {
            self.must_have_seats(capacity.saturating_sub(before))?;
            self.catalogue.resize(number, capacity, now.position);
            self.offer(now, number);
        }
        Ok(EventOutcome::CapacityChanged { event, capacity, before })
    }

    pub(super) fn remove_event(&mut self, actor: &Actor, event: &EventKey) -> Result<EventOutcome, Refusal> {
        self.must_manage(actor)?;
        let number = self.number(event)?;
        self.must_manage_branch(actor, self.catalogue.get(number).place.branch())?;
        Ok(self.remove(number))
    }

    /// Takes as long as the event has bookings.
    pub(super) fn remove(&mut self, number: u32) -> EventOutcome {
        let event = self.key(number);
        let spot = |party| Spot { party, event: number };
        let hall = self.catalogue.hall(number);
        let bookers: Vec<Party> = hall.bookers.iter().copied().collect();
        let holders: Vec<Party> = hall.holders.iter().copied().collect();
        let (mut seats, mut affected) = (0, Vec::new());
        for &party in &bookers {
            if affected.len() < AFFECTED_MAX {
                affected.push(self.guests.actor(party).expect("who has something is known"));
            }
            let booking = self.take_booking(spot(party));
            seats += booking.seats.count();
            self.notify(party, number, booking.seats.count());
        }
        for party in holders {
            self.take_hold(spot(party));
        }
        for place in self.waiting.take_all(number) {
            self.guests.let_go(place.party);
        }
        self.catalogue.remove(number);
        EventOutcome::EventRemoved { event, bookings: bookers.len() as u32, seats, affected }
    }

    /// Leaves word for somebody with an id that an event they had booked is gone.
    fn notify(&mut self, party: Party, number: u32, seats: u32) {
        if party.as_user().is_none() {
            return;
        }
        let event = self.catalogue.get(number);
        let cancelled = Cancelled { id: event.place.id(), kind: event.kind, seats };
        match self.notices.get_mut(&party) {
            Some(notices) => {
                if notices.len() >= NOTICES_MAX {
                    notices.remove(0);
                }
                notices.push(cancelled);
            }
            None => drop(self.notices.insert(party, vec![cancelled])),
        }
    }
}
