//! Reads the events' part of an image (`image`). What is read is held against all that no state could be, like the rest.
//!
//! There may be ten million bookings, and a server that comes back sells nothing before it has read them. So they are not put
//! into the state one by one as commands do it, each looked for in places of memory that were not needed for long: maps
//! are filled in the order in which they were written, what needs another order is gathered and sorted, and the
//! trees over the seats are made at the end.

use super::bookings::Booking;
use super::catalogue::{Event, Hall};
use super::config::{Branch, EventsConfig, HOLDS_MAX, NOTICES_MAX, WAITING_MAX};
use super::holds::Hold;
use super::ids::{BranchCode, EventId, Kind};
use super::image::{BookingRecord, EventRecord, Header, HoldRecord, ListRecord, NoticeRecord};
use super::kinds::Kinds;
use super::parties::{GATHERED_MAX, Party, Spot};
use super::{Cancelled, Events, waiting};
use crate::domain::ids::SEATS_MAX;
use crate::domain::image::{ReadError, RecordReader};
use crate::domain::runs::Run;
use crate::domain::shards::{Filling, OutOfOrder, ShardKey, Shards};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn damaged<T>(why: &'static str) -> Result<T, ReadError> {
    Err(ReadError::Damaged(why))
}

/// That keys come in the order of their map, each once. For maps of which there are few; others are filled
/// ([`Filling`]).
struct InOrder<K>(Option<K>);

impl<K: ShardKey> InOrder<K> {
    fn next<V: Clone>(&mut self, map: &Shards<K, V>, key: K) -> Result<(), ReadError> {
        if self.0.as_ref().is_some_and(|last| !map.is_before(last, &key)) {
            return Err(OutOfOrder.into());
        }
        self.0 = Some(key);
        Ok(())
    }
}

impl Events {
    /// Reads what `EventsImage::write` wrote into a state of that configuration, position and time.
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
        events.guests.admit((0..guests).map(|_| input.read()))?;
        events.read_catalogue(catalogue, position, input)?;
        events.read_bookings(bookings, position, input)?;
        events.read_holds(holds, input)?;
        events.read_lists(lists, position, input)?;
        events.read_notices(notices, input)?;
        events.catalogue.admitted();
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
        Ok(())
    }

    fn read_bookings(
        &mut self,
        count: u64,
        position: u64,
        input: &mut RecordReader<'_>,
    ) -> Result<(), ReadError> {
        let (mut table, mut gathered) = (Filling::new(self.bookings.table().clone()), Vec::new());
        for _ in 0..count {
            let (party, event, made_at, mark, seats): BookingRecord = input.read()?;
            if !(1..=position).contains(&made_at) {
                return damaged("a booking was made at a position that was not executed");
            }
            if table.len() >= self.config.bookings_max as usize {
                return damaged("there are too many bookings");
            }
            let spot = Spot { party: Party(party), event };
            gathered.extend(seats.runs().iter().map(|run| (event, spot.party, *run)));
            if gathered.len() >= GATHERED_MAX {
                self.admit_bookers(&mut gathered)?;
            }
            table.push(spot, Booking { made_at, mark, seats })?;
        }
        self.admit_bookers(&mut gathered)?;
        self.bookings.admit(table.finish());
        Ok(())
    }

    /// Counts a booking outside of the own branch.
    fn admit_outside(&mut self, spot: Spot) -> Result<(), ReadError> {
        let Some(month) = self.outside(spot) else { return Ok(()) };
        let max = u32::from(self.config.outside_per_month_max);
        match self.bookings.admit_outside(spot.party, month, max) {
            true => Ok(()),
            false => damaged("more bookings of a month than there can be"),
        }
    }

    /// Whoever has which seats of which event by a booking, each with all of them. None are left.
    fn admit_bookers(&mut self, gathered: &mut Vec<(u32, Party, Run)>) -> Result<(), ReadError> {
        gathered.sort_unstable();
        for of_one in gathered.chunk_by(|(a, ..), (b, ..)| a == b) {
            let hall = self.admit_hall(of_one[0].0)?;
            let mut runs = of_one.iter().map(|(_, _, run)| *run);
            runs.try_for_each(|run| hall.seats.admit(run)).map_err(ReadError::Damaged)?;
            hall.bookers.extend(of_one.iter().map(|(_, party, _)| *party));
        }
        gathered.dedup_by_key(|(event, party, _)| (*event, *party));
        let mut spots = gathered.iter().map(|(event, party, _)| Spot { party: *party, event: *event });
        spots.try_for_each(|spot| self.admit_outside(spot))?;
        gathered.sort_unstable_by_key(|(_, party, _)| *party);
        gathered.drain(..).try_for_each(|(_, party, _)| self.admit_party(party))
    }

    /// Somebody who has one thing more. Whether there is a guest of that number is seen at the end.
    fn admit_party(&mut self, party: Party) -> Result<(), ReadError> {
        match party.as_user() {
            Some(user) if self.branches.contains_key(&user.branch) => Ok(()),
            Some(_) => damaged("seats of nobody"),
            None => self.guests.admit_use(party).map_err(ReadError::Damaged),
        }
    }

    fn admit_hall(&mut self, event: u32) -> Result<&mut Hall, ReadError> {
        self.catalogue.admit_hall(event).ok_or(ReadError::Damaged("somebody has seats of no event"))
    }

    /// After all bookings are there: somebody who has nothing else at that event.
    fn admit_other(&mut self, spot: Spot) -> Result<&mut Hall, ReadError> {
        let is_taken = self.bookings.get(spot).is_some() || self.holds.get(spot).is_some();
        if is_taken || self.waiting.has(spot) {
            return damaged("somebody has two things at one event");
        }
        self.admit_party(spot.party)?;
        self.admit_hall(spot.event)
    }

    fn read_holds(&mut self, count: u64, input: &mut RecordReader<'_>) -> Result<(), ReadError> {
        let mut order = InOrder(None);
        for _ in 0..count {
            let (party, event, until_ms, seats, offered, extended): HoldRecord = input.read()?;
            let spot = Spot { party: Party(party), event };
            order.next(self.holds.table(), spot)?;
            let hall = self.admit_other(spot)?;
            seats.runs().iter().try_for_each(|run| hall.seats.admit(*run)).map_err(ReadError::Damaged)?;
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
                let spot = Spot { party: Party(party), event };
                self.admit_other(spot)?;
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
            let has_kind = |(_, kind, _): &(EventId, u16, u32)| usize::from(*kind) < self.kinds.names().len();
            let is_sound = party.as_user().is_some_and(|user| self.branches.contains_key(&user.branch))
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
