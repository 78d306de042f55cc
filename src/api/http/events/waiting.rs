//! Waiting lists: in order, and open for anyone to read.

use super::bodies::{PlaceBody, Text};
use super::paths::{At, AtOf};
use super::person::Person;
use super::{bookings, execute, lists, paths, refused, show};
use crate::api::http::app::App;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::{Consistency, NoParams, Params, Wanted, fresh, json, page};
use crate::domain::events::answer::{Claimed, EventAnswer, PAGE_MAX};
use crate::domain::events::command::{Action, Question};
use crate::domain::events::fields;
use crate::domain::events::outcome::{EventOutcome, Refusal};
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;

/// Places of one page, unless it is said.
const PLACES_SHOWN: u32 = 100;

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api::http) struct ListParams {
    skip: u32,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// Who waits, in order.
pub(in crate::api::http) async fn list(
    State(app): State<App>,
    _: Person,
    Params(params): Params<ListParams>,
    At(event): At,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ListParams { skip, limit, consistency } = params;
    let limit = page(limit, PLACES_SHOWN, PAGE_MAX)?;
    let path = paths::event(&event);
    let question = Question::WaitingList { event, skip, limit };
    let key = format!("{question:?}");
    let list = async {
        let answer = lists::ask(&app, question, Freshness::Local).await?;
        let mut fields = fields::answer(&answer, show::SEATS_SHOWN);
        if let EventAnswer::WaitingList { total, places, .. } = &answer {
            let seen = skip.saturating_add(places.len() as u32);
            if !places.is_empty() && seen < *total {
                fields["next"] = format!("{path}/waiting?skip={seen}&limit={limit}").into();
            }
        }
        Ok(fields)
    };
    lists::serve(&app, &headers, fresh(consistency, Freshness::Local), key, list).await
}

/// Waits for so many seats.
pub(in crate::api::http) async fn join(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    At(event): At,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut body: PlaceBody = json(&headers, &body)?;
    let holder = person.holder(body.holder.take().map(|Text(holder)| holder))?;
    let action = Action::Join { holder, event, count: body.count()? };
    let outcome = execute(&app, &person, action).await?;
    let path = match &*outcome {
        EventOutcome::Joined { holder, event, .. } => Some(paths::of(event, "waiting", holder)),
        _ => None,
    };
    Ok(show::made(path.as_deref(), &show::fields(&outcome)))
}

/// Somebody's place.
pub(in crate::api::http) async fn place(
    State(app): State<App>,
    person: Person,
    Params(consistency): Params<Consistency>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    let freshness = consistency.or(Freshness::Linearizable);
    let none = |holder, event| refused::problem(&Refusal::NotWaiting { holder, event });
    let claim = match bookings::claim(&app, &person, (&event, &holder), freshness).await {
        // Who has nothing at all has no place either.
        Err(problem) if problem.code == Code::NoReservation => return Err(none(holder, event)),
        found => found?,
    };
    if !matches!(claim.what, Claimed::Place { .. }) {
        return Err(none(holder, event));
    }
    let mut fields = fields::claim(&claim, show::SEATS_SHOWN);
    fields["holder"] = holder.to_string().into();
    Ok(Json(fields).into_response())
}

/// Waits no longer.
pub(in crate::api::http) async fn leave(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    Ok(show::done(&*execute(&app, &person, Action::Leave { holder, event }).await?))
}
