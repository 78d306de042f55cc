//! What the pieces of a command's way cost, each alone: `cargo bench --bench criterion`, or a part of it:
//! `... -- seats`. Everything once, to see that it runs: `... -- --test`.
//!
//! Not here: the slowest cases and the memory (`domain.rs`), a real disk (`storage.rs`), a whole server without its
//! threads (`instructions.rs`) and with them (`ci/bench`).
#![allow(missing_docs, reason = "a program")]

#[path = "criterion/apply.rs"]
mod apply;
#[path = "criterion/codec.rs"]
mod codec;
#[path = "criterion/load.rs"]
mod load;
#[path = "criterion/log.rs"]
mod log;
#[path = "criterion/seats.rs"]
mod seats;
#[path = "criterion/sessions.rs"]
mod sessions;
#[path = "criterion/snapshot.rs"]
mod snapshot;

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = seats::bench, apply::bench, sessions::bench, codec::bench, log::bench, snapshot::bench
}
criterion_main!(benches);
