//! How much is shown, and in what answer.
//!
//! No answer but a map of seats grows with the size of an event: of a list of seats, and of their tickets, the first
//! [`SEATS_SHOWN`] are told, `count` says how many there are, and a booking's `next` is where the rest is.

use crate::audit;
use crate::domain::events::fields;
use crate::domain::events::outcome::EventOutcome;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::fmt;

/// Seats, and tickets, that are shown at once.
pub(super) const SEATS_SHOWN: usize = 1_000;
/// Seats of each entry of a schedule.
pub(super) const SEATS_IN_SCHEDULE: usize = 100;

/// The beginning of the words: they name every seat.
pub(super) fn brief(what: &impl fmt::Display) -> String {
    audit::describe::brief(what)
}

/// What an outcome says, with the words for it.
pub(super) fn fields(outcome: &EventOutcome) -> Value {
    let mut fields = fields::outcome(outcome, SEATS_SHOWN);
    fields["message"] = brief(outcome).into();
    fields
}

/// Something is there that was not: where, if it has a place.
pub(super) fn made(path: Option<&str>, fields: &Value) -> Response {
    let answer = Json(fields);
    match path {
        Some(path) => (StatusCode::CREATED, [(header::LOCATION, path)], answer).into_response(),
        None => (StatusCode::CREATED, answer).into_response(),
    }
}

/// It was done.
pub(super) fn done(outcome: &EventOutcome) -> Response {
    Json(fields(outcome)).into_response()
}

/// Puts the place of the next page where the mark of its beginning was.
pub(super) fn paged(fields: &mut Value, path: impl FnOnce(&str) -> String) {
    let Value::Object(members) = fields else { return };
    let more = match members.remove("more") {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        _ => return,
    };
    members.insert("next".to_owned(), path(&more).into());
}
