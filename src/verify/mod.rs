#![doc = include_str!("../docs/histories.md")]
//!
//! # The files
//!
//! | file | what it is |
//! |---|---|
//! | [`history`] | one call of a client: what it asked, what it was told, when |
//! | [`line`](mod@line) | the same as a line of JSON |
//! | [`theatre`] | the naive theatre that calls are held against; shares no code with [`crate::domain::state`] |
//! | [`check`](mod@check) | the verdict on a whole history |
//! | `schedule`, `search` | the moments of a history in order; the search for an order of its calls |
//! | [`violation`] | why there is no such order, in words |

pub mod check;
pub mod history;
pub mod line;
mod schedule;
mod search;
pub mod theatre;
pub mod violation;
