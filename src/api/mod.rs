//! What clients talk to: [`wire`] is the language, [`tcp`] the port that speaks it; [`http`] is the port for
//! everything that speaks HTTP.

mod connection;
pub mod gate;
pub mod http;
mod open;
mod status;
pub mod tcp;
mod told;
mod validate;
pub mod wire;
