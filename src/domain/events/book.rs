//! Booking, cancelling, exchanging, and the tickets of it.
//!
//! A booking is refused by the first row that fits: not allowed, no such event, no such seats, booked already, held
//! already, month full, seats not free, no room.

use super::bookings::Booking;
use super::calendar::Month;
use super::command::Seating;
use super::holds::Hold;
use super::ids::{Actor, EventId, EventKey, Kind};
use super::outcome::{EventOutcome, Limit, Refusal};
use super::parties::Spot;
use super::tickets::TicketId;
use super::{Events, Now};
use crate::domain::runs::SeatRuns;

impl Events {
    pub(super) fn book(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
        seating: &Seating,
    ) -> Result<EventOutcome, Refusal> {
        let (number, seats) = self.seats_for(actor, holder, event, seating)?;
        self.must_have_room()?;
        Ok(self.give_booking(now, holder, number, seats))
    }

    /// Free seats, which stay free, for somebody who has none of the event, with the event's number.
    pub(super) fn seats_for(
        &self,
        actor: &Actor,
        holder: &Actor,
        event: &EventKey,
        seating: &Seating,
    ) -> Result<(u32, SeatRuns), Refusal> {
        self.must_act_for(actor, holder)?;
        let number = self.number(event)?;
        self.must_be_seats(number, seating)?;
        self.must_have_nothing(holder, number)?;
        self.must_have_quota(holder, number, None)?;
        Ok((number, self.pick(number, seating)?))
    }

    pub(super) fn must_have_room(&self) -> Result<(), Refusal> {
        let max = self.config.bookings_max;
        if self.bookings.table().len() >= max as usize {
            return Err(Refusal::Full(Limit::Bookings(max)));
        }
        Ok(())
    }

    /// Gives free seats to somebody who has nothing of the event but perhaps a place.
    pub(super) fn give_booking(
        &mut self,
        now: Now,
        holder: &Actor,
        number: u32,
        seats: SeatRuns,
    ) -> EventOutcome {
        let event = self.key(number);
        self.catalogue.hall_mut(number).seats.take(&seats);
        let spot = self.put_booking(now, holder, number, seats.clone());
        self.take_place(spot);
        let stem = self.bookings.get(spot).expect("it was put there").stem(spot);
        EventOutcome::Booked { holder: holder.clone(), event, seats, stem }
    }

    /// Notes a booking of seats that were taken just before.
    pub(super) fn put_booking(&mut self, now: Now, holder: &Actor, number: u32, seats: SeatRuns) -> Spot {
        let spot = Spot { party: self.guests.hold(holder), event: number };
        let booking = Booking { made_at: now.position, mark: now.mark, seats };
        self.catalogue.hall_mut(number).bookers.insert(spot.party);
        self.bookings.insert(spot, booking, self.outside(spot));
        spot
    }

    /// Takes a booking away and frees its seats.
    pub(super) fn take_booking(&mut self, spot: Spot) -> Booking {
        let booking = self.bookings.remove(spot, self.outside(spot));
        let hall = self.catalogue.hall_mut(spot.event);
        hall.seats.release(&booking.seats);
        hall.bookers.remove(&spot.party);
        self.guests.let_go(spot.party);
        booking
    }

    /// The month in which a booking counts, if it does.
    pub(super) fn outside(&self, spot: Spot) -> Option<Month> {
        let home = spot.party.as_user()?.branch;
        let place = self.catalogue.get(spot.event).place;
        (place.branch() != home).then(|| place.date().month())
    }

    pub(super) fn cancel(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        id: EventId,
        kind: Option<&Kind>,
    ) -> Result<EventOutcome, Refusal> {
        self.must_act_for(actor, holder)?;
        let number = self.booked(holder, id, kind)?;
        let spot = self.spot(holder, number).expect("who has booked can have something");
        let count = self.take_booking(spot).seats.count();
        self.offer(now, number);
        let event = self.key(number);
        Ok(EventOutcome::Cancelled { holder: holder.clone(), event, count, left: self.left(number) })
    }

    /// The one event of that id, and of that kind if it is said, that somebody has booked.
    fn booked(&self, holder: &Actor, id: EventId, kind: Option<&Kind>) -> Result<u32, Refusal> {
        let is_booked = |number: u32| {
            let spot = self.spot(holder, number);
            spot.is_some_and(|spot| self.bookings.get(spot).is_some())
        };
        let mut booked: Vec<(u16, u32)> = match kind {
            Some(kind) => {
                let kind = self.kinds.number(kind);
                let found = kind.and_then(|kind| Some((kind, self.catalogue.find(id, kind)?)));
                found.into_iter().collect()
            }
            None => self.catalogue.kinds_of(id).collect(),
        };
        booked.retain(|(_, number)| is_booked(*number));
        match &booked[..] {
            [] => Err(Refusal::NotBooked { holder: holder.clone(), id, kind: kind.cloned() }),
            [(_, number)] => Ok(*number),
            several => {
                let mut kinds: Vec<Kind> =
                    several.iter().map(|(kind, _)| self.kinds.name(*kind).clone()).collect();
                kinds.sort();
                Err(Refusal::WhichKind { holder: holder.clone(), id, kinds })
            }
        }
    }

    /// The old booking goes only when the new one is there. Of the same event, the own seats count as free; and the old
    /// booking's month has room again for the new one.
    pub(super) fn exchange(
        &mut self,
        now: Now,
        actor: &Actor,
        holder: &Actor,
        (from, to): (&EventKey, &EventKey),
        seating: &Seating,
    ) -> Result<EventOutcome, Refusal> {
        self.must_act_for(actor, holder)?;
        let old = self.booked(holder, from.id, Some(&from.kind))?;
        let number = self.number(to)?;
        self.must_be_seats(number, seating)?;
        let spot = self.spot(holder, old).expect("who has booked can have something");
        self.replace(now, holder, spot, number, seating)
    }

    /// Puts a booking of seats that exist in place of another one, both or nothing.
    pub(super) fn replace(
        &mut self,
        now: Now,
        holder: &Actor,
        old: Spot,
        number: u32,
        seating: &Seating,
    ) -> Result<EventOutcome, Refusal> {
        // A guest keeps their number between the two bookings.
        self.guests.keep(old.party);
        let seats = if number == old.event {
            self.change_seats(old, seating)
        } else {
            self.change_event(holder, old, number, seating)
        };
        let seats = match seats {
            Ok(seats) => seats,
            Err(refusal) => {
                self.guests.let_go(old.party);
                return Err(refusal);
            }
        };
        let spot = self.put_booking(now, holder, number, seats.clone());
        self.guests.let_go(spot.party);
        self.take_place(spot);
        self.offer(now, old.event);
        let stem = self.bookings.get(spot).expect("it was put there").stem(spot);
        let (from, to) = (self.key(old.event), self.key(number));
        Ok(EventOutcome::Exchanged { holder: holder.clone(), from, to, seats, stem })
    }

    /// Takes other seats of the same event in place of the own ones.
    fn change_seats(&mut self, spot: Spot, seating: &Seating) -> Result<SeatRuns, Refusal> {
        let own = self.bookings.get(spot).expect("it was found just before").seats.clone();
        self.catalogue.hall_mut(spot.event).seats.release(&own);
        let picked = self.pick(spot.event, seating);
        self.catalogue.hall_mut(spot.event).seats.take(&own);
        let seats = picked?;
        self.take_booking(spot);
        self.catalogue.hall_mut(spot.event).seats.take(&seats);
        Ok(seats)
    }

    /// Takes seats of another event in place of the own ones.
    fn change_event(
        &mut self,
        holder: &Actor,
        old: Spot,
        number: u32,
        seating: &Seating,
    ) -> Result<SeatRuns, Refusal> {
        self.must_have_nothing(holder, number)?;
        self.must_have_quota(holder, number, self.outside(old))?;
        let seats = self.pick(number, seating)?;
        self.catalogue.hall_mut(number).seats.take(&seats);
        self.take_booking(old);
        Ok(seats)
    }

    pub(super) fn delete_ticket(
        &mut self,
        now: Now,
        actor: &Actor,
        ticket: TicketId,
    ) -> Result<EventOutcome, Refusal> {
        if let Some(branch) = actor.branch() {
            self.must_exist(branch)?;
        }
        let (spot, seat) = self.find_ticket(ticket).ok_or(Refusal::NoSuchTicket { ticket })?;
        self.must_have_ticket(actor, spot)?;
        match self.bookings.get(spot).expect("it was found just before").seats.without(seat) {
            Some(rest) => {
                let one = SeatRuns::one(seat);
                self.catalogue.hall_mut(spot.event).seats.release(&one);
                self.bookings.change(spot, rest, now.position);
            }
            None => drop(self.take_booking(spot)),
        }
        self.offer(now, spot.event);
        let event = self.key(spot.event);
        Ok(EventOutcome::TicketDeleted { ticket, event, seat, left: self.left(spot.event) })
    }

    /// Whose ticket and of which seat, if there is such a booking.
    pub(super) fn find_ticket(&self, ticket: TicketId) -> Option<(Spot, crate::domain::ids::Seat)> {
        let (party, event, seat) = ticket.parts();
        let spot = Spot { party: super::parties::Party(party), event };
        let booking = self.bookings.get(spot)?;
        (booking.seats.contains(seat) && booking.stem(spot).ticket(seat) == ticket).then_some((spot, seat))
    }

    /// Somebody who may act for the holder. A guest is whoever has the ticket.
    pub(super) fn must_have_ticket(&self, actor: &Actor, spot: Spot) -> Result<(), Refusal> {
        match spot.party.as_user() {
            Some(user) => self.must_act_for(actor, &Actor::User(user)),
            None => Ok(()),
        }
    }

    /// Seats that the event has.
    pub(super) fn must_be_seats(&self, number: u32, seating: &Seating) -> Result<(), Refusal> {
        let Seating::Seats(seats) = seating else { return Ok(()) };
        let hall = &self.catalogue.hall(number).seats;
        match hall.nonexistent(seats) {
            Some(seats) => Err(Refusal::NoSuchSeats { seats, capacity: hall.capacity() }),
            None => Ok(()),
        }
    }

    /// Somebody who has neither a booking nor a hold.
    pub(super) fn must_have_nothing(&self, holder: &Actor, number: u32) -> Result<(), Refusal> {
        let Some(spot) = self.spot(holder, number) else { return Ok(()) };
        let (holder, event) = (|| holder.clone(), || self.key(number));
        if let Some(Booking { seats, .. }) = self.bookings.get(spot) {
            return Err(Refusal::AlreadyBooked { holder: holder(), event: event(), seats: seats.clone() });
        }
        if let Some(Hold { seats, until_ms, .. }) = self.holds.get(spot) {
            let (seats, until_ms) = (seats.clone(), *until_ms);
            return Err(Refusal::AlreadyHeld { holder: holder(), event: event(), seats, until_ms });
        }
        Ok(())
    }

    /// Somebody whose month is not full, when a booking that counts in the month `less` goes for it.
    pub(super) fn must_have_quota(
        &self,
        holder: &Actor,
        number: u32,
        less: Option<Month>,
    ) -> Result<(), Refusal> {
        let Some(spot) = self.spot(holder, number) else { return Ok(()) };
        let Some(month) = self.outside(spot) else { return Ok(()) };
        let max = self.config.outside_per_month_max;
        let count = self.bookings.outside(spot.party, month) - u32::from(less == Some(month));
        if count >= u32::from(max) {
            return Err(Refusal::QuotaReached { holder: holder.clone(), month, max });
        }
        Ok(())
    }

    /// Free seats, which stay free.
    pub(super) fn pick(&self, number: u32, seating: &Seating) -> Result<SeatRuns, Refusal> {
        let hall = &self.catalogue.hall(number).seats;
        let (picked, count) = match seating {
            Seating::Any(count) => (hall.pick(count.get()), count.get()),
            Seating::Best(count) => (hall.pick_best(count.get()), count.get()),
            Seating::Seats(seats) => {
                return match hall.clashes(seats) {
                    Some(seats) => Err(Refusal::Taken { event: self.key(number), seats }),
                    None => Ok(seats.clone()),
                };
            }
        };
        picked.ok_or_else(|| Refusal::NotEnough { event: self.key(number), left: hall.left(), count })
    }
}
