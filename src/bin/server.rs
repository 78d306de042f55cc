//! Placeholder until wiring lands.
fn main() {}
