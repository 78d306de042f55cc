//! From the cluster's configuration to what each part must know.

use crate::config::{self, ClusterConfig};
use crate::domain::keys::KeyLimits;
use crate::domain::state;
use crate::protocol::engine::{Availability, Limits};
use crate::protocol::types::ServerId;
use crate::replication::driver::ReplicaConfig;
use crate::storage::{Identity, Options, SEGMENT_BYTES_MIN};

/// Log files are this long where the disk limit allows.
const SEGMENT_BYTES: u64 = 16 << 20;
/// At least so many log files fit in the disk limit.
const SEGMENTS: u64 = 8;

pub(super) fn replica(config: &ClusterConfig, id: u8, bootstrap: bool) -> ReplicaConfig {
    let others = config.servers.iter().filter(|server| server.id != id);
    ReplicaConfig {
        server: ServerId(id),
        identity: Identity { cluster: config.cluster.clone(), server: id, seats: config.seats },
        storage: storage(&config.limits),
        state: state::Config {
            capacity: config.seats,
            sessions_max: config.limits.sessions_max as u32,
            session_age_ms: config.limits.session_age_s * 1_000,
            outcomes_per_session_max: config.limits.outcomes_per_session_max as u32,
            time_step_ms_max: config.limits.time_step_ms_max,
            keys: KeyLimits { keys_max: config.limits.keys_max, age_ms: config.limits.key_age_s * 1_000 },
            events: config.events().into(),
        },
        availability: match config.availability {
            config::Availability::Any => Availability::Any,
            config::Availability::Majority => Availability::Majority,
        },
        limits: limits(config),
        snapshot_log_bytes: config.limits.snapshot_log_bytes,
        shared_text: config.shared_text(),
        addresses: others.map(|server| (ServerId(server.id), server.peer_address())).collect(),
        peer_queue_bytes_max: config.limits.peer_queue_bytes_max,
        bootstrap,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn storage(limits: &config::Limits) -> Options {
    let segment_bytes = SEGMENT_BYTES.min(limits.disk_bytes_max / SEGMENTS).max(SEGMENT_BYTES_MIN);
    Options { segment_bytes, disk_bytes_max: limits.disk_bytes_max, incarnation_min: 0 }
}

fn limits(config: &ClusterConfig) -> Limits {
    let (timeouts, limits) = (&config.timeouts, &config.limits);
    let default = Limits::default();
    Limits {
        tick_ms: (timeouts.heartbeat_ms / 4).clamp(5, default.tick_ms),
        heartbeat_ms: timeouts.heartbeat_ms,
        suspect_ms: timeouts.suspect_ms,
        probe_ms: timeouts.probe_ms,
        lease_ms: timeouts.lease_ms,
        requests_outstanding_max: limits.requests_outstanding_max,
        batch_bytes_max: limits.batch_bytes_max,
        pending_commands_max: limits.pending_commands_max,
        ..default
    }
}
