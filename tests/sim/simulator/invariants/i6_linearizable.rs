//! Client histories are linearizable: the position at which something took effect is the witness.
//!
//! Whatever is asked after an answer was heard takes effect at that answer's position or later, and what a read finds
//! is what the oracle has at its position. Recorded histories are judged from outside as well (`history`).

use super::Judge;
use crate::simulator::client::Found;
use boxoffice::domain::ids::Name;
use boxoffice::domain::state::State;
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::types::Position;

impl Judge {
    /// A server serves a read.
    pub fn on_read(&self, engine: &Lamport<State>, name: Option<&Name>, found: &Found) -> Result<(), String> {
        let execution = self.executions.get(engine.digest());
        let execution = execution.ok_or("invariant 6: a read of a state that nobody executed")?;
        let expected = match name {
            None => Some(Found::Free(execution.free)),
            // The oracle may be ahead: then the seat maps, which are kept for all positions, must do.
            Some(name) => {
                let model = self.executions.model_at(engine.digest());
                model.map(|model| Found::Held(model.held_by(name)))
            }
        };
        match expected {
            Some(expected) if expected != *found => Err(format!(
                "invariant 6: a read at {} found {found:?}, the oracle has {expected:?}",
                execution.position
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// A client hears of an effect at `position` of something that it asked when `floor` had been heard.
    pub fn on_heard(&mut self, floor: Position, position: Position) -> Result<(), String> {
        if self.is_one_history() && position < floor {
            return Err(format!(
                "invariant 6: what was asked after {floor} had been answered took effect at {position}"
            ));
        }
        self.heard = self.heard.max(position);
        Ok(())
    }
}
