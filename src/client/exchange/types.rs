//! What goes into an exchange and what comes out of it.

use crate::{
    api::wire::ServerReply,
    domain::{
        command::{Command, Operation, Query},
        outcome::Answer,
    },
};
use std::time::Duration;

/// Time since the exchange was begun.
pub type Now = Duration;

/// What a caller may want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Execute this once.
    Operation(Operation),
    /// Answer this, from a state that has seen every command answered before.
    Query(Query),
    /// The operator's override. Sent once and never again: it is no numbered command.
    Override,
}

/// How it ended.
#[derive(Debug)]
pub struct Completion {
    /// What [`Exchange::submit`](super::Exchange::submit) returned.
    pub ticket: u64,
    /// The answer, or what is known instead.
    pub result: Result<ServerReply, Failure>,
    /// Index of the server that answered, when one did.
    pub server: usize,
    /// How often it was sent.
    pub tries: u32,
    /// From the submission to the end.
    pub took: Duration,
    /// The command as it was sent last, if there was one: its session and number identify it in logs.
    pub command: Option<Command>,
}

/// What is known of a request without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No server accepted it: it certainly was not executed.
    #[error("no server could serve the request; it was not executed")]
    NotExecuted,
    /// It may have been executed, or may be later.
    #[error("the outcome is unknown: it may have been executed")]
    Unknown,
    /// Whoever asked may not; it was not executed.
    #[error("not allowed: {0}; it was not executed")]
    NotAllowed(String),
    /// The servers do not take such a request; it was not executed.
    #[error("{0}; it was not executed")]
    Rejected(String),
}

/// Why a server was left for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Index of the server.
    pub server: usize,
    /// For people.
    pub reason: String,
    /// Whether asking it again is of no use (it belongs to another cluster, speaks another version).
    pub is_permanent: bool,
}

/// What the owner has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is waiting for an answer.
    Rest,
    /// Wait until then; drop the link if there is one.
    Pause(Now),
    /// Open a link to this server until then at the latest; drop the old one. Report with
    /// [`Exchange::connected`](super::Exchange::connected), [`refused`](super::Exchange::refused) or
    /// [`lost`](super::Exchange::lost).
    Dial(usize, Now),
    /// Send what [`Exchange::frames`](super::Exchange::frames) gives, and read until then at the latest.
    Talk(Now),
}

/// Whether the answer is one to that query: a mixed-up server is not believed.
pub(super) fn is_answer_to(answer: &Answer, query: &Query) -> bool {
    match (answer, query) {
        (Answer::Search { name, .. }, Query::Search { name: asked }) => name == asked,
        (Answer::Seats(_), Query::Seats) => true,
        (Answer::Events(_), Query::Events(_)) => true,
        (Answer::Search { .. } | Answer::Seats(_) | Answer::Events(_), _) => false,
    }
}
