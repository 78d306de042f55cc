//! `GET /v1/trace`: what this server saw of the algorithm, for whoever draws it.

use super::app::App;
use super::problem::Problem;
use super::query::{Params, Who};
use crate::protocol::trace::TracePage;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// Where to go on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// A page of it, and whose.
#[derive(Debug, Serialize)]
pub(super) struct Seen {
    server: u8,
    #[serde(flatten)]
    page: TracePage,
}

/// What happened after an event. It records while it is asked, so the first answer has nothing in it.
pub(super) async fn seen(
    State(app): State<App>,
    Who(asking): Who,
    Params(After { after }): Params<After>,
) -> Result<Json<Seen>, Problem> {
    app.asker.check_watcher(asking.caller)?;
    Ok(Json(Seen { server: app.me, page: app.asker.replicator().watch(after) }))
}
