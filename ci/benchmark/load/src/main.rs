//! The load of `ci/bench`: closed-loop clients against one system that runs already, and one line of JSON about
//! what they measured.
//!
//! Every system gets the same clients from the same code: [`mix`] says what a client does next, [`drive`] runs all of
//! them on one thread, [`sold`] holds their answers against each other, [`measure`] and [`machine`] count, [`report`]
//! writes the line. What differs between systems is behind [`backend::Backend`], a file for each in [`backends`].
//! [`grow`] is another loop, which holds a number of reservations, and does what it is told over standard input.
//! [`ceiling_node`] is one of the systems itself: a replicator that does the least that is possible. [`timeline`] is another
//! load, of boxoffice's own clients, for `ci/bench gaps`: they go on with another server when theirs stops.
//!
//! Absent on purpose: retries (a closed loop on one machine that needs one has failed; those of [`timeline`] are the
//! product's), and pacing (the next operation of
//! a client begins when its last one was answered).

mod args;
mod backend;
mod backends;
mod ceiling_node;
mod disk;
mod drive;
mod error;
mod grow;
mod machine;
mod measure;
mod mix;
mod pool;
mod report;
mod sold;
mod timeline;

use args::{Cli, Command};
use clap::Parser as _;
use error::LoadError;
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::CeilingNode(args) => ceiling_node::run(&args),
        Command::Load { system, load } => on_one_thread(backends::run(system, load)).and_then(print),
        Command::Grow { target, load } => on_one_thread(backends::grow(target, load)),
        Command::Timeline(args) => on_one_thread(timeline::run(args)).and_then(print),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading.
            let _ = writeln!(io::stderr(), "bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Everything of a run is on this thread.
fn on_one_thread<T>(run: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    tokio::task::LocalSet::new().block_on(&runtime, run)
}

fn print(line: String) -> Result<(), LoadError> {
    writeln!(io::stdout(), "{line}").map_err(LoadError::Output)
}
