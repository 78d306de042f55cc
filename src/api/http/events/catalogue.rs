//! Branches, kinds and events: what managers add, and what everybody may look at.

use super::bodies::{BranchBody, EventBody, KindBody, Text, TheatreBody};
use super::paths::{At, One};
use super::person::Person;
use super::{execute, find, lists, paths, refused, show};
use crate::api::http::app::App;
use crate::api::http::problem::Problem;
use crate::api::http::query::{Consistency, NoParams, Params, Wanted, encoded, fresh, json, page};
use crate::domain::events::answer::{EventAnswer, PAGE_MAX};
use crate::domain::events::calendar::Date;
use crate::domain::events::command::{Action, Filter, Question};
use crate::domain::events::fields;
use crate::domain::events::ids::{Actor, BranchCode, EventId, EventKey, Kind, Role};
use crate::domain::events::outcome::{Denied, EventOutcome, Refusal};
use crate::replication::feed::{Run, taken};
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Events of one page, unless it is said.
const EVENTS_SHOWN: u32 = 100;

/// Which events, and which part of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api::http) struct ListParams {
    branch: Option<BranchCode>,
    kind: Option<Kind>,
    from: Option<Date>,
    until: Option<Date>,
    free_min: Option<u32>,
    after: Option<Text<EventKey>>,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// Which part of the branches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api::http) struct BranchesParams {
    after: Option<BranchCode>,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// Of which kind, and which part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api::http) struct AvailabilityParams {
    kind: Kind,
    after: Option<EventId>,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// The seats of an event, with the members of `/v1/seats`.
#[derive(Serialize)]
struct Seats {
    event: EventKey,
    capacity: u32,
    left: u32,
    taken: Vec<Run>,
}

/// Lists something that is the same for everybody. `next` is the place of the page that begins at a mark.
async fn listed(
    app: &App,
    headers: &HeaderMap,
    freshness: Freshness,
    question: Question,
    next: impl FnOnce(&str) -> String,
) -> Result<Response, Problem> {
    let key = format!("{question:?}");
    let list = async {
        let answer = lists::ask(app, question, Freshness::Local).await?;
        let mut fields = fields::answer(&answer, show::SEATS_SHOWN);
        show::paged(&mut fields, next);
        Ok(fields)
    };
    lists::serve(app, headers, freshness, key, list).await
}

/// All branches with their theatres.
pub(in crate::api::http) async fn branches(
    State(app): State<App>,
    _: Person,
    Params(BranchesParams { after, limit, consistency }): Params<BranchesParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page(limit, PAGE_MAX, PAGE_MAX)?;
    let next = format!("/v1/branches?limit={limit}&after=");
    let question = Question::Branches { after, limit };
    listed(&app, &headers, fresh(consistency, Freshness::Local), question, |more| next + more).await
}

/// Adds a branch.
pub(in crate::api::http) async fn add_branch(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let BranchBody { branch, name } = json(&headers, &body)?;
    let outcome = execute(&app, &person, Action::AddBranch { branch, name }).await?;
    Ok(show::made(None, &show::fields(&outcome)))
}

/// Adds a theatre to the own branch.
pub(in crate::api::http) async fn add_theatre(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    One(branch): One<BranchCode>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let TheatreBody { theatre } = json(&headers, &body)?;
    let actor = person.needed()?;
    // The command is about the manager's own branch: another one must not be taken for it.
    if let Actor::User(user) = actor
        && user.role == Role::Manager
        && user.branch != branch
    {
        let denied = Denied::OtherBranch { actor: actor.clone(), branch };
        return Err(refused::problem(&Refusal::NotAllowed(denied)));
    }
    let outcome = execute(&app, &person, Action::AddTheatre { theatre }).await?;
    Ok(show::made(None, &show::fields(&outcome)))
}

/// All kinds.
pub(in crate::api::http) async fn kinds(
    State(app): State<App>,
    _: Person,
    Params(consistency): Params<Consistency>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    listed(&app, &headers, consistency.or(Freshness::Local), Question::Kinds, str::to_owned).await
}

/// Adds a kind.
pub(in crate::api::http) async fn add_kind(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let KindBody { kind } = json(&headers, &body)?;
    let outcome = execute(&app, &person, Action::AddKind { kind }).await?;
    Ok(show::made(None, &show::fields(&outcome)))
}

/// Lists events, a page at a time.
pub(in crate::api::http) async fn events(
    State(app): State<App>,
    _: Person,
    Params(params): Params<ListParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ListParams { branch, kind, from, until, free_min, after, limit, consistency } = params;
    let limit = page(limit, EVENTS_SHOWN, PAGE_MAX)?;
    let filter = Filter { branch, from, until, kind, free_min: free_min.unwrap_or(0) };
    let rest = rest(&filter, limit);
    let question = Question::Events { filter, after: after.map(|Text(key)| key), limit };
    let next = |more: &str| format!("/v1/events?after={}{rest}", encoded(more));
    listed(&app, &headers, fresh(consistency, Freshness::Local), question, next).await
}

/// The parameters that the next page has too.
fn rest(filter: &Filter, limit: u32) -> String {
    let Filter { branch, from, until, kind, free_min } = filter;
    let mut rest = format!("&limit={limit}");
    let texts = [
        ("branch", branch.map(|branch| branch.to_string())),
        ("from", from.map(|from| from.to_string())),
        ("until", until.map(|until| until.to_string())),
        ("kind", kind.as_ref().map(|kind| encoded(kind.as_str()))),
        ("free_min", (*free_min > 0).then(|| free_min.to_string())),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            rest += &format!("&{name}={text}");
        }
    }
    rest
}

/// Adds an event, or changes the capacity of one that is there.
pub(in crate::api::http) async fn add(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let event: EventBody = json(&headers, &body)?;
    // What was understood, so that the same in other words is the same.
    let request = format!("{event:?}");
    let (event, capacity) = event.event(|| app.uuid(person.asking.key.as_ref(), request.as_bytes()))?;
    let outcome = execute(&app, &person, Action::AddEvent { event, capacity }).await?;
    match &*outcome {
        EventOutcome::EventAdded { event, .. } => {
            Ok(show::made(Some(&paths::event(event)), &show::fields(&outcome)))
        }
        outcome => Ok(show::done(outcome)),
    }
}

/// One event.
pub(in crate::api::http) async fn event(
    State(app): State<App>,
    person: Person,
    Params(consistency): Params<Consistency>,
    At(event): At,
) -> Result<Response, Problem> {
    let freshness = consistency.or(Freshness::Linearizable);
    let answer = find(&app, &person, Question::Event(event), freshness).await?;
    Ok(Json(fields::answer(&answer, show::SEATS_SHOWN)).into_response())
}

/// Removes an event with everything that people had of it.
pub(in crate::api::http) async fn remove(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    At(event): At,
) -> Result<Response, Problem> {
    Ok(show::done(&*execute(&app, &person, Action::RemoveEvent { event }).await?))
}

/// All seats of an event.
pub(in crate::api::http) async fn seats(
    State(app): State<App>,
    _: Person,
    Params(consistency): Params<Consistency>,
    At(event): At,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::SeatMap(event);
    let key = format!("{question:?}");
    let list = async {
        match lists::ask(&app, question, Freshness::Local).await? {
            EventAnswer::SeatMap { event, map } => {
                Ok(Seats { event, capacity: map.capacity, left: map.left, taken: taken(&map) })
            }
            _ => Err(super::other_answer()),
        }
    };
    lists::serve(&app, &headers, consistency.or(Freshness::Local), key, list).await
}

/// How many seats each event of a kind has left, over all branches.
pub(in crate::api::http) async fn availability(
    State(app): State<App>,
    person: Person,
    Params(params): Params<AvailabilityParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let AvailabilityParams { kind, after, limit, consistency } = params;
    person.needed()?;
    let limit = page(limit, PAGE_MAX, PAGE_MAX)?;
    let next = format!("/v1/availability?kind={}&limit={limit}&after=", encoded(kind.as_str()));
    let question = Question::Availability { kind, after, limit };
    let answer = find(&app, &person, question, fresh(consistency, Freshness::Local)).await?;
    let mut fields = fields::answer(&answer, show::SEATS_SHOWN);
    fields["message"] = answer.to_string().into();
    show::paged(&mut fields, |more| next + more);
    Ok(lists::own(&headers, &fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::http::problem::Code;

    #[test]
    fn the_next_page_is_asked_for_with_the_same_filter() {
        let filter = Filter {
            branch: Some("TOR".parse().unwrap()),
            kind: Some("Trade shows".parse().unwrap()),
            free_min: 2,
            ..Filter::default()
        };
        assert_eq!(rest(&filter, 10), "&limit=10&branch=TOR&kind=Trade%20shows&free_min=2");
        assert_eq!(rest(&Filter::default(), 100), "&limit=100");
    }

    #[test]
    fn a_page_has_a_length() {
        for (limit, length) in [(None, Ok(100)), (Some(1), Ok(1)), (Some(PAGE_MAX), Ok(PAGE_MAX))] {
            assert_eq!(page(limit, EVENTS_SHOWN, PAGE_MAX), length);
        }
        for wrong in [0, PAGE_MAX + 1] {
            assert_eq!(page(Some(wrong), 1, PAGE_MAX).unwrap_err().code, Code::InvalidParameter);
        }
    }
}
