//! What the servers of a cluster must agree on about events, and the limits that nobody can set.

use super::ids::{BranchCode, Kind};
use crate::domain::ids::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most branches of a cluster.
pub const BRANCHES_MAX: usize = 1_000;
/// Most theatres of one branch.
pub const THEATRES_MAX: usize = 100;
/// Most kinds of events.
pub const KINDS_MAX: usize = 1_000;
/// Most events that a cluster can be configured for; a ticket has room for no more.
pub const EVENTS_MAX: u32 = 1 << 20;
/// Most seats of all events together: each takes up to a byte of memory.
pub const ALL_SEATS_MAX: u64 = 1_000_000_000;
/// Most bookings that a cluster can be configured for.
pub const BOOKINGS_MAX: u32 = 1 << 26;
/// Most holds of all customers together, so that the time it takes to free what is due is bounded. Offers count, but are
/// made all the same: each takes the place of somebody who waited, of whom there are at most [`WAITING_MAX`].
pub const HOLDS_MAX: usize = 1 << 16;
/// Most holds, offers and places on all waiting lists together with which one more may wait. So there are never more
/// than this and [`HOLDS_MAX`] together, whatever becomes of which.
pub const WAITING_MAX: usize = 1 << 17;
/// Most places that one waiting list can be configured for: it is searched from front to back.
pub const WAITING_LIST_MAX: u32 = 10_000;
/// Most waiting lists that one customer is on.
pub const WAITS_PER_CUSTOMER_MAX: usize = 100;
/// Removed events that a customer's schedule still shows; older ones are forgotten.
pub const NOTICES_MAX: usize = 20;
/// Most holders that the answer to a removal lists.
pub const AFFECTED_MAX: usize = 1_000;
/// Longest time that a hold or an offer can be configured for: 30 days.
pub const HOLD_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// What people call it, such as `Toronto`.
    pub name: Name,
    /// Where its events take place, ascending and different. May be empty.
    pub theatres: Vec<Name>,
}

/// Replicated configuration of events: equal on all servers of a cluster for as long as its data lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsConfig {
    /// Branches that are there from the beginning, ascending by code, different.
    pub branches: Vec<(BranchCode, Branch)>,
    /// Kinds that are there from the beginning, different.
    pub kinds: Vec<Kind>,
    /// How long seats are held, in the state's own time.
    pub hold_ms: u64,
    /// How long freed seats are offered to somebody who waited for them.
    pub offer_ms: u64,
    /// Holds of one customer at a time, offers included; an offer is made all the same.
    pub holds_per_customer_max: u32,
    /// Places on the waiting list of one event.
    pub waiting_list_max: u32,
    /// Bookings in one month outside of the own branch.
    pub outside_per_month_max: u8,
    /// Events at a time.
    pub events_max: u32,
    /// Bookings of all events at a time.
    pub bookings_max: u32,
}

impl Default for EventsConfig {
    fn default() -> Self {
        let branch = |(code, name): (&str, &str)| {
            let name = name.parse().expect("a name");
            (code.parse().expect("three letters"), Branch { name, theatres: Vec::new() })
        };
        let kinds = ["Conferences", "Trade shows", "Seminars"];
        EventsConfig {
            branches: [("MTL", "Montreal"), ("OTW", "Ottawa"), ("TOR", "Toronto")].map(branch).to_vec(),
            kinds: kinds.map(|kind| kind.parse().expect("a name")).to_vec(),
            hold_ms: 300_000,
            offer_ms: 300_000,
            holds_per_customer_max: 5,
            waiting_list_max: 1_000,
            outside_per_month_max: 3,
            events_max: 200_000,
            bookings_max: 20_000_000,
        }
    }
}

/// Why an [`EventsConfig`] cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventsConfigError {
    /// Too many branches, theatres or kinds, or one of them twice, or out of order.
    #[error(
        "at most {BRANCHES_MAX} branches, {THEATRES_MAX} theatres each and {KINDS_MAX} kinds, each of them once"
    )]
    Lists,
    /// A time is 0 or too long.
    #[error("seats are held for 1 to {HOLD_MS_MAX} ms")]
    Times,
    /// A number is 0 or too large.
    #[error(
        "there can be 1 to {EVENTS_MAX} events, {BOOKINGS_MAX} bookings and {WAITING_LIST_MAX} places on a list"
    )]
    Numbers,
}

impl EventsConfig {
    /// Whether a state can be made with it.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn validate(&self) -> Result<(), EventsConfigError> {
        let is_ascending = self.branches.is_sorted_by(|(a, _), (b, _)| a < b);
        let branches = self.branches.iter().all(|(_, branch)| branch.is_sound());
        let kinds: BTreeSet<&Kind> = self.kinds.iter().collect();
        let is_short = self.branches.len() <= BRANCHES_MAX && self.kinds.len() <= KINDS_MAX;
        if !is_short || !is_ascending || !branches || kinds.len() != self.kinds.len() {
            return Err(EventsConfigError::Lists);
        }
        if [self.hold_ms, self.offer_ms].iter().any(|ms| !(1..=HOLD_MS_MAX).contains(ms)) {
            return Err(EventsConfigError::Times);
        }
        let in_range = |value: u32, max: u32| (1..=max).contains(&value);
        let numbers = in_range(self.events_max, EVENTS_MAX)
            && in_range(self.bookings_max, BOOKINGS_MAX)
            && in_range(self.waiting_list_max, WAITING_LIST_MAX);
        if numbers { Ok(()) } else { Err(EventsConfigError::Numbers) }
    }
}

impl Branch {
    /// Whether its theatres are in order and not too many.
    pub(super) fn is_sound(&self) -> bool {
        self.theatres.len() <= THEATRES_MAX && self.theatres.is_sorted_by(|a, b| a < b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_used_and_what_breaks_a_limit_cannot() {
        let config = EventsConfig::default;
        assert_eq!(config().validate(), Ok(()));
        let mut twice = config();
        twice.kinds.push(twice.kinds[0].clone());
        let mut unordered = config();
        unordered.branches.reverse();
        for bad in [twice, unordered] {
            assert_eq!(bad.validate(), Err(EventsConfigError::Lists));
        }
        for bad in [0, HOLD_MS_MAX + 1] {
            assert_eq!(EventsConfig { hold_ms: bad, ..config() }.validate(), Err(EventsConfigError::Times));
        }
        for bad in [
            EventsConfig { events_max: 0, ..config() },
            EventsConfig { events_max: EVENTS_MAX + 1, ..config() },
            EventsConfig { bookings_max: BOOKINGS_MAX + 1, ..config() },
            EventsConfig { waiting_list_max: 0, ..config() },
        ] {
            assert_eq!(bad.validate(), Err(EventsConfigError::Numbers));
        }
    }
}
