//! From a refusal of the state to its row in the table of problems.
//!
//! A row stands for refusals that a program treats alike; `reason` says which one it was, in the words of the
//! client's JSON, and the values are members beside it.

use super::show::{SEATS_SHOWN, brief};
use crate::api::http::problem::{Code, Problem};
use crate::domain::events::fields;
use crate::domain::events::outcome::{Denied, Refusal};
use serde_json::Value;

/// The problem that a refusal is.
pub(super) fn problem(refusal: &Refusal) -> Problem {
    let (reason, fields) = fields::refusal(refusal, SEATS_SHOWN);
    let mut problem = Problem::new(code(refusal), brief(refusal)).with("reason", reason);
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            problem = problem.with(&name, value);
        }
    }
    problem
}

fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::NotAllowed(Denied::WhoAreYou) => Code::ActorNeeded,
        Refusal::NotAllowed(
            Denied::ManagersOnly { .. } | Denied::OtherBranch { .. } | Denied::ForSomebodyElse { .. },
        ) => Code::NotAllowed,
        Refusal::NoSuchBranch { .. } | Refusal::NoSuchTheatre { .. } | Refusal::NoSuchKind { .. } => {
            Code::NotInCatalogue
        }
        Refusal::BranchExists { .. }
        | Refusal::TheatreExists { .. }
        | Refusal::KindExists { .. }
        | Refusal::OtherPlace { .. } => Code::ExistsAlready,
        Refusal::NoSuchEvent { .. } => Code::NoSuchEvent,
        Refusal::CapacityOutOfRange { .. } => Code::InvalidBody,
        Refusal::CapacityBelowSold { .. } => Code::CapacityBelowSold,
        Refusal::Full(_) => Code::LimitReached,
        Refusal::NoSuchSeats { .. } => Code::NoSuchSeats,
        Refusal::AlreadyBooked { .. } => Code::AlreadyBooked,
        Refusal::AlreadyHeld { .. } => Code::AlreadyHeld,
        Refusal::QuotaReached { .. } => Code::QuotaReached,
        Refusal::NotEnough { .. } | Refusal::MoreThanAll { .. } => Code::NotEnoughSeats,
        Refusal::Taken { .. } => Code::SeatsTaken,
        Refusal::NotBooked { .. } => Code::NoReservation,
        Refusal::WhichKind { .. } => Code::WhichKind,
        Refusal::NoSuchTicket { .. } => Code::NoSuchTicket,
        Refusal::NotHeld { .. } => Code::NoHold,
        Refusal::ExtendedAlready { .. } => Code::ExtendedAlready,
        Refusal::SeatsAreFree { .. } => Code::SeatsAreFree,
        Refusal::AlreadyWaiting { .. } => Code::AlreadyWaiting,
        Refusal::NotWaiting { .. } => Code::NoPlace,
        // Told among servers only, when two histories meet.
        Refusal::BookedSince { .. } => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::events::ids::{Actor, EventKey};
    use crate::domain::events::outcome::Limit;
    use crate::domain::events::tickets::TicketStem;
    use crate::domain::ids::Seat;
    use crate::domain::runs::SeatRuns;

    /// Every refusal once; `code` has no wildcard, so a new one does not compile before it has its row.
    fn all() -> Vec<(Refusal, u16, &'static str)> {
        let event = || -> EventKey { "TORM100519/Seminars".parse().unwrap() };
        let (branch, id, kind) = ("TOR".parse().unwrap(), event().id, || event().kind);
        let (joe, sue): (Actor, Actor) = ("TORC0001".parse().unwrap(), "TORC0002".parse().unwrap());
        let (joe, theatre) = (|| joe.clone(), || "Main".parse().unwrap());
        let seats = || SeatRuns::from_seats(&[Seat(1), Seat(3)]).unwrap();
        let ticket = TicketStem { party: 1, event: 2, mark: 3 }.ticket(Seat(4));
        let month = "2019-05-10".parse::<crate::domain::events::calendar::Date>().unwrap().month();
        let somebody_else = Denied::ForSomebodyElse { actor: joe(), holder: sue };
        vec![
            (Refusal::NotAllowed(Denied::WhoAreYou), 401, "actor-needed"),
            (Refusal::NotAllowed(Denied::ManagersOnly { actor: joe() }), 403, "not-allowed"),
            (Refusal::NotAllowed(Denied::OtherBranch { actor: joe(), branch }), 403, "not-allowed"),
            (Refusal::NotAllowed(somebody_else), 403, "not-allowed"),
            (Refusal::NoSuchBranch { branch }, 409, "not-in-catalogue"),
            (Refusal::NoSuchTheatre { branch, theatre: theatre() }, 409, "not-in-catalogue"),
            (Refusal::NoSuchKind { kind: kind() }, 409, "not-in-catalogue"),
            (Refusal::BranchExists { branch }, 409, "exists-already"),
            (Refusal::TheatreExists { branch, theatre: theatre() }, 409, "exists-already"),
            (Refusal::KindExists { kind: kind() }, 409, "exists-already"),
            (Refusal::OtherPlace { id }, 409, "exists-already"),
            (Refusal::NoSuchEvent { event: event() }, 404, "no-such-event"),
            (Refusal::CapacityOutOfRange { capacity: 0 }, 422, "invalid-body"),
            (
                Refusal::CapacityBelowSold { event: event(), capacity: 1, taken: 2, highest: 3 },
                409,
                "capacity-below-sold",
            ),
            (Refusal::Full(Limit::HoldsOfOne(5)), 409, "limit-reached"),
            (Refusal::NoSuchSeats { seats: seats(), capacity: 2 }, 422, "no-such-seats"),
            (Refusal::AlreadyBooked { holder: joe(), event: event(), seats: seats() }, 409, "already-booked"),
            (
                Refusal::AlreadyHeld { holder: joe(), event: event(), seats: seats(), until_ms: 5 },
                409,
                "already-held",
            ),
            (Refusal::QuotaReached { holder: joe(), month, max: 3 }, 409, "quota-reached"),
            (Refusal::NotEnough { event: event(), left: 1, count: 2 }, 409, "not-enough-seats"),
            (Refusal::MoreThanAll { event: event(), capacity: 1, count: 2 }, 409, "not-enough-seats"),
            (Refusal::Taken { event: event(), seats: seats() }, 409, "seats-taken"),
            (Refusal::NotBooked { holder: joe(), id, kind: None }, 404, "no-reservation"),
            (Refusal::WhichKind { holder: joe(), id, kinds: vec![kind()] }, 409, "which-kind"),
            (Refusal::NoSuchTicket { ticket }, 404, "no-such-ticket"),
            (Refusal::NotHeld { holder: joe(), event: event() }, 404, "no-hold"),
            (
                Refusal::ExtendedAlready { holder: joe(), event: event(), until_ms: 5 },
                409,
                "extended-already",
            ),
            (Refusal::SeatsAreFree { event: event(), left: 2 }, 409, "seats-are-free"),
            (Refusal::AlreadyWaiting { holder: joe(), event: event(), place: 1 }, 409, "already-waiting"),
            (Refusal::NotWaiting { holder: joe(), event: event() }, 404, "no-place"),
            (Refusal::BookedSince { event: event() }, 500, "internal"),
        ]
    }

    #[test]
    fn every_refusal_has_its_row_its_words_and_its_values() {
        let own = ["type", "code", "status", "title", "detail"];
        for (refusal, status, code) in all() {
            let problem = problem(&refusal);
            assert_eq!(
                (problem.code.as_str(), problem.code.status().as_u16()),
                (code, status),
                "{refusal:?}"
            );
            let body: Value = serde_json::from_str(&problem.body()).unwrap();
            assert_eq!((&body["detail"], &body["status"]), (&refusal.to_string().into(), &status.into()));
            let (reason, fields) = fields::refusal(&refusal, 10);
            assert_eq!(body["reason"], reason);
            for (name, value) in fields.as_object().unwrap() {
                assert!(!own.contains(&name.as_str()), "{name} would hide a member of the problem");
                assert_eq!(&body[name], value);
            }
        }
    }

    #[test]
    fn a_long_list_of_seats_is_shortened_and_counted() {
        let seats: Vec<Seat> = (1..=100_000).map(|n| Seat(2 * n)).collect();
        let seats = SeatRuns::from_seats(&seats).unwrap();
        let refusal = Refusal::Taken { event: "TORM100519/Seminars".parse().unwrap(), seats };
        let text = problem(&refusal).body();
        assert!(text.len() < 16 << 10, "{}", text.len());
        let body: Value = serde_json::from_str(&text).unwrap();
        let shown = body["seats"].as_array().map(Vec::len);
        assert_eq!((shown, &body["count"]), (Some(SEATS_SHOWN), &100_000.into()));
    }
}
