//! Many seeds, on as many threads as wanted.

use super::{Report, World, WorldKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A seed that failed.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub kind: WorldKind,
    pub why: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { seed, kind, why } = self;
        write!(
            f,
            "seed {seed} of the world `{kind}`: {why}\nreplay: cargo run --release --example sim -- replay {seed} --world {kind} --trace"
        )
    }
}

/// Lives through one seed; a panic counts as a failure.
pub fn run_one(seed: u64, kind: WorldKind) -> Result<Report, Failure> {
    live(World::new(seed, kind), seed, kind)
}

/// Lives through a world that was made of this seed.
pub fn live(mut world: World, seed: u64, kind: WorldKind) -> Result<Report, Failure> {
    let failed = |why| Failure { seed, kind, why };
    // A history is judged from outside as well where there is one history.
    let is_recorded = seed.is_multiple_of(4) && kind != WorldKind::Partition;
    if is_recorded {
        world = world.recorded();
    }
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut report = world.play()?;
        if let Some(history) = &world.history {
            let is_judged = history.check()?;
            report.count(if is_judged {
                "histories judged from outside"
            } else {
                "histories too open to judge"
            });
        }
        Ok(report)
    }));
    match played {
        Ok(played) => played.map_err(failed),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(failed(format!("panic: {}", text.unwrap_or_default())))
        }
    }
}

/// Seeds of some worlds, taken in turn.
pub struct Sweep {
    pub kinds: Vec<WorldKind>,
    pub first_seed: u64,
    /// Of each world.
    pub seeds: u64,
    pub jobs: usize,
}

impl Sweep {
    /// Runs all of them until `is_over` says that it is time. `on_done` is told of each, with the sum of its world.
    pub fn run(
        &self,
        is_over: impl Fn() -> bool + Sync,
        on_done: impl Fn(Result<&Report, &Failure>) + Sync,
    ) -> (Vec<Report>, Vec<Failure>) {
        let sums = Mutex::new((vec![Report::default(); self.kinds.len()], Vec::new()));
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let total = self.seeds.saturating_mul(self.kinds.len() as u64);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total || stop.load(Ordering::Relaxed) {
                    return;
                }
                if is_over() {
                    stop.store(true, Ordering::Relaxed);
                    return;
                }
                let world = (number % self.kinds.len() as u64) as usize;
                let done = run_one(self.first_seed + number / self.kinds.len() as u64, self.kinds[world]);
                on_done(done.as_ref());
                let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                match done {
                    Ok(mut report) => {
                        report.count("seeds");
                        sums.0[world].add(&report);
                    }
                    Err(failure) => sums.1.push(failure),
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.jobs {
                scope.spawn(work);
            }
            work();
        });
        sums.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
