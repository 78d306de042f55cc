//! What a reservation is: pure values and the state machine every server runs alike.
//!
//! Nothing here reads a clock, draws a random number, does input or output, or iterates in hash order. The
//! same batches in the same order give the same state, the same outcomes and the same digest everywhere.
//!
//! Start with [`command`] (what may be asked), [`outcome`] (what is answered, in the users' words), then
//! [`state`] (how a batch is executed). Below it lie [`seats`] (which are free), `reservations` (who holds
//! which), [`session`] and [`keys`] (why nothing is executed twice) and [`image`] (a snapshot's bytes).
//! All of that is the default event, the theatre; [`events`] has the others.

pub mod batch;
pub mod command;
pub mod digest;
pub mod divergence;
pub mod events;
pub mod ids;
pub mod image;
mod kept;
pub mod keys;
pub mod outcome;
pub mod pack;
mod piece;
mod reservations;
pub mod runs;
pub mod seats;
pub mod session;
mod shards;
pub mod state;
#[cfg(test)]
mod testing;
