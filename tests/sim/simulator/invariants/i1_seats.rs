//! No seat has two holders; taken and free seats together are all seats.

use crate::simulator::executions::Execution;
use boxoffice::domain::state::State;

/// So many steps between two looks at a whole state.
const WHOLE_EVERY: u64 = 64;

/// After each execution the sum; now and then every seat and session.
pub fn check(machine: &State, execution: &Execution, steps: u64) -> Result<(), String> {
    if machine.left() != execution.free.count_ones() {
        return Err(format!(
            "invariant 1: {} seats are free at {}, the oracle has {}",
            machine.left(),
            execution.position,
            execution.free.count_ones()
        ));
    }
    if steps.is_multiple_of(WHOLE_EVERY) {
        machine.check().map_err(|why| format!("invariant 1: {why}"))?;
    }
    Ok(())
}
