//! The table of all servers that `status` shows.

use super::wire::{ServerState, ServerStatus, StatusReport};
use crate::config::{ClusterConfig, ServerConfig};
use crate::protocol::lamport::{PeerStatus, Status};
use crate::protocol::message::Standing;
use crate::replication::port::ReplicaStatus;

/// What this server knows of all.
pub(super) fn report(config: &ClusterConfig, me: u8, replica: &ReplicaStatus) -> StatusReport {
    let mut servers: Vec<ServerStatus> = config
        .servers
        .iter()
        .map(|server| match &replica.engine {
            None => unread(server, me, replica),
            Some(engine) if server.id == me => own(server, engine, replica),
            Some(engine) => match engine.peers.iter().find(|peer| peer.server.0 == server.id) {
                Some(peer) => other(server, peer),
                None => blank(server, ServerState::Down, "not known"),
            },
        })
        .collect();
    let tip = servers.iter().map(|server| server.position).max().unwrap_or(0);
    for server in &mut servers {
        server.lag = tip - server.position;
    }
    StatusReport {
        server: me,
        cluster: config.cluster.clone(),
        availability: config.availability.to_string(),
        durability: config.durability.to_string(),
        servers,
        conflicts: replica.conflicts,
        waiting_for: replica.engine.as_ref().and_then(|engine| engine.waiting_for.clone()),
    }
}

fn blank(server: &ServerConfig, state: ServerState, reason: &str) -> ServerStatus {
    ServerStatus {
        id: server.id,
        address: server.client_address(),
        state,
        view: String::new(),
        position: 0,
        lag: 0,
        digest: 0,
        seats_left: 0,
        uptime_ms: 0,
        version: String::new(),
        reason: reason.to_owned(),
    }
}

/// Before the log is read.
fn unread(server: &ServerConfig, me: u8, replica: &ReplicaStatus) -> ServerStatus {
    if server.id != me {
        return blank(server, ServerState::Down, "no link yet");
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let uptime_ms = replica.uptime_ms;
    ServerStatus { version, uptime_ms, ..blank(server, ServerState::Recovering, "reads its log") }
}

fn own(server: &ServerConfig, engine: &Status, replica: &ReplicaStatus) -> ServerStatus {
    let silent: Vec<String> =
        engine.peers.iter().filter(|peer| peer.suspected).map(|peer| peer.server.to_string()).collect();
    let (state, reason) = match standing(engine.standing) {
        // Without all members nothing is answered; the next view may lack the servers it needs.
        (ServerState::Ready, _) if !silent.is_empty() => {
            let why = format!("no answer from {}; waits for a view with enough servers", silent.join(", "));
            (ServerState::Changing, why)
        }
        (ServerState::Recovering, reason) => {
            let waits = engine.waiting_for.as_ref().map(|what| format!("waits for {what}"));
            (ServerState::Recovering, waits.unwrap_or_else(|| reason.to_owned()))
        }
        (state, reason) => (state, reason.to_owned()),
    };
    ServerStatus {
        state,
        view: engine.view.to_string(),
        position: engine.position,
        digest: engine.digest.0,
        seats_left: engine.seats_left,
        uptime_ms: replica.uptime_ms,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        reason,
        ..blank(server, state, "")
    }
}

fn other(server: &ServerConfig, peer: &PeerStatus) -> ServerStatus {
    let (state, reason) = match &peer.news {
        _ if peer.suspected => (ServerState::Suspected, "in the view, but silent"),
        _ if peer.member && !peer.linked => (ServerState::Suspected, "in the view, its link is down"),
        _ if !peer.linked => (ServerState::Down, "no link to it"),
        None => (ServerState::Recovering, "has said nothing yet"),
        Some(news) if !peer.member && news.standing == Standing::Active => {
            (ServerState::Recovering, "not in this view")
        }
        Some(news) => standing(news.standing),
    };
    let Some(news) = &peer.news else { return blank(server, state, reason) };
    ServerStatus {
        view: news.view.to_string(),
        position: news.position,
        digest: news.digest.0,
        seats_left: news.about.seats_left,
        uptime_ms: news.about.uptime_ms,
        version: news.about.version.clone(),
        ..blank(server, state, reason)
    }
}

fn standing(standing: Standing) -> (ServerState, &'static str) {
    match standing {
        Standing::Active => (ServerState::Ready, ""),
        Standing::Changing => (ServerState::Changing, "agreeing on a new view"),
        Standing::Recovering => (ServerState::Recovering, "catching up"),
        Standing::Leaving => (ServerState::Leaving, "finishes what is in flight"),
        Standing::Diverged => (ServerState::Recovering, "its state differs from the others', serves nothing"),
    }
}
