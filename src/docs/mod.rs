//! Pages that belong to more than one module.
//!
//! | page | for whom |
//! |---|---|
//! | [`protocol`] | whoever reads or changes `protocol::lamport`: the numbered rules, and what was decided beyond them |
//! | [`operations`] | whoever runs a cluster: what can go wrong, what to do, what each log line means |
//! | [`crate::domain::session`] | exactly once: sessions, numbers, and what is forgotten |
//! | [`crate::storage`] | what survives a server, and what one copy cannot know |

#[doc = include_str!("protocol.md")]
pub mod protocol {}

#[doc = include_str!("operations.md")]
pub mod operations {}
