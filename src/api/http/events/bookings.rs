//! Bookings: made, shown, cancelled, exchanged; tickets and schedules.

use super::bodies::{ExchangeBody, SeatsBody, Text};
use super::paths::{At, AtOf, One, Two};
use super::person::Person;
use super::{execute, find, lists, paths, refused, show};
use crate::api::http::app::App;
use crate::api::http::problem::Problem;
use crate::api::http::query::{Consistency, NoParams, Params, Wanted, encoded, fresh, json, page};
use crate::domain::events::answer::{Claim, Claimed, EventAnswer, PAGE_MAX};
use crate::domain::events::command::{Action, Question, ScheduleMark};
use crate::domain::events::fields;
use crate::domain::events::ids::{Actor, EventId, EventKey};
use crate::domain::events::outcome::{EventOutcome, Refusal};
use crate::domain::events::tickets::TicketId;
use crate::domain::ids::{SEATS_MAX, Seat};
use crate::domain::runs::SeatRuns;
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// Entries of a schedule, unless it is said.
const CLAIMS_SHOWN: u32 = 100;

/// Which part of a booking's seats.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api::http) struct BookingParams {
    after: u32,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// Which part of a schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api::http) struct ScheduleParams {
    after: Option<ScheduleMark>,
    limit: Option<u32>,
    consistency: Option<Wanted>,
}

/// A booking that was made just now.
pub(super) fn made(outcome: &EventOutcome) -> Response {
    let (EventOutcome::Booked { holder, event, seats, .. }
    | EventOutcome::Exchanged { holder, to: event, seats, .. }) = outcome
    else {
        return show::done(outcome);
    };
    let path = paths::of(event, "bookings", holder);
    let mut fields = show::fields(outcome);
    if let Some(last) = seats.seats().nth(show::SEATS_SHOWN - 1).filter(|last| *last != seats.last()) {
        fields["next"] = format!("{path}?after={last}").into();
    }
    show::made(Some(&path), &fields)
}

/// Books.
pub(in crate::api::http) async fn book(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    At(event): At,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut body: SeatsBody = json(&headers, &body)?;
    let holder = person.holder(body.holder.take().map(|Text(holder)| holder))?;
    let action = Action::Book { holder, event, seating: body.seating()? };
    Ok(made(&*execute(&app, &person, action).await?))
}

/// What somebody has at an event.
pub(super) async fn claim(
    app: &App,
    person: &Person,
    at: (&EventKey, &Actor),
    freshness: Freshness,
) -> Result<Claim, Problem> {
    person.needed()?;
    let question = Question::Claim { holder: at.1.clone(), event: at.0.clone() };
    match find(app, person, question, freshness).await? {
        EventAnswer::Claim(claim) => Ok(claim),
        _ => Err(super::other_answer()),
    }
}

/// A page of a booking's seats and tickets.
pub(in crate::api::http) async fn booking(
    State(app): State<App>,
    person: Person,
    Params(params): Params<BookingParams>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    let limit = page(params.limit, show::SEATS_SHOWN as u32, show::SEATS_SHOWN as u32)?;
    let freshness = fresh(params.consistency, Freshness::Linearizable);
    let claim = claim(&app, &person, (&event, &holder), freshness).await?;
    let Claimed::Booking { seats, stem } = &claim.what else {
        let refusal = Refusal::NotBooked { holder, id: event.id, kind: Some(event.kind) };
        return Err(refused::problem(&refusal));
    };
    let (shown, more) = part(seats, params.after, limit as usize);
    let tickets: Vec<String> = shown.iter().map(|seat| stem.ticket(*seat).to_string()).collect();
    let mut fields = json!({
        "holder": holder.to_string(),
        "event": event,
        "date": claim.date,
        "count": seats.count(),
        "seats": shown,
        "tickets": tickets,
    });
    if more && let Some(last) = shown.last() {
        let path = paths::of(&event, "bookings", &holder);
        fields["next"] = format!("{path}?after={last}&limit={limit}").into();
    }
    Ok(Json(fields).into_response())
}

/// So many seats after this one, and whether there are more.
fn part(seats: &SeatRuns, after: u32, limit: usize) -> (Vec<Seat>, bool) {
    if after >= SEATS_MAX {
        return (Vec::new(), false);
    }
    let mut rest = seats.seats().skip_while(|seat| seat.0 <= after);
    let shown: Vec<Seat> = rest.by_ref().take(limit).collect();
    (shown, rest.next().is_some())
}

/// Cancels a booking.
pub(in crate::api::http) async fn cancel(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    AtOf(event, holder): AtOf,
) -> Result<Response, Problem> {
    let action = Action::Cancel { holder, event: event.id, kind: Some(event.kind) };
    Ok(show::done(&*execute(&app, &person, action).await?))
}

/// Cancels the booking of an event whose kind need not be said.
pub(in crate::api::http) async fn cancel_by_id(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    Two(holder, event): Two<Actor, EventId>,
) -> Result<Response, Problem> {
    Ok(show::done(&*execute(&app, &person, Action::Cancel { holder, event, kind: None }).await?))
}

/// Changes one booking for another.
pub(in crate::api::http) async fn exchange(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut body: ExchangeBody = json(&headers, &body)?;
    let holder = person.holder(body.holder.take().map(|Text(holder)| holder))?;
    let seating = body.seating()?;
    let action = Action::Exchange { holder, from: body.from.into(), to: body.to.into(), seating };
    Ok(made(&*execute(&app, &person, action).await?))
}

/// Everything that somebody has booked, holds or waits for.
pub(in crate::api::http) async fn schedule(
    State(app): State<App>,
    person: Person,
    Params(params): Params<ScheduleParams>,
    One(holder): One<Actor>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ScheduleParams { after, limit, consistency } = params;
    person.needed()?;
    let limit = page(limit, CLAIMS_SHOWN, PAGE_MAX)?;
    let next = format!("/v1/people/{}/schedule?limit={limit}&after=", encoded(&holder.to_string()));
    let question = Question::Schedule { holder, after, limit };
    let answer = find(&app, &person, question, fresh(consistency, Freshness::Local)).await?;
    let mut fields: Value = fields::answer(&answer, show::SEATS_IN_SCHEDULE);
    show::paged(&mut fields, |more| next + more);
    Ok(lists::own(&headers, &fields))
}

/// What a ticket is for.
pub(in crate::api::http) async fn ticket(
    State(app): State<App>,
    person: Person,
    Params(consistency): Params<Consistency>,
    One(ticket): One<TicketId>,
) -> Result<Response, Problem> {
    let freshness = consistency.or(Freshness::Linearizable);
    let answer = find(&app, &person, Question::Ticket(ticket), freshness).await?;
    Ok(Json(fields::answer(&answer, show::SEATS_SHOWN)).into_response())
}

/// Gives the seat of one ticket back.
pub(in crate::api::http) async fn delete_ticket(
    State(app): State<App>,
    person: Person,
    Params(NoParams {}): Params<NoParams>,
    One(ticket): One<TicketId>,
) -> Result<Response, Problem> {
    Ok(show::done(&*execute(&app, &person, Action::DeleteTicket { ticket }).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_of_any_size_is_shown_in_parts() {
        let seats: Vec<Seat> = (1..=10).map(|n| Seat(2 * n)).collect();
        let seats = SeatRuns::from_seats(&seats).unwrap();
        let numbers = |after, limit| {
            let (shown, more) = part(&seats, after, limit);
            (shown.iter().map(|seat| seat.0).collect::<Vec<_>>(), more)
        };
        assert_eq!(numbers(0, 3), (vec![2, 4, 6], true));
        assert_eq!(numbers(6, 4), (vec![8, 10, 12, 14], true));
        assert_eq!(numbers(14, 3), (vec![16, 18, 20], false));
        assert_eq!(numbers(20, 3), (vec![], false));
        assert_eq!(numbers(u32::MAX, 3), (vec![], false));
    }
}
