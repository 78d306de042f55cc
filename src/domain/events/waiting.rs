//! Who waits for seats of which event, in the order in which they asked.
//!
//! Seats that come free go to the first who wants no more than are free, then to the next, and so on; they are held for
//! them for a while. So at any time everybody on a list wants more seats than are free, and whoever books what
//! is left takes nothing from anybody who waits.
//!
//! Serving looks at each place once: who wanted more than was left does so still when less is left. It takes as long as the
//! list is, however many are served.

use super::parties::{Party, Spot};
use crate::domain::shards::Shards;
use std::collections::BTreeSet;

/// Lists in one shard, if every event has one.
const SHARD_LEN: usize = 256;

/// A place on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Place {
    pub(super) party: Party,
    /// Seats wanted.
    pub(super) count: u32,
    /// Position of the request that asked.
    pub(super) made_at: u64,
}

/// All lists.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// By event, as the catalogue numbers them; none is empty.
    lists: Shards<u32, Vec<Place>>,
    /// Follows from the lists.
    spots: BTreeSet<Spot>,
}

impl Waiting {
    pub(super) fn new(events_max: u32) -> Waiting {
        Waiting { lists: Shards::new(events_max as usize, SHARD_LEN), spots: BTreeSet::new() }
    }

    pub(super) fn lists(&self) -> &Shards<u32, Vec<Place>> {
        &self.lists
    }

    /// The list of an event, first place first.
    pub(super) fn list(&self, event: u32) -> &[Place] {
        self.lists.get(&event).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody waits there.
    pub(super) fn has(&self, spot: Spot) -> bool {
        self.spots.contains(&spot)
    }

    /// The place with the number of the place, from 1.
    pub(super) fn find(&self, spot: Spot) -> Option<(u32, Place)> {
        if !self.has(spot) {
            return None;
        }
        let at = self.list(spot.event).iter().position(|place| place.party == spot.party);
        let at = at.expect("who is noted to wait is on the list");
        Some((at as u32 + 1, self.list(spot.event)[at]))
    }

    /// Where somebody waits, in order of events.
    pub(super) fn spots_of(&self, party: Party) -> impl Iterator<Item = Spot> {
        let (first, last) = Spot::all_of(party);
        self.spots.range(first..=last).copied()
    }

    /// Adds the last place; tells its number.
    pub(super) fn join(&mut self, event: u32, place: Place) -> u32 {
        let is_new = self.spots.insert(Spot { party: place.party, event });
        assert!(is_new, "nobody waits twice for an event");
        match self.lists.get_mut(&event) {
            Some(list) => {
                list.push(place);
                list.len() as u32
            }
            None => {
                self.lists.insert(event, vec![place]);
                1
            }
        }
    }

    /// Takes somebody off a list; tells whether they were on it.
    pub(super) fn leave(&mut self, spot: Spot) -> bool {
        if !self.spots.remove(&spot) {
            return false;
        }
        let list = self.lists.get_mut(&spot.event).expect("who is noted to wait is on a list");
        list.retain(|place| place.party != spot.party);
        if list.is_empty() {
            self.lists.remove(&spot.event);
        }
        true
    }

    /// Takes off a list whom so many seats are enough for, one after the other, first place first.
    pub(super) fn take_fitting(&mut self, event: u32, mut left: u32) -> Vec<Place> {
        if !self.list(event).iter().any(|place| place.count <= left) {
            return Vec::new();
        }
        let list = self.lists.get_mut(&event).expect("somebody is on it");
        let served: Vec<Place> = list
            .extract_if(.., |place| {
                let fits = place.count <= left;
                left -= if fits { place.count } else { 0 };
                fits
            })
            .collect();
        self.forget(event, &served);
        served
    }

    /// Takes everybody off a list.
    pub(super) fn take_all(&mut self, event: u32) -> Vec<Place> {
        let Some(list) = self.lists.get_mut(&event) else { return Vec::new() };
        let places = std::mem::take(list);
        self.forget(event, &places);
        places
    }

    /// These are off the list.
    fn forget(&mut self, event: u32, places: &[Place]) {
        for place in places {
            self.spots.remove(&Spot { party: place.party, event });
        }
        if self.list(event).is_empty() {
            self.lists.remove(&event);
        }
    }

    /// Places on all lists.
    pub(super) fn len(&self) -> usize {
        self.spots.len()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.lists.check()?;
        let places = self.lists.iter().flat_map(|(event, list)| list.iter().map(|place| (*event, place)));
        let spots: Vec<Spot> = places.map(|(event, place)| Spot { party: place.party, event }).collect();
        let different: BTreeSet<Spot> = spots.iter().copied().collect();
        if different.len() != spots.len() || different != self.spots {
            return Err("who waits is not who is noted to wait".into());
        }
        if self.lists.iter().any(|(_, list)| list.is_empty()) {
            return Err("a waiting list is empty and still there".into());
        }
        Ok(())
    }
}
