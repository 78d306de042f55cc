//! What one server tells, taken page by page: what is missing in between, and whether it was started again.

use super::{AT_US_MAX, Event, What};
use crate::api::wire::TracePage;

/// How far one server's events are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tail {
    /// The last event that was taken; none before the first page.
    after: Option<u64>,
}

/// What came with a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// In their order.
    pub events: Vec<Event>,
    /// Whether there is no more yet.
    pub is_all: bool,
}

impl Tail {
    /// What to ask for.
    pub fn after(&self) -> u64 {
        self.after.unwrap_or(0)
    }

    /// Takes a page.
    pub fn take(&mut self, server: u8, page: TracePage) -> Taken {
        // A process that was started again counts from the beginning.
        let known = self.after.filter(|&after| after <= page.last);
        let mut events = Vec::with_capacity(page.events.len() + 1);
        if let Some(first) = page.events.first() {
            let at_us = first.at_us.min(AT_US_MAX);
            // What happened before it was watched is not there to be missed.
            let missing = known.map_or(0, |known| first.number.saturating_sub(known.saturating_add(1)));
            if self.after.is_some() && known.is_none() {
                events.push(Event { server, at_us, what: What::StartedAgain });
            } else if missing > 0 {
                events.push(Event { server, at_us, what: What::Missing(missing) });
            }
        }
        let seen = page.events.last().map_or(page.last, |event| event.number);
        let traced = page.events.into_iter();
        events.extend(traced.map(|event| Event {
            server,
            at_us: event.at_us.min(AT_US_MAX),
            what: What::Traced(event.traced),
        }));
        self.after = Some(seen);
        Taken { events, is_all: seen >= page.last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{TraceEvent, Traced};

    fn page(numbers: std::ops::Range<u64>, last: u64) -> TracePage {
        let event = |number| TraceEvent { number, at_us: number, traced: Traced::Left };
        TracePage { last, events: numbers.map(event).collect() }
    }

    fn marks(taken: &Taken) -> Vec<What> {
        let is_mark = |event: &&Event| !matches!(event.what, What::Traced(_));
        taken.events.iter().filter(is_mark).map(|event| event.what.clone()).collect()
    }

    #[test]
    fn what_is_missing_is_counted_and_a_new_process_counts_anew() {
        let mut tail = Tail::default();
        let taken = tail.take(1, page(0..0, 40));
        assert!(taken.is_all && taken.events.is_empty(), "nothing was watched before");
        assert!(tail.take(1, page(41..43, 42)).is_all);
        let taken = tail.take(1, page(45..47, 50));
        assert!(!taken.is_all, "there is more");
        assert_eq!((marks(&taken), tail.after()), (vec![What::Missing(2)], 46));
        let taken = tail.take(1, page(1..4, 3));
        assert!(taken.is_all);
        assert_eq!((marks(&taken), tail.after()), (vec![What::StartedAgain], 3));
        assert_eq!(taken.events.len(), 4);
    }

    #[test]
    fn a_server_that_tells_nonsense_breaks_nothing() {
        let mut tail = Tail::default();
        let event = |number| TraceEvent { number, at_us: u64::MAX, traced: Traced::Left };
        for numbers in [[u64::MAX, 0], [0, u64::MAX], [7, 7]] {
            let taken = tail.take(1, TracePage { last: u64::MAX, events: numbers.map(event).into() });
            assert!(taken.events.iter().all(|event| event.at_us == AT_US_MAX));
        }
    }
}
