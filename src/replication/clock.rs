//! The one clock of the server.
#![expect(clippy::disallowed_methods, reason = "time is read here and handed to everything else")]

use crate::protocol::types::Now;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What time it is, on both clocks.
pub(super) fn now() -> Now {
    // It runs on while the machine is suspended: a lease must not outlive a closed lid.
    let boot = clock_gettime(ClockId::Boottime);
    let tick_ms = boot.tv_sec as u64 * 1_000 + boot.tv_nsec as u64 / 1_000_000;
    Now { tick_ms, wall_ms: wall_us() / 1_000 }
}

/// Since some moment in the past, for measuring how long something takes.
pub(super) fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Microseconds since 1970; 0 where the clock stands before that.
pub(super) fn wall_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
