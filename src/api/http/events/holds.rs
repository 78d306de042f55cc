//! Holds: seats set aside for a while, and what becomes of them.

use super::bodies::{SeatsBody, Text, nothing};
use super::paths::{At, AtOf};
use super::person::Person;
use super::{bookings, execute, paths, refused, show};
use crate::api::http::app::App;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::{Consistency, NoParams, Params, json};
use crate::domain::events::answer::Claimed;
use crate::domain::events::command::Action;
use crate::domain::events::fields;
use crate::domain::events::outcome::{EventOutcome, Refusal};
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

/// Sets seats aside.
pub(in crate::api::http) async fn hold(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    At(event): At,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut body: SeatsBody = json(&headers, &body)?;
    let holder = person.holder(body.holder.take().map(|Text(holder)| holder))?;
    let action = Action::Hold { holder, event, seating: body.seating()? };
    let outcome = execute(&app, &person, action).await?;
    let path = match &*outcome {
        EventOutcome::Held { holder, event, .. } => Some(paths::of(event, "holds", holder)),
        _ => None,
    };
    Ok(show::made(path.as_deref(), &show::fields(&outcome)))
}

/// What is set aside, and until when.
pub(in crate::api::http) async fn held(
    State(app): State<App>,
    person: Person,
    Params(consistency): Params<Consistency>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    let freshness = consistency.or(Freshness::Linearizable);
    let none = |holder, event| refused::problem(&Refusal::NotHeld { holder, event });
    let claim = match bookings::claim(&app, &person, (&event, &holder), freshness).await {
        // Who has nothing at all holds nothing either.
        Err(problem) if problem.code == Code::NoReservation => {
            return Err(none(holder, event));
        }
        found => found?,
    };
    if !matches!(claim.what, Claimed::Hold { .. }) {
        return Err(none(holder, event));
    }
    let mut fields = fields::claim(&claim, show::SEATS_SHOWN);
    fields["holder"] = holder.to_string().into();
    Ok(Json(fields).into_response())
}

/// Gives back what is set aside.
pub(in crate::api::http) async fn release(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    Ok(show::done(&*execute(&app, &person, Action::Release { holder, event }).await?))
}

/// Books what is set aside.
pub(in crate::api::http) async fn confirm(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    AtOf(event, holder): AtOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    nothing(&headers, &body)?;
    Ok(bookings::made(&*execute(&app, &person, Action::Confirm { holder, event }).await?))
}

/// Sets it aside for as long again, once.
pub(in crate::api::http) async fn extend(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    AtOf(event, holder): AtOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    nothing(&headers, &body)?;
    Ok(show::done(&*execute(&app, &person, Action::Extend { holder, event }).await?))
}
