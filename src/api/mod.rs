//! What clients talk to.

pub mod wire;
