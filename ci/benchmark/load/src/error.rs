//! Why a run came to nothing.

use std::io;
use std::path::PathBuf;

/// Why a run came to nothing. What a system refuses is no error of a run: it is counted.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No runtime.
    #[error("no runtime could be made: {0}")]
    Runtime(io::Error),
    /// Nobody takes the result.
    #[error("the result could not be written: {0}")]
    Output(io::Error),
    /// A server is not there, or went away.
    #[error("{address}: {error}")]
    Connection {
        /// Where.
        address: String,
        /// What happened.
        error: io::Error,
    },
    /// A server closed a connection that was in use.
    #[error("{address} has closed the connection")]
    Closed {
        /// Where.
        address: String,
    },
    /// A server said what the protocol does not allow.
    #[error("{address} does not keep to its protocol: {what}")]
    Protocol {
        /// Where.
        address: String,
        /// What it said.
        what: String,
    },
    /// The system could not be made ready for the load.
    #[error("the system is not ready for the load: {0}")]
    Preparation(String),
    /// Answers are owed for too long after the end.
    #[error("operations were still not answered {0} s after the end of the run")]
    Unanswered(u64),
    /// A file that is needed.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// `/proc` does not say what it says on Linux.
    #[error("{path} cannot be understood")]
    Proc {
        /// Which file.
        path: &'static str,
    },
    /// A program that does the work.
    #[error("{program} failed: {what}")]
    Program {
        /// Which.
        program: String,
        /// What it said.
        what: String,
    },
    /// The arguments fit nothing.
    #[error("{0}")]
    Usage(String),
}

impl LoadError {
    /// For errors of a connection to this address.
    pub fn connection(address: &str) -> impl FnOnce(io::Error) -> LoadError {
        let address = address.to_owned();
        move |error| LoadError::Connection { address, error }
    }

    /// For errors of this file.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> LoadError {
        let path = path.into();
        move |error| LoadError::File { path, error }
    }
}
