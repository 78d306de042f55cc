//! What an engine tells people, as log lines.

use crate::protocol::engine::{Note, Restart};
use crate::protocol::types::Member;
use crate::telemetry::metrics::Metrics;
use tracing::{debug, error, info, warn};

/// Logs a note, and counts it.
pub(super) fn log(note: &Note, metrics: &Metrics) {
    match note {
        Note::Suspected { .. } => metrics.suspicions.inc(),
        Note::Activated { .. } => metrics.view_changes.inc(),
        Note::DigestMismatch { .. } => metrics.digest_mismatches.inc(),
        Note::Left { .. }
        | Note::Proposing { .. }
        | Note::Abandoned { .. }
        | Note::CatchingUp { .. }
        | Note::Waiting { .. }
        | Note::Overridden { .. }
        | Note::Nonsense { .. } => 0,
    };
    match note {
        Note::Suspected { member, why } => {
            warn!(server = %member.server, why, "a server is taken for crashed")
        }
        Note::Left { member } => info!(server = %member.server, "a server leaves the cluster"),
        Note::Proposing { view, members } => {
            info!(%view, members = list(members), "proposing a view");
        }
        Note::Abandoned { view, why } => info!(%view, why, "a proposed view came to nothing"),
        Note::Activated { view, members, position } => {
            info!(%view, members = list(members), position, "ready: at work in a view");
        }
        Note::CatchingUp { from, position, tip } => {
            info!(%from, position, tip, "catching up from another server");
        }
        Note::Waiting { what } => info!(what, "waiting"),
        Note::DigestMismatch { peer, position, ours, theirs } => {
            error!(server = %peer, position, ?ours, ?theirs, "another server has executed something else");
        }
        Note::Overridden { view } => {
            warn!(%view, "the operator has overridden the outage rule: what only absent servers have is given up");
        }
        Note::Nonsense { from, what } => {
            warn!(server = %from.server, what, "a server sent what it should not")
        }
    }
}

/// Logs why the engine starts over.
pub(super) fn log_restart(why: Restart) {
    match why {
        Restart::Excluded { by } => {
            warn!(view = %by, "the others went on without this server: it starts over and catches up");
        }
        Restart::Diverged { position } => {
            error!(
                position,
                "this server executed something else than the others: its log is set aside and the state taken anew"
            );
        }
        Restart::Stopped { ms } => {
            warn!(
                ms,
                "this server stood still for so long that the others may have gone on without it: it starts over and asks them"
            );
        }
        Restart::LostMerge { to } => {
            warn!(view = %to, "two sides of a partition met and the other one goes on: this server comes over");
        }
    }
    debug!(?why, "restart");
}

/// Servers as people read them.
pub(super) fn list(members: &[Member]) -> String {
    let ids: Vec<String> = members.iter().map(|member| member.server.to_string()).collect();
    ids.join(", ")
}
