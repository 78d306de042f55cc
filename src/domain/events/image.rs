//! The events' part of a picture of the state, and its bytes; `admit` reads them.
//!
//! A record with how many there are of each, then branches, kinds, guests, events, bookings, holds, waiting lists and
//! notices, each in the order of its map. Seats, counts of months, indexes and free numbers follow from these
//! and are not written.

use super::bookings::Booking;
use super::catalogue::Event;
use super::command::Place;
use super::config::Branch;
use super::holds::Hold;
use super::ids::{BranchCode, EventId, Kind};
use super::parties::{Party, Spot};
use super::{Cancelled, Events, waiting};
use crate::domain::ids::Name;
use crate::domain::image::RecordWriter;
use crate::domain::runs::SeatRuns;
use crate::domain::shards::Shards;
use std::collections::BTreeMap;
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
pub(super) type Header = [u64; 8];
/// Number, place, kind, capacity, position when added, when changed, name, theatre.
pub(super) type EventRecord = (u32, Place, u16, u32, u64, u64, Option<Name>, Option<Name>);
/// Party, event, position, mark, seats.
pub(super) type BookingRecord = (u32, u32, u64, u64, SeatRuns);
/// Party, event, until when, seats, offered, extended.
pub(super) type HoldRecord = (u32, u32, u64, SeatRuns, bool, bool);
/// Event; party, count and position of each place.
pub(super) type ListRecord = (u32, Vec<(u32, u32, u64)>);
/// Party; id, kind and seats of each event.
pub(super) type NoticeRecord = (u32, Vec<(EventId, u16, u32)>);

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

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
