//! What the losing side of a partition did about events that the winning side does not have.
//!
//! Reported and offered again: branches, theatres and kinds that were added; events added, changed and removed;
//! bookings made, changed and cancelled, also by deleting single tickets and by exchange; places on waiting lists.
//!
//! Not reported, on purpose: holds and offers. They last minutes and promise nothing after that; by the time two
//! sides meet most have fallen back, and one that was confirmed is a booking.
//!
//! The two sides number events and guests on their own after they part, so all is compared by name.

use super::bookings::Booking;
use super::catalogue::Event;
use super::command::{Count, Offer};
use super::ids::{Actor, EventKey};
use super::parties::Spot;
use super::{Events, waiting};
use std::collections::BTreeMap;

/// What `mine` did after `shared` that `theirs` does not have, in the order in which it must be offered.
pub(in crate::domain) fn between(mine: &Events, theirs: &Events, shared: u64) -> Vec<Offer> {
    let mut found = Vec::new();
    branches_and_kinds(mine, theirs, &mut found);
    events(mine, theirs, shared, &mut found);
    bookings(mine, theirs, shared, &mut found);
    places(mine, theirs, shared, &mut found);
    // The order of the variants: what needs an event comes after it, and what needs seats after those that free some.
    found.sort();
    found
}

fn branches_and_kinds(mine: &Events, theirs: &Events, found: &mut Vec<Offer>) {
    for (code, branch) in mine.branches.iter() {
        let other = theirs.branches.get(code);
        let lacks = |theatre| other.is_none_or(|other| !other.theatres.contains(theatre));
        if other.is_none() || branch.theatres.iter().any(lacks) {
            let (branch, name, theatres) = (*code, branch.name.clone(), branch.theatres.clone());
            found.push(Offer::Branch { branch, name, theatres });
        }
    }
    let kinds = mine.kinds.names().iter().filter(|kind| theirs.kinds.number(kind).is_none());
    found.extend(kinds.map(|kind| Offer::Kind(kind.clone())));
}

fn events(mine: &Events, theirs: &Events, shared: u64, found: &mut Vec<Offer>) {
    for (number, event) in theirs.catalogue.events().iter().filter(|(_, event)| event.made_at <= shared) {
        let key = theirs.key(*number);
        let is_kept = mine.event(&key).is_some_and(|own| own.made_at <= shared || own.place == event.place);
        if !is_kept {
            found.push(Offer::EventRemoved { event: key, made_until: shared });
        }
    }
    for (number, own) in mine.catalogue.events().iter().filter(|(_, own)| own.changed_at > shared) {
        let key = mine.key(*number);
        if theirs.event(&key).is_none_or(|event| event.capacity != own.capacity || event.place != own.place) {
            let Event { place, capacity, ref name, ref theatre, .. } = *own;
            let (kind, name, theatre) = (key.kind, name.clone(), theatre.clone());
            found.push(Offer::EventAdded { place, kind, name, theatre, capacity });
        }
    }
}

fn bookings(mine: &Events, theirs: &Events, shared: u64, found: &mut Vec<Offer>) {
    let old = theirs.bookings.table().iter().filter(|(_, booking)| booking.made_at <= shared);
    for (spot, booking) in old {
        let (holder, event) = theirs.who_and_where(*spot);
        // Those that went with their event go with it there as well.
        let Some(number) = mine.number(&event).ok() else { continue };
        let kept = mine.booking(&holder, number);
        if kept.is_none_or(|own| own.made_at > shared && own.seats != booking.seats) {
            found.push(Offer::Cancelled { holder, event, made_until: shared });
        }
    }
    for (spot, own) in mine.bookings.table().iter().filter(|(_, own)| own.made_at > shared) {
        let (holder, event) = mine.who_and_where(*spot);
        let number = theirs.number(&event).ok();
        let other = number.and_then(|number| theirs.booking(&holder, number));
        if other.is_none_or(|other| other.seats != own.seats) {
            let (seats, mark) = (own.seats.clone(), own.mark);
            found.push(Offer::Booked { holder, event, seats, mark });
        }
    }
}

fn places(mine: &Events, theirs: &Events, shared: u64, found: &mut Vec<Offer>) {
    let (own, others) = (all_places(mine), all_places(theirs));
    for ((holder, event), _) in others.iter().filter(|(_, place)| place.made_at <= shared) {
        let is_claimed = || {
            // Who books or holds gives the place up, and the booking is offered by itself.
            let number = mine.number(event).ok();
            number.is_none_or(|number| mine.booking(holder, number).is_some())
        };
        if !own.contains_key(&(holder.clone(), event.clone())) && !is_claimed() {
            let (holder, event) = (holder.clone(), event.clone());
            found.push(Offer::Left { holder, event, made_until: shared });
        }
    }
    for ((holder, event), place) in own.into_iter().filter(|(_, place)| place.made_at > shared) {
        if !others.contains_key(&(holder.clone(), event.clone())) {
            let count = Count::new(place.count).expect("whoever waits wants seats");
            found.push(Offer::Joined { holder, event, count });
        }
    }
}

fn all_places(events: &Events) -> BTreeMap<(Actor, EventKey), waiting::Place> {
    let lists = events.waiting.lists().iter();
    let places = lists.flat_map(|(event, list)| list.iter().map(|place| (*event, *place)));
    places.map(|(event, place)| (events.who_and_where(Spot { party: place.party, event }), place)).collect()
}

impl Events {
    fn event(&self, key: &EventKey) -> Option<&Event> {
        self.number(key).ok().map(|number| self.catalogue.get(number))
    }

    fn booking(&self, holder: &Actor, event: u32) -> Option<&Booking> {
        self.spot(holder, event).and_then(|spot| self.bookings.get(spot))
    }

    /// Names for a spot that somebody has.
    pub(super) fn who_and_where(&self, spot: Spot) -> (Actor, EventKey) {
        let holder = self.guests.actor(spot.party).expect("who has something is known");
        (holder, self.key(spot.event))
    }
}
