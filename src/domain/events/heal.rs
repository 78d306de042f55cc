//! What the losing side of a partition offers again, executed on the winning side.
//!
//! Nobody's role is asked: it was, when the lost side executed it. Each offer does nothing if it was executed
//! before, and is refused like the operation it stands for if the winning side has decided otherwise; a refusal is
//! for people to look at.

use super::command::{NewEvent, Offer, Seating};
use super::config::{BRANCHES_MAX, Branch, KINDS_MAX, THEATRES_MAX};
use super::ids::{Actor, EventKey};
use super::outcome::{EventOutcome, Limit, Refusal};
use super::parties::Spot;
use super::waiting::Place;
use super::{Events, Now};
use crate::domain::runs::SeatRuns;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Events {
    /// Executes an offer.
    pub(in crate::domain) fn heal(&mut self, now: Now, offer: &Offer) -> EventOutcome {
        self.expire(now);
        let done = match offer {
            Offer::Branch { branch, name, theatres } => {
                let added = Branch { name: name.clone(), theatres: theatres.clone() };
                self.heal_branch(*branch, added)
            }
            Offer::Kind(kind) => match self.kinds.names().len() >= KINDS_MAX {
                true if self.kinds.number(kind).is_none() => {
                    Err(Refusal::Full(Limit::Kinds(KINDS_MAX as u32)))
                }
                _ if self.kinds.add(kind) => Ok(EventOutcome::KindAdded { kind: kind.clone() }),
                _ => Ok(EventOutcome::Settled),
            },
            Offer::EventRemoved { event, made_until } => self.heal_removal(event, *made_until),
            Offer::EventAdded { place, kind, name, theatre, capacity } => {
                let (kind, name, theatre) = (kind.clone(), name.clone(), theatre.clone());
                self.set_event(now, &NewEvent { place: *place, kind, name, theatre }, *capacity)
            }
            Offer::Cancelled { holder, event, made_until } => {
                self.heal_cancelled(now, holder, event, *made_until)
            }
            Offer::Changed { holder, event, made_until, seats, mark } => {
                self.heal_changed(Now { mark: *mark, ..now }, holder, event, *made_until, seats)
            }
            Offer::Booked { holder, event, seats, mark } => {
                self.heal_booked(Now { mark: *mark, ..now }, holder, event, seats)
            }
            Offer::Left { holder, event, made_until } => Ok(self.heal_left(holder, event, *made_until)),
            Offer::Joined { holder, event, count } => {
                let number = self.number(event);
                let spot = number.ok().and_then(|number| self.spot(holder, number));
                match spot.and_then(|spot| self.waiting.find(spot)) {
                    Some(_) => Ok(EventOutcome::Settled),
                    None => self.join(now, holder, holder, event, *count),
                }
            }
        };
        done.unwrap_or_else(EventOutcome::Refused)
    }

    fn heal_branch(&mut self, code: super::ids::BranchCode, added: Branch) -> Result<EventOutcome, Refusal> {
        let branches = Arc::make_mut(&mut self.branches);
        if !branches.contains_key(&code) && branches.len() >= BRANCHES_MAX {
            return Err(Refusal::Full(Limit::Branches(BRANCHES_MAX as u32)));
        }
        let empty = Branch { name: added.name.clone(), theatres: Vec::new() };
        let branch = branches.entry(code).or_insert(empty);
        let all: BTreeSet<_> = branch.theatres.iter().cloned().chain(added.theatres).collect();
        if all.len() > THEATRES_MAX {
            return Err(Refusal::Full(Limit::Theatres(THEATRES_MAX as u32)));
        }
        branch.theatres = all.into_iter().collect();
        Ok(EventOutcome::BranchAdded { branch: code })
    }

    fn heal_removal(&mut self, event: &EventKey, made_until: u64) -> Result<EventOutcome, Refusal> {
        let number = self.number(event).ok();
        let Some(number) = number.filter(|number| self.catalogue.get(*number).made_at <= made_until) else {
            return Ok(EventOutcome::Settled);
        };
        let mut bookings =
            self.catalogue.hall(number).bookers.iter().map(|party| Spot { party: *party, event: number });
        let is_new = |spot| self.bookings.get(spot).is_some_and(|booking| booking.made_at > made_until);
        if bookings.any(is_new) {
            return Err(Refusal::BookedSince { event: event.clone() });
        }
        Ok(self.remove(number))
    }

    fn heal_cancelled(
        &mut self,
        now: Now,
        holder: &Actor,
        event: &EventKey,
        made_until: u64,
    ) -> Result<EventOutcome, Refusal> {
        let number = self.number(event).ok();
        let spot = number.and_then(|number| self.spot(holder, number));
        let booking = spot.and_then(|spot| Some((spot, self.bookings.get(spot)?)));
        let Some((spot, _)) = booking.filter(|(_, booking)| booking.made_at <= made_until) else {
            return Ok(EventOutcome::Settled);
        };
        let count = self.take_booking(spot).seats.count();
        self.offer(now, spot.event);
        let (holder, event, left) = (holder.clone(), event.clone(), self.left(spot.event));
        Ok(EventOutcome::Cancelled { holder, event, count, left })
    }

    /// Of a booking that has changed since, or is gone, the winning side's word stands.
    fn heal_changed(
        &mut self,
        now: Now,
        holder: &Actor,
        event: &EventKey,
        made_until: u64,
        seats: &SeatRuns,
    ) -> Result<EventOutcome, Refusal> {
        let number = self.number(event)?;
        let seating = Seating::Seats(seats.clone());
        self.must_be_seats(number, &seating)?;
        let spot = self.spot(holder, number);
        let Some((spot, old)) = spot.and_then(|spot| Some((spot, self.bookings.get(spot)?))) else {
            let (id, kind) = (event.id, Some(event.kind.clone()));
            return Err(Refusal::NotBooked { holder: holder.clone(), id, kind });
        };
        if old.seats == *seats {
            return Ok(EventOutcome::Settled);
        }
        if old.made_at > made_until {
            let (holder, event, seats) = (holder.clone(), event.clone(), old.seats.clone());
            return Err(Refusal::AlreadyBooked { holder, event, seats });
        }
        self.replace(now, holder, spot, number, &seating)
    }

    fn heal_booked(
        &mut self,
        now: Now,
        holder: &Actor,
        event: &EventKey,
        seats: &SeatRuns,
    ) -> Result<EventOutcome, Refusal> {
        let number = self.number(event).ok();
        if let Some(spot) = number.and_then(|number| self.spot(holder, number)) {
            let booking = self.bookings.get(spot).filter(|booking| booking.seats == *seats);
            if let Some(booking) = booking {
                let (holder, event, stem) = (holder.clone(), event.clone(), booking.stem(spot));
                return Ok(EventOutcome::Booked { holder, event, seats: seats.clone(), stem });
            }
            let is_held = self.holds.get(spot).is_some_and(|hold| hold.seats == *seats);
            if is_held {
                return self.confirm(now, holder, holder, event);
            }
        }
        self.book(now, holder, holder, event, &Seating::Seats(seats.clone()))
    }

    fn heal_left(&mut self, holder: &Actor, event: &EventKey, made_until: u64) -> EventOutcome {
        let number = self.number(event).ok();
        let spot = number.and_then(|number| self.spot(holder, number));
        let is_old = |(_, place): &(u32, Place)| place.made_at <= made_until;
        match spot.filter(|spot| self.waiting.find(*spot).as_ref().is_some_and(is_old)) {
            Some(spot) => {
                self.take_place(spot);
                EventOutcome::Left { holder: holder.clone(), event: event.clone() }
            }
            None => EventOutcome::Settled,
        }
    }
}
