//! How long a flush takes on this disk, now: what the latencies of a run are read against.
#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

use crate::error::LoadError;
use hdrhistogram::Histogram;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes before a flush.
const WRITE_BYTES: usize = 256;
/// As many flushes are timed, or as fit into [`TIME_MAX`].
const FLUSHES_MAX: usize = 400;
/// No longer than this.
const TIME_MAX: Duration = Duration::from_millis(700);

/// The median time of a small write and its flush to a file that has its space already, in microseconds.
///
/// # Errors
/// The file cannot be written.
pub fn flush_p50_us(dir: &Path) -> Result<u64, LoadError> {
    let path = dir.join("flush-probe");
    let result = time_flushes(&path).map_err(LoadError::file(&path));
    // It goes with the directory at the latest.
    let _ = fs::remove_file(&path);
    result
}

fn time_flushes(path: &Path) -> std::io::Result<u64> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0; WRITE_BYTES * FLUSHES_MAX])?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Histogram::<u64>::new(3).expect("three digits are few enough");
    let began = Instant::now();
    for _ in 0..FLUSHES_MAX {
        let start = Instant::now();
        file.write_all(&[7; WRITE_BYTES])?;
        file.sync_data()?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        if began.elapsed() > TIME_MAX {
            break;
        }
    }
    Ok(times.value_at_quantile(0.5))
}
