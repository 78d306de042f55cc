//! Which seats somebody may have, and gets.

use super::*;

impl Event {
    pub(super) fn pick(&self, seating: &Seating) -> Result<Vec<u32>, Refusal> {
        let free = self.free();
        let (count, is_best) = match seating {
            Seating::Seats(seats) => {
                let wanted: Vec<u32> = seats.seats().map(|seat| seat.0).collect();
                let taken: Vec<u32> = wanted.iter().copied().filter(|seat| !free.contains(seat)).collect();
                if taken.is_empty() {
                    return Ok(wanted);
                }
                return Err(Refusal::Taken { event: self.key.clone(), seats: runs(&taken) });
            }
            Seating::Any(count) => (count.get(), false),
            Seating::Best(count) => (count.get(), true),
        };
        let len = count as usize;
        if free.len() < len {
            return Err(Refusal::NotEnough { event: self.key.clone(), left: free.len() as u32, count });
        }
        let is_row = |row: &&[u32]| row[len - 1] - row[0] == count - 1;
        let leaves_no_single = |row: &&[u32]| {
            let behind = row[len - 1] + 1;
            let begins = row[0] == 1 || !free.contains(&(row[0] - 1));
            begins && (!free.contains(&behind) || free.contains(&(behind + 1)))
        };
        let good = free.windows(len).filter(is_row).find(leaves_no_single).filter(|_| is_best);
        let row = good.or_else(|| free.windows(len).find(is_row)).unwrap_or(&free[..len]);
        Ok(row.to_vec())
    }
}

impl Events {
    /// Seats that somebody may have who has nothing.
    pub(super) fn new_seats(
        &mut self,
        who: &Actor,
        number: usize,
        seating: &Seating,
    ) -> Result<Vec<u32>, Refusal> {
        self.are_seats(number, seating)?;
        self.has_nothing(who, number)?;
        self.quota(who, number, None)?;
        self.event(number).pick(seating)
    }

    pub(super) fn are_seats(&mut self, number: usize, seating: &Seating) -> Result<(), Refusal> {
        let Seating::Seats(seats) = seating else { return Ok(()) };
        let capacity = self.event(number).capacity;
        let wanted = seats.seats().map(|seat| seat.0);
        let outside: Vec<u32> = wanted.filter(|seat| !(1..=capacity).contains(seat)).collect();
        if outside.is_empty() {
            return Ok(());
        }
        Err(Refusal::NoSuchSeats { seats: runs(&outside), capacity })
    }

    pub(super) fn has_nothing(&mut self, who: &Actor, number: usize) -> Result<(), Refusal> {
        let event = self.event(number);
        let Some(held) = event.of(who) else { return Ok(()) };
        let (holder, event, seats) = (who.clone(), event.key.clone(), runs(&held.seats));
        Err(match held.deed {
            Deed::Booked { .. } => Refusal::AlreadyBooked { holder, event, seats },
            Deed::Held { until_ms, .. } => Refusal::AlreadyHeld { holder, event, seats, until_ms },
        })
    }

    /// Whether a month has room, when the booking of another event goes.
    pub(super) fn quota(&self, who: &Actor, number: usize, less: Option<usize>) -> Result<(), Refusal> {
        let Actor::User(user) = who else { return Ok(()) };
        let place = self.events[number].as_ref().expect("it was found").place;
        if place.branch() == user.branch {
            return Ok(());
        }
        let others = self.events.iter().enumerate().filter(|(at, _)| Some(*at) != less);
        let counts = others.filter_map(|(_, event)| event.as_ref()).filter(|event| {
            let is_then = event.place.date().month() == place.date().month();
            is_then && event.place.branch() != user.branch && event.booking_of(who).is_some()
        });
        let max = self.config.outside_per_month_max;
        if counts.count() < usize::from(max) {
            return Ok(());
        }
        Err(Refusal::QuotaReached { holder: who.clone(), month: place.date().month(), max })
    }

    pub(super) fn room(&self) -> Result<(), Refusal> {
        let all = self.events.iter().flatten().flat_map(|event| &event.held);
        let max = self.config.bookings_max;
        if all.filter(|held| held.deed.until_ms().is_none()).count() < max as usize {
            return Ok(());
        }
        Err(Refusal::Full(Limit::Bookings(max)))
    }

    pub(super) fn give(&mut self, who: &Actor, number: usize, seats: &[u32], deed: Deed, now: Now) {
        self.number_guest(who);
        let event = self.event(number);
        event.waiting.retain(|(waits, ..)| waits != who);
        event.held.push(Held { who: who.clone(), seats: seats.to_vec(), deed, since: now.position });
    }

    pub(super) fn take(&mut self, who: &Actor, number: usize) -> Held {
        let event = self.event(number);
        let at = event.held.iter().position(|held| held.who == *who).expect("it was found");
        event.held.remove(at)
    }

    pub(super) fn book(&mut self, who: &Actor, number: usize, seats: Vec<u32>, now: Now) -> EventOutcome {
        self.give(who, number, &seats, Deed::Booked { mark: now.mark }, now);
        let stem = self.stem(who, number, now.mark);
        let event = self.event(number).key.clone();
        EventOutcome::Booked { holder: who.clone(), event, seats: runs(&seats), stem }
    }

    pub(super) fn cancel(&mut self, who: &Actor, id: EventId, kind: Option<&Kind>, now: Now) -> Told {
        let is_it = |event: &Event| {
            let is_kind = kind.is_none_or(|kind| *kind == event.key.kind);
            event.key.id == id && is_kind && event.booking_of(who).is_some()
        };
        let booked: Vec<usize> = (0..self.events.len())
            .filter(|number| self.events[*number].as_ref().is_some_and(is_it))
            .collect();
        let [number] = booked[..] else {
            let mut kinds: Vec<Kind> =
                booked.iter().map(|number| self.event(*number).key.kind.clone()).collect();
            kinds.sort();
            let holder = who.clone();
            return Err(match kinds.is_empty() {
                true => Refusal::NotBooked { holder, id, kind: kind.cloned() },
                false => Refusal::WhichKind { holder, id, kinds },
            });
        };
        Ok(self.cancelled(who, number, now))
    }

    pub(super) fn cancelled(&mut self, who: &Actor, number: usize, now: Now) -> EventOutcome {
        let count = self.take(who, number).seats.len() as u32;
        self.offer(number, now);
        let event = self.event(number);
        let (event, left) = (event.key.clone(), event.left());
        EventOutcome::Cancelled { holder: who.clone(), event, count, left }
    }

    pub(super) fn exchange(
        &mut self,
        who: &Actor,
        from: &EventKey,
        to: &EventKey,
        seating: &Seating,
        now: Now,
    ) -> Told {
        let old = self.find(from).ok().filter(|old| self.event(*old).booking_of(who).is_some());
        let not_booked =
            || Refusal::NotBooked { holder: who.clone(), id: from.id, kind: Some(from.kind.clone()) };
        let old = old.ok_or_else(not_booked)?;
        let number = self.find(to)?;
        self.are_seats(number, seating)?;
        let before = self.clone();
        if number != old {
            self.has_nothing(who, number)?;
            self.quota(who, number, Some(old))?;
        }
        self.take(who, old);
        let seats = match self.event(number).pick(seating) {
            Ok(seats) => seats,
            Err(refusal) => {
                *self = before;
                return Err(refusal);
            }
        };
        let EventOutcome::Booked { holder, event, seats, stem } = self.book(who, number, seats, now) else {
            unreachable!("a booking is one")
        };
        self.offer(old, now);
        Ok(EventOutcome::Exchanged { holder, from: from.clone(), to: event, seats, stem })
    }

    pub(super) fn delete_ticket(&mut self, actor: &Actor, ticket: TicketId, now: Now) -> Told {
        if let Actor::User(user) = actor {
            self.exists(user.branch)?;
        }
        // Every ticket there is, until it is this one.
        for number in 0..self.events.len() {
            let Some(event) = self.events[number].clone() else { continue };
            for held in &event.held {
                let Deed::Booked { mark } = held.deed else { continue };
                let stem = self.stem(&held.who, number, mark);
                let Some(seat) = held.seats.iter().copied().find(|seat| stem.ticket(Seat(*seat)) == ticket)
                else {
                    continue;
                };
                if let Actor::User(_) = held.who {
                    self.acts_for(actor, &held.who)?;
                }
                let own = self.event(number).held.iter_mut().find(|own| own.who == held.who);
                let own = own.expect("it was found just before");
                own.seats.retain(|other| *other != seat);
                own.since = now.position;
                self.event(number).held.retain(|held| !held.seats.is_empty());
                self.offer(number, now);
                let left = self.event(number).left();
                return Ok(EventOutcome::TicketDeleted { ticket, event: event.key, seat: Seat(seat), left });
            }
        }
        Err(Refusal::NoSuchTicket { ticket })
    }
}
