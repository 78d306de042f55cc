//! What the tests of events share: short words for ids, and a server that is asked one thing at a time.

use super::answer::EventAnswer;
use super::command::{Action, Count, EventOperation, EventQuery, NewEvent, Place, Question, Seating};
use super::config::EventsConfig;
use super::ids::{Actor, EventKey};
use super::outcome::EventOutcome;
use crate::domain::command::{Command, Operation, Query};
use crate::domain::ids::{Seat, SessionId};
use crate::domain::outcome::{Answer, Outcome};
use crate::domain::runs::SeatRuns;
use crate::domain::state::{Config, State};
use crate::domain::testing::{Server, image_bytes};

/// `TORC2345` is somebody with an id, anything else a guest.
pub(super) fn who(text: &str) -> Actor {
    text.parse().map_or_else(|_| Actor::Guest(text.parse().expect("a name")), Actor::User)
}

/// `TORM100519` is of the kind Seminars; `TORM100519/Conferences` says otherwise.
pub(super) fn key(text: &str) -> EventKey {
    let (id, kind) = text.split_once('/').unwrap_or((text, "Seminars"));
    EventKey { id: id.parse().expect("an event's id"), kind: kind.parse().expect("a kind") }
}

pub(super) fn any(count: u32) -> Seating {
    Seating::Any(Count::new(count).expect("a number of seats"))
}

pub(super) fn best(count: u32) -> Seating {
    Seating::Best(Count::new(count).expect("a number of seats"))
}

pub(super) fn pick(numbers: &[u32]) -> Seating {
    Seating::Seats(runs(numbers))
}

pub(super) fn runs(numbers: &[u32]) -> SeatRuns {
    let seats: Vec<Seat> = numbers.iter().copied().map(Seat).collect();
    SeatRuns::from_seats(&seats).expect("ascending")
}

pub(super) fn add(event: &str, capacity: u32) -> Action {
    let EventKey { id, kind } = key(event);
    let super::ids::EventId::Slot(id) = id else { panic!("{event} does not say where it is") };
    let event = NewEvent { place: Place::Slot(id), kind, name: None, theatre: None };
    Action::AddEvent { event, capacity }
}

pub(super) fn book(holder: &str, event: &str, seating: Seating) -> Action {
    Action::Book { holder: who(holder), event: key(event), seating }
}

pub(super) fn cancel(holder: &str, event: &str) -> Action {
    let (id, kind) = event.split_once('/').map_or((event, None), |(id, kind)| (id, Some(kind)));
    let kind = kind.map(|kind| kind.parse().expect("a kind"));
    Action::Cancel { holder: who(holder), event: id.parse().expect("an event's id"), kind }
}

pub(super) fn hold(holder: &str, event: &str, seating: Seating) -> Action {
    Action::Hold { holder: who(holder), event: key(event), seating }
}

pub(super) fn confirm(holder: &str, event: &str) -> Action {
    Action::Confirm { holder: who(holder), event: key(event) }
}

pub(super) fn release(holder: &str, event: &str) -> Action {
    Action::Release { holder: who(holder), event: key(event) }
}

pub(super) fn join(holder: &str, event: &str, count: u32) -> Action {
    Action::Join { holder: who(holder), event: key(event), count: Count::new(count).expect("a number") }
}

pub(super) fn exchange(holder: &str, from: &str, to: &str, seating: Seating) -> Action {
    Action::Exchange { holder: who(holder), from: key(from), to: key(to), seating }
}

/// A server that looks at itself after everything it does.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) server: Server,
}

impl Desk {
    /// With the default configuration, short holds, and few events.
    pub(super) fn new() -> Desk {
        Desk::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut EventsConfig)) -> Desk {
        let mut events = EventsConfig {
            hold_ms: 5_000,
            offer_ms: 3_000,
            events_max: 100,
            bookings_max: 1_000,
            ..EventsConfig::default()
        };
        change(&mut events);
        let config = Config { events: events.into(), ..crate::domain::testing::config(5) };
        Desk { server: Server::new(config) }
    }

    /// With one event, added by the manager of its branch.
    pub(super) fn selling(event: &str, capacity: u32) -> Desk {
        let mut desk = Desk::new();
        desk.add(event, capacity);
        desk
    }

    /// A manager of its branch adds an event.
    pub(super) fn add(&mut self, event: &str, capacity: u32) {
        let outcome = self.act(&format!("{}M0001", &event[..3]), add(event, capacity));
        assert!(outcome.is_success(), "{outcome}");
    }

    pub(super) fn operate(&mut self, operation: Operation) -> EventOutcome {
        let Outcome::Events(outcome) = self.server.operate(operation) else { panic!("it is about events") };
        self.server.state.check().unwrap();
        (*outcome).clone()
    }

    /// Somebody does something.
    pub(super) fn act(&mut self, actor: &str, action: Action) -> EventOutcome {
        self.operate(Operation::Events(Box::new(EventOperation { actor: who(actor), action })))
    }

    /// The words for it.
    pub(super) fn says(&mut self, actor: &str, action: Action) -> String {
        self.act(actor, action).to_string()
    }

    /// It must succeed.
    pub(super) fn must(&mut self, actor: &str, action: Action) -> EventOutcome {
        let outcome = self.act(actor, action);
        assert!(outcome.is_success(), "{outcome}");
        outcome
    }

    pub(super) fn ask(&self, actor: Option<&str>, question: Question) -> EventAnswer {
        let query = Query::Events(Box::new(EventQuery { actor: actor.map(who), question }));
        let Answer::Events(answer) = self.server.state.query(&query) else { panic!("it is about events") };
        *answer
    }

    /// Everything that somebody has.
    pub(super) fn schedule(&self, holder: &str) -> String {
        let question = Question::Schedule { holder: who(holder), after: None, limit: 100 };
        self.ask(Some(holder), question).to_string()
    }

    /// How many seats are free.
    pub(super) fn left(&self, event: &str) -> u32 {
        match self.ask(None, Question::Event(key(event))) {
            EventAnswer::Event(view) => view.left,
            other => panic!("{other}"),
        }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.server.now_ms += ms;
    }

    /// A retry of the last command that had a session of its own.
    pub(super) fn again(&mut self, operation: Operation, session: SessionId) -> Outcome {
        self.server.one(&Command { session, sequence: 1, answered_until: 0, operation, key: None })
    }

    /// Writes the state and reads it back, which must give the same bytes.
    pub(super) fn restart(&mut self) {
        let bytes = self.server.bytes();
        let config = self.server.state.config().clone();
        self.server.state = State::read(config, &mut &bytes[..]).expect("what was written");
        self.server.state.check().unwrap();
        assert_eq!(image_bytes(&self.server.state), bytes);
    }
}
