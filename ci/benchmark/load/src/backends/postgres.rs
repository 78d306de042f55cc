//! PostgreSQL, by its own load generator: pgbench makes the transactions and writes a line about each into a log, from which the
//! measured time is cut out. Its answers are not seen here; `ci/bench` looks at the tables afterwards.
#![expect(
    clippy::disallowed_methods,
    reason = "the log has the wall clock's times, and measuring reads clocks"
)]

use crate::args::LoadArgs;
use crate::backend::Action;
use crate::disk;
use crate::error::LoadError;
use crate::machine::Snapshot;
use crate::measure::Tally;
use crate::report::{Measured, Report};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::{sleep_until, timeout};

/// Scripts in the order in which pgbench numbers them in its log.
const SCRIPTS: [(&str, Action); 3] =
    [("reserve.sql", Action::Reserve), ("search.sql", Action::Search), ("delete.sql", Action::Delete)];
/// More time than asked for, half of it before and half of it after: it connects first, and it must not end while
/// it is measured.
const MARGIN: Duration = Duration::from_secs(4);
/// It must have ended so long after its time.
const END_MAX: Duration = Duration::from_secs(60);
/// No more of what it says is passed on.
const ERRORS_BYTES: u64 = 4096;
/// What its log's names begin with.
const LOG: &str = "transactions";

/// One run.
pub async fn run(load: &LoadArgs, pgbench: &Path, scripts: &Path, port: u16) -> Result<String, LoadError> {
    let flush_p50_us = disk::flush_p50_us(&load.dir)?;
    let program = pgbench.display().to_string();
    let failed = |what: String| LoadError::Program { program: program.clone(), what };
    let began = Instant::now();
    let mut child = command(load, pgbench, scripts, port).spawn().map_err(LoadError::file(pgbench))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let start = began + MARGIN / 2 + load.warm_up_seconds;
    until(start, &mut child).await.map_err(failed)?;
    let (before, from) = (Snapshot::take(&load.server_pids, pid)?, since_epoch());
    until(start + load.seconds, &mut child).await.map_err(failed)?;
    let (after, to) = (Snapshot::take(&load.server_pids, pid)?, since_epoch());
    let output = timeout(MARGIN + END_MAX, child.wait_with_output()).await;
    let output =
        output.map_err(|_| failed("it does not end".to_owned()))?.map_err(LoadError::file(pgbench))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let mut tally = Tally::new();
    let first = read_logs(scripts, from..to, &mut tally)?;
    if first.is_none_or(|first| first > from) {
        return Err(failed("its first transaction ended when it was to be measured already".to_owned()));
    }
    let measured = Measured {
        load,
        tally: &tally,
        sold: None,
        seconds: after.seconds_since(&before),
        cpu: after.since(&before),
        retries: 0,
        flush_p50_us,
    };
    Ok(Report::new(&measured).line())
}

fn command(load: &LoadArgs, pgbench: &Path, scripts: &Path, port: u16) -> Command {
    let clients = load.clients.to_string();
    let seconds = (load.warm_up_seconds + load.seconds + MARGIN).as_secs_f64().ceil().to_string();
    let mut command = Command::new(pgbench);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--username", "postgres"]);
    command.args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"]);
    command.args(["--client", &clients, "--time", &seconds, "--define", "made=0", "--define", "deleted=0"]);
    command.arg("--log").arg("--log-prefix").arg(scripts.join(LOG));
    let shares = [load.mix.reserve, load.mix.search, load.mix.delete];
    for ((script, _), share) in SCRIPTS.into_iter().zip(shares) {
        command.arg("--file").arg(format!("{}@{share}", scripts.join(script).display()));
    }
    command.arg("postgres").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Waits; it must not end before that.
async fn until(time: Instant, child: &mut Child) -> Result<(), String> {
    let ended = tokio::select! {
        () = sleep_until(time.into()) => return Ok(()),
        ended = child.wait() => ended,
    };
    let mut said = String::new();
    if let Some(errors) = &mut child.stderr {
        // Whatever can be read of it.
        let _ = errors.take(ERRORS_BYTES).read_to_string(&mut said).await;
    }
    Err(format!("it has ended early ({ended:?}): {said}"))
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Adds what ended in that time. Gives when the first transaction of all ended.
fn read_logs(
    dir: &Path,
    time: std::ops::Range<Duration>,
    tally: &mut Tally,
) -> Result<Option<Duration>, LoadError> {
    let mut first: Option<Duration> = None;
    for entry in fs::read_dir(dir).map_err(LoadError::file(dir))?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(LOG) {
            continue;
        }
        let text = fs::read_to_string(entry.path()).map_err(LoadError::file(entry.path()))?;
        for line in text.lines() {
            let Some((end, action, took)) = parse(line) else {
                tally.refused += 1;
                tally.last_words = Some(line.to_owned());
                continue;
            };
            first = Some(first.map_or(end, |first| first.min(end)));
            if time.contains(&end) {
                tally.record(action, took);
            }
        }
    }
    Ok(first)
}

/// A line of the log: client, number of its transaction, time in microseconds, number of the script, end in seconds and
/// microseconds.
fn parse(line: &str) -> Option<(Duration, Action, Duration)> {
    let mut fields = line.split_whitespace().skip(2);
    let took = Duration::from_micros(fields.next()?.parse().ok()?);
    let (_, action) = *SCRIPTS.get(fields.next()?.parse::<usize>().ok()?)?;
    let seconds = Duration::from_secs(fields.next()?.parse().ok()?);
    Some((seconds + Duration::from_micros(fields.next()?.parse().ok()?), action, took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log_are_read() {
        let end = Duration::from_micros(1_700_000_000_000_123);
        let read = parse("3 17 2500 1 1700000000 123");
        assert_eq!(read, Some((end, Action::Search, Duration::from_micros(2500))));
        assert_eq!(parse("3 17 failed 1 1700000000 123"), None);
        assert_eq!(parse("3 17 2500 3 1700000000 123"), None, "there is no such script");
    }
}
