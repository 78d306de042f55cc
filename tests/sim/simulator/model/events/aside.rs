//! Holds, who waits, and what becomes of seats that come free.

use super::*;

impl Events {
    pub(super) fn expire(&mut self, now: Now) -> u32 {
        let mut expired = 0;
        for number in 0..self.events.len() {
            let Some(event) = &mut self.events[number] else { continue };
            let before = event.held.len();
            event.held.retain(|held| held.deed.until_ms().is_none_or(|until_ms| until_ms > now.time_ms));
            let gone = before - event.held.len();
            if gone > 0 {
                expired += gone as u32;
                self.offer(number, now);
            }
        }
        expired
    }

    /// The free seats go to those who wait.
    pub(super) fn offer(&mut self, number: usize, now: Now) {
        let until_ms = now.time_ms + self.config.offer_ms;
        let event = self.event(number);
        while let Some(at) = event.waiting.iter().position(|(_, count, _)| *count <= event.left()) {
            let (who, count, _) = event.waiting.remove(at);
            let count = boxoffice::domain::events::command::Count::new(count).expect("it was one");
            let seats = event.pick(&Seating::Any(count)).expect("so many are free");
            let deed = Deed::Held { until_ms, offered: true, extended: false };
            event.held.push(Held { who, seats, deed, since: now.position });
        }
    }

    pub(super) fn held(&mut self, who: &Actor, event: &EventKey) -> Result<usize, Refusal> {
        let number = self.find(event)?;
        let held = self.event(number).of(who).is_some_and(|held| held.deed.until_ms().is_some());
        if held { Ok(number) } else { Err(Refusal::NotHeld { holder: who.clone(), event: event.clone() }) }
    }

    pub(super) fn join(&mut self, who: &Actor, key: &EventKey, count: u32, now: Now) -> Told {
        let number = self.find(key)?;
        self.has_nothing(who, number)?;
        let waits = self.events.iter().flatten();
        let waits = waits.filter(|event| event.waiting.iter().any(|(waits, ..)| waits == who)).count();
        let held = |held: &&Held| held.deed.until_ms().is_some();
        let all = self.events.iter().flatten();
        let all: usize = all.map(|event| event.waiting.len() + event.held.iter().filter(held).count()).sum();
        let (holder, key, max) = (who.clone(), key.clone(), self.config.waiting_list_max);
        let event = self.event(number);
        if let Some(at) = event.waiting.iter().position(|(waits, ..)| waits == who) {
            return Err(Refusal::AlreadyWaiting { holder, event: key, place: at as u32 + 1 });
        }
        if count > event.capacity {
            return Err(Refusal::MoreThanAll { event: key, capacity: event.capacity, count });
        }
        if count <= event.left() {
            return Err(Refusal::SeatsAreFree { event: key, left: event.left() });
        }
        if event.waiting.len() >= max as usize {
            return Err(Refusal::Full(Limit::WaitingList(max)));
        }
        if all >= WAITING_MAX {
            return Err(Refusal::Full(Limit::Waiting(WAITING_MAX as u32)));
        }
        if waits >= WAITS_PER_CUSTOMER_MAX {
            return Err(Refusal::Full(Limit::WaitsOfOne(WAITS_PER_CUSTOMER_MAX as u32)));
        }
        event.waiting.push((holder.clone(), count, now.position));
        let place = event.waiting.len() as u32;
        self.number_guest(who);
        Ok(EventOutcome::Joined { holder, event: key, count, place })
    }
}
