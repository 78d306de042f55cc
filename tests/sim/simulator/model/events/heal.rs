//! What the losing side of a partition offers again.

use super::*;
use boxoffice::domain::events::command::Offer;

impl Events {
    pub(super) fn heal(&mut self, offer: &Offer, now: Now) -> Told {
        match offer {
            Offer::Branch { branch, name: _, theatres } => {
                self.branches.entry(*branch).or_default().extend(theatres.iter().cloned());
                Ok(EventOutcome::BranchAdded { branch: *branch })
            }
            Offer::Kind(kind) if self.kinds.contains(kind) => Ok(EventOutcome::Settled),
            Offer::Kind(kind) => {
                self.kinds.push(kind.clone());
                Ok(EventOutcome::KindAdded { kind: kind.clone() })
            }
            Offer::EventRemoved { event, made_until } => {
                let number = self.find(event).ok().filter(|number| self.event(*number).since <= *made_until);
                let Some(number) = number else { return Ok(EventOutcome::Settled) };
                let mut held = self.event(number).held.iter();
                if held.any(|held| held.deed.until_ms().is_none() && held.since > *made_until) {
                    return Err(Refusal::BookedSince { event: event.clone() });
                }
                Ok(self.remove(number))
            }
            Offer::EventAdded { place, kind, name, theatre, capacity } => {
                let (kind, name, theatre) = (kind.clone(), name.clone(), theatre.clone());
                self.set_event(&NewEvent { place: *place, kind, name, theatre }, *capacity, now)
            }
            Offer::Cancelled { holder, event, made_until } => {
                let number = self.find(event).ok().filter(|number| {
                    self.event(*number).booking_of(holder).is_some_and(|held| held.since <= *made_until)
                });
                Ok(number.map_or(EventOutcome::Settled, |number| self.cancelled(holder, number, now)))
            }
            Offer::Changed { holder, event, made_until, seats, mark } => {
                let number = self.find(event)?;
                let seating = Seating::Seats(seats.clone());
                self.are_seats(number, &seating)?;
                let Some(own) = self.event(number).booking_of(holder).cloned() else {
                    let (id, kind) = (event.id, Some(event.kind.clone()));
                    return Err(Refusal::NotBooked { holder: holder.clone(), id, kind });
                };
                let stands = runs(&own.seats);
                if stands == *seats {
                    return Ok(EventOutcome::Settled);
                }
                if own.since > *made_until {
                    let (holder, event) = (holder.clone(), event.clone());
                    return Err(Refusal::AlreadyBooked { holder, event, seats: stands });
                }
                self.exchange(holder, event, event, &seating, Now { mark: *mark, ..now })
            }
            Offer::Booked { holder, event, seats, mark } => {
                let seats = seats.seats().map(|seat| seat.0).collect();
                self.heal_booked(holder, event, seats, Now { mark: *mark, ..now })
            }
            Offer::Left { holder, event, made_until } => {
                let Ok(number) = self.find(event) else { return Ok(EventOutcome::Settled) };
                let list = &mut self.event(number).waiting;
                let before = list.len();
                list.retain(|(who, _, since)| who != holder || since > made_until);
                match list.len() < before {
                    true => Ok(EventOutcome::Left { holder: holder.clone(), event: event.clone() }),
                    false => Ok(EventOutcome::Settled),
                }
            }
            Offer::Joined { holder, event, count } => {
                let waits = self
                    .find(event)
                    .ok()
                    .is_some_and(|number| self.event(number).waiting.iter().any(|(who, ..)| who == holder));
                match waits {
                    true => Ok(EventOutcome::Settled),
                    false => {
                        if let Some(branch) = holder.branch() {
                            self.exists(branch)?;
                        }
                        self.join(holder, event, count.get(), now)
                    }
                }
            }
        }
    }

    fn heal_booked(&mut self, holder: &Actor, key: &EventKey, seats: Vec<u32>, now: Now) -> Told {
        if let Some(branch) = holder.branch() {
            self.exists(branch)?;
        }
        let number = self.find(key)?;
        self.are_seats(number, &Seating::Seats(runs(&seats)))?;
        let own = self.event(number).of(holder).cloned();
        let free: BTreeSet<u32> = self.event(number).free().into_iter().collect();
        match own {
            Some(own) if own.seats == seats => {
                let stands = match own.deed {
                    Deed::Booked { mark } => Now { mark, ..now },
                    Deed::Held { .. } => {
                        self.quota(holder, number, None)?;
                        self.room()?;
                        now
                    }
                };
                let since = match own.deed {
                    Deed::Booked { .. } => own.since,
                    Deed::Held { .. } => now.position,
                };
                self.take(holder, number);
                Ok(self.book(holder, number, seats, Now { position: since, ..stands }))
            }
            Some(own) => {
                let (holder, event) = (holder.clone(), key.clone());
                let seats = runs(&own.seats);
                Err(match own.deed {
                    Deed::Booked { .. } => Refusal::AlreadyBooked { holder, event, seats },
                    Deed::Held { until_ms, .. } => Refusal::AlreadyHeld { holder, event, seats, until_ms },
                })
            }
            None => {
                self.quota(holder, number, None)?;
                let taken: Vec<u32> = seats.iter().copied().filter(|seat| !free.contains(seat)).collect();
                if !taken.is_empty() {
                    let seats = runs(&taken);
                    return Err(Refusal::Taken { event: key.clone(), seats });
                }
                self.room()?;
                Ok(self.book(holder, number, seats, now))
            }
        }
    }
}
