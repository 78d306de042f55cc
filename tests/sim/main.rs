//! Whole clusters in one thread: the shipping engine, state and storage under a seeded world.
//!
//! The tests take a fixed set of seeds; `cargo run --release --example sim -- run --minutes 5` takes fresh ones, and
//! `... -- replay SEED --world any|majority|partition --trace` says what happens in one.

#![expect(clippy::disallowed_macros, reason = "the table of mutants is shown")]

mod simulator;

use simulator::mutants;
use simulator::sweep::{Sweep, run_one};
use simulator::{World, WorldKind};

/// Seeds of each world that every run of the tests takes, in a debug build.
const SEEDS: u64 = 100;

/// Outcomes about events that are a success of a client's; `errands::deed` names them.
const DEEDS: usize = 15;

fn sweep(kind: WorldKind) {
    let sweep = Sweep { kinds: vec![kind], first_seed: 1, seeds: SEEDS, jobs: 1 };
    let (sums, failures) = sweep.run(|| false, |_| {});
    assert!(failures.is_empty(), "{}", failures.iter().map(|f| format!("\n{f}")).collect::<String>());
    let sum = &sums[0];
    assert!(sum.answered > 100 * SEEDS, "too little was done for the run to mean anything: {sum}");
    if kind != WorldKind::Partition {
        assert_eq!(sum.deeds.len(), DEEDS, "something about events was never done: {:?}", sum.deeds);
    }
}

#[test]
fn any_survives_all_that_it_promises_to() {
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
    for kind in WorldKind::ALL {
        for seed in [7, 8] {
            let runs = [World::new(seed, kind).play(), World::new(seed, kind).play()];
            assert_eq!(runs[0], runs[1], "{kind} {seed}");
        }
    }
}

#[test]
fn a_run_that_is_told_is_the_same_run() {
    let told = World::new(5, WorldKind::Majority).traced().play();
    assert_eq!(told, World::new(5, WorldKind::Majority).play());
}

#[test]
fn a_history_is_written_as_lines_that_any_checker_can_read() {
    let mut world = World::new(9, WorldKind::Any).recorded();
    let report = world.play().expect("it passes");
    let history = world.history.as_ref().expect("it was recorded");
    let text: String = history.lines().map(|line| line + "\n").collect();
    let calls = boxoffice::verify::line::parse(&text).expect("it can be read");
    assert_eq!(calls.len(), history.len());
    let answered = calls.iter().filter(|call| call.end.is_some()).count() as u64;
    assert!(answered > 0 && answered <= report.answered + report.reads, "{answered} of {report}");
}

/// Seeds that found faults of the engine. They stay worth something only until the world learns new faults, or draws
/// them otherwise: what can be told as a story is kept in `tests/protocol` and beside the code as well.
///
/// | seed | what it found |
/// |---|---|
/// | majority 407 | the holder of a request was blamed while it waited for a member that was gone |
/// | majority 2857 | a server at work in a dead view could not be asked by those that had promised a later one |
/// | majority 3196 | who had executed what the highest view was made of was taken for forked |
/// | partition 76 | what two sides kept alike was forgotten past a view that was never used |
/// | partition 418, 636 | what was fetched from a later view was missing in the lineage |
/// | partition 1795279225543, 1795279225597 | who was further than a view that nobody used stopped every other view |
/// | partition 1795279226355, 1795280812018 | who had fetched half of one side went on with the other |
/// | partition 1795279728945 | a snapshot of a state that was given up was offered to others for ever |
/// | majority 111425601845340 | a coordinator's tail began behind those who had to come with it |
/// | partition 98165559746029 | a coordinator asked for the promises that it lacked in turns, never for all of them |
/// | any 20261129219143 | a recovering server that had stood still went on with what others had said before one of them went on alone |
/// | partition 105279184492151 | none of the engine: the judge did not know a booking that a retry made on both of two sides again where a third one joined |
const REGRESSIONS: [(WorldKind, &[u64]); 7] = [
    (WorldKind::Majority, &[407, 2857, 3196, 1_795_290_906_110]),
    (WorldKind::Partition, &[76, 418, 636, 101_597, 200_627]),
    (WorldKind::Partition, &[1_795_279_225_543, 1_795_279_225_597, 1_795_279_226_355]),
    (WorldKind::Partition, &[1_795_279_728_945, 1_795_280_812_018]),
    (WorldKind::Majority, &[111_425_601_845_340]),
    (WorldKind::Partition, &[98_165_559_746_029, 105_279_184_492_151]),
    (WorldKind::Any, &[990_017_000_472, 196_170_152_444_509, 20_261_129_219_143]),
];

#[test]
fn seeds_that_failed_once_pass() {
    for (kind, seeds) in REGRESSIONS {
        for &seed in seeds {
            if let Err(failure) = run_one(seed, kind) {
                panic!("{failure}");
            }
        }
    }
}

/// Mutants that may live for more runs are left to `sim mutants`.
const MUTANT_RUNS_MAX: u64 = 50;

#[test]
fn mutants_that_show_soon_are_caught() {
    let (table, wrong) = mutants::hunt::table(|_, runs_max| runs_max <= MUTANT_RUNS_MAX, 1, |_, _| {});
    println!("{table}");
    assert!(wrong.is_empty(), "the simulation is no evidence where it misses {wrong:?}\n{table}");
}

#[test]
fn the_page_of_mutants_lists_each() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/mutants.md"));
    let page = page.expect("the page is there");
    for (mutant, what, kinds, runs_max) in mutants::MUTANTS.into_iter().chain([mutants::HARMLESS]) {
        let begins = format!("| {mutant:?} | {what} | {} | ", mutants::hunt::worlds(mutant, kinds));
        let ends = format!(" | {runs_max} |");
        let is_listed = page.lines().any(|line| line.starts_with(&begins) && line.ends_with(&ends));
        assert!(is_listed, "src/docs/mutants.md: {begins}...{ends}");
    }
}
