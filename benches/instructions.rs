//! A fixed piece of work, for counting instructions (`ci/instructions`): see `scenario.rs`. The same instructions every
//! time, whatever else the machine does; but for the clock that the audit log reads, whose numbers differ in length.
#![expect(clippy::disallowed_macros, reason = "a program that prints what it did")]

#[path = "scenario.rs"]
#[allow(dead_code, reason = "what is no phase needs no name here")]
mod scenario;

use scenario::Phase;

/// Nothing but the work.
fn phase<T>(_: Phase, work: impl FnOnce() -> T) -> T {
    work()
}

fn main() {
    println!("{} answers", scenario::run());
}
