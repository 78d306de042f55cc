//! Who waits for seats of which event, in the order in which they asked.
//!
//! Seats that come free go to the first who wants no more than are free, then to the next, and so on; they are held for
//! them for a while. So at any time everybody on a list wants more seats than are free, and whoever books what
//! is left takes nothing from anybody who waits.

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

    /// The place with the number of the place, from 1.
    pub(super) fn find(&self, spot: Spot) -> Option<(u32, Place)> {
        if !self.spots.contains(&spot) {
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

    /// Takes the first off a list who wants at most so many seats.
    pub(super) fn take_fitting(&mut self, event: u32, left: u32) -> Option<Place> {
        let place = *self.list(event).iter().find(|place| place.count <= left)?;
        self.leave(Spot { party: place.party, event });
        Some(place)
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
