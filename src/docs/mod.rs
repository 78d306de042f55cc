//! Pages that belong to more than one module.
//!
//! | page | for whom |
//! |---|---|
//! | [`protocol`] | whoever reads or changes `protocol::lamport`: the numbered rules, and what was decided beyond them |
//! | [`operations`] | whoever runs a cluster: what can go wrong, what to do, what each log line means |
//! | [`proof`] | whoever asks what is promised, and why that should be believed: what was checked, how far, and what was not |
//! | [`mutants`] | whoever wants to know what the simulation is worth: deliberate bugs, and what catches them |
//! | [`decoders`] | whoever adds something that reads bytes: what each decoder promises, and how it is held to it |
//! | [`performance`] | whoever asks how fast it is: what `ci/bench` measures, how, and what the figures do not say |
//! | [`crate::api::http`] | whoever uses the HTTP port: paths, problems, limits, event streams, metrics |
//! | [`crate::verify`] | whoever reads, writes or judges a history of what clients were told |
//! | [`crate::domain::session`] | exactly once: sessions, numbers, and what is forgotten |
//! | [`crate::storage`] | what survives a server, and what one copy cannot know |

#[doc = include_str!("protocol.md")]
pub mod protocol {}

#[doc = include_str!("decoders.md")]
pub mod decoders {}

#[doc = include_str!("proof.md")]
pub mod proof {}

#[doc = include_str!("mutants.md")]
pub mod mutants {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("performance.md")]
pub mod performance {}
