//! Long runs of the simulation, and replays of single seeds.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it measures how fast it is, takes fresh seeds from the clock, and prints"
)]

mod simulator;

use clap::{Parser, Subcommand, ValueEnum};
use simulator::mutants;
use simulator::sweep::{Failure, Sweep};
use simulator::{Report, World, WorldKind};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(30);

/// Whole clusters in one thread under a seeded world: crashes, torn writes, partitions and the rest.
#[derive(Parser)]
#[command(name = "sim")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Lives through many seeds; fails if one of them does.
    Run {
        /// Which world.
        #[arg(long, value_enum, default_value = "all")]
        world: Which,
        /// How many seeds of each world.
        #[arg(long, default_value_t = u64::MAX)]
        seeds: u64,
        /// The first seed; by default one that nobody has tried, made of the time.
        #[arg(long, env = "SIM_FIRST")]
        first: Option<u64>,
        /// Stop after so long.
        #[arg(long)]
        minutes: Option<f64>,
        /// How many seeds at once.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Go on after a failure.
        #[arg(long)]
        keep_going: bool,
    },
    /// Lives through seeds with deliberate bugs until each bug is caught, and prints the table of `docs::mutants`.
    Mutants {
        /// Only those whose name contains this.
        only: Option<String>,
        /// So many times as many seeds as they must be caught within.
        #[arg(long, default_value_t = 1)]
        times: u64,
    },
    /// Lives through one seed again.
    Replay {
        /// Which one.
        seed: u64,
        /// In which world.
        #[arg(long, value_enum)]
        world: Which,
        /// Say what happens.
        #[arg(long)]
        trace: bool,
        /// Write what clients asked and were told to this file, and judge it.
        #[arg(long)]
        history: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Any,
    Majority,
    Partition,
    All,
}

impl Which {
    fn kinds(self) -> Vec<WorldKind> {
        match self {
            Which::Any => vec![WorldKind::Any],
            Which::Majority => vec![WorldKind::Majority],
            Which::Partition => vec![WorldKind::Partition],
            Which::All => WorldKind::ALL.to_vec(),
        }
    }
}

fn main() -> ExitCode {
    match Args::parse().what {
        What::Run { world, seeds, first, minutes, jobs, keep_going } => {
            let first_seed = first.unwrap_or_else(fresh_seed);
            if seeds == u64::MAX && minutes.is_none() {
                eprintln!("sim: say --seeds or --minutes, else it never ends");
                return ExitCode::from(2);
            }
            let seeds = seeds.min(u64::MAX - first_seed);
            let sweep = Sweep { kinds: world.kinds(), first_seed, seeds, jobs: jobs.max(1) };
            run(&sweep, minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)), keep_going)
        }
        What::Mutants { only, times } => hunt_mutants(only.as_deref().unwrap_or_default(), times),
        What::Replay { seed, world, trace, history } => world
            .kinds()
            .into_iter()
            .map(|kind| replay(seed, kind, trace, history.as_ref()))
            .max_by_key(|code| *code != ExitCode::SUCCESS)
            .unwrap_or(ExitCode::SUCCESS),
    }
}

/// A beginning that differs from run to run; the seeds of a day's runs do not overlap.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() * 1_000
}

fn run(sweep: &Sweep, limit: Option<Duration>, keep_going: bool) -> ExitCode {
    println!("seeds from {}, {} at a time", sweep.first_seed, sweep.jobs);
    let began = Instant::now();
    let cpu_began = cpu_time();
    let state = Mutex::new((Report::default(), 0_u64, Instant::now(), false));
    let is_over = || {
        let failed = state.lock().expect("nobody panics with it").3;
        limit.is_some_and(|limit| began.elapsed() >= limit) || (failed && !keep_going)
    };
    let on_done = |done: Result<&Report, &Failure>| {
        let mut state = state.lock().expect("nobody panics with it");
        match done {
            Ok(report) => state.0.add(report),
            Err(failure) => {
                state.3 = true;
                println!("{failure}");
            }
        }
        state.1 += 1;
        if state.2.elapsed() >= PROGRESS {
            state.2 = Instant::now();
            println!("{} seeds, {:.0} s: {}", state.1, began.elapsed().as_secs_f64(), short(&state.0));
            let _ = std::io::stdout().flush();
        }
    };
    let (sums, failures) = sweep.run(is_over, on_done);
    let cpu = (cpu_time() - cpu_began).as_secs_f64();
    let mut total = Report::default();
    for (kind, sum) in sweep.kinds.iter().zip(&sums) {
        println!("{kind}: {sum}");
        total.add(sum);
    }
    println!("{} failures; {}", failures.len(), short(&total));
    println!(
        "{cpu:.1} s of CPU: {:.0} client commands and {:.0} steps a second of CPU",
        (total.answered + total.reads) as f64 / cpu,
        total.steps as f64 / cpu
    );
    for failure in &failures {
        println!("{failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn hunt_mutants(only: &str, times: u64) -> ExitCode {
    let began = Instant::now();
    let is_wanted = |mutant, _| format!("{mutant:?}").contains(only);
    let (table, wrong) = mutants::hunt::table(is_wanted, times, |mutant, caught| {
        let text = caught.map_or("lives".to_owned(), ToString::to_string);
        println!("{:.1} s: {mutant:?}: {text}", began.elapsed().as_secs_f64());
    });
    println!("{table}");
    if !wrong.is_empty() {
        println!("not caught in time, or thought harmless and caught: {wrong:?}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn short(report: &Report) -> String {
    let Report { answered, reads, .. } = report;
    format!("{answered} commands and {reads} reads in {:.1} simulated hours", report.simulated_hours())
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn replay(seed: u64, kind: WorldKind, trace: bool, history: Option<&PathBuf>) -> ExitCode {
    let mut world = World::new(seed, kind);
    if trace {
        world = world.traced();
    }
    if history.is_some() {
        world = world.recorded();
    }
    let played = world.play();
    let mut judged = Ok(());
    if let (Some(path), Some(history)) = (history, &world.history) {
        let text: String = history.lines().map(|line| line + "\n").collect();
        if let Err(error) = std::fs::write(path, text) {
            eprintln!("sim: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{} calls in {}", history.len(), path.display());
        if kind != WorldKind::Partition {
            judged = history.check().map(|_| ());
        }
    }
    match (played, judged) {
        (Ok(report), Ok(())) => {
            println!("{kind} {seed}: {report}, trace {:016x}", report.trace);
            ExitCode::SUCCESS
        }
        (Err(why), _) | (Ok(_), Err(why)) => {
            println!("{kind} {seed}: {why}");
            ExitCode::FAILURE
        }
    }
}
