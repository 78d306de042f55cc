//! What a command allocates, by the parts of its way: `cargo run --release --example allocations`. The work is that of
//! `scenario.rs`, the same every time, so the figures are exact; and three servers' work, so one server's is a third.
//!
//! A reallocation counts as an allocation. Bytes are those asked for, whether or not they were given back.
#![expect(clippy::disallowed_macros, reason = "a program that prints what it counted")]

#[path = "scenario.rs"]
mod scenario;

use scenario::Phase;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};
use std::alloc::System;
use std::cell::RefCell;
use std::collections::BTreeMap;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What was counted, and since when for whom.
struct Counts {
    phases: Vec<Phase>,
    since: (usize, usize),
    totals: BTreeMap<Phase, (usize, usize)>,
}

thread_local! {
    static COUNTS: RefCell<Counts> = const {
        RefCell::new(Counts { phases: Vec::new(), since: (0, 0), totals: BTreeMap::new() })
    };
}

fn so_far() -> (usize, usize) {
    let Stats { allocations, reallocations, bytes_allocated, .. } = ALLOCATOR.stats();
    (allocations + reallocations, bytes_allocated)
}

impl Counts {
    /// Gives what was allocated since the last change to the phase that it was for.
    fn settle(&mut self) {
        let now = so_far();
        let phase = self.phases.last().copied().unwrap_or(Phase::Outside);
        let total = self.totals.entry(phase).or_default();
        total.0 += now.0 - self.since.0;
        total.1 += now.1 - self.since.1;
        // The table's own entries are nobody's.
        self.since = so_far();
    }
}

fn phase<T>(phase: Phase, work: impl FnOnce() -> T) -> T {
    let change = |change: &dyn Fn(&mut Vec<Phase>)| {
        COUNTS.with_borrow_mut(|counts| {
            counts.settle();
            change(&mut counts.phases);
            counts.since = so_far();
        });
    };
    change(&|phases| phases.push(phase));
    let result = work();
    change(&|phases| {
        phases.pop();
    });
    result
}

fn main() {
    let answers = scenario::run();
    COUNTS.with_borrow_mut(|counts| {
        counts.settle();
        let each = |count: usize| count as f64 / answers as f64;
        println!("{:<10} {:>12} {:>10}   for each of {answers} answers", "", "allocations", "bytes");
        let mut sum = (0, 0);
        for (phase, &(allocations, bytes)) in
            counts.totals.iter().filter(|(phase, _)| **phase != Phase::Outside)
        {
            println!("{:<10} {:>12.2} {:>10.0}", format!("{phase:?}"), each(allocations), each(bytes));
            sum = (sum.0 + allocations, sum.1 + bytes);
        }
        println!("{:<10} {:>12.2} {:>10.0}", "all", each(sum.0), each(sum.1));
    });
}
