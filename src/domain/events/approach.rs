//! What operations will need of memory, read before the first of them is executed.
//!
//! With millions of bookings every place that an operation looks at is in no cache, and waiting for one takes as long as
//! hundreds of instructions; a booking looks at twenty. Places that do not depend on one another are waited for together. So
//! this takes each step of the way for all operations before the next one. It changes nothing, and nothing is decided by
//! what it finds: who gets which number is foreseen, and can be wrong.

use super::Events;
use super::command::{Action, EventOperation};
use super::ids::{Actor, EventId, Kind};
use super::parties::Spot;
use std::hint::black_box;

impl Events {
    /// Some operations are about to be executed.
    pub(in crate::domain) fn approach<'a>(&self, operations: impl Iterator<Item = &'a EventOperation>) {
        let wanted = operations.filter_map(|operation| {
            let (holder, id, kind) = what(&operation.action)?;
            Some((holder, (id, self.kinds.number(kind)?)))
        });
        let (holders, keys): (Vec<&Actor>, Vec<(EventId, u16)>) = wanted.unzip();
        black_box(holders.iter().map(|holder| self.guests.approach(holder)).sum::<usize>());
        self.catalogue.approach_keys(&keys);
        let mut unused = self.guests.unused();
        let spots = holders.iter().zip(keys).filter_map(|(holder, (id, kind))| {
            let party = self.guests.foresee(holder).or_else(|| unused.next())?;
            let event = self.catalogue.find(id, kind)?;
            Some(Spot { party, event })
        });
        let spots: Vec<Spot> = spots.collect();
        self.guests.approach_names(spots.iter().map(|spot| spot.party));
        self.bookings.table().approach(spots.iter());
        self.catalogue.approach(&spots);
    }
}

/// For whom, and at which event; only of what is asked often.
fn what(action: &Action) -> Option<(&Actor, EventId, &Kind)> {
    match action {
        Action::Book { holder, event, .. }
        | Action::Hold { holder, event, .. }
        | Action::Confirm { holder, event }
        | Action::Exchange { holder, to: event, .. } => Some((holder, event.id, &event.kind)),
        Action::Cancel { holder, event, kind } => Some((holder, *event, kind.as_ref()?)),
        Action::AddBranch { .. }
        | Action::AddTheatre { .. }
        | Action::AddKind { .. }
        | Action::AddEvent { .. }
        | Action::RemoveEvent { .. }
        | Action::DeleteTicket { .. }
        | Action::Extend { .. }
        | Action::Release { .. }
        | Action::Join { .. }
        | Action::Leave { .. } => None,
    }
}
