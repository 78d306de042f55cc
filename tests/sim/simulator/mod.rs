//! Whole clusters in one thread: the shipping engine, state, storage format and session code under a seeded world.
//!
//! A run is a function of its seed. `World::new(seed, kind).play()` lives through one.

pub mod client;
mod errands;
mod event;
mod executions;
pub mod history;
mod invariants;
mod model;
pub mod mutants;
mod net;
mod node;
mod profile;
pub mod report;
pub mod sweep;
pub mod world;

pub use report::Report;
pub use world::{World, WorldKind};
