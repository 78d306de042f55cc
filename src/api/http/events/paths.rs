//! The parts of a path, and the paths of what is told about.

use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::encoded;
use crate::domain::events::ids::{Actor, EventKey};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use std::fmt;
use std::str::FromStr;

/// The only part of a path that is not fixed.
pub(in crate::api::http) struct One<T>(pub(super) T);

/// The first two.
pub(in crate::api::http) struct Two<A, B>(pub(super) A, pub(super) B);

/// An event: `{id}/{kind}`.
pub(in crate::api::http) struct At(pub(super) EventKey);

/// What somebody has at an event: `{id}/{kind}/.../{holder}`.
pub(in crate::api::http) struct AtOf(pub(super) EventKey, pub(super) Actor);

fn wrong(error: impl fmt::Display) -> Problem {
    Problem::new(Code::InvalidId, error.to_string())
}

fn part<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(wrong)
}

async fn texts<T: serde::de::DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, Problem> {
    let found = Path::<T>::from_request_parts(parts, state).await;
    found.map(|Path(texts)| texts).map_err(|error| wrong(error.body_text()))
}

impl<S: Send + Sync, T: FromStr<Err: fmt::Display>> FromRequestParts<S> for One<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text: String = texts(parts, state).await?;
        Ok(One(part(&text)?))
    }
}

impl<S: Send + Sync, A: FromStr<Err: fmt::Display>, B: FromStr<Err: fmt::Display>> FromRequestParts<S>
    for Two<A, B>
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (first, second): (String, String) = texts(parts, state).await?;
        Ok(Two(part(&first)?, part(&second)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Two(id, kind) = Two::from_request_parts(parts, state).await?;
        Ok(At(EventKey { id, kind }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (id, kind, holder): (String, String, String) = texts(parts, state).await?;
        Ok(AtOf(EventKey { id: part(&id)?, kind: part(&kind)? }, part(&holder)?))
    }
}

/// Where an event is found.
pub(super) fn event(event: &EventKey) -> String {
    format!("/v1/events/{}/{}", event.id, encoded(event.kind.as_str()))
}

/// Where something of somebody at an event is found.
pub(super) fn of(at: &EventKey, what: &str, holder: &Actor) -> String {
    format!("{}/{what}/{}", event(at), encoded(&holder.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_so_that_they_are_read_again() {
        let key: EventKey = "TORM100519/Trade shows".parse().unwrap();
        assert_eq!(event(&key), "/v1/events/TORM100519/Trade%20shows");
        let holder: Actor = "a/b".parse().unwrap();
        assert_eq!(of(&key, "holds", &holder), "/v1/events/TORM100519/Trade%20shows/holds/a%2Fb");
    }
}
