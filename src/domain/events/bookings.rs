//! Who has booked which seats, and how many bookings of a month that makes.

use super::calendar::Month;
use super::parties::{Party, Spot};
use super::tickets::TicketStem;
use crate::domain::runs::SeatRuns;
use crate::domain::shards::Shards;
use std::collections::BTreeMap;

/// Bookings in one shard of a full table, unless it is very large.
const SHARD_LEN: usize = 256;

/// One booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Booking {
    /// Position of the request that made or last changed it.
    pub(super) made_at: u64,
    /// What its tickets are made of.
    pub(super) mark: u64,
    pub(super) seats: SeatRuns,
}

impl Booking {
    pub(super) fn stem(&self, spot: Spot) -> TicketStem {
        TicketStem { party: spot.party.0, event: spot.event, mark: self.mark }
    }
}

/// All bookings. The copy-on-write map is what a snapshot is made of.
#[derive(Clone, Debug)]
pub(super) struct Bookings {
    table: Shards<Spot, Booking>,
    outside: Quota,
}

/// How many bookings everybody has in each month that are outside of their own branch. Follows from the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota(BTreeMap<(Party, Month), u32>);

impl Bookings {
    pub(super) fn new(bookings_max: u32) -> Bookings {
        Bookings { table: Shards::new(bookings_max as usize, SHARD_LEN), outside: Quota::default() }
    }

    pub(super) fn table(&self) -> &Shards<Spot, Booking> {
        &self.table
    }

    pub(super) fn get(&self, spot: Spot) -> Option<&Booking> {
        self.table.get(&spot)
    }

    pub(super) fn outside(&self, party: Party, month: Month) -> u32 {
        self.outside.count(party, month)
    }

    /// Adds a booking; with its month when it is outside of the holder's branch.
    pub(super) fn insert(&mut self, spot: Spot, booking: Booking, outside: Option<Month>) {
        if let Some(month) = outside {
            self.outside.add(spot.party, month);
        }
        let before = self.table.insert(spot, booking);
        assert!(before.is_none(), "nobody books an event twice");
    }

    /// Takes one away, with the same month as it was added with.
    pub(super) fn remove(&mut self, spot: Spot, outside: Option<Month>) -> Booking {
        if let Some(month) = outside {
            self.outside.subtract(spot.party, month);
        }
        self.table.remove(&spot).expect("it was found just before")
    }

    /// One seat less: the booking is another one from now on, with the tickets that are left.
    pub(super) fn change(&mut self, spot: Spot, seats: SeatRuns, position: u64) {
        let booking = self.table.get_mut(&spot).expect("it was found just before");
        (booking.seats, booking.made_at) = (seats, position);
    }

    /// Puts back the bookings of a snapshot.
    pub(super) fn admit(&mut self, table: Shards<Spot, Booking>) {
        self.table = table;
    }

    /// Counts one of them that is outside of the holder's branch, unless there are as many as there can be.
    pub(super) fn admit_outside(&mut self, party: Party, month: Month, max: u32) -> bool {
        let is_right = self.outside.count(party, month) < max;
        if is_right {
            self.outside.add(party, month);
        }
        is_right
    }

    pub(super) fn check(&self, outside: &Quota) -> Result<(), String> {
        self.table.check()?;
        if *outside != self.outside { Err("bookings of a month are counted wrong".into()) } else { Ok(()) }
    }
}

impl Quota {
    fn count(&self, party: Party, month: Month) -> u32 {
        self.0.get(&(party, month)).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, party: Party, month: Month) {
        *self.0.entry((party, month)).or_default() += 1;
    }

    /// The greatest count of anybody's month.
    pub(super) fn most(&self) -> u32 {
        self.0.values().copied().max().unwrap_or(0)
    }

    fn subtract(&mut self, party: Party, month: Month) {
        let count = self.0.get_mut(&(party, month)).expect("every booking is counted");
        *count -= 1;
        if *count == 0 {
            self.0.remove(&(party, month));
        }
    }
}
