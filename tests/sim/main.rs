//! Whole clusters in one thread: the shipping engine, state and storage under a seeded world.
//!
//! A run is a function of its seed. Replay one with `SIM_SEED=<seed> SIM_WORLD=<any|majority|partition> cargo nextest
//! run --test sim replay --no-capture`; run many with `SIM_SEEDS=<count>`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "seeds come from the environment, and a run says what it did"
)]

mod client;
mod model;
mod net;
mod node;
mod world;

use world::{Report, World, WorldKind};

/// Seeds of each world that every run of the tests takes.
const SEEDS: u64 = 150;

fn seeds() -> u64 {
    std::env::var("SIM_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS)
}

fn first_seed() -> u64 {
    std::env::var("SIM_FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn sweep(kind: WorldKind) {
    let mut total = Report::default();
    for seed in first_seed()..first_seed() + seeds() {
        match World::run(seed, kind) {
            Ok(report) => total.add(&report),
            Err(why) => panic!(
                "seed {seed}: {why}\nreplay: SIM_SEED={seed} SIM_WORLD={} cargo nextest run --test sim replay --no-capture",
                kind.name()
            ),
        }
    }
    println!("{}: {} seeds, {total}", kind.name(), seeds());
    assert!(total.answered > 50 * seeds(), "too little was done for the run to mean anything: {total}");
}

#[test]
fn any_survives_crashes_pauses_and_short_breaks() {
    sweep(WorldKind::Any);
}

#[test]
fn majority_survives_partitions_as_well() {
    sweep(WorldKind::Majority);
}

#[test]
fn a_partition_under_any_is_reported_and_healed() {
    sweep(WorldKind::Partition);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for kind in [WorldKind::Any, WorldKind::Majority, WorldKind::Partition] {
        let runs = [World::run(7, kind), World::run(7, kind)];
        let traces: Vec<_> = runs.iter().map(|run| run.as_ref().map(|report| report.trace)).collect();
        assert_eq!(traces[0], traces[1], "{kind:?}");
    }
}

/// Every seed that ever failed. The world has learned new faults since some of them did, so that not each still
/// takes its old course; `CHANGELOG.md` and the history say what each one found.
const REGRESSIONS: [(WorldKind, &[u64]); 3] = [
    (WorldKind::Any, &[19, 32, 2003, 2332, 2689, 2938, 3496]),
    (WorldKind::Majority, &[2, 5, 17, 20, 29, 117, 1043, 1292, 1713, 2793]),
    (WorldKind::Partition, &[1, 11, 13, 82, 1191, 1867, 2019, 2096, 2803]),
];

#[test]
fn seeds_that_failed_once_pass() {
    for (kind, seeds) in REGRESSIONS {
        for &seed in seeds {
            if let Err(why) = World::run(seed, kind) {
                panic!("seed {seed} of {}: {why}", kind.name());
            }
        }
    }
}

#[test]
fn replay() {
    let Ok(seed) = std::env::var("SIM_SEED") else { return };
    let seed = seed.parse().expect("SIM_SEED is a number");
    let kind = match std::env::var("SIM_WORLD").as_deref() {
        Ok("majority") => WorldKind::Majority,
        Ok("partition") => WorldKind::Partition,
        _ => WorldKind::Any,
    };
    match World::run_traced(seed, kind) {
        Ok(report) => println!("{report}"),
        Err(why) => panic!("seed {seed}: {why}"),
    }
}
