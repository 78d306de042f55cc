//! What is told in bodies.

use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::{Whole, json, present};
use crate::domain::events::calendar::Date;
use crate::domain::events::command::{Count, MinuteOfDay, NewEvent, Place, Seating};
use crate::domain::events::ids::{Actor, BranchCode, EventId, EventKey, Kind, Uuid};
use crate::domain::ids::{Name, SEATS_MAX, Seat};
use crate::domain::runs::SeatRuns;
use axum::http::HeaderMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Most seats that one body may pick by number, as on the command line.
const PICKED_SEATS_MAX: usize = 100_000;

/// A value that is written as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        text.parse().map(Text).map_err(D::Error::custom)
    }
}

/// A branch to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BranchBody {
    pub(super) branch: BranchCode,
    pub(super) name: Name,
}

/// A theatre to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TheatreBody {
    pub(super) theatre: Name,
}

/// A kind to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindBody {
    pub(super) kind: Kind,
}

/// An event to be added, or changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventBody {
    kind: Kind,
    capacity: Whole,
    #[serde(default, deserialize_with = "present")]
    id: Option<EventId>,
    #[serde(default, deserialize_with = "present")]
    branch: Option<BranchCode>,
    #[serde(default, deserialize_with = "present")]
    date: Option<Date>,
    #[serde(default, deserialize_with = "present")]
    time: Option<Text<MinuteOfDay>>,
    #[serde(default, deserialize_with = "present")]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    theatre: Option<Name>,
}

/// Seats of an event, for a booking or a hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeatsBody {
    #[serde(default, deserialize_with = "present")]
    pub(super) holder: Option<Text<Actor>>,
    #[serde(default, deserialize_with = "present")]
    count: Option<Whole>,
    #[serde(default, deserialize_with = "present")]
    seats: Option<Vec<Whole>>,
    #[serde(default, deserialize_with = "present")]
    best: Option<bool>,
}

/// A booking for another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangeBody {
    #[serde(default, deserialize_with = "present")]
    pub(super) holder: Option<Text<Actor>>,
    pub(super) from: EventKeyBody,
    pub(super) to: EventKeyBody,
    #[serde(default, deserialize_with = "present")]
    count: Option<Whole>,
    #[serde(default, deserialize_with = "present")]
    seats: Option<Vec<Whole>>,
    #[serde(default, deserialize_with = "present")]
    best: Option<bool>,
}

/// An event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventKeyBody {
    id: EventId,
    kind: Kind,
}

/// A place on a waiting list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceBody {
    #[serde(default, deserialize_with = "present")]
    pub(super) holder: Option<Text<Actor>>,
    count: Whole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// No body, or one that says nothing.
pub(super) fn nothing(headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    if body.is_empty() { Ok(()) } else { json::<Empty>(headers, body).map(drop) }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidBody, detail)
}

fn count(Whole(count): Whole) -> Result<Count, Problem> {
    Count::new(count)
        .ok_or_else(|| invalid(format!("a number of seats is from 1 to {SEATS_MAX}, not {count}")))
}

fn seating(wanted: Option<Whole>, seats: Option<Vec<Whole>>, best: Option<bool>) -> Result<Seating, Problem> {
    match (wanted, seats) {
        (Some(wanted), None) if best == Some(true) => Ok(Seating::Best(count(wanted)?)),
        (Some(wanted), None) => Ok(Seating::Any(count(wanted)?)),
        (None, Some(_)) if best.is_some() => Err(invalid("`best` goes with `count`")),
        (None, Some(seats)) => picked(seats).map(Seating::Seats),
        (Some(_), Some(_)) => Err(invalid("`count` and `seats` exclude each other")),
        (None, None) => Err(invalid("either `count` or `seats` is needed")),
    }
}

fn picked(mut seats: Vec<Whole>) -> Result<SeatRuns, Problem> {
    if seats.len() > PICKED_SEATS_MAX {
        return Err(invalid(format!("at most {PICKED_SEATS_MAX} seats can be picked by number")));
    }
    seats.sort_unstable();
    if seats.iter().any(|seat| !(1..=SEATS_MAX).contains(&seat.0)) {
        return Err(invalid(format!("seats are numbered from 1 to {SEATS_MAX}")));
    }
    if !seats.is_sorted_by(|a, b| a < b) {
        return Err(invalid("a seat is named twice"));
    }
    let seats: Vec<Seat> = seats.into_iter().map(|seat| Seat(seat.0)).collect();
    SeatRuns::from_seats(&seats).ok_or_else(|| invalid("no seats are named"))
}

impl EventBody {
    /// The event, and how many seats it is to have. `uuid` makes an id if there is none.
    pub(super) fn event(self, uuid: impl FnOnce() -> Uuid) -> Result<(NewEvent, u32), Problem> {
        let EventBody { kind, capacity, id, branch, date, time, name, theatre } = self;
        let capacity = count(capacity)?.get();
        let place = Place::told(id, (branch, date, time.map(|Text(time)| time)), uuid);
        let place = place.map_err(|error| invalid(error.to_string()))?;
        Ok((NewEvent { place, kind, name, theatre }, capacity))
    }
}

impl SeatsBody {
    pub(super) fn seating(self) -> Result<Seating, Problem> {
        seating(self.count, self.seats, self.best)
    }
}

impl ExchangeBody {
    pub(super) fn seating(&mut self) -> Result<Seating, Problem> {
        seating(self.count.take(), self.seats.take(), self.best)
    }
}

impl PlaceBody {
    pub(super) fn count(&self) -> Result<Count, Problem> {
        count(self.count)
    }
}

impl From<EventKeyBody> for EventKey {
    fn from(body: EventKeyBody) -> EventKey {
        EventKey { id: body.id, kind: body.kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Code> {
        let headers =
            HeaderMap::from_iter([(axum::http::header::CONTENT_TYPE, "application/json".parse().unwrap())]);
        json::<T>(&headers, text.as_bytes()).map_err(|problem| problem.code)
    }

    #[test]
    fn seats_are_counted_or_picked() {
        let seats = |text: &str| {
            read::<SeatsBody>(text).and_then(|body| body.seating().map_err(|problem| problem.code))
        };
        let picked = SeatRuns::from_seats(&[Seat(1), Seat(3)]).unwrap();
        assert_eq!(seats(r#"{"count":2}"#), Ok(Seating::Any(Count::new(2).unwrap())));
        assert_eq!(seats(r#"{"count":2,"best":true}"#), Ok(Seating::Best(Count::new(2).unwrap())));
        assert_eq!(seats(r#"{"seats":[3,1],"holder":"TORC2345"}"#), Ok(Seating::Seats(picked)));
        for wrong in [
            "{}",
            r#"{"count":0}"#,
            r#"{"count":1000001}"#,
            r#"{"count":1,"seats":[1]}"#,
            r#"{"seats":[1],"best":true}"#,
            r#"{"seats":[]}"#,
            r#"{"seats":[0]}"#,
            r#"{"seats":[1,1]}"#,
            r#"{"count":1,"holder":""}"#,
            r#"{"count":1,"holder":null}"#,
            r#"{"count":1,"color":"red"}"#,
        ] {
            assert_eq!(seats(wrong), Err(Code::InvalidBody), "{wrong}");
        }
    }

    #[test]
    fn an_event_says_where_and_when_by_its_id_or_beside_it() {
        let id = |text: &str| {
            let body = read::<EventBody>(text)?;
            let (event, _) = body.event(|| Uuid([9; 16])).map_err(|problem| problem.code)?;
            Ok(event.place.id().to_string())
        };
        assert_eq!(id(r#"{"kind":"Seminars","capacity":3,"id":"TORM100519"}"#), Ok("TORM100519".to_owned()));
        let free = r#"{"kind":"Casablanca","capacity":3,"branch":"TOR","date":"2026-12-24","time":"19:30"}"#;
        assert_eq!(id(free), Ok(Uuid([9; 16]).to_string()));
        for wrong in [
            r#"{"kind":"Seminars","capacity":3}"#,
            r#"{"kind":"Seminars","capacity":0,"id":"TORM100519"}"#,
            r#"{"kind":"Seminars","capacity":1000001,"id":"TORM100519"}"#,
            r#"{"kind":"Seminars","capacity":3,"id":"TORM310219"}"#,
            r#"{"kind":"Seminars","capacity":3,"id":"TORM100519","date":"2019-05-10"}"#,
            r#"{"kind":"Seminars","capacity":3,"branch":"TOR","date":"2026-02-29","time":"19:30"}"#,
            r#"{"kind":"Seminars","capacity":3,"branch":"TOR","date":"2026-02-28","time":"24:30"}"#,
            r#"{"kind":"","capacity":3,"id":"TORM100519"}"#,
        ] {
            assert_eq!(id(wrong), Err(Code::InvalidBody), "{wrong}");
        }
    }

    #[test]
    fn where_nothing_is_to_be_said_nothing_is_taken() {
        let headers = HeaderMap::new();
        assert_eq!(nothing(&headers, b""), Ok(()));
        assert_eq!(nothing(&headers, b"{}").unwrap_err().code, Code::UnsupportedMediaType);
        assert_eq!(read::<Empty>("{}").map(drop), Ok(()));
        assert_eq!(read::<Empty>(r#"{"x":1}"#).map(drop), Err(Code::InvalidBody));
    }
}
