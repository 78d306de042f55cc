//! Holding, waiting, and what becomes of seats that come free.

use super::command::{Count, Seating};
use super::config::{HOLDS_MAX, WAITING_MAX, WAITS_PER_CUSTOMER_MAX};
use super::holds::Hold;
use super::ids::{Actor, EventKey};
use super::outcome::{EventOutcome, Limit, Refusal};
use super::parties::Spot;
use super::waiting::Place;
use super::{Events, Now};
use crate::domain::runs::SeatRuns;
use std::collections::BTreeSet;

impl Events {
    /// Frees what is due, and offers it to those who wait. Tells how many holds and offers that were.
    pub(in crate::domain) fn expire(&mut self, now: Now) -> u32 {
        let (mut count, mut freed) = (0, BTreeSet::new());
        while let Some(spot) = self.holds.first_due(now.time_ms) {
            self.take_hold(spot);
            freed.insert(spot.event);
            count += 1;
        }
        // Only now, so that all seats of an event are free that can be; offers are due later, so this ends.
        for number in freed {
            self.offer(now, number);
        }
        count
    }

    /// Holds free seats for those who wait for no more than are free, in order.
    pub(super) fn offer(&mut self, now: Now, number: u32) {
        for place in self.waiting.take_fitting(number, self.left(number)) {
            let hall = &self.catalogue.hall(number).seats;
            let seats = hall.pick(place.count).expect("so many are free");
            let spot = Spot { party: place.party, event: number };
            let until_ms = now.time_ms + self.config.offer_ms;
            // One thing comes and one goes: the place is off its list already.
            self.put_hold(spot, Hold { until_ms, seats, offered: true, extended: false });
        }
    }

    pub(super) fn hold(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
        seating: &Seating,
    ) -> Result<EventOutcome, Refusal> {
        let (number, seats) = self.seats_for(actor, holder, event, seating)?;
        let own_max = self.config.holds_per_customer_max;
        let own = self.guests.find(holder).map_or(0, |party| self.holds.count_of(party));
        if own >= own_max as usize {
            return Err(Refusal::Full(Limit::HoldsOfOne(own_max)));
        }
        if self.holds.table().len() >= HOLDS_MAX {
            return Err(Refusal::Full(Limit::Holds(HOLDS_MAX as u32)));
        }
        let spot = Spot { party: self.guests.hold(holder), event: number };
        let until_ms = now.time_ms + self.config.hold_ms;
        self.put_hold(spot, Hold { until_ms, seats: seats.clone(), offered: false, extended: false });
        self.take_place(spot);
        Ok(EventOutcome::Held { holder: holder.clone(), event: event.clone(), seats, until_ms })
    }

    fn put_hold(&mut self, spot: Spot, hold: Hold) {
        let hall = self.catalogue.hall_mut(spot.event);
        hall.seats.take(&hold.seats);
        hall.holders.insert(spot.party);
        hall.held += hold.seats.count();
        self.holds.insert(spot, hold);
    }

    /// Takes a hold away and frees its seats.
    pub(super) fn take_hold(&mut self, spot: Spot) -> SeatRuns {
        let hold = self.holds.remove(spot);
        let hall = self.catalogue.hall_mut(spot.event);
        hall.seats.release(&hold.seats);
        hall.holders.remove(&spot.party);
        hall.held -= hold.seats.count();
        self.guests.let_go(spot.party);
        hold.seats
    }

    /// Takes somebody off a list, if they are on it.
    pub(super) fn take_place(&mut self, spot: Spot) -> bool {
        let was_there = self.waiting.leave(spot);
        if was_there {
            self.catalogue.touch(spot.event);
            self.guests.let_go(spot.party);
        }
        was_there
    }

    /// What somebody holds, for somebody who may act for them.
    fn held(&self, actor: &Actor, holder: &Actor, event: &EventKey) -> Result<Spot, Refusal> {
        self.must_act_for(actor, holder)?;
        let number = self.number(event)?;
        let spot = self.spot(holder, number).filter(|spot| self.holds.get(*spot).is_some());
        spot.ok_or_else(|| Refusal::NotHeld { holder: holder.clone(), event: event.clone() })
    }

    pub(super) fn confirm(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
    ) -> Result<EventOutcome, Refusal> {
        let spot = self.held(actor, holder, event)?;
        self.must_have_quota(holder, spot.event, None)?;
        self.must_have_room()?;
        // A guest keeps their number on the way from hold to booking.
        self.guests.keep(spot.party);
        let seats = self.take_hold(spot);
        let booked = self.give_booking(now, holder, spot.event, seats);
        self.guests.let_go(spot.party);
        Ok(booked)
    }

    pub(super) fn extend(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
    ) -> Result<EventOutcome, Refusal> {
        let spot = self.held(actor, holder, event)?;
        let hold = self.holds.get(spot).expect("it was found just before");
        let (holder, event) = (holder.clone(), event.clone());
        if hold.extended {
            return Err(Refusal::ExtendedAlready { holder, event, until_ms: hold.until_ms });
        }
        // Never for less than it was: an offer may be longer than a hold.
        let until_ms = hold.until_ms.max(now.time_ms + self.config.hold_ms);
        self.holds.extend(spot, until_ms);
        Ok(EventOutcome::Extended { holder, event, until_ms })
    }

    pub(super) fn release(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
    ) -> Result<EventOutcome, Refusal> {
        let spot = self.held(actor, holder, event)?;
        let count = self.take_hold(spot).count();
        self.offer(now, spot.event);
        let (holder, event, left) = (holder.clone(), event.clone(), self.left(spot.event));
        Ok(EventOutcome::HoldReleased { holder, event, count, left })
    }

    pub(super) fn join(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
        count: Count,
    ) -> Result<EventOutcome, Refusal> {
        self.must_act_for(actor, holder)?;
        let number = self.number(event)?;
        self.must_have_nothing(holder, number)?;
        let (count, left, capacity) = (count.get(), self.left(number), self.catalogue.get(number).capacity);
        let spot = self.spot(holder, number);
        if let Some((place, _)) = spot.and_then(|spot| self.waiting.find(spot)) {
            return Err(Refusal::AlreadyWaiting { holder: holder.clone(), event: event.clone(), place });
        }
        if count > capacity {
            return Err(Refusal::MoreThanAll { event: event.clone(), capacity, count });
        }
        if count <= left {
            return Err(Refusal::SeatsAreFree { event: event.clone(), left });
        }
        let max = self.config.waiting_list_max;
        if self.waiting.list(number).len() >= max as usize {
            return Err(Refusal::Full(Limit::WaitingList(max)));
        }
        if self.waiting.len() + self.holds.table().len() >= WAITING_MAX {
            return Err(Refusal::Full(Limit::Waiting(WAITING_MAX as u32)));
        }
        let own = spot.map_or(0, |spot| self.waiting.spots_of(spot.party).count());
        if own >= WAITS_PER_CUSTOMER_MAX {
            return Err(Refusal::Full(Limit::WaitsOfOne(WAITS_PER_CUSTOMER_MAX as u32)));
        }
        let party = self.guests.hold(holder);
        self.catalogue.touch(number);
        let place = self.waiting.join(number, Place { party, count, made_at: now.position });
        Ok(EventOutcome::Joined { holder: holder.clone(), event: event.clone(), count, place })
    }

    pub(super) fn leave(
        &mut self,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
    ) -> Result<EventOutcome, Refusal> {
        self.must_act_for(actor, holder)?;
        let number = self.number(event)?;
        let (holder, event) = (holder.clone(), event.clone());
        match self.spot(&holder, number).is_some_and(|spot| self.take_place(spot)) {
            true => Ok(EventOutcome::Left { holder, event }),
            false => Err(Refusal::NotWaiting { holder, event }),
        }
    }
}
