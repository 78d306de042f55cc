//! Servers of one lineage that executed a position executed the same request there, with the same outcomes.
//!
//! A digest stands for a whole history with its outcomes, so equal digests are the same history. Where links are not cut,
//! there is one history for all; after a partition there may be several, each of which must be the oracle's.

use super::{Judge, i1_seats, i5_old_holders};
use crate::simulator::executions::Novelty;
use crate::simulator::node::Running;
use boxoffice::domain::digest::Digest;
use boxoffice::protocol::types::{Member, Position};

impl Judge {
    /// Looks at whatever a server has executed in its last step.
    pub fn on_step(&mut self, running: &mut Running) -> Result<(), String> {
        let (checked, before) = running.checked;
        let engine = running.engine();
        let (position, digest) = (engine.position(), engine.digest());
        if (position, digest) == (checked, before) {
            return Ok(());
        }
        self.steps += 1;
        if position <= checked || engine.digest_at(checked) != Some(before) {
            // It has taken over the state of another.
            self.is_known(running.life, position, digest)?;
        } else {
            let mut last = before;
            for at in checked + 1..=position {
                let request = engine.request_at(at).expect("the tail holds what one step executes");
                let digest = engine.digest_at(at).expect("a request has its digest");
                let novelty = self.executions.execute(last, at, request, digest);
                let novelty = novelty.map_err(|why| format!("server {}: {why}", running.life))?;
                if novelty == Novelty::Fork && self.is_one_history() {
                    return Err(format!(
                        "invariant 2: server {} executed something else at {at} than others: {} of view {}",
                        running.life, request.timestamp, request.view
                    ));
                }
                if self.is_one_history() {
                    i5_old_holders::check(self.newest.as_ref(), at, request)?;
                }
                last = digest;
            }
        }
        let execution = self.executions.get(digest).expect("it is known by now");
        i1_seats::check(engine.machine(), execution, self.steps)?;
        running.checked = (position, digest);
        Ok(())
    }

    /// What a server finds on its disk was executed once.
    pub fn on_start(&self, life: Member, position: Position, digest: Digest) -> Result<(), String> {
        self.is_known(life, position, digest)
    }

    fn is_known(&self, life: Member, position: Position, digest: Digest) -> Result<(), String> {
        match self.executions.get(digest) {
            Some(execution) if execution.position == position => Ok(()),
            Some(_) | None => {
                Err(format!("invariant 2: server {life} has a state at {position} that nobody executed"))
            }
        }
    }
}
