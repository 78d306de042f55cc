//! `ceiling`: three processes that replicate a log and keep a table of seats, and do nothing else. What the machine allows.
//!
//! A leader takes operations, writes what has collected to its own log and to two followers at once, and executes and
//! answers an operation when two of the three have flushed it. Searches are answered from the leader's table, as under a
//! lease. Logs are preallocated, and written around in a circle: nobody reads them.
//!
//! Absent on purpose, which is the point: elections, catching up, sessions, checksums, snapshots, and any limit on
//! clients who do not read. Nothing that keeps what boxoffice promises can be expected to be faster.

mod follower;
mod leader;
mod log;
mod table;
pub mod wire;

use crate::args::CeilingArgs;
use crate::error::LoadError;

/// Serves until it is killed.
///
/// # Errors
/// A socket or the log cannot be used.
pub fn run(args: &CeilingArgs) -> Result<(), LoadError> {
    if args.followers.is_empty() {
        return follower::run(args);
    }
    let &[first, second] = &[args.followers.first(), args.followers.get(1)];
    let (Some(first), Some(second), 2) = (first, second, args.followers.len()) else {
        return Err(LoadError::Usage("a leader has two followers".to_owned()));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let followers = [first.as_str(), second.as_str()];
    tokio::task::LocalSet::new().block_on(&runtime, leader::run(args, followers))
}
