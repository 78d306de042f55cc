//! `/v1/reservations`: the classic commands, one resource a name.

use super::app::App;
use super::problem::{Code, Problem};
use super::query::{Consistency, NoParams, Params, PathName, Who, Whole, encoded, json, present};
use crate::domain::command::{Operation, Query};
use crate::domain::ids::{Name, SEATS_MAX, Seat};
use crate::domain::outcome::{Answer, Outcome};
use crate::replication::port::Freshness;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What is to be reserved: so many seats, or these.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: Name,
    #[serde(default, deserialize_with = "present")]
    count: Option<Whole>,
    #[serde(default, deserialize_with = "present")]
    seats: Option<Vec<Whole>>,
}

/// A reservation, and the words for it where it was made just now.
#[derive(Serialize)]
struct Reservation<'a> {
    name: &'a Name,
    seats: &'a [Seat],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What was given back.
#[derive(Serialize)]
struct Released {
    count: u32,
    left: u32,
    message: String,
}

impl Wish {
    fn operation(self) -> Result<Operation, Problem> {
        let invalid = |detail: &str| Err(Problem::new(Code::InvalidBody, detail));
        match (self.count, self.seats) {
            (Some(Whole(count)), None) => Ok(Operation::Reserve { name: self.name, count }),
            (None, Some(mut seats)) => {
                seats.sort_unstable();
                if seats.iter().any(|seat| !(1..=SEATS_MAX).contains(&seat.0)) {
                    return invalid(&format!("seats are numbered from 1 to {SEATS_MAX}"));
                }
                if !seats.is_sorted_by(|a, b| a < b) {
                    return invalid("a seat is named twice");
                }
                Ok(Operation::ReserveSeats {
                    name: self.name,
                    seats: seats.into_iter().map(|seat| Seat(seat.0)).collect(),
                })
            }
            (Some(_), Some(_)) => invalid("`count` and `seats` exclude each other"),
            (None, None) => invalid("either `count` or `seats` is needed"),
        }
    }
}

/// Reserves.
pub(super) async fn make(
    State(app): State<App>,
    Who(caller): Who,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let operation = json::<Wish>(&headers, &body)?.operation()?;
    answer(app.asker.execute(caller, operation).await?)
}

/// Tells which seats a name holds.
pub(super) async fn find(
    State(app): State<App>,
    Who(caller): Who,
    Params(consistency): Params<Consistency>,
    PathName(name): PathName,
) -> Result<Response, Problem> {
    match app.asker.find(caller, Query::Search { name }, consistency.or(Freshness::Linearizable)).await? {
        Answer::Search { name, seats: Some(seats) } => {
            Ok(Json(Reservation { name: &name, seats: &seats, message: None }).into_response())
        }
        Answer::Search { name, seats: None } => answer(Outcome::NoReservation { name }),
        Answer::Seats(_) | Answer::Events(_) => {
            Err(Problem::new(Code::Internal, "an answer to another question"))
        }
    }
}

/// Gives the seats of a name back.
pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    Params(NoParams {}): Params<NoParams>,
    PathName(name): PathName,
) -> Result<Response, Problem> {
    answer(app.asker.execute(caller, Operation::Delete { name }).await?)
}

/// What a command came to: a success, or a problem with the classic words.
fn answer(outcome: Outcome) -> Result<Response, Problem> {
    let message = outcome.to_string();
    match outcome {
        Outcome::Reserved { name, seats } => {
            let place = [(header::LOCATION, path_of(&name))];
            let reservation = Reservation { name: &name, seats: &seats, message: Some(message) };
            Ok((StatusCode::CREATED, place, Json(reservation)).into_response())
        }
        Outcome::Released { count, left } => Ok(Json(Released { count, left, message }).into_response()),
        other => Err(refused(other)),
    }
}

/// The problem of an outcome that is no success.
pub(super) fn refused(outcome: Outcome) -> Problem {
    let words = outcome.to_string();
    let refused = |code| Problem::new(code, words.clone());
    match outcome {
        Outcome::NotEnough { left, count } => {
            refused(Code::NotEnoughSeats).with("left", left).with("count", count)
        }
        Outcome::AlreadyBooked { name, seats } => {
            refused(Code::AlreadyBooked).with("name", name.as_str()).with("seats", numbers(&seats))
        }
        Outcome::Taken { seats } => refused(Code::SeatsTaken).with("seats", numbers(&seats)),
        Outcome::NoSuchSeats { seats, capacity } => {
            refused(Code::NoSuchSeats).with("seats", numbers(&seats)).with("capacity", capacity)
        }
        Outcome::NoReservation { name } => refused(Code::NoReservation).with("name", name.as_str()),
        Outcome::Reserved { .. }
        | Outcome::Released { .. }
        | Outcome::Events(_)
        | Outcome::SessionExpired
        | Outcome::SequenceForgotten
        | Outcome::SequenceReused
        | Outcome::Malformed
        | Outcome::KeyReused
        | Outcome::KeysFull => refused(Code::Internal),
    }
}

fn numbers(seats: &[Seat]) -> Vec<u32> {
    seats.iter().map(|seat| seat.0).collect()
}

/// Where a reservation is found.
fn path_of(name: &Name) -> String {
    format!("/v1/reservations/{}", encoded(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_row_and_the_classic_words() {
        let name: Name = "bob".parse().unwrap();
        let seats = vec![Seat(1), Seat(2)];
        let rows = [
            (Outcome::NotEnough { left: 1, count: 2 }, Code::NotEnoughSeats),
            (Outcome::AlreadyBooked { name: name.clone(), seats: seats.clone() }, Code::AlreadyBooked),
            (Outcome::Taken { seats: seats.clone() }, Code::SeatsTaken),
            (Outcome::NoSuchSeats { seats, capacity: 1 }, Code::NoSuchSeats),
            (Outcome::NoReservation { name }, Code::NoReservation),
            (Outcome::SequenceReused, Code::Internal),
        ];
        for (outcome, code) in rows {
            let words = serde_json::Value::from(outcome.to_string());
            let problem = answer(outcome).unwrap_err();
            assert_eq!(problem.code, code);
            let body: serde_json::Value = serde_json::from_str(&problem.body()).unwrap();
            assert_eq!(body["detail"], words);
        }
    }

    #[test]
    fn a_reservation_is_found_where_it_is_said_to_be() {
        let path = |name: &str| path_of(&name.parse().unwrap());
        assert_eq!(path("bob"), "/v1/reservations/bob");
        assert_eq!(path("a/b c"), "/v1/reservations/a%2Fb%20c");
        assert_eq!(path("Zo\u{eb}"), "/v1/reservations/Zo%C3%AB");
    }

    #[test]
    fn a_wish_is_for_a_count_or_for_seats() {
        let wish = |text: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().unwrap())]);
            json::<Wish>(&headers, text.as_bytes()).and_then(Wish::operation).map_err(|problem| problem.code)
        };
        let seats = |seats: &[u32]| Operation::ReserveSeats {
            name: "a".parse().unwrap(),
            seats: seats.iter().copied().map(Seat).collect(),
        };
        assert_eq!(wish(r#"{"name":"a","seats":[3,1]}"#), Ok(seats(&[1, 3])));
        for invalid in [
            r#"{"name":"a"}"#,
            r#"{"name":"a","count":1,"seats":[1]}"#,
            r#"{"name":"a","seats":[1,1]}"#,
            r#"{"name":"a","seats":[0]}"#,
            r#"{"name":"","count":1}"#,
            r#"{"name":"a","count":1.5}"#,
            r#"{"name":"a","count":1,"color":"red"}"#,
        ] {
            assert_eq!(wish(invalid), Err(Code::InvalidBody), "{invalid}");
        }
    }
}
