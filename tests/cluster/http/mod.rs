//! The HTTP port of real servers, asked in plain bytes.

mod bad_input;
mod events;
mod events_bad_input;
mod limits;
mod reservations;
mod streams;
pub mod talk;
mod watching;
