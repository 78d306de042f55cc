//! Who may do what, and the events that there are.

use super::*;

impl Events {
    pub(super) fn manager(&self, actor: &Actor) -> Result<BranchCode, Refusal> {
        match actor {
            Actor::User(user) if user.role == Role::Manager => {
                self.exists(user.branch)?;
                Ok(user.branch)
            }
            _ => refuse(Denied::ManagersOnly { actor: actor.clone() }),
        }
    }

    pub(super) fn manager_of(&self, actor: &Actor, branch: BranchCode) -> Result<(), Refusal> {
        match self.manager(actor)? == branch {
            true => Ok(()),
            false => refuse(Denied::OtherBranch { actor: actor.clone(), branch }),
        }
    }

    pub(super) fn acts_for(&self, actor: &Actor, holder: &Actor) -> Result<(), Refusal> {
        for somebody in [actor, holder] {
            if let Actor::User(user) = somebody {
                self.exists(user.branch)?;
            }
        }
        let is_own_customer = match (actor, holder) {
            (Actor::User(a), Actor::User(h)) => {
                a.role == Role::Manager && h.role == Role::Customer && a.branch == h.branch
            }
            _ => false,
        };
        match actor == holder || is_own_customer {
            true => Ok(()),
            false => refuse(Denied::ForSomebodyElse { actor: actor.clone(), holder: holder.clone() }),
        }
    }

    pub(super) fn exists(&self, branch: BranchCode) -> Result<(), Refusal> {
        if self.branches.contains_key(&branch) { Ok(()) } else { Err(Refusal::NoSuchBranch { branch }) }
    }

    pub(super) fn set_event(&mut self, new: &NewEvent, capacity: u32, now: Now) -> Told {
        if capacity == 0 || capacity > 1_000_000 {
            return Err(Refusal::CapacityOutOfRange { capacity });
        }
        self.exists(new.place.branch())?;
        if !self.kinds.contains(&new.kind) {
            return Err(Refusal::NoSuchKind { kind: new.kind.clone() });
        }
        let key = EventKey { id: new.place.id(), kind: new.kind.clone() };
        if let Ok(number) = self.find(&key) {
            let event = self.event(number);
            if event.place != new.place {
                return Err(Refusal::OtherPlace { id: key.id });
            }
            let (before, taken) = (event.capacity, event.capacity - event.left());
            let highest = event.held.iter().flat_map(|held| held.seats.iter().copied()).max().unwrap_or(0);
            if highest > capacity {
                return Err(Refusal::CapacityBelowSold { event: key, capacity, taken, highest });
            }
            event.capacity = capacity;
            self.offer(number, now);
            return Ok(EventOutcome::CapacityChanged { event: key, capacity, before });
        }
        let branch = new.place.branch();
        if let Some(theatre) = new.theatre.clone().filter(|theatre| !self.branches[&branch].contains(theatre))
        {
            return Err(Refusal::NoSuchTheatre { branch, theatre });
        }
        if self.events.iter().flatten().count() >= self.config.events_max as usize {
            return Err(Refusal::Full(Limit::Events(self.config.events_max)));
        }
        let event = Event {
            key: key.clone(),
            place: new.place,
            capacity,
            since: now.position,
            held: Vec::new(),
            waiting: Vec::new(),
        };
        match self.events.iter().position(Option::is_none) {
            Some(at) => self.events[at] = Some(event),
            None => self.events.push(Some(event)),
        }
        Ok(EventOutcome::EventAdded { event: key, capacity })
    }

    pub(super) fn remove(&mut self, number: usize) -> EventOutcome {
        let Event { key, held, .. } = self.events[number].take().expect("it was found just before");
        let mut booked: Vec<Held> =
            held.into_iter().filter(|held| matches!(held.deed, Deed::Booked { .. })).collect();
        booked.sort_by_key(|held| self.party(&held.who));
        for held in booked.iter().filter(|held| matches!(held.who, Actor::User(_))) {
            let notices = self.notices.entry(held.who.clone()).or_default();
            notices.push(Notice { event: key.clone(), seats: held.seats.len() as u32 });
            if notices.len() > NOTICES_MAX {
                notices.remove(0);
            }
        }
        EventOutcome::EventRemoved {
            event: key,
            bookings: booked.len() as u32,
            seats: booked.iter().map(|held| held.seats.len() as u32).sum(),
            affected: booked.into_iter().map(|held| held.who).take(AFFECTED_MAX).collect(),
        }
    }
}
