//! Seats that are set aside for a while, and when they fall back.
//!
//! Expiry is no timer of one server but an operation in the log: whichever server notices that something is due
//! asks for it, and everybody frees what is due at the state's own time of that request. Every operation on events
//! begins with the same, so what is due is never there for anybody, and asking twice does nothing.

use super::parties::{Party, Spot};
use crate::domain::runs::SeatRuns;
use crate::domain::shards::Shards;
use std::collections::BTreeSet;

/// Holds in one shard of a full table.
const SHARD_LEN: usize = 256;

/// Seats that are set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Hold {
    /// Falls back at this time of the state.
    pub(super) until_ms: u64,
    pub(super) seats: SeatRuns,
    /// Whether it was waited for.
    pub(super) offered: bool,
    /// Whether it was extended.
    pub(super) extended: bool,
}

/// All holds.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    table: Shards<Spot, Hold>,
    /// By the time they fall back. Follows from the table.
    due: BTreeSet<(u64, Spot)>,
}

impl Holds {
    pub(super) fn new(holds_max: usize) -> Holds {
        Holds { table: Shards::new(holds_max, SHARD_LEN), due: BTreeSet::new() }
    }

    pub(super) fn table(&self) -> &Shards<Spot, Hold> {
        &self.table
    }

    pub(super) fn get(&self, spot: Spot) -> Option<&Hold> {
        self.table.get(&spot)
    }

    /// How many somebody has.
    pub(super) fn count_of(&self, party: Party) -> usize {
        let (first, last) = Spot::all_of(party);
        self.table.range(&first, &last).count()
    }

    /// When the next one falls back.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.due.first().map(|(until_ms, _)| *until_ms)
    }

    /// One that is due.
    pub(super) fn first_due(&self, now_ms: u64) -> Option<Spot> {
        self.due.first().filter(|(until_ms, _)| *until_ms <= now_ms).map(|(_, spot)| *spot)
    }

    pub(super) fn insert(&mut self, spot: Spot, hold: Hold) {
        self.due.insert((hold.until_ms, spot));
        let before = self.table.insert(spot, hold);
        assert!(before.is_none(), "nobody holds seats of an event twice");
    }

    pub(super) fn remove(&mut self, spot: Spot) -> Hold {
        let hold = self.table.remove(&spot).expect("it was found just before");
        self.due.remove(&(hold.until_ms, spot));
        hold
    }

    /// For longer, and never again.
    pub(super) fn extend(&mut self, spot: Spot, until_ms: u64) {
        let hold = self.table.get_mut(&spot).expect("it was found just before");
        self.due.remove(&(hold.until_ms, spot));
        self.due.insert((until_ms, spot));
        (hold.until_ms, hold.extended) = (until_ms, true);
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.table.check()?;
        let due: BTreeSet<_> = self.table.iter().map(|(spot, hold)| (hold.until_ms, *spot)).collect();
        if due != self.due { Err("holds do not fall back when they should".into()) } else { Ok(()) }
    }
}
