//! The HTTP port of real servers, asked in plain bytes.

mod bad_input;
mod event_streams;
mod events;
mod events_bad_input;
mod keys;
mod limits;
mod managers;
mod page;
mod reservations;
mod streams;
pub mod talk;
mod watching;
