//! How servers agree on one order. Pure: a command is only a payload here.
//!
//! Start with [`engine`]: what goes in, what comes out, and in which order it must be carried out.

pub mod engine;
pub mod lamport;
pub mod message;
pub mod record;
pub mod trace;
pub mod types;
pub mod view;
