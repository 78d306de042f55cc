//! Random steps with power cuts, kills and failed syncs between any two operations of the disk.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "seeds come from the environment, a red run prints its own"
)]

use super::*;
use crate::storage::{History, OpenError, SimDisk, SnapshotWriter, StorageError};

/// Seeds of an ordinary run. `BOXOFFICE_STORAGE_SEEDS=from..to` runs others.
const SEEDS: std::ops::Range<u64> = 0..1_500;

/// What the test knows of a store.
struct World {
    disk: SimDisk,
    rng: fastrand::Rng,
    store: Option<Store<SimDisk>>,
    writer: Option<(SnapshotWriter<SimDisk>, Vec<u64>)>,
    /// All records of the present history, oldest first. Each value is used once.
    values: Vec<u64>,
    /// So many of them are durable, for sure.
    durable: usize,
    /// A whole history that may have replaced the present one, because its adoption was interrupted.
    instead: Option<Vec<u64>>,
    next_value: u64,
    incarnation: u64,
    lost: bool,
}

fn encode(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn decode(bytes: &[u8]) -> Vec<u64> {
    let value = |eight: &[u8]| u64::from_le_bytes(eight.try_into().expect("eight bytes"));
    bytes.chunks_exact(8).map(value).collect()
}

/// A checkpoint says how many records came before it.
fn checkpoint(values: &[u64]) -> Vec<u8> {
    format!("checkpoint after {}", values.len()).into_bytes()
}

impl World {
    fn new(seed: u64) -> World {
        World {
            disk: SimDisk::new(),
            rng: fastrand::Rng::with_seed(seed),
            store: None,
            writer: None,
            values: Vec::new(),
            durable: 0,
            instead: None,
            next_value: 1,
            incarnation: 0,
            lost: false,
        }
    }

    fn run(&mut self) {
        for _ in 0..self.rng.usize(5..60) {
            if self.store.is_none() && !self.open() {
                continue;
            }
            match self.rng.u8(..40) {
                0 => self.disk.power_off_after(self.rng.u64(..40)),
                1 => self.disk.fail_sync_after(self.rng.u64(..6)),
                2 => self.kill(),
                3 => self.crash(),
                4 => self.set_aside(),
                _ => {}
            }
            let result = self.step();
            if let Err(error) = result {
                assert!(error.is_fatal(), "{error}");
                self.fall();
                if self.rng.u8(..4) == 0 {
                    // Whatever step was cut short.
                    self.set_aside();
                }
            }
        }
        self.fall();
        while self.store.is_none() {
            self.open();
        }
    }

    fn step(&mut self) -> Result<(), StorageError> {
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        match self.rng.u8(..20) {
            0..10 => {
                for _ in 0..self.rng.usize(1..5) {
                    let value = self.next_value;
                    self.next_value += 1;
                    let padding = if self.rng.u8(..30) == 0 { 20_000 } else { 1_200 };
                    let mut record = value.to_le_bytes().to_vec();
                    record.extend((0..self.rng.usize(..padding)).map(|_| value as u8));
                    self.values.push(value);
                    store.append(&record)?;
                }
            }
            10..15 => {
                store.sync()?;
                self.durable = self.values.len();
            }
            15 => {
                store.prepare()?;
            }
            16 => {
                self.writer = None;
                let checkpoint = checkpoint(&self.values);
                let writer = store.begin_snapshot(self.values.len() as u64, &[&checkpoint])?;
                self.durable = self.values.len();
                self.writer = Some((writer, self.values.clone()));
            }
            17 | 18 => {
                if let Some((mut writer, values)) = self.writer.take() {
                    // A failed write shows again when the snapshot is finished.
                    let _ = writer.write_all(&encode(&values));
                    store.snapshot_done(writer.finish()?)?;
                }
            }
            _ => self.adopt()?,
        }
        Ok(())
    }

    fn adopt(&mut self) -> Result<(), StorageError> {
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        let values: Vec<u64> = (0..self.rng.u64(1..300)).map(|n| self.next_value + n).collect();
        self.next_value += values.len() as u64;
        let (mut donor, _) = open(&SimDisk::faultless());
        snapshot(&mut donor, values.len() as u64, &encode(&values), &[]);
        let reader = donor.snapshot_reader().expect("there is one");
        let mut receiver = store.snapshot_receiver(reader.position(), reader.total_bytes())?;
        receiver.write_chunk(0, &reader.read_at(0, 1 << 20).expect("readable"))?;
        let received = receiver.finish()?;
        self.instead = Some(values.clone());
        store.adopt_snapshot(received, &[&checkpoint(&values)])?;
        (self.durable, self.values, self.instead, self.lost) = (values.len(), values, None, false);
        Ok(())
    }

    fn set_aside(&mut self) {
        self.kill();
        match Store::set_aside(self.disk.clone(), &identity(), "a test") {
            Ok(()) => self.forget(),
            // It was cut short: the caller, who knows why it was called, calls again.
            Err(_) => loop {
                self.crash();
                if Store::set_aside(self.disk.clone(), &identity(), "a test").is_ok() {
                    self.forget();
                    return;
                }
            },
        }
    }

    fn forget(&mut self) {
        (self.values, self.durable, self.instead, self.lost) = (Vec::new(), 0, None, true);
    }

    fn kill(&mut self) {
        (self.store, self.writer) = (None, None);
    }

    fn crash(&mut self) {
        self.kill();
        self.disk.crash(&mut self.rng);
    }

    /// The process ends; the power perhaps too.
    fn fall(&mut self) {
        self.kill();
        if self.disk.list("").is_err() || self.rng.bool() {
            self.crash();
        }
    }

    /// Opens the directory, unless it fails for a fault, and compares.
    fn open(&mut self) -> bool {
        if self.rng.u8(..4) == 0 {
            self.disk.power_off_after(self.rng.u64(..25));
        }
        match Store::open(self.disk.clone(), &identity(), &options()) {
            Ok((store, recovered)) => {
                assert!(recovered.incarnation > self.incarnation, "an incarnation was used twice");
                self.incarnation = recovered.incarnation;
                if self.disk.list("").is_err() {
                    drop((store, recovered));
                    self.fall();
                    return false;
                }
                self.compare(&recovered);
                self.store = Some(store);
                true
            }
            Err(OpenError::Io { .. }) => {
                self.fall();
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn compare(&mut self, recovered: &Recovered<SimDisk>) {
        assert!(recovered.warnings.is_empty(), "{:?}", recovered.warnings);
        let mut found = decode(&content(recovered).unwrap_or_default());
        let snapshot = recovered.snapshot.is_some();
        if let Some(reader) = &recovered.snapshot {
            assert_eq!(reader.position(), found.len() as u64);
            let first = recovered.replay().next().expect("a snapshot has its checkpoint");
            assert_eq!(first, &checkpoint(&found), "the checkpoint is replayed first");
        }
        for record in recovered.replay() {
            if record.starts_with(b"checkpoint") {
                assert_eq!(record, &checkpoint(&found));
            } else {
                found.extend(decode(&record[..8]));
            }
        }
        let adopted = self.instead.take().filter(|instead| *instead == found);
        if let Some(values) = adopted {
            (self.values, self.lost) = (values, false);
        } else {
            assert!(found.len() >= self.durable, "{} of {} durable records", found.len(), self.durable);
            assert_eq!(found, self.values[..found.len()], "a prefix of what was appended, in order");
        }
        let expected = match (self.lost, snapshot || !found.is_empty()) {
            (true, _) => History::Lost { why: "a test".to_owned() },
            (false, true) => History::Kept,
            // A checkpoint or a record cut off later may have been there.
            (false, false) if recovered.history == History::Kept => History::Kept,
            (false, false) => History::First,
        };
        assert_eq!(recovered.history, expected);
        self.durable = found.len();
        self.values = found;
    }
}

/// Says which seed failed.
struct Seed(u64);

impl Drop for Seed {
    #[allow(clippy::print_stderr, reason = "a red run names its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with BOXOFFICE_STORAGE_SEEDS={0}..{1}", self.0, self.0 + 1);
        }
    }
}

#[test]
fn whatever_happens_what_was_durable_is_there_in_order() {
    let seeds = match std::env::var("BOXOFFICE_STORAGE_SEEDS") {
        Ok(text) => {
            let (from, to) = text.split_once("..").expect("from..to");
            from.parse().expect("a number")..to.parse().expect("a number")
        }
        Err(_) => SEEDS,
    };
    for seed in seeds {
        let _seed = Seed(seed);
        World::new(seed).run();
    }
}
