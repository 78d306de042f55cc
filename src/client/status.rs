//! The cluster as all its servers together see it.

use super::{
    connection::ask_once,
    exit::Exit,
    output::{Output, note},
    table::Table,
};
use crate::{
    api::wire::{ClientRequest, ServerReply, ServerState, ServerStatus, StatusReport},
    config::{ClusterConfig, ServerConfig},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tokio::task::JoinSet;

/// Longest wait for one server; a server that needs more is shown as not answering.
const PATIENCE_MAX: Duration = Duration::from_secs(2);

/// What one server said, or why it did not.
pub type Reply = Result<StatusReport, String>;

/// Asks every server, prints one table, and says whether all is well.
pub async fn run(config: &ClusterConfig, output: &mut Output) -> Exit {
    let replies = ask_all(config).await;
    let overview = Overview::merge(config, &replies);
    output.json(&overview.json());
    output.text(overview.table(output.color));
    overview.warnings().iter().for_each(note);
    overview.exit()
}

/// Asks all servers at once.
pub async fn ask_all(config: &ClusterConfig) -> BTreeMap<u8, Reply> {
    let patience = PATIENCE_MAX.min(Duration::from_millis(config.timeouts.client_ms));
    let mut asked = JoinSet::new();
    for server in &config.servers {
        let (id, address, cluster) = (server.id, server.client_address(), config.cluster.clone());
        asked.spawn(async move {
            let reply = match ask_once(&address, &cluster, ClientRequest::Status, patience).await {
                Ok((_, ServerReply::Status(report))) => Ok(report),
                Ok((_, ServerReply::Error(error))) => Err(error.to_string()),
                Ok(_) => Err("it answered something else than was asked".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            (id, reply)
        });
    }
    // Every task ends within its patience, and none panics.
    asked.join_all().await.into_iter().collect()
}

/// All reports as one.
#[derive(Debug)]
pub struct Overview {
    cluster: String,
    availability: String,
    durability: String,
    rows: Vec<Row>,
    conflicts: u64,
    /// Server and what it waits for.
    waiting: Vec<(u8, String)>,
}

/// One server.
#[derive(Debug)]
struct Row {
    status: ServerStatus,
    /// Who said so; the server itself, if it answered.
    reporter: Option<u8>,
    /// Why it did not answer this client.
    silent: Option<String>,
}

impl Overview {
    /// What the columns of the table are called.
    pub const HEAD: [&str; 11] = [
        "ID", "ADDRESS", "STATE", "VIEW", "POSITION", "LAG", "DIGEST", "LEFT", "UPTIME", "VERSION", "REASON",
    ];

    /// What a server says of itself counts; of a server that says nothing, what the ready server that is
    /// furthest says of it.
    pub fn merge(config: &ClusterConfig, replies: &BTreeMap<u8, Reply>) -> Self {
        let mut reports: Vec<&StatusReport> =
            replies.values().filter_map(|reply| reply.as_ref().ok()).collect();
        let own = |report: &StatusReport| report.servers.iter().find(|row| row.id == report.server).cloned();
        reports.sort_by_key(|report| {
            own(report).map_or((true, u64::MAX), |row| (row.state != ServerState::Ready, !row.position))
        });
        let mut rows: Vec<Row> = config.servers.iter().map(|server| row(server, replies, &reports)).collect();
        let furthest = rows.iter().map(|row| row.status.position).max().unwrap_or(0);
        for row in rows.iter_mut().filter(|row| row.reporter.is_some()) {
            row.status.lag = furthest - row.status.position;
        }
        let best = reports.first();
        let waiting = |report: &&StatusReport| Some((report.server, report.waiting_for.clone()?));
        Self {
            cluster: config.cluster.clone(),
            availability: best.map_or(config.availability.to_string(), |report| report.availability.clone()),
            durability: best.map_or(config.durability.to_string(), |report| report.durability.clone()),
            rows,
            conflicts: reports.iter().map(|report| report.conflicts).max().unwrap_or(0),
            waiting: reports.iter().filter_map(waiting).collect(),
        }
    }

    /// Done when every server is ready and answers, and those at one position agree.
    pub fn exit(&self) -> Exit {
        if self.rows.iter().all(|row| row.silent.is_some()) {
            Exit::Unknown
        } else if self.rows.iter().any(|row| !row.is_well())
            || self.diverged().is_some()
            || self.split().is_some()
        {
            Exit::Refused
        } else {
            Exit::Done
        }
    }

    /// Two servers that are both ready, in different views: each side sells on its own.
    fn split(&self) -> Option<(u8, u8)> {
        let ready =
            |row: &&Row| row.reporter == Some(row.status.id) && row.status.state == ServerState::Ready;
        let mut ready = self.rows.iter().filter(ready).map(|row| &row.status);
        let first = ready.next()?;
        ready.find(|other| other.view != first.view).map(|other| (first.id, other.id))
    }

    fn diverged(&self) -> Option<(u8, u8)> {
        let mut seen: BTreeMap<(&str, u64), (u8, u64)> = BTreeMap::new();
        for ServerStatus { id, view, position, digest, .. } in
            self.rows.iter().filter(|row| row.reporter == Some(row.status.id)).map(|row| &row.status)
        {
            let (first, theirs) = *seen.entry((view.as_str(), *position)).or_insert((*id, *digest));
            if theirs != *digest {
                return Some((first, *id));
            }
        }
        None
    }

    /// `2 of 3 servers ready`, and whether there is more to be looked at.
    pub fn headline(&self) -> String {
        let well = self.rows.iter().filter(|row| row.is_well()).count();
        let more = if self.warnings().is_empty() { "" } else { "; something to look at" };
        format!("{well} of {} servers ready{more}", self.rows.len())
    }

    /// The line above the table.
    pub fn head(&self) -> String {
        let well = self.rows.iter().filter(|row| row.is_well()).count();
        let Self { cluster, availability, durability, rows, .. } = self;
        format!(
            "{cluster}: {well} of {} servers ready  (availability {availability}, durability {durability})",
            rows.len()
        )
    }

    /// The rows of the table, without colours.
    pub fn rows(&self) -> impl Iterator<Item = [String; 11]> {
        self.rows.iter().map(|row| row.cells(false))
    }

    /// What a person should look at.
    pub fn warnings(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some((a, b)) = self.diverged() {
            words.push(format!(
                "servers {a} and {b} have different digests at one position: they have diverged"
            ));
        }
        if let Some((a, b)) = self.split() {
            words.push(format!(
                "servers {a} and {b} are at work in different views: a view is changing this moment, or two sides of a \
                 partition both sell"
            ));
        }
        if self.conflicts > 0 {
            words.push(format!(
                "reservations or deletions lost in a partition: {}; see the conflict reports in the servers' data \
                 directories",
                self.conflicts
            ));
        }
        let waits = |(server, what): &(u8, String)| format!("server {server} waits for {what}");
        words.extend(self.waiting.iter().map(waits));
        words
    }

    /// The table for people.
    pub fn table(&self, color: bool) -> String {
        let mut table = Table::new(&Self::HEAD);
        for row in &self.rows {
            table.row(row.cells(color));
        }
        format!("{}\n{table}", self.head())
    }

    /// The same for programs. `digest` is in hexadecimal, since it has more bits than a JSON number holds.
    pub fn json(&self) -> serde_json::Value {
        let result = if self.exit() == Exit::Done { "done" } else { "degraded" };
        let row = |row: &Row| {
            let status = &row.status;
            json!({
                "id": status.id, "address": status.address, "state": status.state, "view": status.view,
                "position": status.position, "lag": status.lag, "digest": format!("{:016x}", status.digest),
                "seats_left": status.seats_left, "uptime_ms": status.uptime_ms, "version": status.version,
                "reason": status.reason, "reporter": row.reporter, "answers": row.silent.is_none(),
            })
        };
        let waiting = |(server, what): &(u8, String)| json!({ "server": server, "for": what });
        json!({
            "command": "status", "result": result, "cluster": self.cluster, "availability": self.availability,
            "durability": self.durability, "conflicts": self.conflicts,
            "waiting": self.waiting.iter().map(waiting).collect::<Vec<_>>(),
            "servers": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn row(server: &ServerConfig, replies: &BTreeMap<u8, Reply>, reports: &[&StatusReport]) -> Row {
    let id = server.id;
    let about = |report: &StatusReport| report.servers.iter().find(|row| row.id == id).cloned();
    let silent = match replies.get(&id) {
        Some(Ok(report)) => match about(report) {
            Some(status) => return Row { status, reporter: Some(id), silent: None },
            None => Some("it does not report about itself".to_owned()),
        },
        Some(Err(reason)) => Some(reason.clone()),
        None => Some("it was not asked".to_owned()),
    };
    let other = reports.iter().find_map(|report| Some((report.server, about(report)?)));
    let (reporter, mut status) = match other {
        Some((reporter, status)) => (Some(reporter), status),
        None => (None, nothing_known(server)),
    };
    if let Some(reason) = &silent {
        let separator = if status.reason.is_empty() { "" } else { "; " };
        status.reason = format!("{}{separator}does not answer: {reason}", status.reason);
    }
    Row { status, reporter, silent }
}

fn nothing_known(server: &ServerConfig) -> ServerStatus {
    ServerStatus {
        id: server.id,
        address: server.client_address(),
        state: ServerState::Down,
        view: String::new(),
        position: 0,
        lag: 0,
        digest: 0,
        seats_left: 0,
        uptime_ms: 0,
        version: String::new(),
        reason: String::new(),
    }
}

impl Row {
    fn is_well(&self) -> bool {
        self.status.state == ServerState::Ready && self.silent.is_none()
    }

    fn cells(&self, color: bool) -> [String; 11] {
        let status = &self.status;
        let known = |text: String| if self.reporter.is_some() { text } else { "-".to_owned() };
        let own = |text: String| if self.silent.is_none() { text } else { "-".to_owned() };
        let state = match (color, status.state) {
            (false, state) => state.to_string(),
            (true, ServerState::Ready) => format!("\x1b[32m{}\x1b[0m", status.state),
            (true, ServerState::Suspected | ServerState::Down) => format!("\x1b[31m{}\x1b[0m", status.state),
            (true, ServerState::Recovering | ServerState::Changing | ServerState::Leaving) => {
                format!("\x1b[33m{}\x1b[0m", status.state)
            }
        };
        [
            status.id.to_string(),
            status.address.clone(),
            state,
            known(if status.view.is_empty() { "-".to_owned() } else { status.view.clone() }),
            known(status.position.to_string()),
            known(status.lag.to_string()),
            known(format!("{:016x}", status.digest)),
            own(status.seats_left.to_string()),
            own(uptime(status.uptime_ms)),
            own(status.version.clone()),
            status.reason.clone(),
        ]
    }
}

/// The two largest units: `2d 3h`, `5m 7s`.
fn uptime(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests;
