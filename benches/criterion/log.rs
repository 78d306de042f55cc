//! Records appended to the log and flushed together, in a file system in memory where there is one: what is left is the
//! log's own work and the system's calls. What a disk adds: `storage.rs`.

use boxoffice::storage::{Identity, Options, RealDisk, Store};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use tempfile::TempDir;

/// As long as a request of one reservation.
const RECORD: [u8; 100] = [7; 100];
/// Log before it is begun anew.
const LOG_BYTES_MAX: u64 = 128 << 20;

/// A log in a directory that goes with it.
struct Log {
    store: Store<RealDisk>,
    _dir: TempDir,
}

impl Log {
    fn new() -> Log {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = tempfile::tempdir_in(parent).expect("a directory");
        let disk = RealDisk::open(dir.path()).expect("locked");
        let identity = Identity { cluster: "bench".to_owned(), server: 1, seats: 1 };
        let (store, _) = Store::open(disk, &identity, &Options::default()).expect("it opens");
        Log { store, _dir: dir }
    }

    /// Between two flushes, as a server does it: part of the next file, so that no flush has to make it.
    fn rest(&mut self) {
        if self.store.bytes_used() > LOG_BYTES_MAX {
            *self = Log::new();
        }
        self.store.prepare().expect("prepared");
    }

    fn commit(&mut self, records: u64) {
        for _ in 0..records {
            self.store.append(black_box(&RECORD)).expect("taken");
        }
        self.store.sync().expect("flushed");
    }
}

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    for records in [1, 16, 256] {
        group.throughput(Throughput::Elements(records));
        let log = RefCell::new(Log::new());
        group.bench_function(BenchmarkId::new("records a flush", records), |bencher| {
            bencher.iter_batched(
                || log.borrow_mut().rest(),
                |()| log.borrow_mut().commit(records),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
