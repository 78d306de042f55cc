//! Events for whoever follows the state from one request to the next: which ones it may have changed, and how they
//! are now. Asked on the way of every request, so nothing here is counted or copied.

use super::Events;
use super::ids::{EventId, EventKey, Kind};
use crate::domain::seats::SeatSet;

/// An event as it is.
#[derive(Clone, Copy, Debug)]
pub struct EventSight<'a> {
    /// With the kind it names the event.
    pub id: EventId,
    /// What sort.
    pub kind: &'a Kind,
    /// Position of the request that added it: another one of the same number, or of the same name, has another.
    pub made_at: u64,
    /// Its seats.
    pub seats: &'a SeatSet,
    /// How many are held and not booked.
    pub held: u32,
    /// How many wait.
    pub waiting: u32,
}

impl EventSight<'_> {
    /// What it is called by.
    pub fn key(&self) -> EventKey {
        EventKey { id: self.id, kind: self.kind.clone() }
    }
}

impl Events {
    pub(in crate::domain) fn forget_touched(&mut self) {
        self.catalogue.forget_touched();
    }

    /// A request was executed.
    pub(in crate::domain) fn settle_touched(&mut self) {
        self.catalogue.settle_touched();
    }

    pub(in crate::domain) fn touched(&self) -> impl Iterator<Item = u32> {
        self.catalogue.touched().iter().copied()
    }

    pub(in crate::domain) fn numbers_end(&self) -> u32 {
        self.catalogue.numbers_end()
    }

    pub(in crate::domain) fn sight(&self, number: u32) -> Option<EventSight<'_>> {
        let event = self.catalogue.try_get(number)?;
        let hall = self.catalogue.hall(number);
        Some(EventSight {
            id: event.place.id(),
            kind: self.kinds.name(event.kind),
            made_at: event.made_at,
            seats: &hall.seats,
            held: hall.held,
            waiting: self.waiting.list(number).len() as u32,
        })
    }
}
