//! What can be wrong with a configuration, in sentences that say what to write instead.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A configuration that was refused: `cluster.yaml:3: seats: 0 is out of range; ...`.
#[derive(Debug)]
pub struct ConfigError {
    /// The file, as it was given.
    pub file: PathBuf,
    /// The line in it, from 1, when one is to blame.
    pub line: Option<usize>,
    /// What is wrong. Boxed, since a result that is mostly fine should be small.
    pub problem: Box<Problem>,
}

/// What is wrong, and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is not there, or may not be read.
    #[error("cannot be read: {0}; name another file with --config")]
    Unreadable(#[source] std::io::Error),
    /// The file is no configuration at all.
    #[error("is larger than {max} bytes, this cannot be a cluster's configuration")]
    TooLarge {
        /// Largest size that is read.
        max: u64,
    },
    /// Not YAML, an unknown or missing key, or a text where a number belongs.
    #[error("{0}")]
    Syntax(String),
    /// A number out of its range.
    #[error("{key}: {value} is out of range; write a number from {min} to {max}")]
    OutOfRange {
        /// Which key.
        key: String,
        /// What is written.
        value: i64,
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Two numbers that do not go together.
    #[error("{key}: {value} must be {most} {bound_name}, which is {bound}; otherwise {otherwise}")]
    Relation {
        /// Which key.
        key: &'static str,
        /// Its value.
        value: u64,
        /// "at least" or "at most".
        most: &'static str,
        /// The value of the other side.
        bound: u64,
        /// What the other side is.
        bound_name: &'static str,
        /// What would happen.
        otherwise: &'static str,
    },
    /// A word that is none of those allowed.
    #[error("{key}: {value:?} is not known; write {allowed}")]
    UnknownWord {
        /// Which key.
        key: &'static str,
        /// What is written.
        value: String,
        /// The words that are known.
        allowed: &'static str,
    },
    /// A way of replication that is planned.
    #[error("replication: {value:?} is not in this version; write lamport")]
    NotInThisVersion {
        /// What is written.
        value: String,
    },
    /// A branch, a theatre or a kind that is none, or is there already.
    #[error("{key}: {value:?}: {why}; write each of them once")]
    List {
        /// Which list.
        key: &'static str,
        /// What is written.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A key that is none, or is missing.
    #[error("auth: {why}")]
    AuthKey {
        /// What is wrong, and what to do.
        why: String,
    },
    /// A cluster name that could be mistaken in a log line or a file name.
    #[error("cluster: {value:?} is no cluster name; write 1 to 64 letters, digits, `-`, `_` or `.`")]
    ClusterName {
        /// What is written.
        value: String,
    },
    /// None, or too many.
    #[error("servers: there are {count} servers; write 1 to {max}")]
    ServerCount {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A URL of a server that is none, or more than an origin.
    #[error(
        "servers: http_url of server {id}: {value:?} is no origin; write http:// or https://, a host and a port, no path"
    )]
    HttpUrl {
        /// Which server.
        id: u8,
        /// What is written.
        value: String,
    },
    /// Two servers of one id.
    #[error("servers: id {id} is given twice; give each server its own")]
    DuplicateId {
        /// The id.
        id: u8,
    },
    /// One address for two purposes.
    #[error("servers: {first} and {second} are both at {address}; change one of the ports or hosts")]
    DuplicateAddress {
        /// Who came first.
        first: String,
        /// Who came second.
        second: String,
        /// The address.
        address: String,
    },
    /// Not a host name or address.
    #[error(
        "servers: {key} {value:?} of server {id} is no host; write a name or an IP address without a port"
    )]
    Host {
        /// `host` or `peer_host`.
        key: &'static str,
        /// Whose.
        id: u8,
        /// What is written.
        value: String,
    },
    /// Not a local address.
    #[error(
        "servers: listen {value:?} of server {id} is no IP address; write 0.0.0.0, 127.0.0.1, :: or the like"
    )]
    Listen {
        /// Whose.
        id: u8,
        /// What is written.
        value: String,
    },
}

impl ConfigError {
    pub(super) fn new(file: &Path, line: Option<usize>, problem: Problem) -> Self {
        Self { file: file.to_owned(), line, problem: Box::new(problem) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.problem)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.problem)
    }
}
