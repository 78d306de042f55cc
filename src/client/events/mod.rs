//! The client's part in events: from the command line to what the state is asked, and the words beside the answers.

pub mod args;

use super::exchange::Wanted;
use super::seat_map::taken_runs;
use super::values::PickedSeats;
use crate::domain::command::{Operation, Query};
use crate::domain::events::{
    answer::EventAnswer,
    command::{Action, Count, EventOperation, EventQuery, Filter, NewEvent, Place, Question, Seating},
    fields,
    ids::{Actor, EventKey, Uuid},
    outcome::{EventOutcome, Refusal},
};
use crate::domain::ids::Name;
use args::{AddEventArgs, EventAsk, ListArgs};
use serde_json::{Value, json};

/// What is asked of the cluster. `who` acts; `uuid` makes an id for an event that has none.
///
/// # Errors
/// A sentence that says what is missing.
pub fn wanted(ask: EventAsk, who: Option<&Actor>, uuid: impl FnOnce() -> Uuid) -> Result<Wanted, String> {
    let actor = || {
        who.cloned()
            .ok_or_else(|| "say who you are with --as ID, such as --as TORC2345; nothing was sent".to_owned())
    };
    let holder = |given: args::HolderArgs| given.holder.map_or_else(&actor, Ok);
    let action = match ask {
        EventAsk::Events(list) => return Ok(question(who, events(list))),
        EventAsk::Event(at) => return Ok(question(who, Question::SeatMap(at.key()))),
        EventAsk::Availability { kind, page } => {
            let asked = Question::Availability { kind, after: page.after, limit: page.limit };
            return Ok(question(Some(&actor()?), asked));
        }
        EventAsk::Schedule { holder: of, page } => {
            let asked = Question::Schedule { holder: holder(of)?, after: page.after, limit: page.limit };
            return Ok(question(Some(&actor()?), asked));
        }
        EventAsk::WaitingList { at, skip, limit } => {
            return Ok(question(who, Question::WaitingList { event: at.key(), skip, limit }));
        }
        EventAsk::Ticket { ticket } => return Ok(question(who, Question::Ticket(ticket))),
        EventAsk::Branches(page) => {
            return Ok(question(who, Question::Branches { after: page.after, limit: page.limit }));
        }
        EventAsk::Kinds => return Ok(question(who, Question::Kinds)),
        EventAsk::AddEvent(args) => added(args, uuid)?,
        EventAsk::RemoveEvent(at) => Action::RemoveEvent { event: at.key() },
        EventAsk::Book { at, seating, holder: of } => {
            Action::Book { holder: holder(of)?, event: at.key(), seating: seating.seating() }
        }
        EventAsk::Cancel { event, kind, holder: of } => Action::Cancel { holder: holder(of)?, event, kind },
        EventAsk::Exchange { from, to_event, to_kind, seating, holder: of } => Action::Exchange {
            holder: holder(of)?,
            from: from.key(),
            to: EventKey { id: to_event, kind: to_kind },
            seating: seating.seating(),
        },
        EventAsk::Hold { at, seating, holder: of } => {
            Action::Hold { holder: holder(of)?, event: at.key(), seating: seating.seating() }
        }
        EventAsk::Confirm(held) => Action::Confirm { holder: holder(held.holder)?, event: held.at.key() },
        EventAsk::Extend(held) => Action::Extend { holder: holder(held.holder)?, event: held.at.key() },
        EventAsk::Release(held) => Action::Release { holder: holder(held.holder)?, event: held.at.key() },
        EventAsk::Join { at, count, holder: of } => {
            Action::Join { holder: holder(of)?, event: at.key(), count: seats(count) }
        }
        EventAsk::Leave(held) => Action::Leave { holder: holder(held.holder)?, event: held.at.key() },
        EventAsk::DeleteTicket { ticket } => Action::DeleteTicket { ticket },
        EventAsk::AddBranch { branch, name } => Action::AddBranch { branch, name },
        EventAsk::AddTheatre { theatre } => Action::AddTheatre { theatre },
        EventAsk::AddKind { kind } => Action::AddKind { kind },
    };
    Ok(operation(actor()?, action))
}

/// `reserve` at an event. A name that is an id is that person; others are guests.
pub fn reserve(name: &Name, event: EventKey, count: Option<u32>, picked: Option<PickedSeats>) -> Wanted {
    let seating = match (count, picked) {
        (_, Some(picked)) => args::exactly(picked),
        (Some(count), None) => Seating::Any(seats(count)),
        (None, None) => unreachable!("the parser demands one of them"),
    };
    let holder = person(name);
    operation(holder.clone(), Action::Book { holder, event, seating })
}

/// `delete` at an event.
pub fn delete(name: &Name, event: EventKey) -> Wanted {
    let holder = person(name);
    operation(holder.clone(), Action::Cancel { holder, event: event.id, kind: Some(event.kind) })
}

/// `search` at an event.
pub fn search(name: &Name, event: EventKey) -> Wanted {
    let holder = person(name);
    question(Some(&holder.clone()), Question::Claim { holder, event })
}

/// `seats` of an event.
pub fn seat_map(event: EventKey) -> Wanted {
    question(None, Question::SeatMap(event))
}

/// Who a name on the command line is.
fn person(name: &Name) -> Actor {
    args::actor(name.as_str()).unwrap_or_else(|_| Actor::Guest(name.clone()))
}

/// This action by that person.
pub fn operation(actor: Actor, action: Action) -> Wanted {
    Wanted::Operation(Operation::Events(Box::new(EventOperation { actor, action })))
}

/// This question by that person, or by anyone.
pub fn question(actor: Option<&Actor>, question: Question) -> Wanted {
    Wanted::Query(Query::Events(Box::new(EventQuery { actor: actor.cloned(), question })))
}

fn seats(count: u32) -> Count {
    Count::new(count).expect("the parser takes numbers of seats only")
}

fn events(list: ListArgs) -> Question {
    let ListArgs { branch, kind, from, until, free, limit, after } = list;
    Question::Events { filter: Filter { branch, from, until, kind, free_min: free }, after, limit }
}

fn added(args: AddEventArgs, uuid: impl FnOnce() -> Uuid) -> Result<Action, String> {
    let AddEventArgs { kind, capacity, id, branch, date, time, name, theatre } = args;
    let place = Place::told(id, (branch, date, time), uuid).map_err(|error| error.to_string())?;
    Ok(Action::AddEvent { event: NewEvent { place, kind, name, theatre }, capacity })
}

/// What programs read of an outcome, and the reason of a refusal.
pub fn outcome_fields(outcome: &EventOutcome) -> (Option<&'static str>, Value) {
    match outcome {
        EventOutcome::Refused(refusal) => {
            let (reason, fields) = fields::refusal(refusal, usize::MAX);
            (Some(reason), fields)
        }
        outcome => (None, fields::outcome(outcome, usize::MAX)),
    }
}

/// What programs read of an answer.
pub fn answer_fields(answer: &EventAnswer) -> (Option<&'static str>, Value) {
    match answer {
        EventAnswer::Refused(refusal) => {
            let (reason, fields) = fields::refusal(refusal, usize::MAX);
            (Some(reason), fields)
        }
        EventAnswer::SeatMap { map, .. } => {
            let mut fields = fields::answer(answer, usize::MAX);
            fields["taken"] = json!(taken_runs(map));
            (None, fields)
        }
        answer => (None, fields::answer(answer, usize::MAX)),
    }
}

/// Whether it was refused because of who asked.
pub fn is_denied(outcome: &EventOutcome) -> bool {
    matches!(outcome, EventOutcome::Refused(Refusal::NotAllowed(_)))
}

/// How to see the rest of a list, if this was not all.
pub fn more(answer: &EventAnswer) -> Option<String> {
    match answer {
        EventAnswer::Events { more: Some(EventKey { id, kind }), .. } => {
            Some(format!("there are more: --after \"{id}/{kind}\""))
        }
        EventAnswer::Availability { more: Some(id), .. } => Some(format!("there are more: --after {id}")),
        EventAnswer::Branches { more: Some(code), .. } => Some(format!("there are more: --after {code}")),
        EventAnswer::Schedule { more: Some(mark), .. } => Some(format!("there are more: --after {mark}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::events::outcome::Denied;

    fn actor(text: &str) -> Actor {
        args::actor(text).unwrap()
    }

    fn key() -> EventKey {
        EventKey { id: "TORM100519".parse().unwrap(), kind: "Seminars".parse().unwrap() }
    }

    #[test]
    fn a_refusal_has_a_reason_and_values_for_programs() {
        let refused = EventOutcome::Refused(Refusal::NotEnough { event: key(), left: 1, count: 2 });
        let (reason, fields) = outcome_fields(&refused);
        assert_eq!(reason, Some("not_enough"));
        assert_eq!((&fields["left"], &fields["event"]["id"]), (&json!(1), &json!("TORM100519")));
        assert!(!is_denied(&refused));
        let denied = Denied::ForSomebodyElse { actor: actor("TORC0001"), holder: actor("TORC0002") };
        let denied = EventOutcome::Refused(Refusal::NotAllowed(denied));
        assert_eq!(outcome_fields(&denied).0, Some("not_allowed"));
        assert!(is_denied(&denied));
    }

    #[test]
    fn an_event_that_says_not_where_or_when_is_not_sent() {
        let ask = |id: &str| {
            EventAsk::AddEvent(AddEventArgs {
                kind: "Seminars".parse().unwrap(),
                capacity: 1,
                id: Some(id.parse().unwrap()),
                branch: None,
                date: None,
                time: None,
                name: None,
                theatre: None,
            })
        };
        let wanted = |id| wanted(ask(id), Some(&actor("TORM2345")), || Uuid([0; 16]));
        assert!(wanted("TORM100519").is_ok());
        assert!(wanted("0190163d-8694-739b-aea5-966c26f8ad91").unwrap_err().contains("are needed"));
    }

    #[test]
    fn every_list_that_goes_on_says_how_to_see_the_rest() {
        let schedule = |more| EventAnswer::Schedule {
            holder: actor("TORC2345"),
            claims: Vec::new(),
            cancelled: Vec::new(),
            more,
        };
        let mark = "17".parse().unwrap();
        let branches = |more| EventAnswer::Branches { branches: Vec::new(), more };
        for (answer, words) in [
            (schedule(None), None),
            (schedule(Some(mark)), Some("there are more: --after 17")),
            (branches(None), None),
            (branches(Some("TOR".parse().unwrap())), Some("there are more: --after TOR")),
            (
                EventAnswer::Events { events: Vec::new(), more: Some(key()) },
                Some("there are more: --after \"TORM100519/Seminars\""),
            ),
        ] {
            assert_eq!(more(&answer).as_deref(), words);
        }
    }

    #[test]
    fn who_acts_must_be_said_for_what_changes_something() {
        let ask = || EventAsk::AddKind { kind: "Seminars".parse().unwrap() };
        let uuid = || Uuid([0; 16]);
        assert!(wanted(ask(), None, uuid).unwrap_err().contains("--as"));
        assert!(wanted(ask(), Some(&actor("TORM2345")), uuid).is_ok());
        let page = args::BranchesPage { limit: 10, after: None };
        assert!(wanted(EventAsk::Branches(page), None, uuid).is_ok());
    }
}
