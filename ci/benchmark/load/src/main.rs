//! The load of `ci/bench`: closed-loop clients against one system that runs already, and one line of JSON about
//! what they measured.
//!
//! Every system gets the same clients from the same code: [`mix`] says what a client does next, [`drive`] runs all of
//! them on one thread, [`sold`] holds their answers against each other, [`measure`] and [`machine`] count, [`report`]
//! writes the line. What differs between systems is behind [`backend::Backend`], a file for each in [`backends`].
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
mod machine;
mod measure;
mod mix;
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
        Command::Load { system, load } => on_this_thread(backends::run(system, load)),
        Command::Timeline(args) => on_this_thread(timeline::run(args)),
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
fn on_this_thread(run: impl Future<Output = Result<String, LoadError>>) -> Result<(), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let tasks = tokio::task::LocalSet::new();
    let line = tasks.block_on(&runtime, run)?;
    writeln!(io::stdout(), "{line}").map_err(LoadError::Output)
}
