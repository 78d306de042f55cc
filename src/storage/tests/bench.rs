//! How fast a real disk is, on demand:
//! `cargo test --release --lib storage::tests::bench -- --ignored --nocapture`.

use super::*;
use crate::storage::RealDisk;
use std::time::{Duration, Instant};

#[test]
#[ignore = "a measurement, not a test"]
#[allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints"
)]
fn durable_commits_per_second() {
    let record = [7; 100];
    for batch in [1, 100, 1000] {
        let dir = tempfile::tempdir_in(std::env::var("BENCH_DIR").unwrap_or_else(|_| ".".to_owned()));
        let dir = dir.expect("a directory");
        let disk = RealDisk::open(dir.path()).expect("locked");
        let options = Options { disk_bytes_max: 64 << 30, ..Options::default() };
        let (mut store, _) = Store::open(disk, &identity(), &options).expect("it opens");
        let mut took = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            let commit = Instant::now();
            for _ in 0..batch {
                store.append(&record).expect("taken");
            }
            store.sync().expect("synced");
            took.push(commit.elapsed());
            store.prepare().expect("prepared");
        }
        let seconds = begun.elapsed().as_secs_f64();
        took.sort_unstable();
        println!(
            "batch {batch:4}: {:7.0} commits/s, {:9.0} records/s, p50 {:?}, p99 {:?}, max {:?}",
            took.len() as f64 / seconds,
            (took.len() * batch) as f64 / seconds,
            took[took.len() / 2],
            took[took.len() * 99 / 100],
            took[took.len() - 1],
        );
    }
}
