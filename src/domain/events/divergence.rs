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
use crate::domain::runs::{Run, SeatRuns};
use std::collections::BTreeMap;

/// What `mine` did after `shared` that `theirs` does not have, in the order in which it must be offered.
pub(in crate::domain) fn between(mine: &Events, theirs: &Events, shared: u64) -> Vec<Offer> {
    let mut found = Vec::new();
    branches_and_kinds(mine, theirs, &mut found);
    events(mine, theirs, shared, &mut found);
    let changes = bookings(mine, theirs, shared, &mut found);
    places(mine, theirs, shared, &mut found);
    // The order of the variants: what needs an event comes after it, and what needs seats after those that free some.
    found.sort();
    let needs_seats =
        |offer: &Offer| matches!(offer, Offer::Booked { .. } | Offer::Left { .. } | Offer::Joined { .. });
    let at = found.partition_point(|offer| !needs_seats(offer));
    found.splice(at..at, in_turn(changes));
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

/// A booking with other seats, which has these on the winning side.
struct Change {
    offer: Offer,
    /// As the winning side numbers them.
    event: u32,
    old: SeatRuns,
    new: SeatRuns,
}

/// Bookings that are gone or new; those that have other seats are returned.
fn bookings(mine: &Events, theirs: &Events, shared: u64, found: &mut Vec<Offer>) -> Vec<Change> {
    let old = theirs.bookings.table().iter().filter(|(_, booking)| booking.made_at <= shared);
    for (spot, _) in old {
        let (holder, event) = theirs.who_and_where(*spot);
        // Those that went with their event go with it there as well.
        let Some(number) = mine.number(&event).ok() else { continue };
        if mine.booking(&holder, number).is_none() {
            found.push(Offer::Cancelled { holder, event, made_until: shared });
        }
    }
    let mut changes = Vec::new();
    for (spot, own) in mine.bookings.table().iter().filter(|(_, own)| own.made_at > shared) {
        let (holder, event) = mine.who_and_where(*spot);
        let number = theirs.number(&event).ok();
        let other = number.and_then(|number| Some((number, theirs.booking(&holder, number)?)));
        let (seats, mark) = (own.seats.clone(), own.mark);
        // An event that was made anew in another place is removed there first, with its bookings.
        let is_same =
            |number: u32| theirs.catalogue.get(number).place == mine.catalogue.get(spot.event).place;
        match other {
            Some((_, other)) if other.seats == seats => {}
            Some((number, other)) if other.made_at <= shared && is_same(number) => {
                let (old, new) = (other.seats.clone(), seats.clone());
                let offer = Offer::Changed { holder, event, made_until: shared, seats, mark };
                changes.push(Change { offer, event: number, old, new });
            }
            Some(_) | None => found.push(Offer::Booked { holder, event, seats, mark }),
        }
    }
    changes
}

/// Changes in an order in which each finds its seats free, as far as there is one: after those that give them back.
/// Who only want each other's seats cannot all be first; they keep what they have.
fn in_turn(changes: Vec<Change>) -> impl Iterator<Item = Offer> {
    let mut givers = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        givers.extend(change.old.runs().iter().map(|run| ((change.event, run.first), (run.last(), at))));
    }
    let givers_to = |at: usize| {
        let Change { event, new, .. } = &changes[at];
        let of_run = |run: &Run| {
            let (first, last) = (run.first, run.last());
            let below = givers.range((*event, 0)..=(*event, last)).rev();
            below.take_while(move |(_, (end, _))| *end >= first).map(|(_, (_, giver))| *giver)
        };
        new.runs().iter().flat_map(of_run).collect::<Vec<usize>>()
    };
    let (mut begun, mut placed) = (vec![false; changes.len()], vec![false; changes.len()]);
    let mut order = Vec::with_capacity(changes.len());
    for first in 0..changes.len() {
        let mut under_way = vec![first];
        while let Some(&at) = under_way.last() {
            if !std::mem::replace(&mut begun[at], true) {
                under_way.extend(givers_to(at).into_iter().filter(|giver| !begun[*giver]));
                continue;
            }
            under_way.pop();
            if !std::mem::replace(&mut placed[at], true) {
                order.push(at);
            }
        }
    }
    let mut offers: Vec<Option<Offer>> = changes.into_iter().map(|change| Some(change.offer)).collect();
    order.into_iter().map(move |at| offers[at].take().expect("each comes once"))
}

fn places(mine: &Events, theirs: &Events, shared: u64, found: &mut Vec<Offer>) {
    let (own, others) = (all_places(mine), all_places(theirs));
    for ((holder, event), _) in others.iter().filter(|(_, place)| place.made_at <= shared) {
        let is_claimed = || {
            // Who books or holds gives the place up. The booking is offered by itself; a hold is not, so the place stays.
            let number = mine.number(event).ok();
            let has_seats = |spot| mine.bookings.get(spot).is_some() || mine.holds.get(spot).is_some();
            number.is_none_or(|number| mine.spot(holder, number).is_some_and(has_seats))
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
