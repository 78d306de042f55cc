//! `GET /events` and `POST /reserve`: two paths for clients that know no others, in the words of those clients.
//!
//! An event has one id here: `theatre` for the default one, `ID/KIND` for others. Everything has a date, which such
//! clients cannot read without: the theatre's is the first there is. Whoever says nothing about who they are is a guest
//! with a name of their own in each request, and has nothing but the tickets; the theatre's are `NAME/SEAT`, and the
//! name is what `/v1/reservations` knows.

use super::bodies::nothing;
use super::person::Person;
use super::{execute, lists, operate};
use crate::api::http::app::App;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::{Consistency, Params};
use crate::api::http::reservations;
use crate::domain::command::Operation;
use crate::domain::events::answer::{EventAnswer, EventView, PAGE_MAX};
use crate::domain::events::command::{Action, Count, Filter, Question, Seating};
use crate::domain::events::ids::{Actor, EventId, EventKey, Slot};
use crate::domain::events::outcome::EventOutcome;
use crate::domain::ids::Name;
use crate::domain::outcome::Outcome;
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Events of the list: it has no pages. Whoever wants more looks at `/v1/events`.
const EVENTS_MAX: usize = 10_000;
/// Tickets of one request.
const TICKETS_MAX: u32 = 10_000;
/// The default event.
const THEATRE: &str = "theatre";
/// When it is: such clients have a date for everything, and this is their first.
const NO_DATE: &str = "0001-01-01T00:00:00Z";

/// An event, with the members that such clients know.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    id: String,
    name: String,
    date: String,
    total_tickets: u32,
    available_tickets: u32,
}

/// What is to be reserved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api::http) struct ReserveParams {
    #[serde(rename = "eventId")]
    event_id: String,
    tickets: u32,
}

impl From<&EventView> for Offered {
    fn from(view: &EventView) -> Offered {
        let EventView { event, date, minute, name, capacity, left, .. } = view;
        let time = match (minute, event.id) {
            (Some(minute), _) => minute.to_string(),
            (None, EventId::Slot(id)) => match id.slot {
                Slot::Morning => "09:00".to_owned(),
                Slot::Afternoon => "14:00".to_owned(),
                Slot::Evening => "19:00".to_owned(),
            },
            (None, EventId::Uuid(_)) => "00:00".to_owned(),
        };
        Offered {
            id: format!("{}/{}", event.id, event.kind),
            name: name.as_ref().map_or_else(|| event.kind.to_string(), ToString::to_string),
            date: format!("{date}T{time}:00Z"),
            total_tickets: *capacity,
            available_tickets: *left,
        }
    }
}

/// Lists everything that can be reserved.
pub(in crate::api::http) async fn list(
    State(app): State<App>,
    _: Person,
    Params(consistency): Params<Consistency>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let freshness = consistency.or(Freshness::Local);
    lists::serve(&app, &headers, freshness, THEATRE.to_owned(), offered(&app)).await
}

async fn offered(app: &App) -> Result<Vec<Offered>, Problem> {
    let picture = app.asker.replicator().feed().picture();
    let picture = picture.ok_or_else(|| Problem::new(Code::NotReady, "this server reads its log"))?;
    let mut offered = vec![Offered {
        id: THEATRE.to_owned(),
        name: app.config.cluster.clone(),
        date: NO_DATE.to_owned(),
        total_tickets: picture.seats.capacity,
        available_tickets: picture.seats.left,
    }];
    let mut after = None;
    while offered.len() < EVENTS_MAX {
        let limit = PAGE_MAX.min((EVENTS_MAX - offered.len()) as u32);
        let question = Question::Events { filter: Filter::default(), after, limit };
        let EventAnswer::Events { events, more } = lists::ask(app, question, Freshness::Local).await? else {
            return Err(super::other_answer());
        };
        offered.extend(events.iter().map(Offered::from));
        if more.is_none() {
            break;
        }
        after = more;
    }
    Ok(offered)
}

/// Reserves, and gives the tickets' ids.
pub(in crate::api::http) async fn reserve(
    State(app): State<App>,
    person: Person,
    Params(ReserveParams { event_id, tickets }): Params<ReserveParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    nothing(&headers, &body)?;
    let count = Count::new(tickets).filter(|count| count.get() <= TICKETS_MAX);
    let count = count.ok_or_else(|| {
        let detail = format!("tickets: from 1 to {TICKETS_MAX} at a time, not {tickets}");
        Problem::new(Code::InvalidParameter, detail)
    })?;
    let key = person.asking.key.clone();
    let person = person.or_guest(|| {
        let uuid = app.uuid(key.as_ref(), format!("{tickets} {event_id}").as_bytes());
        Actor::Guest(uuid.to_string().parse().expect("a UUID is a name"))
    });
    let tickets = if event_id == THEATRE {
        in_theatre(&app, &person, count).await?
    } else {
        let no_such = |_| Problem::new(Code::NoSuchEvent, format!("there is no event {event_id:?}"));
        let event: EventKey = event_id.parse().map_err(no_such)?;
        at_event(&app, &person, event, count).await?
    };
    Ok(Json(tickets).into_response())
}

async fn in_theatre(app: &App, person: &Person, count: Count) -> Result<Vec<String>, Problem> {
    let name: Name = match person.needed()? {
        Actor::User(user) => user.to_string().parse().expect("an id is a name"),
        Actor::Guest(name) => name.clone(),
    };
    match operate(app, person, Operation::Reserve { name, count: count.get() }).await? {
        Outcome::Reserved { name, seats } => Ok(seats.iter().map(|seat| format!("{name}/{seat}")).collect()),
        other => Err(reservations::refused(other)),
    }
}

async fn at_event(app: &App, person: &Person, event: EventKey, count: Count) -> Result<Vec<String>, Problem> {
    let holder = person.needed()?.clone();
    let seating = Seating::Any(count);
    let outcome = execute(app, person, Action::Book { holder, event, seating }).await?;
    let EventOutcome::Booked { seats, stem, .. } = &*outcome else { return Err(super::other_answer()) };
    Ok(seats.seats().map(|seat| stem.ticket(seat).to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_members_that_clients_know() {
        let mut view = EventView {
            event: "TORE100519/Trade shows".parse().unwrap(),
            branch: "TOR".parse().unwrap(),
            date: "2019-05-10".parse().unwrap(),
            minute: None,
            name: None,
            theatre: None,
            capacity: 10,
            left: 7,
            held: 0,
            waiting: 0,
        };
        let text = serde_json::to_string(&Offered::from(&view)).unwrap();
        assert_eq!(
            text,
            r#"{"id":"TORE100519/Trade shows","name":"Trade shows","date":"2019-05-10T19:00:00Z","totalTickets":10,"availableTickets":7}"#
        );
        view.event.id = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        (view.minute, view.name) = (Some("20:15".parse().unwrap()), Some("Casablanca".parse().unwrap()));
        let offered = Offered::from(&view);
        assert_eq!((offered.name.as_str(), offered.date.as_str()), ("Casablanca", "2019-05-10T20:15:00Z"));
    }
}
