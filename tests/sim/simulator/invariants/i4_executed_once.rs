//! A command is executed at most once, and what its client is told is that execution's outcome.
//!
//! That nothing is executed twice is the oracle's to say, which never forgets a command (`model`).

use super::Judge;
use crate::simulator::model::Key;
use crate::simulator::node::{Node, Running};
use boxoffice::domain::outcome::Outcome;
use boxoffice::protocol::types::Position;

impl Judge {
    /// A server answers a command. Gives where it was executed; none when its session forbade that.
    pub fn on_answer(
        &mut self,
        running: &Running,
        nodes: &[Node],
        key: Key,
        outcome: &Outcome,
    ) -> Result<Option<Position>, String> {
        let engine = running.engine();
        let model =
            self.executions.model(engine.digest()).ok_or("an answer of a history that nobody executed")?;
        let wrong = |why: String| {
            Err(format!("invariant 4: server {} answers {key:?} {outcome:?}: {why}", running.life))
        };
        match outcome {
            Outcome::SessionExpired
            | Outcome::SequenceForgotten
            | Outcome::SequenceReused
            | Outcome::Malformed => {
                if !model.was_refused(key) {
                    return wrong("its session does not forbid it".into());
                }
                return Ok(None);
            }
            Outcome::Reserved { .. }
            | Outcome::NotEnough { .. }
            | Outcome::AlreadyBooked { .. }
            | Outcome::Taken { .. }
            | Outcome::NoSuchSeats { .. }
            | Outcome::Released { .. }
            | Outcome::NoReservation { .. }
            | Outcome::KeyReused
            | Outcome::KeysFull
            | Outcome::Events(_) => {}
        }
        let position = match model.outcome(key) {
            Some((first, position)) if first == outcome && *position <= engine.position() => *position,
            Some((first, position)) => return wrong(format!("at {position} it came to {first:?}")),
            None => return wrong("it was never executed".into()),
        };
        self.is_everywhere(running, nodes, position)?;
        self.answered = self.answered.max(position);
        Ok(Some(position))
    }
}
