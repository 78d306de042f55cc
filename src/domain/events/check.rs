//! A look at everything about events: all that follows from something else does, and all that is promised holds.

use super::Events;
use super::bookings::Quota;
use super::config::{HOLDS_MAX, WAITING_MAX};
use super::parties::{Guests, Spot};
use std::collections::BTreeMap;

impl Events {
    /// For tests: takes as long as the state is large. `position` is that of the last request.
    pub(in crate::domain) fn check(&self, position: u64) -> Result<(), String> {
        self.kinds.check()?;
        self.bookings_add_up()?;
        self.holds.check()?;
        self.waiting.check()?;
        self.notices.check()?;
        self.nobody_has_two_things()?;
        self.positions_are_executed(position)?;
        self.nobody_waits_for_what_is_free()
    }

    fn bookings_add_up(&self) -> Result<(), String> {
        let (mut halls, mut outside, mut uses) =
            (self.catalogue.empty_halls(), Quota::default(), BTreeMap::new());
        let bookings = self.bookings.table().iter().map(|(spot, booking)| (spot, &booking.seats, true));
        let holds = self.holds.table().iter().map(|(spot, hold)| (spot, &hold.seats, false));
        for (spot, seats, is_booked) in bookings.chain(holds) {
            let hall = halls.get_mut(&spot.event).ok_or("somebody has seats of no event")?;
            if hall.seats.nonexistent(seats).is_some() || hall.seats.clashes(seats).is_some() {
                return Err(format!("{spot:?} has seats of others or of no event: {seats:?}"));
            }
            hall.seats.take(seats);
            if is_booked {
                hall.bookers.insert(spot.party);
            } else {
                hall.holders.insert(spot.party);
                hall.held += seats.count();
            }
            if let Some(month) = self.outside(*spot).filter(|_| is_booked) {
                outside.add(spot.party, month);
            }
            Guests::count(&mut uses, spot.party);
        }
        for (_, list) in self.waiting.lists().iter() {
            list.iter().for_each(|place| Guests::count(&mut uses, place.party));
        }
        if outside.most() > u32::from(self.config.outside_per_month_max) {
            return Err("somebody has more bookings of a month than there can be".into());
        }
        self.catalogue.check(&halls)?;
        self.bookings.check(&outside)?;
        self.guests.check(&uses)
    }

    fn nobody_has_two_things(&self) -> Result<(), String> {
        let lists = self.waiting.lists().iter();
        let waiting =
            lists.flat_map(|(event, list)| list.iter().map(|p| Spot { party: p.party, event: *event }));
        for spot in self.holds.table().iter().map(|(spot, _)| *spot).chain(waiting) {
            let things =
                [self.bookings.get(spot).is_some(), self.holds.get(spot).is_some(), self.waiting.has(spot)];
            if things.into_iter().filter(|thing| *thing).count() != 1 {
                return Err(format!("{spot:?} has two things at one event"));
            }
        }
        Ok(())
    }

    fn positions_are_executed(&self, position: u64) -> Result<(), String> {
        let events = self.catalogue.events().iter();
        let of_events = events.flat_map(|(_, event)| [event.made_at, event.changed_at]);
        let of_bookings = self.bookings.table().iter().map(|(_, booking)| booking.made_at);
        let of_places = self.waiting.lists().iter().flat_map(|(_, list)| list).map(|place| place.made_at);
        let is_executed = |made_at| (1..=position).contains(&made_at);
        if of_events.chain(of_bookings).chain(of_places).all(is_executed) {
            return Ok(());
        }
        Err("something was made at a position that was not executed".into())
    }

    fn nobody_waits_for_what_is_free(&self) -> Result<(), String> {
        if self.waiting.len() + self.holds.table().len() > WAITING_MAX + HOLDS_MAX {
            return Err("more wait or hold seats than there can be".into());
        }
        for (event, list) in self.waiting.lists().iter() {
            if list.iter().any(|place| place.count <= self.left(*event)) {
                return Err(format!("somebody waits for free seats of {}", self.key(*event)));
            }
        }
        Ok(())
    }
}
