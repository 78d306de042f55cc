//! The clock of the HTTP port: how long answers take, and how often a client asks.
#![expect(clippy::disallowed_methods, reason = "time is read here and handed to everything else")]

use std::time::{Duration, Instant};

/// When something began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    /// From now on.
    pub(super) fn start() -> Clock {
        Clock(Instant::now())
    }

    /// How long ago that was.
    pub(super) fn passed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in milliseconds.
    pub(super) fn passed_ms(self) -> u64 {
        self.passed().as_millis() as u64
    }
}

/// Waits before something is tried again.
pub(super) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
