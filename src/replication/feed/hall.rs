//! The seats of the theatre and of all events as they were after the last request.
//!
//! Memory, measured: 235 bytes an event of 250 seats (24 MB for 100,000 of them), and one bit a seat: 125 KB for
//! 1,000,000. Time, of a release build: 3 to 10 ms for 10,000 events when a life begins; then for each request less than
//! a microsecond an event of 250 seats that it touched, a tenth of what a booking takes; of 1,000,000 seats only the words
//! between the first and the last that the request wrote are looked at.
//!
//! They are kept because a change is what differs between then and now: nobody who executes anything has to say what it
//! did. Where to look is noted in the one place where seats are written ([`SeatSet::touched`]); debug builds look
//! everywhere.

use super::change::{Part, What, follow, taken};
use crate::domain::events::ids::EventKey;
use crate::domain::events::sight::EventSight;
use crate::domain::outcome::SeatMap;
use crate::domain::seats::SeatSet;
use crate::domain::state::State;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The theatre, or an event.
#[derive(Clone, Debug)]
pub(super) struct Hall {
    /// None is the theatre.
    pub(super) event: Option<Arc<EventKey>>,
    /// Tells an event from another one of the same number.
    made_at: u64,
    /// The last position that changed it, or where the epoch began.
    pub(super) changed: u64,
    pub(super) seats: Arc<SeatMap>,
    pub(super) held: u32,
    pub(super) waiting: u32,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Halls {
    pub(super) theatre: Hall,
    /// By number.
    events: Vec<Option<Hall>>,
    numbers: BTreeMap<Arc<EventKey>, u32>,
}

pub(super) fn map(seats: &SeatSet) -> SeatMap {
    SeatMap { capacity: seats.capacity(), left: seats.left(), free: seats.words().to_vec() }
}

impl Hall {
    fn theatre(state: &State) -> Hall {
        let (made_at, changed) = (0, state.position());
        Hall { event: None, made_at, changed, seats: Arc::new(map(state.seats())), held: 0, waiting: 0 }
    }

    fn event(sight: &EventSight<'_>, changed: u64) -> Hall {
        let EventSight { made_at, seats, held, waiting, .. } = *sight;
        let event = Some(Arc::new(sight.key()));
        Hall { event, made_at, changed, seats: Arc::new(map(seats)), held, waiting }
    }

    /// Becomes what it is now; tells what is different, if anything is.
    fn follow(&mut self, position: u64, seats: &SeatSet, held: u32, waiting: u32) -> Option<Part> {
        let is_resized = self.seats.capacity != seats.capacity();
        let runs = follow(&mut self.seats, seats);
        let is_same = runs.0.is_empty() && runs.1.is_empty() && (self.held, self.waiting) == (held, waiting);
        if is_same && !is_resized {
            return None;
        }
        (self.changed, self.held, self.waiting) = (position, held, waiting);
        Some(Part::of(self, if is_resized { What::Resized } else { What::Changed }, runs))
    }
}

impl Halls {
    /// As they are. Takes as long as there are events.
    pub(super) fn of(state: &State) -> Halls {
        let position = state.position();
        let events = (0..state.event_numbers_end()).map(|number| state.event_sight(number));
        let events: Vec<Option<Hall>> =
            events.map(|sight| sight.map(|sight| Hall::event(&sight, position))).collect();
        let key = |(number, hall): (u32, &Option<Hall>)| Some((hall.as_ref()?.event.clone()?, number));
        let numbers = (0..).zip(&events).filter_map(key).collect();
        Halls { theatre: Hall::theatre(state), events, numbers }
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The events, by id and kind.
    pub(super) fn events(&self) -> impl Iterator<Item = (&Arc<EventKey>, &Hall)> {
        self.numbers.iter().map(|(key, number)| (key, self.at(*number)))
    }

    /// An event.
    pub(super) fn find(&self, key: &EventKey) -> Option<&Hall> {
        self.numbers.get(key).map(|number| self.at(*number))
    }

    fn at(&self, number: u32) -> &Hall {
        self.events[number as usize].as_ref().expect("every number is of an event")
    }

    /// What the last request did, to the theatre only if it is said so. Takes as long as it touched events.
    pub(super) fn follow(&mut self, state: &State, has_theatre: bool) -> Vec<Part> {
        let position = state.position();
        let mut parts = Vec::new();
        if has_theatre {
            parts.extend(self.theatre.follow(position, state.seats(), 0, 0));
        }
        let sights: Vec<(u32, Option<EventSight<'_>>)> =
            state.touched_events().map(|number| (number, state.event_sight(number))).collect();
        // All that go before any that come: one may come back under another number.
        for (number, sight) in &sights {
            parts.extend(self.remove(*number, sight.as_ref()));
        }
        for (number, sight) in sights {
            parts.extend(sight.and_then(|sight| self.follow_event(position, number, sight)));
        }
        parts
    }

    /// Forgets the event of a number if it is not there any more.
    fn remove(&mut self, number: u32, sight: Option<&EventSight<'_>>) -> Option<Part> {
        let slot = self.events.get_mut(number as usize)?;
        let made_at = slot.as_ref()?.made_at;
        if sight.is_some_and(|sight| sight.made_at == made_at) {
            return None;
        }
        let key = slot.take()?.event?;
        self.numbers.remove(&key);
        Some(Part::removed(key))
    }

    fn follow_event(&mut self, position: u64, number: u32, sight: EventSight<'_>) -> Option<Part> {
        if self.events.len() <= number as usize {
            self.events.resize(number as usize + 1, None);
        }
        let slot = &mut self.events[number as usize];
        if let Some(hall) = slot {
            return hall.follow(position, sight.seats, sight.held, sight.waiting);
        }
        let hall = slot.insert(Hall::event(&sight, position));
        let key = hall.event.clone().expect("it is not the theatre");
        self.numbers.insert(key, number);
        Some(Part::of(hall, What::Added, (taken(&hall.seats), Vec::new())))
    }
}
