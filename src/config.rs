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
mod lists;
mod locate;
mod ranges;
#[cfg(test)]
mod tests;

pub use error::{ConfigError, Problem};
pub use ranges::{Audit, Holds, Http, Limits, Timeouts};

use crate::domain::events::config::{Branch, EventsConfig};
use crate::domain::events::ids::{BranchCode, Kind};
use serde::Deserialize;
use std::{
    fmt::{self, Write as _},
    net::IpAddr,
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// Most servers of a cluster. Every request is answered by all of them, so more make it slower, not safer.
pub const SERVERS_MAX: usize = 9;
/// Branches and kinds that are longer, in bytes, are compared by a hash.
const LISTS_BYTES_MAX: usize = 4 << 10;
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
    /// Seats that are set aside.
    pub holds: Holds,
    /// Whether people must prove who they are.
    pub auth: Auth,
    /// The audit log of each server.
    pub audit: Audit,
    /// Branches that are there from the beginning, ascending by code.
    pub branches: Vec<(BranchCode, Branch)>,
    /// Kinds of events that are there from the beginning.
    pub kinds: Vec<Kind>,
    /// How much of what on the HTTP ports.
    pub http: Http,
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

/// Whether people must prove who they are, and how that is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Whether whoever shows no token may do nothing but look.
    pub is_required: bool,
    /// The public key of the operator who makes tokens (`client token new-key`), checked.
    pub public_key: Option<String>,
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
    /// Port for HTTP; none where it is not wanted.
    pub http_port: Option<u16>,
    /// Where browsers reach its HTTP port, when that is not [`ServerConfig::http_address`]: an origin, as
    /// `https://tickets.example`.
    pub http_url: Option<String>,
    /// The local address that it listens on: `0.0.0.0` unless configured, `127.0.0.1` when both hosts are
    /// loopback addresses (nobody else could reach them anyway).
    pub listen: IpAddr,
}

impl ServerConfig {
    /// `host:port` for clients, ready to be dialled; IPv6 addresses in brackets.
    pub fn client_address(&self) -> String {
        address(&self.host, self.client_port)
    }

    /// `host:port` for HTTP, where it is wanted.
    pub fn http_address(&self) -> Option<String> {
        self.http_port.map(|port| address(&self.host, port))
    }

    /// Where browsers reach its HTTP port, where there is one: an origin.
    pub fn http_origin(&self) -> Option<String> {
        let port = self.http_port?;
        let host = address(&self.host, port).to_ascii_lowercase();
        let host = host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host);
        Some(self.http_url.clone().unwrap_or_else(|| origin("http", host, Some(port))))
    }

    /// `host:port` for the other servers.
    pub fn peer_address(&self) -> String {
        address(&self.peer_host, self.peer_port)
    }
}

/// As browsers write it: without the port that they would take anyway.
fn origin(scheme: &str, host: &str, port: Option<u16>) -> String {
    match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
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

    /// What the replicated state must know of events.
    pub fn events(&self) -> EventsConfig {
        EventsConfig {
            branches: self.branches.clone(),
            kinds: self.kinds.clone(),
            hold_ms: self.holds.seconds * 1_000,
            offer_ms: self.holds.offer_seconds * 1_000,
            holds_per_customer_max: self.holds.per_customer_max,
            waiting_list_max: self.limits.waiting_list_max,
            outside_per_month_max: self.limits.outside_per_month_max,
            events_max: self.limits.events_max,
            bookings_max: self.limits.bookings_max,
        }
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
        line("limits.keys_max", &self.limits.keys_max);
        line("limits.key_age_s", &self.limits.key_age_s);
        line("limits.events_max", &self.limits.events_max);
        line("limits.bookings_max", &self.limits.bookings_max);
        line("limits.waiting_list_max", &self.limits.waiting_list_max);
        line("limits.outside_per_month_max", &self.limits.outside_per_month_max);
        line("holds.seconds", &self.holds.seconds);
        line("holds.offer_seconds", &self.holds.offer_seconds);
        line("holds.per_customer_max", &self.holds.per_customer_max);
        let mut lists = String::new();
        for (code, branch) in &self.branches {
            let theatres = branch.theatres.iter().map(|theatre| format!("; {theatre}"));
            let _ = writeln!(lists, "branches: {code} {}{}", branch.name, theatres.collect::<String>());
        }
        for kind in &self.kinds {
            let _ = writeln!(lists, "kinds: {kind}");
        }
        if lists.len() > LISTS_BYTES_MAX {
            // The hello between servers has a limit; that they differ is told all the same.
            lists =
                format!("branches and kinds: {} bytes, {:016x}\n", lists.len(), xxh3_64(lists.as_bytes()));
        }
        text + &lists
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
