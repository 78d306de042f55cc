//! Sees to it that seats which are set aside fall back in time, also where nobody asks for anything.
//!
//! The state frees what is due whenever it executes something about events; here a server notices that nobody did, and
//! sends the command that says so. It is ordered and executed like any other, and does nothing where nothing is due, so
//! it does not matter how many servers send it, or how often.

use super::clock;
use super::port::{Ask, Replicator, Reply};
use crate::domain::batch;
use crate::domain::command::{Command, Operation};
use crate::domain::ids::SessionId;
use crate::domain::outcome::Outcome;
use std::time::Duration;
use tokio::sync::watch;

/// How often a server looks.
const PERIOD: Duration = Duration::from_millis(500);
/// Server 1 sends at once, each other one so much later than the one before: mostly one of them is enough.
const STAGGER_MS: u64 = 1_000;

/// Commands that this server sends of itself, one at a time.
#[derive(Debug)]
struct Sender {
    session: SessionId,
    answered: u64,
}

impl Sender {
    fn command(&self) -> Command {
        Command {
            session: self.session,
            sequence: self.answered + 1,
            answered_until: self.answered,
            operation: Operation::Expire,
            key: None,
        }
    }

    /// Takes the outcome into account. False if the session is of no use any more.
    fn is_good_after(&mut self, reply: &Reply) -> bool {
        match reply {
            Reply::Outcome(Outcome::SessionExpired | Outcome::SequenceForgotten) => false,
            Reply::Outcome(_) => {
                self.answered += 1;
                true
            }
            // Not here, not now: the same command again, later.
            Reply::Refused(_) | Reply::Answer(_) | Reply::Status(_) | Reply::Trace(_) | Reply::Done => true,
        }
    }
}

/// Whether this server should send the command now.
fn is_due(next_ms: Option<u64>, wall_ms: u64, server: u8) -> bool {
    let patience_ms = STAGGER_MS * u64::from(server.saturating_sub(1));
    next_ms.is_some_and(|next_ms| wall_ms >= next_ms.saturating_add(patience_ms))
}

/// Looks until `stop` is true. Sessions are drawn from `chance`, which differs for each start of each server.
pub async fn run(
    replicator: Replicator,
    server: u8,
    mut chance: fastrand::Rng,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sender: Option<Sender> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|&stop| stop) => return,
        }
        if !is_due(replicator.next_expiry_ms(), clock::now().wall_ms, server) {
            continue;
        }
        let mut current = sender.take().unwrap_or_else(|| Sender {
            session: SessionId { birth_ms: replicator.state_time_ms(), random: chance.u64(..) },
            answered: 0,
        });
        let ask = Ask::Submit(batch::encode(&current.command()).into());
        let reply = tokio::select! {
            reply = replicator.call(ask) => reply,
            _ = stop.wait_for(|&stop| stop) => return,
        };
        sender = current.is_good_after(&reply).then_some(current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::port::Refused;

    #[test]
    fn each_server_waits_for_those_before_it() {
        assert!(!is_due(None, u64::MAX, 1));
        assert!(!is_due(Some(1_000), 999, 1) && is_due(Some(1_000), 1_000, 1));
        assert!(!is_due(Some(1_000), 2_999, 3) && is_due(Some(1_000), 3_000, 3));
    }

    #[test]
    fn a_command_without_an_outcome_keeps_its_number() {
        let mut sender = Sender { session: SessionId { birth_ms: 1, random: 2 }, answered: 4 };
        assert!(sender.is_good_after(&Reply::Refused(Refused::Leaving)));
        assert_eq!(sender.command().sequence, 5);
        assert!(sender.is_good_after(&Reply::Outcome(Outcome::Malformed)));
        assert_eq!(sender.command().sequence, 6);
        assert!(!sender.is_good_after(&Reply::Outcome(Outcome::SessionExpired)));
    }
}
