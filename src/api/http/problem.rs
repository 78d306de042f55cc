//! Everything that is answered instead of what was asked for: RFC 9457 problems, from one table of code, status and
//! words.
//!
//! A problem's `type` is the path of its row, which the server serves as well. `title` says what kind it is, `detail`
//! what happened this time, in the words of the classic client where it has any. Whoever programs against it reads
//! `code`, and the members that a row adds (`left`, `seats`, ...).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The media type of problems.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Declares the table.
macro_rules! table {
    ($( $(#[$doc:meta])* $name:ident $code:literal $status:ident $title:literal; )*) => {
        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $( $(#[$doc])* $name, )*
        }

        impl Code {
            /// Every row, in the order of the table.
            pub const ALL: &[Code] = &[$( Code::$name, )*];

            /// For programs; also the last part of its `type`.
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$name => $code, )* }
            }

            /// The answer's status.
            pub fn status(self) -> StatusCode {
                match self { $( Code::$name => StatusCode::$status, )* }
            }

            /// What kind of problem it is, for people.
            pub fn title(self) -> &'static str {
                match self { $( Code::$name => $title, )* }
            }
        }
    };
}

table! {
    /// The path.
    NotFound "not-found" NOT_FOUND "There is nothing at this path";
    /// The method.
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "This path has no such method";
    /// Query parameters and headers.
    InvalidParameter "invalid-parameter" BAD_REQUEST "A parameter is not understood";
    /// The body is no JSON.
    MalformedBody "malformed-body" BAD_REQUEST "The body is not JSON";
    /// The body is JSON, but not what belongs there.
    InvalidBody "invalid-body" UNPROCESSABLE_ENTITY "The body is not what belongs there";
    /// The name in a path.
    InvalidName "invalid-name" UNPROCESSABLE_ENTITY "This is no name";
    /// A part of a path that is no id, kind, ticket or person.
    InvalidId "invalid-id" UNPROCESSABLE_ENTITY "A part of the path is no id of that sort";
    /// Somebody must be somebody, and it was not said who.
    ActorNeeded "actor-needed" UNAUTHORIZED "It is not said who asks";
    /// No token, or none that is good.
    TokenNeeded "token-needed" UNAUTHORIZED "A token is needed, or the one that was shown is not good";
    /// Whoever asks may not.
    NotAllowed "not-allowed" FORBIDDEN "You may not do that";
    /// The media type of a body.
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body must be application/json";
    /// The body is too long.
    BodyTooLarge "body-too-large" PAYLOAD_TOO_LARGE "The body is too large";
    /// The head or body took too long.
    RequestTimeout "request-timeout" REQUEST_TIMEOUT "The request did not arrive in time";
    /// As many requests as are configured are being worked on.
    Busy "busy" TOO_MANY_REQUESTS "The server works on as many requests as it takes at a time";
    /// One client asks too often.
    RateLimited "rate-limited" TOO_MANY_REQUESTS "Too many requests from this address";
    /// As many connections as are configured exist.
    TooManyConnections "too-many-connections" SERVICE_UNAVAILABLE "The server has as many connections as it takes";
    /// As many event streams as are configured exist.
    TooManyStreams "too-many-streams" SERVICE_UNAVAILABLE "The server has as many event streams as it takes";
    /// The server does not serve now; certainly not executed.
    NotReady "not-ready" SERVICE_UNAVAILABLE "This server does not serve now; nothing was done";
    /// Too many commands wait; certainly not executed.
    Overloaded "overloaded" SERVICE_UNAVAILABLE "Too many commands wait; nothing was done";
    /// Executed or not: nobody knows.
    OutcomeUnknown "outcome-unknown" GATEWAY_TIMEOUT "Whether it was done is not known";
    /// Refused by the state.
    NotEnoughSeats "not-enough-seats" CONFLICT "Not enough seats are left";
    /// Refused by the state.
    AlreadyBooked "already-booked" CONFLICT "The name has a reservation already";
    /// Refused by the state.
    SeatsTaken "seats-taken" CONFLICT "Some of the seats are taken";
    /// Refused by the state.
    NoSuchSeats "no-such-seats" UNPROCESSABLE_ENTITY "Some of the seats do not exist";
    /// Refused by the state, or not found by a query.
    NoReservation "no-reservation" NOT_FOUND "There is no such reservation";
    /// The idempotency key was used for something else.
    KeyReused "key-reused" UNPROCESSABLE_ENTITY "The idempotency key was used for another command";
    /// The command of the idempotency key has no outcome yet.
    KeyInProgress "key-in-progress" CONFLICT "The command with this idempotency key is being worked on";
    /// As many idempotency keys as are configured are kept; certainly not executed.
    TooManyKeys "too-many-keys" SERVICE_UNAVAILABLE "No more idempotency keys can be kept; nothing was done";
    /// Refused by the state, or not found by a query.
    NoSuchEvent "no-such-event" NOT_FOUND "There is no such event";
    /// Refused by the state, or not found by a query.
    NoSuchTicket "no-such-ticket" NOT_FOUND "There is no such ticket";
    /// Refused by the state, or not found by a query.
    NoHold "no-hold" NOT_FOUND "No seats are held there";
    /// Refused by the state, or not found by a query.
    NoPlace "no-place" NOT_FOUND "There is no such place on the waiting list";
    /// Refused by the state.
    NotInCatalogue "not-in-catalogue" CONFLICT "There is no such branch, theatre or kind";
    /// Refused by the state.
    ExistsAlready "exists-already" CONFLICT "It exists already, perhaps elsewhere";
    /// Refused by the state.
    CapacityBelowSold "capacity-below-sold" CONFLICT "Seats are taken that the event would no longer have";
    /// Refused by the state.
    LimitReached "limit-reached" CONFLICT "There are as many as there can be";
    /// Refused by the state.
    QuotaReached "quota-reached" CONFLICT "No more bookings of that month outside of the own branch";
    /// Refused by the state.
    AlreadyHeld "already-held" CONFLICT "Seats of the event are held for them already";
    /// Refused by the state.
    ExtendedAlready "extended-already" CONFLICT "The hold was extended already";
    /// Refused by the state.
    AlreadyWaiting "already-waiting" CONFLICT "They wait for the event already";
    /// Refused by the state.
    SeatsAreFree "seats-are-free" CONFLICT "So many seats are free; there is no need to wait";
    /// Refused by the state.
    WhichKind "which-kind" CONFLICT "Several kinds are booked under this id; say which";
    /// A fault of the program.
    Internal "internal" INTERNAL_SERVER_ERROR "The server has failed";
}

impl Code {
    /// The row as it is served.
    pub fn row(self) -> Value {
        json!({
            "type": self.type_uri(),
            "code": self.as_str(),
            "status": self.status().as_u16(),
            "title": self.title(),
        })
    }

    fn type_uri(self) -> String {
        format!("/problems/{}", self.as_str())
    }
}

/// A problem that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which row.
    pub code: Code,
    detail: String,
    members: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl Problem {
    /// What happened, as a sentence.
    pub fn words(&self) -> String {
        self.detail.clone()
    }

    /// A row with what happened this time, as a sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        let retry_after_s = match code {
            Code::Busy
            | Code::RateLimited
            | Code::TooManyConnections
            | Code::TooManyStreams
            | Code::NotReady
            | Code::Overloaded
            | Code::TooManyKeys => Some(1),
            Code::NotFound
            | Code::MethodNotAllowed
            | Code::InvalidParameter
            | Code::MalformedBody
            | Code::InvalidBody
            | Code::InvalidName
            | Code::UnsupportedMediaType
            | Code::BodyTooLarge
            | Code::RequestTimeout
            | Code::OutcomeUnknown
            | Code::NotEnoughSeats
            | Code::AlreadyBooked
            | Code::InvalidId
            | Code::ActorNeeded
            | Code::NoSuchEvent
            | Code::NoSuchTicket
            | Code::NoHold
            | Code::NoPlace
            | Code::NotInCatalogue
            | Code::ExistsAlready
            | Code::CapacityBelowSold
            | Code::LimitReached
            | Code::QuotaReached
            | Code::AlreadyHeld
            | Code::ExtendedAlready
            | Code::AlreadyWaiting
            | Code::SeatsAreFree
            | Code::WhichKind
            | Code::TokenNeeded
            | Code::NotAllowed
            | Code::SeatsTaken
            | Code::NoSuchSeats
            | Code::NoReservation
            | Code::KeyReused
            | Code::KeyInProgress
            | Code::Internal => None,
        };
        Problem { code, detail: detail.into(), members: Map::new(), retry_after_s }
    }

    /// With one more member, for programs.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// With another time after which to try again.
    pub fn after_s(mut self, seconds: u64) -> Problem {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The document.
    pub fn body(&self) -> String {
        let mut document = self.code.row();
        let members = document.as_object_mut().expect("a row is an object");
        members.insert("detail".to_owned(), Value::String(self.detail.clone()));
        members.extend(self.members.clone());
        document.to_string()
    }

    /// A whole answer as bytes, for connections that are not spoken to in HTTP any more.
    /// Whoever's page asked may read it: it tells nothing of anybody, and the page goes on elsewhere.
    pub fn raw(&self) -> String {
        let (body, status) = (self.body(), self.code.status());
        let retry = self.retry_after_s.map_or(String::new(), |after_s| format!("retry-after: {after_s}\r\n"));
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\n{retry}content-length: {}\r\nconnection: \
             close\r\naccess-control-allow-origin: *\r\n\r\n{body}",
            body.len()
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (self.code.status(), headers, self.body()).into_response();
        if self.code.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after_s) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, after_s.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What was promised to those who program against it: a row that changes is a new version of the interface.
    const CONTRACT: [(&str, u16, bool); 43] = [
        ("not-found", 404, false),
        ("method-not-allowed", 405, false),
        ("invalid-parameter", 400, false),
        ("malformed-body", 400, false),
        ("invalid-body", 422, false),
        ("invalid-name", 422, false),
        ("invalid-id", 422, false),
        ("actor-needed", 401, false),
        ("token-needed", 401, false),
        ("not-allowed", 403, false),
        ("unsupported-media-type", 415, false),
        ("body-too-large", 413, false),
        ("request-timeout", 408, false),
        ("busy", 429, true),
        ("rate-limited", 429, true),
        ("too-many-connections", 503, true),
        ("too-many-streams", 503, true),
        ("not-ready", 503, true),
        ("overloaded", 503, true),
        ("outcome-unknown", 504, false),
        ("not-enough-seats", 409, false),
        ("already-booked", 409, false),
        ("seats-taken", 409, false),
        ("no-such-seats", 422, false),
        ("no-reservation", 404, false),
        ("key-reused", 422, false),
        ("key-in-progress", 409, false),
        ("too-many-keys", 503, true),
        ("no-such-event", 404, false),
        ("no-such-ticket", 404, false),
        ("no-hold", 404, false),
        ("no-place", 404, false),
        ("not-in-catalogue", 409, false),
        ("exists-already", 409, false),
        ("capacity-below-sold", 409, false),
        ("limit-reached", 409, false),
        ("quota-reached", 409, false),
        ("already-held", 409, false),
        ("extended-already", 409, false),
        ("already-waiting", 409, false),
        ("seats-are-free", 409, false),
        ("which-kind", 409, false),
        ("internal", 500, false),
    ];

    #[test]
    fn every_row_keeps_its_contract() {
        assert_eq!(Code::ALL.len(), CONTRACT.len());
        for (&code, (name, status, has_retry)) in Code::ALL.iter().zip(CONTRACT) {
            let problem = Problem::new(code, "what happened").with("left", 3);
            let document: Value = serde_json::from_str(&problem.body()).unwrap();
            let expected = json!({
                "type": format!("/problems/{name}"),
                "code": name,
                "status": status,
                "title": code.title(),
                "detail": "what happened",
                "left": 3,
            });
            assert_eq!(document, expected);
            let response = problem.into_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], CONTENT_TYPE);
            assert_eq!(response.headers().contains_key("retry-after"), has_retry, "{name}");
        }
        let titles: BTreeSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
        assert_eq!(titles.len(), CONTRACT.len(), "each title is its own");
    }

    #[test]
    fn a_raw_answer_is_http() {
        let raw = Problem::new(Code::TooManyConnections, "no more").raw();
        let (head, body) = raw.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("retry-after: 1"), "{head}");
    }
}
