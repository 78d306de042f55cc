//! `client tui`: the cluster on one screen of a terminal.
//!
//! A thin client of what exists: it asks what the other sub-commands ask, over the same [`Connection`], and shows the
//! servers' words. [`state`] is what the screen knows, [`update`] what a message changes (pure: time is an argument, what is
//! to be done comes out as a list), [`view`] draws the state into a buffer (pure); [`run()`] has the terminal, the
//! clock and the tasks.
//!
//! The screen asks anew each second for what is seen, and after each command: there are no messages of its own on the
//! wire. (So servers have a line or two in their audit logs for each second that a screen is open; the user's own log has
//! commands only.) Everything is bounded: events come by the page and at most 5,000 are kept, a log keeps 1,000 lines, an answer
//! 2,000 characters, and of a million seats only those are looked at that are seen. What the servers say to each other
//! is asked for while its diagram is open ([`watch`]): of each server 2,048 events are kept, of all 1,000 are drawn.
//!
//! [`Connection`]: super::connection::Connection

mod grid;
mod input;
mod keeper;
mod log;
mod run;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod update;
mod view;
mod watch;
mod watching;

pub use run::{Options, run};
