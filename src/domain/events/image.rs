//! The events' part of a picture of the state, and its bytes.
//!
//! A record with how many there are of each, then branches, kinds, guests, events, bookings, holds, waiting lists and
//! notices, each in the order of its map. Seats, counts of months, indexes and free numbers follow from these
//! and are not written. What is read is held against all that no state could be, like the rest of an image.

use super::bookings::Booking;
use super::catalogue::Event;
use super::command::Place;
use super::config::{Branch, EventsConfig, HOLDS_MAX, NOTICES_MAX, WAITING_MAX};
use super::holds::Hold;
use super::ids::{BranchCode, EventId, Kind};
use super::kinds::Kinds;
use super::parties::{Party, Spot};
use super::{Cancelled, Events, waiting};
use crate::domain::ids::{Name, SEATS_MAX};
use crate::domain::image::{ReadError, RecordReader, RecordWriter};
use crate::domain::runs::SeatRuns;
use crate::domain::shards::{ShardKey, Shards};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// All events at one moment, sharing memory with the state that goes on.
#[derive(Clone, Debug)]
pub(in crate::domain) struct EventsImage {
    branches: Arc<BTreeMap<BranchCode, Branch>>,
    kinds: Arc<Vec<Kind>>,
    guests: Shards<u32, Name>,
    events: Shards<u32, Event>,
    bookings: Shards<Spot, Booking>,
    holds: Shards<Spot, Hold>,
    lists: Shards<u32, Vec<waiting::Place>>,
    notices: Shards<Party, Vec<Cancelled>>,
}

/// How many there are of each, in the order in which they follow.
type Header = [u64; 8];
/// Number, place, kind, capacity, position when added, when changed, name, theatre.
type EventRecord = (u32, Place, u16, u32, u64, u64, Option<Name>, Option<Name>);
/// Party, event, position, mark, seats.
type BookingRecord = (u32, u32, u64, u64, SeatRuns);
/// Party, event, until when, seats, offered, extended.
type HoldRecord = (u32, u32, u64, SeatRuns, bool, bool);
/// Event; party, count and position of each place.
type ListRecord = (u32, Vec<(u32, u32, u64)>);
/// Party; id, kind and seats of each event.
type NoticeRecord = (u32, Vec<(EventId, u16, u32)>);

impl EventsImage {
    pub(in crate::domain) fn of(events: &Events) -> EventsImage {
        EventsImage {
            branches: events.branches.clone(),
            kinds: events.kinds.names().clone(),
            guests: events.guests.names().clone(),
            events: events.catalogue.events().clone(),
            bookings: events.bookings.table().clone(),
            holds: events.holds.table().clone(),
            lists: events.waiting.lists().clone(),
            notices: events.notices.clone(),
        }
    }

    pub(in crate::domain) fn write(self, out: &mut RecordWriter<'_>) -> io::Result<()> {
        let header: Header = [
            self.branches.len(),
            self.kinds.len(),
            self.guests.len(),
            self.events.len(),
            self.bookings.len(),
            self.holds.len(),
            self.lists.len(),
            self.notices.len(),
        ]
        .map(|len| len as u64);
        out.write(&header)?;
        self.branches.iter().try_for_each(|branch| out.write(&branch))?;
        self.kinds.iter().try_for_each(|kind| out.write(kind))?;
        self.guests.consume(|number, name| out.write(&(number, name)))?;
        self.events.consume(|number, event| {
            let Event { place, kind, capacity, made_at, changed_at, name, theatre } = event;
            out.write(&(number, place, kind, capacity, made_at, changed_at, name, theatre))
        })?;
        self.bookings.consume(|spot, Booking { made_at, mark, seats }| {
            out.write(&(spot.party.0, spot.event, made_at, mark, seats))
        })?;
        self.holds.consume(|spot, Hold { until_ms, seats, offered, extended }| {
            out.write(&(spot.party.0, spot.event, until_ms, seats, offered, extended))
        })?;
        for (event, list) in self.lists.iter() {
            let places = list.iter().map(|place| (place.party.0, place.count, place.made_at));
            out.write(&(event, places.collect::<Vec<_>>()))?;
        }
        for (party, notices) in self.notices.iter() {
            let notices = notices.iter().map(|notice| (notice.id, notice.kind, notice.seats));
            out.write(&(party.0, notices.collect::<Vec<_>>()))?;
        }
        Ok(())
    }
}

fn damaged<T>(why: &'static str) -> Result<T, ReadError> {
    Err(ReadError::Damaged(why))
}

/// That keys come in the order of their map, each once.
struct InOrder<K>(Option<K>);

impl<K: ShardKey> InOrder<K> {
    fn next<V: Clone>(&mut self, map: &Shards<K, V>, key: K) -> Result<(), ReadError> {
        if self.0.as_ref().is_some_and(|last| !map.is_before(last, &key)) {
            return damaged("records about events are out of order");
        }
        self.0 = Some(key);
        Ok(())
    }
}

impl Events {
    /// Reads what [`EventsImage::write`] wrote into a state of that configuration, position and time.
    pub(in crate::domain) fn read(
        config: Arc<EventsConfig>,
        position: u64,
        input: &mut RecordReader<'_>,
    ) -> Result<Events, ReadError> {
        let mut events = Events::new(config);
        let [branches, kinds, guests, catalogue, bookings, holds, lists, notices]: Header = input.read()?;
        if holds > (WAITING_MAX + HOLDS_MAX) as u64 {
            return damaged("there are too many holds");
        }
        events.read_branches(branches, input)?;
        events.read_kinds(kinds, input)?;
        let mut order = InOrder(None);
        for _ in 0..guests {
            let (number, name): (u32, Name) = input.read()?;
            order.next(events.guests.names(), number)?;
            events.guests.admit(number, name).map_err(ReadError::Damaged)?;
        }
        events.read_catalogue(catalogue, position, input)?;
        events.read_bookings(bookings, position, input)?;
        events.read_holds(holds, input)?;
        events.read_lists(lists, position, input)?;
        events.read_notices(notices, input)?;
        events.guests.admitted().map_err(ReadError::Damaged)?;
        Ok(events)
    }

    fn read_branches(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        let mut branches = BTreeMap::new();
        for _ in 0..count {
            let (code, branch): (BranchCode, Branch) = input.read()?;
            if !branch.is_sound() || branches.last_key_value().is_some_and(|(last, _)| *last >= code) {
                return damaged("branches or theatres are out of order");
            }
            branches.insert(code, branch);
        }
        let is_there = |(code, ours): &(BranchCode, Branch)| {
            branches.get(code).is_some_and(|theirs| {
                theirs.name == ours.name && ours.theatres.iter().all(|t| theirs.theatres.contains(t))
            })
        };
        if branches.len() > super::config::BRANCHES_MAX || !self.config.branches.iter().all(is_there) {
            return damaged("a branch of the configuration is missing, or there are too many");
        }
        self.branches = Arc::new(branches);
        Ok(())
    }

    fn read_kinds(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        if count > super::config::KINDS_MAX as u64 {
            return damaged("there are too many kinds");
        }
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(input.read::<Kind>()?);
        }
        let different: BTreeSet<&Kind> = kinds.iter().collect();
        if different.len() != kinds.len() || !kinds.starts_with(&self.config.kinds) {
            return damaged("a kind twice, or one of the configuration is missing");
        }
        self.kinds = Kinds::new(&kinds);
        Ok(())
    }

    fn read_catalogue(
        &mut self,
        count: u64,
        position: u64,
        input: &mut RecordReader<'_>,
    ) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (number, place, kind, capacity, made_at, changed_at, name, theatre): EventRecord =
                input.read()?;
            order.next(self.catalogue.events(), number)?;
            if !(1..=changed_at).contains(&made_at) || changed_at > position {
                return damaged("an event was added at a position that was not executed");
            }
            let branch = place.branch();
            let has_theatre = theatre.as_ref().is_none_or(|theatre| self.has_theatre(branch, theatre));
            let has_kind = usize::from(kind) < self.kinds.names().len();
            if !self.branches.contains_key(&branch) || !has_theatre || !has_kind {
                return damaged("an event of no branch, theatre or kind");
            }
            if number >= self.config.events_max {
                return damaged("there are too many events");
            }
            let event = Event { place, kind, capacity, made_at, changed_at, name, theatre };
            self.catalogue.admit(number, event).map_err(ReadError::Damaged)?;
        }
        self.catalogue.admitted();
        Ok(())
    }

    /// Somebody who is known, at an event that there is, with seats that are free, and nothing else there.
    fn admit_seats(&mut self, party: u32, event: u32, seats: &SeatRuns) -> Result<Spot, ReadError> {
        let spot = self.admit_spot(party, event)?;
        let hall = self.catalogue.admit_hall(event);
        if hall.seats.nonexistent(seats).is_some() {
            return damaged("somebody has seats that do not exist");
        }
        if hall.seats.clashes(seats).is_some() {
            return damaged("a seat with two holders");
        }
        hall.seats.take(seats);
        Ok(spot)
    }

    fn admit_spot(&mut self, party: u32, event: u32) -> Result<Spot, ReadError> {
        let party = Party(party);
        self.admit_party(party)?;
        if self.catalogue.try_get(event).is_none() {
            return damaged("somebody has seats of no event");
        }
        let spot = Spot { party, event };
        let is_taken = self.bookings.get(spot).is_some() || self.holds.get(spot).is_some();
        if is_taken || self.waiting.has(spot) {
            return damaged("somebody has two things at one event");
        }
        self.guests.keep(party);
        Ok(spot)
    }

    fn admit_party(&self, party: Party) -> Result<(), ReadError> {
        let is_known = match party.as_user() {
            Some(user) => self.branches.contains_key(&user.branch),
            None => self.guests.has(party),
        };
        match is_known {
            true => Ok(()),
            false => damaged("seats of nobody"),
        }
    }

    fn read_bookings(
        &mut self,
        count: u64,
        position: u64,
        input: &mut RecordReader<'_>,
    ) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (party, event, made_at, mark, seats): BookingRecord = input.read()?;
            order.next(self.bookings.table(), Spot { party: Party(party), event })?;
            if !(1..=position).contains(&made_at) {
                return damaged("a booking was made at a position that was not executed");
            }
            if self.bookings.table().len() >= self.config.bookings_max as usize {
                return damaged("there are too many bookings");
            }
            let spot = self.admit_seats(party, event, &seats)?;
            let outside = self.outside(spot);
            let max = u32::from(self.config.outside_per_month_max);
            if outside.is_some_and(|month| self.bookings.outside(spot.party, month) >= max) {
                return damaged("more bookings of a month than there can be");
            }
            self.catalogue.admit_hall(event).bookers.insert(spot.party);
            self.bookings.insert(spot, Booking { made_at, mark, seats }, outside);
        }
        Ok(())
    }

    fn read_holds(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (party, event, until_ms, seats, offered, extended): HoldRecord = input.read()?;
            order.next(self.holds.table(), Spot { party: Party(party), event })?;
            let spot = self.admit_seats(party, event, &seats)?;
            let hall = self.catalogue.admit_hall(event);
            hall.holders.insert(spot.party);
            hall.held += seats.count();
            self.holds.insert(spot, Hold { until_ms, seats, offered, extended });
        }
        Ok(())
    }

    fn read_lists(
        &mut self,
        count: u64,
        position: u64,
        input: &mut RecordReader<'_>,
    ) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (event, places): ListRecord = input.read()?;
            order.next(self.waiting.lists(), event)?;
            if places.is_empty() || places.len() > self.config.waiting_list_max as usize {
                return damaged("a waiting list is empty or too long");
            }
            let mut last = 1;
            for (party, count, made_at) in places {
                let spot = self.admit_spot(party, event)?;
                if !(last..=position).contains(&made_at) {
                    return damaged("a waiting list is out of order");
                }
                if count <= self.left(event) || count > SEATS_MAX {
                    return damaged("somebody waits for seats that are free");
                }
                if self.waiting.len() + self.holds.table().len() >= WAITING_MAX + HOLDS_MAX {
                    return damaged("more wait than there can be");
                }
                last = made_at;
                self.waiting.join(event, waiting::Place { party: spot.party, count, made_at });
            }
        }
        Ok(())
    }

    fn read_notices(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (party, notices): NoticeRecord = input.read()?;
            let party = Party(party);
            order.next(&self.notices, party)?;
            self.admit_party(party)?;
            let has_kind = |(_, kind, _): &(EventId, u16, u32)| usize::from(*kind) < self.kinds.names().len();
            let is_sound = party.as_user().is_some()
                && (1..=NOTICES_MAX).contains(&notices.len())
                && notices.iter().all(has_kind);
            if !is_sound {
                return damaged("a notice of no event, or for nobody");
            }
            let notices = notices.into_iter().map(|(id, kind, seats)| Cancelled { id, kind, seats });
            self.notices.insert(party, notices.collect());
        }
        Ok(())
    }
}
