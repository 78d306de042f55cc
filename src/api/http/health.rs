//! What watches over a server asks: `/livez`, `/readyz`, `/metrics`, `/v1/status`.

use super::app::App;
use super::problem::{Code, Problem};
use super::query::{NoParams, Params};
use crate::api::status;
use crate::api::wire::{ServerState, ServerStatus, StatusReport};
use crate::replication::port::ReplicaStatus;
use crate::telemetry::metrics;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The process answers.
pub(super) async fn livez(Params(NoParams {}): Params<NoParams>) -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The server serves.
pub(super) async fn readyz(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Value>, Problem> {
    let report = report(&app, &*app.asker.status().await?);
    let own = own(&report);
    match own.state {
        ServerState::Ready => Ok(Json(json!({ "status": "ready" }))),
        state => {
            let detail = format!("server {} is {state}: {}", own.id, own.reason);
            Err(Problem::new(Code::NotReady, detail).with("state", state.to_string()))
        }
    }
}

/// The cluster as this server sees it, with the members of `client status -o json`.
pub(super) async fn status(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Value>, Problem> {
    let replica = app.asker.status().await?;
    let report = report(&app, &replica);
    let http_url = |id| app.config.server(id).and_then(|server| server.http_origin());
    let row = |row: &ServerStatus| {
        json!({
            "id": row.id, "address": row.address, "http_url": http_url(row.id), "state": row.state, "view": row.view,
            "position": row.position, "lag": row.lag,
            // It has more bits than a JSON number holds.
            "digest": format!("{:016x}", row.digest),
            "seats_left": row.seats_left, "uptime_ms": row.uptime_ms, "version": row.version,
            "reason": row.reason,
        })
    };
    Ok(Json(json!({
        "server": report.server, "cluster": report.cluster, "availability": report.availability,
        "durability": report.durability, "conflicts": report.conflicts, "waiting_for": report.waiting_for,
        // Of Lamport's queue here: whose request was executed last, and whose is the first one (not yet in the
        // critical section while replies are missing).
        "last_turn": replica.engine.as_ref().and_then(|engine| engine.last_turn),
        "turn": replica.engine.as_ref().and_then(|engine| engine.turn),
        "servers": report.servers.iter().map(row).collect::<Vec<_>>(),
    })))
}

/// Everything that is counted. What the replica knows is asked for first; without an answer the rest is told.
pub(super) async fn metrics(State(app): State<App>, Params(NoParams {}): Params<NoParams>) -> Response {
    let metrics = app.asker.replicator().metrics();
    match app.asker.status().await {
        Ok(replica) => {
            let report = report(&app, &replica);
            let own = own(&report);
            metrics.ready.set(i64::from(own.state == ServerState::Ready));
            metrics.position.set(own.position as i64);
            metrics.lag.set(own.lag as i64);
            metrics.seats_left.set(i64::from(own.seats_left));
            let held = replica.holdings;
            for (gauge, count) in [
                (&metrics.reservations, held.reservations),
                (&metrics.events, held.events),
                (&metrics.bookings, held.bookings),
                (&metrics.holds, held.holds),
                (&metrics.sessions, held.sessions),
                (&metrics.keys, held.keys),
            ] {
                gauge.set(count as i64);
            }
            metrics.conflicts.set(replica.conflicts as i64);
            metrics.uptime_seconds.set((replica.uptime_ms / 1_000) as i64);
            let engine = replica.engine.as_ref();
            metrics.members.set(engine.map_or(0, |engine| engine.members.len() as i64));
            metrics.pending_commands.set(engine.map_or(0, |engine| engine.pending as i64));
        }
        Err(_) => {
            metrics.ready.set(0);
        }
    }
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.text()).into_response()
}

fn report(app: &App, replica: &ReplicaStatus) -> StatusReport {
    status::report(&app.config, app.me, replica)
}

fn own(report: &StatusReport) -> &ServerStatus {
    let own = report.servers.iter().find(|row| row.id == report.server);
    own.expect("a server is in its own configuration")
}
