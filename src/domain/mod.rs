//! What a reservation is: pure values and the state machine every server runs alike.
//!
//! Nothing here reads a clock, draws a random number, does input or output, or iterates in hash order. The
//! same batches in the same order give the same state, the same outcomes and the same digest everywhere.
//!
//! Start with [`command`] (what may be asked), [`outcome`] (what is answered, in the users' words), then
//! the `state` module (how a batch is executed).

pub mod batch;
pub mod command;
pub mod digest;
pub mod ids;
pub mod outcome;
pub mod runs;
pub mod seats;
#[cfg(test)]
mod testing;
