//! Questions about events, answered from what this server has executed.
//!
//! No answer takes longer than a page: lists end at [`PAGE_MAX`] entries, at [`PAGE_BYTES_MAX`] where entries can be large,
//! or when [`LOOKS_MAX`] entries were looked at, and say where to go on. What is due but not yet freed is still shown as it is in the state.

use super::Events;
use super::answer::{Claim, Claimed, EventAnswer, EventView, LOOKS_MAX, Notice, PAGE_BYTES_MAX, PAGE_MAX};
use super::command::{EventQuery, Filter, Place, Question, ScheduleMark};
use super::ids::{Actor, BranchCode, EventId, EventKey, Kind};
use super::outcome::{Denied, Refusal};
use super::parties::Spot;
use super::tickets::TicketId;
use crate::domain::outcome::SeatMap;
use std::ops::Bound;

impl Events {
    /// Answers a question.
    pub(in crate::domain) fn ask(&self, query: &EventQuery) -> EventAnswer {
        let actor = query.actor.as_ref();
        let found = match &query.question {
            Question::Branches { after, limit } => Ok(self.list_branches(*after, page(*limit))),
            Question::Kinds => Ok(EventAnswer::Kinds(self.kinds.names().to_vec())),
            Question::Event(event) => self.number(event).map(|number| EventAnswer::Event(self.view(number))),
            Question::Events { filter, after, limit } => Ok(self.list(filter, after.as_ref(), page(*limit))),
            Question::Availability { kind, after, limit } => {
                self.availability(actor, kind, *after, page(*limit))
            }
            Question::SeatMap(event) => self.seat_map(event),
            Question::Schedule { holder, after, limit } => self.schedule(actor, holder, *after, page(*limit)),
            Question::Claim { holder, event } => self.claim(actor, holder, event),
            Question::Ticket(ticket) => self.ticket(actor, *ticket),
            Question::WaitingList { event, skip, limit } => self.waiting_list(event, *skip, page(*limit)),
        };
        found.unwrap_or_else(EventAnswer::Refused)
    }

    fn list_branches(&self, after: Option<BranchCode>, limit: usize) -> EventAnswer {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut branches, mut bytes) = (Vec::new(), 0);
        for (code, branch) in self.branches.range((from, Bound::Unbounded)) {
            if branches.len() >= limit || bytes >= PAGE_BYTES_MAX {
                let more = branches.last().map(|(code, _)| *code);
                return EventAnswer::Branches { branches, more };
            }
            let names = branch.theatres.iter().chain([&branch.name]);
            bytes += size_of_val(code) + names.map(|name| 1 + name.as_str().len()).sum::<usize>();
            branches.push((*code, branch.clone()));
        }
        EventAnswer::Branches { branches, more: None }
    }

    fn view(&self, number: u32) -> EventView {
        let event = self.catalogue.get(number);
        let hall = self.catalogue.hall(number);
        EventView {
            event: self.key(number),
            branch: event.place.branch(),
            date: event.place.date(),
            minute: match event.place {
                Place::Slot(_) => None,
                Place::Free { minute, .. } => Some(minute),
            },
            name: event.name.clone(),
            theatre: event.theatre.clone(),
            capacity: event.capacity,
            left: hall.seats.left(),
            held: hall.held,
            waiting: self.waiting.list(number).len() as u32,
        }
    }

    fn list(&self, filter: &Filter, after: Option<&EventKey>, limit: usize) -> EventAnswer {
        let kind_number = |kind: &Kind| self.kinds.number(kind);
        let wanted = match &filter.kind {
            Some(kind) => match kind_number(kind) {
                Some(number) => Some(number),
                None => return EventAnswer::Events { events: Vec::new(), more: None },
            },
            None => None,
        };
        // A kind that is gone, or never was, lies behind all others of the id.
        let from = match after {
            Some(after) => Bound::Excluded((after.id, kind_number(&after.kind).unwrap_or(u16::MAX))),
            None => Bound::Unbounded,
        };
        let (mut events, mut last) = (Vec::new(), None);
        let all = self.catalogue.by_id().range((from, Bound::Unbounded));
        for (looks, (&(_, kind), &number)) in all.enumerate() {
            if looks >= LOOKS_MAX || events.len() >= limit {
                let more = last.map(|number| self.key(number));
                return EventAnswer::Events { events, more };
            }
            last = Some(number);
            if wanted.is_none_or(|wanted| wanted == kind) && self.fits(number, filter) {
                events.push(self.view(number));
            }
        }
        EventAnswer::Events { events, more: None }
    }

    fn availability(
        &self,
        actor: Option<&Actor>,
        kind: &Kind,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<EventAnswer, Refusal> {
        self.must_manage(who(actor)?)?;
        let number = self.kinds.number(kind).ok_or_else(|| Refusal::NoSuchKind { kind: kind.clone() })?;
        let from = match after {
            Some(id) => Bound::Excluded((number, id)),
            None => Bound::Included((number, EventId::FIRST)),
        };
        let all = self.catalogue.by_kind().range((from, Bound::Unbounded));
        let mut of_kind = all.take_while(|((of, _), _)| *of == number);
        let events: Vec<_> =
            of_kind.by_ref().take(limit).map(|((_, id), event)| (*id, self.left(*event))).collect();
        let more = of_kind.next().and(events.last()).map(|(id, _)| *id);
        Ok(EventAnswer::Availability { kind: kind.clone(), events, more })
    }

    fn fits(&self, number: u32, filter: &Filter) -> bool {
        let place = self.catalogue.get(number).place;
        filter.branch.is_none_or(|branch| place.branch() == branch)
            && filter.from.is_none_or(|from| place.date() >= from)
            && filter.until.is_none_or(|until| place.date() <= until)
            && self.left(number) >= filter.free_min
    }

    fn seat_map(&self, event: &EventKey) -> Result<EventAnswer, Refusal> {
        let seats = &self.catalogue.hall(self.number(event)?).seats;
        let map = SeatMap { capacity: seats.capacity(), left: seats.left(), free: seats.words().to_vec() };
        Ok(EventAnswer::SeatMap { event: event.clone(), map })
    }

    fn schedule(
        &self,
        actor: Option<&Actor>,
        holder: &Actor,
        after: Option<ScheduleMark>,
        limit: usize,
    ) -> Result<EventAnswer, Refusal> {
        self.must_act_for(who(actor)?, holder)?;
        let (mut claims, mut cancelled, mut more) = (Vec::new(), Vec::new(), None);
        if let Some(party) = self.guests.find(holder) {
            let (mut first, last) = Spot::all_of(party);
            first.event = after.map_or(0, |after| after.0.saturating_add(1));
            // One more than wanted of each tells whether there is more.
            let bookings = self.bookings.table().range(&first, &last).map(|(spot, _)| *spot).take(limit + 1);
            let holds = self.holds.table().range(&first, &last).map(|(spot, _)| *spot).take(limit + 1);
            let waits = self.waiting.spots_of(party).filter(|spot| *spot >= first).take(limit + 1);
            let mut numbers: Vec<u32> = bookings.chain(holds).chain(waits).map(|spot| spot.event).collect();
            numbers.sort_unstable();
            if numbers.len() > limit {
                numbers.truncate(limit);
                more = numbers.last().map(|number| ScheduleMark(*number));
            }
            let (mut bytes, mut last) = (0, None);
            for event in numbers {
                if bytes >= PAGE_BYTES_MAX {
                    more = last;
                    break;
                }
                let claim = self.claimed(Spot { party, event }).expect("it was found just before");
                (bytes, last) = (bytes + claim.bytes(), Some(ScheduleMark(event)));
                claims.push(claim);
            }
            if after.is_none() {
                let notices = self.notices.get(&party).map_or(&[][..], Vec::as_slice);
                let notice = |cancelled: &super::Cancelled| Notice {
                    event: EventKey { id: cancelled.id, kind: self.kinds.name(cancelled.kind).clone() },
                    seats: cancelled.seats,
                };
                cancelled = notices.iter().map(notice).collect();
            }
        }
        Ok(EventAnswer::Schedule { holder: holder.clone(), claims, cancelled, more })
    }

    fn claim(&self, actor: Option<&Actor>, holder: &Actor, event: &EventKey) -> Result<EventAnswer, Refusal> {
        self.must_act_for(who(actor)?, holder)?;
        let number = self.number(event)?;
        let claim = self.spot(holder, number).and_then(|spot| self.claimed(spot));
        let none = || {
            let (holder, id, kind) = (holder.clone(), event.id, Some(event.kind.clone()));
            Refusal::NotBooked { holder, id, kind }
        };
        claim.map(EventAnswer::Claim).ok_or_else(none)
    }

    fn claimed(&self, spot: Spot) -> Option<Claim> {
        let what = if let Some(booking) = self.bookings.get(spot) {
            Claimed::Booking { seats: booking.seats.clone(), stem: booking.stem(spot) }
        } else if let Some(hold) = self.holds.get(spot) {
            let (seats, until_ms) = (hold.seats.clone(), hold.until_ms);
            Claimed::Hold { seats, until_ms, offered: hold.offered, extended: hold.extended }
        } else {
            let (number, place) = self.waiting.find(spot)?;
            Claimed::Place { count: place.count, place: number }
        };
        let date = self.catalogue.get(spot.event).place.date();
        Some(Claim { event: self.key(spot.event), date, what })
    }

    fn ticket(&self, actor: Option<&Actor>, ticket: TicketId) -> Result<EventAnswer, Refusal> {
        let (spot, seat) = self.find_ticket(ticket).ok_or(Refusal::NoSuchTicket { ticket })?;
        if spot.party.as_user().is_some() {
            self.must_have_ticket(who(actor)?, spot)?;
        }
        let (holder, event) = self.who_and_where(spot);
        Ok(EventAnswer::Ticket { ticket, holder, event, seat })
    }

    fn waiting_list(&self, event: &EventKey, skip: u32, limit: usize) -> Result<EventAnswer, Refusal> {
        let list = self.waiting.list(self.number(event)?);
        let shown = list.iter().skip(skip as usize).take(limit);
        let who = |party| self.guests.actor(party).expect("who waits is known");
        let places = shown.map(|place| (who(place.party), place.count)).collect();
        Ok(EventAnswer::WaitingList { event: event.clone(), total: list.len() as u32, places })
    }
}

impl Claim {
    /// In memory; on the wire it is less.
    fn bytes(&self) -> usize {
        let seats = match &self.what {
            Claimed::Booking { seats, .. } | Claimed::Hold { seats, .. } => seats.heap_bytes(),
            Claimed::Place { .. } => 0,
        };
        size_of::<Claim>() + self.event.kind.as_str().len() + seats
    }
}

fn page(limit: u32) -> usize {
    limit.clamp(1, PAGE_MAX) as usize
}

/// Somebody whom more is told than everybody.
fn who(actor: Option<&Actor>) -> Result<&Actor, Refusal> {
    actor.ok_or(Refusal::NotAllowed(Denied::WhoAreYou))
}
