//! The load of `ci/bench`: closed-loop clients against one system that runs already, and one line of JSON about
//! what they measured.
//!
//! Every system gets the same clients from the same code: [`mix`] says what a client does next, [`drive`] runs all of
//! them on one thread, [`sold`] holds their answers against each other, [`measure`] and [`machine`] count, [`report`]
//! writes the line. What differs between systems is behind [`backend::Backend`], a file for each in [`backends`].
//! [`ceiling_node`] is one of the systems itself: a replicator that does the least that is possible.
//!
//! Absent on purpose: retries (a closed loop on one machine that needs one has failed), and pacing (the next operation of
//! a client begins when its last one was answered).

mod args;
mod backend;
mod backends;
mod ceiling_node;
mod disk;
mod drive;
mod error;
mod machine;
mod measure;
mod mix;
mod report;
mod sold;

use args::{Cli, Command};
use clap::Parser as _;
use error::LoadError;
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::CeilingNode(args) => ceiling_node::run(&args),
        Command::Load { system, load } => run_load(system, load),
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

/// One run, everything of it on this thread.
fn run_load(system: args::System, load: args::LoadArgs) -> Result<(), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let tasks = tokio::task::LocalSet::new();
    let line = tasks.block_on(&runtime, backends::run(system, load))?;
    writeln!(io::stdout(), "{line}").map_err(LoadError::Output)
}
