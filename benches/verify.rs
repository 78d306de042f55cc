//! How long the checker of histories takes: `cargo bench --bench verify`.
//!
//! Histories are right ones of the shipping state machine with 100 seats and 60 names; `unknown` is the share of
//! calls without an answer, half of which were carried out.
#![allow(missing_docs, reason = "a program")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock and prints"
)]

#[path = "../tests/verify/brute.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod brute;
#[path = "../tests/verify/builder.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod builder;
#[path = "../tests/verify/generate.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod generate;

use boxoffice::verify::check::{Limits, Verdict, check};
use generate::{Plan, history};
use std::time::Instant;

fn main() {
    for (calls, clients, unknown_per_mille) in [
        (100_000, 8, 0),
        (100_000, 32, 0),
        (100_000, 64, 0),
        (10_000, 8, 1),
        (1_000, 8, 10),
        (1_000, 32, 10),
        (1_000, 8, 50),
    ] {
        let plan = Plan { calls, clients, names: 60, capacity: 100, unknown_per_mille };
        let calls = history(plan, 1);
        let start = Instant::now();
        let verdict = check(&calls, Some(plan.capacity), Limits::default()).expect("it can be judged");
        let took = start.elapsed();
        let words = match verdict {
            Verdict::Linearizable(orders) => format!("right, {} configurations", orders[0].configurations),
            Verdict::Violated(violation) => format!("WRONG: {violation}"),
            Verdict::GaveUp { configurations, .. } => {
                format!("gave up after {configurations} configurations")
            }
        };
        println!(
            "{:>7} calls, {clients:>2} clients, {:>4.1} % unknown: {took:>10.2?} {words}",
            calls.len(),
            f64::from(unknown_per_mille) / 10.0
        );
    }
}
