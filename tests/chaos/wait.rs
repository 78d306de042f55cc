//! Waiting for what must happen, with a limit.
#![expect(clippy::disallowed_methods, reason = "tests wait for other machines, on the clock, with a limit")]
#![expect(clippy::disallowed_macros, reason = "what was measured is printed by the tests")]

use std::fmt::Display;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// No condition is waited for longer. Detection, a change of view and a start take a few seconds each; the
/// rest is for a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Waits until the condition yields something. Its error says what is missing, and is in the panic after
/// [`LIMIT`].
pub async fn until<T, E: Display>(what: &str, mut condition: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        // A server that is paused or cut off may not answer at all.
        let missing = match timeout(LIMIT, condition()).await {
            Ok(Ok(found)) => return found,
            Ok(Err(missing)) => missing.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        assert!(began.elapsed() < LIMIT, "waited too long until {what}: {missing}");
        sleep(BETWEEN_TRIES).await;
    }
}

/// Lets time go by: a fault lasts for a time that is part of it.
pub async fn pass_until(time: Instant) {
    tokio::time::sleep_until(time).await;
}

/// Carries out what must end by itself.
pub async fn within<T>(what: &str, action: impl Future<Output = T>) -> T {
    timeout(LIMIT, action).await.unwrap_or_else(|_| panic!("this takes too long: {what}"))
}

/// A random number that differs for each call of each process.
pub fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// Prints a line for whoever reads the test's output.
pub fn say(line: impl Display) {
    eprintln!("chaos: {line}");
}
