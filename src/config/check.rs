//! From the raw text to checked values.

use super::{
    Auth, Availability, CONFIG_BYTES_MAX, ClusterConfig, Durability, Replication, SERVERS_MAX, ServerConfig,
    error::Problem,
    lists,
    locate::line_of,
    ranges::{RawAudit, RawHolds, RawHttp, RawLimits, RawTimeouts, in_range},
};
use crate::auth::Verifier;
use crate::domain::events::config::EventsConfig;
use crate::domain::ids::SEATS_MAX;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::Read as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

/// The file as it is written. Numbers are `i64` and words are strings, so that a wrong one is met by our
/// sentence and not by the parser's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCluster {
    cluster: String,
    seats: i64,
    #[serde(default = "lamport")]
    replication: String,
    #[serde(default = "any")]
    availability: String,
    #[serde(default = "fsync")]
    durability: String,
    servers: Vec<RawServer>,
    #[serde(default)]
    timeouts: RawTimeouts,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    holds: RawHolds,
    #[serde(default)]
    auth: RawAuth,
    #[serde(default)]
    http: RawHttp,
    #[serde(default)]
    audit: RawAudit,
    branches: Option<Vec<RawBranch>>,
    kinds: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBranch {
    code: String,
    name: Option<String>,
    #[serde(default)]
    theatres: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuth {
    mode: Option<String>,
    public_key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    id: i64,
    host: String,
    peer_host: Option<String>,
    peer_port: i64,
    client_port: i64,
    http_port: Option<i64>,
    http_url: Option<String>,
    listen: Option<String>,
}

fn lamport() -> String {
    "lamport".to_owned()
}

fn any() -> String {
    "any".to_owned()
}

fn fsync() -> String {
    "fsync".to_owned()
}

/// The text of a file, if it is of a sane size.
pub(super) fn read(file: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let source = std::fs::File::open(file).map_err(Problem::Unreadable)?;
    let read = source.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text).map_err(Problem::Unreadable)?;
    if read as u64 > CONFIG_BYTES_MAX {
        return Err(Problem::TooLarge { max: CONFIG_BYTES_MAX });
    }
    Ok(text)
}

/// A problem and the line that is to blame.
type Located = (Option<usize>, Problem);

/// The checked configuration, or the first thing that is wrong with it.
pub(super) fn parse(text: &str) -> Result<ClusterConfig, Located> {
    let raw: RawCluster = serde_yaml::from_str(text).map_err(syntax)?;
    let at = |key: &'static str| move |problem: Problem| (line_of(text, key, None), problem);
    let at_own_key = |problem: Problem| {
        let key = match &problem {
            Problem::OutOfRange { key, .. } => key.clone(),
            Problem::Relation { key, .. } => (*key).to_owned(),
            _ => String::new(),
        };
        (line_of(text, &key, None), problem)
    };

    let cluster = cluster_name(raw.cluster).map_err(at("cluster"))?;
    let seats = in_range("seats", raw.seats, 1, i64::from(SEATS_MAX)).map_err(at("seats"))? as u32;
    let replication = replication(raw.replication).map_err(at("replication"))?;
    let availability = availability(raw.availability).map_err(at("availability"))?;
    let durability = durability(raw.durability).map_err(at("durability"))?;
    let servers = servers(raw.servers, text)?;
    let timeouts = raw.timeouts.check().map_err(at_own_key)?;
    timeouts.check_relations().map_err(at_own_key)?;
    let limits = raw.limits.check().map_err(at_own_key)?;
    limits.check_relations().map_err(at_own_key)?;
    let holds = raw.holds.check().map_err(at_own_key)?;
    let audit = raw.audit.check().map_err(at_own_key)?;
    let auth = auth(raw.auth, &cluster).map_err(at("auth"))?;
    let default = EventsConfig::default();
    let branches = match raw.branches {
        Some(raw) => lists::branches(raw.into_iter().map(|raw| (raw.code, raw.name, raw.theatres)))
            .map_err(at("branches"))?,
        None => default.branches,
    };
    let kinds = match raw.kinds {
        Some(raw) => lists::kinds(raw).map_err(at("kinds"))?,
        None => default.kinds,
    };
    let http = raw.http.check().map_err(at_own_key)?;
    http.check_relations().map_err(at_own_key)?;
    Ok(ClusterConfig {
        cluster,
        seats,
        replication,
        availability,
        durability,
        servers,
        timeouts,
        limits,
        holds,
        auth,
        audit,
        branches,
        kinds,
        http,
    })
}

/// The parser's error without the position that it repeats in its text.
fn syntax(error: serde_yaml::Error) -> Located {
    let line = error.location().map(|location| location.line());
    let full = error.to_string();
    let mut text = full.split(" at line ").next().unwrap_or_default().to_owned();
    if text.contains("missing field `cluster`") && line.is_none() {
        text.push_str("; the file is empty or describes something else");
    } else if text.contains("missing field") {
        text.push_str("; add the key");
    } else if text.contains("unknown field") {
        text.push_str("; correct or remove the key");
    }
    (line, Problem::Syntax(text))
}

fn cluster_name(value: String) -> Result<String, Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&value.len()) && value.chars().all(allowed) {
        Ok(value)
    } else {
        Err(Problem::ClusterName { value })
    }
}

fn replication(value: String) -> Result<Replication, Problem> {
    match value.as_str() {
        "lamport" => Ok(Replication::Lamport),
        "sequencer" | "raft" => Err(Problem::NotInThisVersion { value }),
        _ => Err(Problem::UnknownWord { key: "replication", value, allowed: "lamport" }),
    }
}

fn availability(value: String) -> Result<Availability, Problem> {
    match value.as_str() {
        "any" => Ok(Availability::Any),
        "majority" => Ok(Availability::Majority),
        _ => Err(Problem::UnknownWord { key: "availability", value, allowed: "any or majority" }),
    }
}

fn durability(value: String) -> Result<Durability, Problem> {
    match value.as_str() {
        "fsync" => Ok(Durability::Fsync),
        "memory" => Ok(Durability::Memory),
        _ => Err(Problem::UnknownWord { key: "durability", value, allowed: "fsync or memory" }),
    }
}

fn auth(raw: RawAuth, cluster: &str) -> Result<Auth, Problem> {
    let is_required = match raw.mode.as_deref() {
        None | Some("optional") => false,
        Some("required") => true,
        Some(other) => {
            let value = other.to_owned();
            return Err(Problem::UnknownWord { key: "auth.mode", value, allowed: "optional or required" });
        }
    };
    if let Some(key) = &raw.public_key {
        Verifier::new(key, cluster).map_err(|why| Problem::AuthKey { why: why.to_string() })?;
    } else if is_required {
        let why =
            "auth.mode is required and there is no key; make one with \"client token new-key\"".to_owned();
        return Err(Problem::AuthKey { why });
    }
    Ok(Auth { is_required, public_key: raw.public_key })
}

/// All servers in id order.
fn servers(raw: Vec<RawServer>, text: &str) -> Result<Vec<ServerConfig>, Located> {
    if !(1..=SERVERS_MAX).contains(&raw.len()) {
        let problem = Problem::ServerCount { count: raw.len(), max: SERVERS_MAX };
        return Err((line_of(text, "servers", None), problem));
    }
    let mut by_id = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let at = |key: &str| {
            let line = line_of(text, key, Some(index));
            move |problem: Problem| (line, problem)
        };
        let server = server(raw, &at)?;
        claim_addresses(&server, &mut addresses).map_err(at("servers.peer_port"))?;
        let id = server.id;
        if by_id.insert(id, server).is_some() {
            return Err(at("servers.id")(Problem::DuplicateId { id }));
        }
    }
    Ok(by_id.into_values().collect())
}

/// One server, each value by itself.
fn server<E: Fn(Problem) -> Located>(
    raw: RawServer,
    at: &impl Fn(&str) -> E,
) -> Result<ServerConfig, Located> {
    let id = in_range("servers.id", raw.id, 1, SERVERS_MAX as i64).map_err(at("servers.id"))? as u8;
    let port = |key: &str, value: i64| -> Result<u16, Located> {
        Ok(in_range(key, value, 1, 65_535).map_err(at(key))? as u16)
    };
    let peer_port = port("servers.peer_port", raw.peer_port)?;
    let client_port = port("servers.client_port", raw.client_port)?;
    let http_port = raw.http_port.map(|value| port("servers.http_port", value)).transpose()?;
    let http_url = match raw.http_url {
        Some(value) => Some(http_url(id, value).map_err(at("servers.http_url"))?),
        None => None,
    };
    let host = host("host", id, raw.host).map_err(at("servers.host"))?;
    let peer_host = match raw.peer_host {
        Some(value) => self::host("peer_host", id, value).map_err(at("servers.peer_host"))?,
        None => host.clone(),
    };
    let listen = match raw.listen {
        Some(value) => match value.parse() {
            Ok(address) => address,
            Err(_) => return Err(at("servers.listen")(Problem::Listen { id, value })),
        },
        None if is_loopback(&host) && is_loopback(&peer_host) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    Ok(ServerConfig { id, host, peer_host, peer_port, client_port, http_port, http_url, listen })
}

/// A scheme, a host and perhaps a port, as browsers write the origin of a page.
fn http_url(id: u8, value: String) -> Result<String, Problem> {
    let lower = value.to_ascii_lowercase();
    let parts = ["http", "https"].iter().find_map(|scheme| {
        let authority = lower.strip_prefix(scheme)?.strip_prefix("://")?;
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of an IPv6 address stands within its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => {
                host.is_ascii() && !host.contains(':') && self::host("http_url", id, host.to_owned()).is_ok()
            }
        };
        is_host.then(|| super::origin(scheme, host, port))
    });
    parts.ok_or(Problem::HttpUrl { id, value })
}

fn host(key: &'static str, id: u8, value: String) -> Result<String, Problem> {
    let name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = (1..=253).contains(&value.len()) && value.chars().all(name);
    if is_name || value.parse::<IpAddr>().is_ok() { Ok(value) } else { Err(Problem::Host { key, id, value }) }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || matches!(host.parse(), Ok(IpAddr::V4(address)) if address.is_loopback())
}

/// Notes all addresses of a server; an address that is taken is an error, also when two of one server
/// differ in the host only: one process cannot listen twice on one port.
fn claim_addresses(
    server: &ServerConfig,
    taken: &mut BTreeMap<(String, u16), String>,
) -> Result<(), Problem> {
    let ServerConfig { id, host, peer_host, peer_port, client_port, http_port, http_url: _, listen: _ } =
        server;
    let mut claim = |host: &str, port: u16, owner: String| match taken
        .insert((host.to_lowercase(), port), owner.clone())
    {
        None => Ok(()),
        Some(first) => {
            let address = super::address(host, port);
            Err(Problem::DuplicateAddress { first, second: owner, address })
        }
    };
    claim(host, *client_port, format!("client_port of server {id}"))?;
    claim(peer_host, *peer_port, format!("peer_port of server {id}"))?;
    if let Some(http_port) = http_port {
        claim(host, *http_port, format!("http_port of server {id}"))?;
    }
    if [Some(*client_port), *http_port].contains(&Some(*peer_port)) {
        claim(host, *peer_port, format!("peer_port of server {id}"))?;
    }
    Ok(())
}
