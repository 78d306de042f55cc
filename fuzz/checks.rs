//! The checks of `tests/decoders`, for the targets of long runs.

#[path = "../tests/decoders/checks/mod.rs"]
pub mod checks;
