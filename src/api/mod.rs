//! What clients talk to: [`wire`] is the language, [`tcp`] the port that speaks it.

mod connection;
mod status;
pub mod tcp;
mod validate;
pub mod wire;
