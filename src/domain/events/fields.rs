//! Outcomes and answers as programs read them: the members of a JSON object, alike over HTTP and from the client.
//!
//! Seats are numbers, people are their ids or names. A list of seats has a longest length, which whoever asks
//! gives; `count` always says how many there are.

use super::answer::{Claim, Claimed, EventAnswer, EventView};
use super::ids::{Actor, EventKey};
use super::outcome::{Denied, EventOutcome, Limit, Refusal};
use super::tickets::TicketStem;
use crate::domain::ids::Seat;
use crate::domain::runs::SeatRuns;
use serde_json::{Value, json};

/// What an outcome says besides whether it is one.
pub fn outcome(outcome: &EventOutcome, seats_max: usize) -> Value {
    match outcome {
        EventOutcome::BranchAdded { branch } => json!({ "branch": branch }),
        EventOutcome::TheatreAdded { branch, theatre } => json!({ "branch": branch, "theatre": theatre }),
        EventOutcome::KindAdded { kind } => json!({ "kind": kind }),
        EventOutcome::EventAdded { event, capacity } => json!({ "event": event, "capacity": capacity }),
        EventOutcome::CapacityChanged { event, capacity, before } => {
            json!({ "event": event, "capacity": capacity, "before": before })
        }
        EventOutcome::EventRemoved { event, bookings, seats, affected } => {
            let affected: Vec<String> = affected.iter().map(ToString::to_string).collect();
            json!({ "event": event, "bookings": bookings, "seats": seats, "affected": affected })
        }
        EventOutcome::Booked { holder, event, seats, stem } => {
            let fields = json!({ "holder": who(holder), "event": event });
            with_tickets(with_seats(fields, seats, seats_max), seats, *stem, seats_max)
        }
        EventOutcome::Exchanged { holder, from, to, seats, stem } => {
            let fields = json!({ "holder": who(holder), "from": from, "to": to });
            with_tickets(with_seats(fields, seats, seats_max), seats, *stem, seats_max)
        }
        EventOutcome::Cancelled { holder, event, count, left }
        | EventOutcome::HoldReleased { holder, event, count, left } => {
            json!({ "holder": who(holder), "event": event, "count": count, "left": left })
        }
        EventOutcome::TicketDeleted { ticket, event, seat, left } => {
            json!({ "ticket": ticket, "event": event, "seat": seat, "left": left })
        }
        EventOutcome::Held { holder, event, seats, until_ms } => {
            let fields = json!({ "holder": who(holder), "event": event, "until_ms": until_ms });
            with_seats(fields, seats, seats_max)
        }
        EventOutcome::Extended { holder, event, until_ms } => {
            json!({ "holder": who(holder), "event": event, "until_ms": until_ms })
        }
        EventOutcome::Joined { holder, event, count, place } => {
            json!({ "holder": who(holder), "event": event, "count": count, "place": place })
        }
        EventOutcome::Left { holder, event } => at(holder, event),
        EventOutcome::Expired { holds } => json!({ "holds": holds }),
        EventOutcome::Settled => json!({}),
        EventOutcome::Refused(refused) => refusal(refused, seats_max).1,
    }
}

/// A word for the reason of a refusal, and its values.
pub fn refusal(refusal: &Refusal, seats_max: usize) -> (&'static str, Value) {
    match refusal {
        Refusal::NotAllowed(denied) => ("not_allowed", self::denied(denied)),
        Refusal::NoSuchBranch { branch } => ("no_such_branch", json!({ "branch": branch })),
        Refusal::BranchExists { branch } => ("branch_exists", json!({ "branch": branch })),
        Refusal::NoSuchTheatre { branch, theatre } => {
            ("no_such_theatre", json!({ "branch": branch, "theatre": theatre }))
        }
        Refusal::TheatreExists { branch, theatre } => {
            ("theatre_exists", json!({ "branch": branch, "theatre": theatre }))
        }
        Refusal::NoSuchKind { kind } => ("no_such_kind", json!({ "kind": kind })),
        Refusal::KindExists { kind } => ("kind_exists", json!({ "kind": kind })),
        Refusal::NoSuchEvent { event } => ("no_such_event", json!({ "event": event })),
        Refusal::OtherPlace { id } => ("other_place", json!({ "id": id })),
        Refusal::CapacityOutOfRange { capacity } => {
            ("capacity_out_of_range", json!({ "capacity": capacity }))
        }
        Refusal::CapacityBelowSold { event, capacity, taken, highest } => {
            let fields = json!({ "event": event, "capacity": capacity, "taken": taken, "highest": highest });
            ("capacity_below_sold", fields)
        }
        Refusal::Full(limit) => ("full", full(*limit)),
        Refusal::NoSuchSeats { seats, capacity } => {
            ("no_such_seats", with_seats(json!({ "capacity": capacity }), seats, seats_max))
        }
        Refusal::AlreadyBooked { holder, event, seats } => {
            ("already_booked", with_seats(at(holder, event), seats, seats_max))
        }
        Refusal::AlreadyHeld { holder, event, seats, until_ms } => {
            let fields = json!({ "holder": who(holder), "event": event, "until_ms": until_ms });
            ("already_held", with_seats(fields, seats, seats_max))
        }
        Refusal::QuotaReached { holder, month, max } => {
            ("quota_reached", json!({ "holder": who(holder), "month": month.to_string(), "max": max }))
        }
        Refusal::NotEnough { event, left, count } => {
            ("not_enough", json!({ "event": event, "left": left, "count": count }))
        }
        Refusal::Taken { event, seats } => ("taken", with_seats(json!({ "event": event }), seats, seats_max)),
        Refusal::NotBooked { holder, id, kind } => {
            ("not_booked", json!({ "holder": who(holder), "id": id, "kind": kind }))
        }
        Refusal::WhichKind { holder, id, kinds } => {
            ("which_kind", json!({ "holder": who(holder), "id": id, "kinds": kinds }))
        }
        Refusal::NoSuchTicket { ticket } => ("no_such_ticket", json!({ "ticket": ticket })),
        Refusal::NotHeld { holder, event } => ("not_held", at(holder, event)),
        Refusal::ExtendedAlready { holder, event, until_ms } => {
            let fields = json!({ "holder": who(holder), "event": event, "until_ms": until_ms });
            ("extended_already", fields)
        }
        Refusal::SeatsAreFree { event, left } => ("seats_are_free", json!({ "event": event, "left": left })),
        Refusal::MoreThanAll { event, capacity, count } => {
            ("more_than_all", json!({ "event": event, "capacity": capacity, "count": count }))
        }
        Refusal::AlreadyWaiting { holder, event, place } => {
            ("already_waiting", json!({ "holder": who(holder), "event": event, "place": place }))
        }
        Refusal::NotWaiting { holder, event } => ("not_waiting", at(holder, event)),
        Refusal::BookedSince { event } => ("booked_since", json!({ "event": event })),
    }
}

/// What an answer says. Of a list that ended before everything was told, `more` is where to go on. Which seats of a map
/// are taken is left to whoever shows them.
pub fn answer(answer: &EventAnswer, seats_max: usize) -> Value {
    match answer {
        EventAnswer::Branches { branches, more } => {
            let shown = branches.iter().map(
                |(code, branch)| json!({ "branch": code, "name": branch.name, "theatres": branch.theatres }),
            );
            json!({ "branches": Value::from_iter(shown), "more": more })
        }
        EventAnswer::Kinds(kinds) => json!({ "kinds": kinds }),
        EventAnswer::Event(event) => view(event),
        EventAnswer::Events { events, more } => {
            let more = more.as_ref().map(|EventKey { id, kind }| format!("{id}/{kind}"));
            json!({ "events": Value::from_iter(events.iter().map(view)), "more": more })
        }
        EventAnswer::Availability { kind, events, more } => {
            let shown = events.iter().map(|(id, left)| json!({ "id": id, "left": left }));
            json!({ "kind": kind, "events": Value::from_iter(shown), "more": more })
        }
        EventAnswer::SeatMap { event, map } => {
            json!({ "event": event, "capacity": map.capacity, "left": map.left })
        }
        EventAnswer::Schedule { holder, claims, cancelled, more } => {
            let claims = claims.iter().map(|claim| self::claim(claim, seats_max));
            let cancelled =
                cancelled.iter().map(|notice| json!({ "event": notice.event, "seats": notice.seats }));
            json!({
                "holder": who(holder),
                "claims": Value::from_iter(claims),
                "cancelled": Value::from_iter(cancelled),
                "more": more,
            })
        }
        EventAnswer::Claim(found) => claim(found, seats_max),
        EventAnswer::Ticket { ticket, holder, event, seat } => {
            json!({ "ticket": ticket, "holder": who(holder), "event": event, "seat": seat })
        }
        EventAnswer::WaitingList { event, total, places } => {
            let places =
                places.iter().map(|(holder, count)| json!({ "holder": who(holder), "count": count }));
            json!({ "event": event, "total": total, "places": Value::from_iter(places) })
        }
        EventAnswer::Refused(refused) => refusal(refused, seats_max).1,
    }
}

/// What somebody has at an event; `what` says which of the three it is.
pub fn claim(claim: &Claim, seats_max: usize) -> Value {
    let Claim { event, date, what } = claim;
    match what {
        Claimed::Booking { seats, stem } => {
            let fields = json!({ "event": event, "date": date, "what": "booking" });
            with_tickets(with_seats(fields, seats, seats_max), seats, *stem, seats_max)
        }
        Claimed::Hold { seats, until_ms, offered, extended } => {
            let fields = json!({
                "event": event, "date": date, "what": "hold",
                "until_ms": until_ms, "offered": offered, "extended": extended,
            });
            with_seats(fields, seats, seats_max)
        }
        Claimed::Place { count, place } => {
            json!({ "event": event, "date": date, "what": "place", "count": count, "place": place })
        }
    }
}

fn view(view: &EventView) -> Value {
    let EventView { event, branch, date, minute, name, theatre, capacity, left, held, waiting } = view;
    json!({
        "event": event,
        "branch": branch,
        "date": date,
        "time": minute.map(|minute| minute.to_string()),
        "name": name,
        "theatre": theatre,
        "capacity": capacity,
        "left": left,
        "held": held,
        "waiting": waiting,
    })
}

fn denied(denied: &Denied) -> Value {
    match denied {
        Denied::ManagersOnly { actor } => json!({ "denied": "managers_only", "actor": who(actor) }),
        Denied::OtherBranch { actor, branch } => {
            json!({ "denied": "other_branch", "actor": who(actor), "branch": branch })
        }
        Denied::ForSomebodyElse { actor, holder } => {
            json!({ "denied": "for_somebody_else", "actor": who(actor), "holder": who(holder) })
        }
        Denied::WhoAreYou => json!({ "denied": "who_are_you" }),
    }
}

fn full(limit: Limit) -> Value {
    let (limit, max) = match limit {
        Limit::Branches(max) => ("branches", max.into()),
        Limit::Theatres(max) => ("theatres", max.into()),
        Limit::Kinds(max) => ("kinds", max.into()),
        Limit::Events(max) => ("events", max.into()),
        Limit::Seats(max) => ("seats", max),
        Limit::Bookings(max) => ("bookings", max.into()),
        Limit::Holds(max) => ("holds", max.into()),
        Limit::HoldsOfOne(max) => ("holds_of_one", max.into()),
        Limit::WaitingList(max) => ("waiting_list", max.into()),
        Limit::WaitsOfOne(max) => ("waits_of_one", max.into()),
        Limit::Waiting(max) => ("waiting", max.into()),
    };
    json!({ "limit": limit, "max": max })
}

fn at(holder: &Actor, event: &EventKey) -> Value {
    json!({ "holder": who(holder), "event": event })
}

fn who(actor: &Actor) -> String {
    actor.to_string()
}

fn with_seats(mut fields: Value, seats: &SeatRuns, seats_max: usize) -> Value {
    fields["count"] = seats.count().into();
    fields["seats"] = Value::from_iter(seats.seats().take(seats_max).map(|Seat(number)| number));
    fields
}

fn with_tickets(mut fields: Value, seats: &SeatRuns, stem: TicketStem, seats_max: usize) -> Value {
    let tickets = seats.seats().take(seats_max).map(|seat| stem.ticket(seat).to_string());
    fields["tickets"] = Value::from_iter(tickets);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> EventKey {
        "TORM100519/Seminars".parse().unwrap()
    }

    fn joe() -> Actor {
        "TORC2345".parse().unwrap()
    }

    #[test]
    fn a_booking_shows_seats_and_tickets_and_people_as_plain_text() {
        let seats = SeatRuns::from_seats(&[4, 5, 7].map(Seat)).unwrap();
        let stem = TicketStem { party: 1, event: 2, mark: 3 };
        let booked = EventOutcome::Booked { holder: joe(), event: key(), seats, stem };
        let fields = outcome(&booked, 1_000);
        let event = json!({ "id": "TORM100519", "kind": "Seminars" });
        assert_eq!((&fields["holder"], &fields["event"]), (&json!("TORC2345"), &event));
        assert_eq!((&fields["seats"], &fields["count"]), (&json!([4, 5, 7]), &json!(3)));
        assert_eq!(fields["tickets"][2], json!(stem.ticket(Seat(7)).to_string()));
        let fields = outcome(&booked, 2);
        assert_eq!(
            (&fields["seats"], &fields["count"]),
            (&json!([4, 5]), &json!(3)),
            "shortened, and said so"
        );
        assert_eq!(fields["tickets"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_refusal_has_a_reason_and_values() {
        let (reason, fields) = refusal(&Refusal::NotEnough { event: key(), left: 1, count: 2 }, 10);
        assert_eq!((reason, &fields["left"], &fields["count"]), ("not_enough", &json!(1), &json!(2)));
        let denied = Denied::ForSomebodyElse { actor: joe(), holder: "TORC0002".parse().unwrap() };
        let (reason, fields) = refusal(&Refusal::NotAllowed(denied), 10);
        let expected = json!({ "denied": "for_somebody_else", "actor": "TORC2345", "holder": "TORC0002" });
        assert_eq!((reason, fields), ("not_allowed", expected));
        let (_, fields) = refusal(&Refusal::Full(Limit::HoldsOfOne(5)), 10);
        assert_eq!(fields, json!({ "limit": "holds_of_one", "max": 5 }));
    }

    #[test]
    fn an_event_says_when_it_is_as_people_write_it() {
        let event = EventView {
            event: key(),
            branch: "TOR".parse().unwrap(),
            date: "2019-05-10".parse().unwrap(),
            minute: Some("19:30".parse().unwrap()),
            name: None,
            theatre: None,
            capacity: 10,
            left: 7,
            held: 1,
            waiting: 0,
        };
        let fields = answer(&EventAnswer::Events { events: vec![event], more: Some(key()) }, 10);
        assert_eq!(fields["more"], "TORM100519/Seminars");
        let shown = &fields["events"][0];
        assert_eq!((&shown["date"], &shown["time"]), (&json!("2019-05-10"), &json!("19:30")));
        assert_eq!((&shown["name"], &shown["left"]), (&Value::Null, &json!(7)));
    }
}
