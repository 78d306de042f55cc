//! The one description of a cluster: raw YAML in, a checked [`ClusterConfig`] out.
//!
//! Servers, clients, compose files and tests all read the same file. Inside the program only the checked form
//! exists, so nothing behind this module has to ask whether a port is zero or an id is given twice. An error
//! names the file, the line and the key, and what to write instead ([`ConfigError`]).
//!
//! Absent on purpose: settings in environment variables and a second file. Whoever reads `cluster.yaml` has
//! read everything that servers must agree on; the few things that differ between servers (own id, data
//! directory, log level) are arguments of the program.

mod check;
mod error;
mod locate;
mod ranges;
#[cfg(test)]
mod tests;

pub use error::{ConfigError, Problem};
pub use ranges::{Limits, Timeouts};

use serde::Deserialize;
use std::{
    fmt::{self, Write as _},
    net::IpAddr,
    path::Path,
};

/// Most servers of a cluster. Every request is answered by all of them, so more make it slower, not safer.
pub const SERVERS_MAX: usize = 9;
/// Largest configuration file that is read, in bytes: nine servers need less than two kilobytes.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// A cluster whose every value has been checked. Built by [`ClusterConfig::load`] and [`ClusterConfig::parse`]
/// only; the fields are public to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterConfig {
    /// Its name: a server or client of another cluster is refused by it. 1 to 64 of `a-z A-Z 0-9 - _ .`.
    pub cluster: String,
    /// Seats of the theatre, 1 to 1,000,000.
    pub seats: u32,
    /// How servers agree on one order.
    pub replication: Replication,
    /// How few servers may go on.
    pub availability: Availability,
    /// Whether an answered reservation is on disk.
    pub durability: Durability,
    /// Every server, in id order, ids unique.
    pub servers: Vec<ServerConfig>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much of what.
    pub limits: Limits,
}

/// How servers agree on one order of all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replication {
    /// Lamport's mutual exclusion with replicated views (`docs/protocol.md`).
    Lamport,
}

/// How few servers may go on selling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// One survivor suffices. Right where a server that does not answer has really stopped.
    Any,
    /// More than half of the configured servers are needed. Safe when the network is cut in two.
    Majority,
}

/// Whether an answered reservation is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// On the disk of every member before the client is answered.
    Fsync,
    /// In the memory of every member only: faster, and gone when all of them stop.
    Memory,
}

/// One server of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// 1 to 9, unique.
    pub id: u8,
    /// Where clients reach it: a name or an address, looked up again at each dial.
    pub host: String,
    /// Where the other servers reach it; `host` unless configured.
    pub peer_host: String,
    /// Port for the other servers.
    pub peer_port: u16,
    /// Port for clients.
    pub client_port: u16,
    /// The local address that it listens on: `0.0.0.0` unless configured, `127.0.0.1` when both hosts are
    /// loopback addresses (nobody else could reach them anyway).
    pub listen: IpAddr,
}

impl ServerConfig {
    /// `host:port` for clients, ready to be dialled; IPv6 addresses in brackets.
    pub fn client_address(&self) -> String {
        address(&self.host, self.client_port)
    }

    /// `host:port` for the other servers.
    pub fn peer_address(&self) -> String {
        address(&self.peer_host, self.peer_port)
    }
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl ClusterConfig {
    /// Reads and checks a file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = check::read(file).map_err(|problem| ConfigError::new(file, None, problem))?;
        Self::parse(&text, file)
    }

    /// Checks a text; `file` is for messages only.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        check::parse(text).map_err(|(line, problem)| ConfigError::new(file, line, problem))
    }

    /// The server of that id.
    pub fn server(&self, id: u8) -> Option<&ServerConfig> {
        self.servers.iter().find(|server| server.id == id)
    }

    /// The ids of all servers, ascending, as people read them: `1, 2, 3`.
    pub fn ids(&self) -> String {
        let ids: Vec<String> = self.servers.iter().map(|server| server.id.to_string()).collect();
        ids.join(", ")
    }

    /// What must be equal on all servers, a line a setting (`key: value`), for the hello between them.
    ///
    /// Everything that the execution of a command or the choice of a view depends on is here. Timeouts and
    /// the other limits may differ while a cluster is being reconfigured server by server; addresses may
    /// differ for good, since two machines may reach a third one by different ways.
    pub fn shared_text(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &dyn fmt::Display| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key}: {value}");
        };
        line("cluster", &self.cluster);
        line("seats", &self.seats);
        line("replication", &self.replication);
        line("availability", &self.availability);
        line("servers", &self.ids());
        line("limits.sessions_max", &self.limits.sessions_max);
        line("limits.session_age_s", &self.limits.session_age_s);
        line("limits.outcomes_per_session_max", &self.limits.outcomes_per_session_max);
        line("limits.time_step_ms_max", &self.limits.time_step_ms_max);
        text
    }

    /// A hash of [`shared_text`](Self::shared_text).
    pub fn shared_digest(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.shared_text().as_bytes())
    }

    /// The first setting in which another server's [`shared_text`](Self::shared_text) differs, as a sentence
    /// for the log: `seats is 100 here and 120 there`.
    pub fn shared_difference(&self, theirs: &str) -> Option<String> {
        let ours = self.shared_text();
        let (mut here, mut there) = (ours.lines(), theirs.lines());
        loop {
            return match (here.next(), there.next()) {
                (None, None) => None,
                (Some(a), Some(b)) if a == b => continue,
                (Some(a), Some(b)) => Some(match (a.split_once(": "), b.split_once(": ")) {
                    (Some((key, x)), Some((other, y))) if key == other => {
                        format!("{key} is {x} here and {y} there")
                    }
                    _ => format!("{a:?} here, {b:?} there"),
                }),
                (Some(a), None) => Some(format!("{a:?} here, nothing there")),
                (None, Some(b)) => Some(format!("nothing here, {b:?} there")),
            };
        }
    }
}

impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Replication::Lamport => "lamport",
        })
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Availability::Any => "any",
            Availability::Majority => "majority",
        })
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Durability::Fsync => "fsync",
            Durability::Memory => "memory",
        })
    }
}
