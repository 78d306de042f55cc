//! How fast the log is on a real disk: `cargo bench --bench storage`. `BENCH_DIR` chooses the disk.
#![allow(missing_docs, reason = "a program")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock, takes its directory from the environment and prints"
)]

use boxoffice::storage::{Identity, Options, RealDisk, Store};
use std::time::{Duration, Instant};

fn main() {
    let identity = Identity { cluster: "bench".to_owned(), server: 1, seats: 1 };
    let record = [7; 100];
    for batch in [1, 100, 1000] {
        let dir = tempfile::tempdir_in(std::env::var("BENCH_DIR").unwrap_or_else(|_| ".".to_owned()));
        let dir = dir.expect("a directory");
        let disk = RealDisk::open(dir.path()).expect("locked");
        let options = Options { disk_bytes_max: 64 << 30, ..Options::default() };
        let (mut store, _) = Store::open(disk, &identity, &options).expect("it opens");
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
