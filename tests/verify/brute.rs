//! The checker that tries every order, on the shipping state machine: slow, and short enough to be believed.

use boxoffice::domain::batch::BatchBuilder;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::state::{Config, State};
use boxoffice::verify::history::{Ask, Call, Reply};
use std::collections::BTreeSet;

/// One server, which carries calls out one after the other.
#[derive(Clone)]
pub struct Server {
    state: State,
    position: u64,
}

impl Server {
    pub fn new(capacity: u32) -> Server {
        let config = Config {
            capacity,
            sessions_max: 1,
            session_age_ms: 3_600_000,
            outcomes_per_session_max: 1,
            time_step_ms_max: 60_000,
            keys: Default::default(),
            events: EventsConfig { events_max: 1, bookings_max: 1, ..EventsConfig::default() }.into(),
        };
        Server { state: State::new(config), position: 0 }
    }

    pub fn carry_out(&mut self, ask: &Ask) -> Reply {
        let operation = match ask.clone() {
            Ask::Reserve { name, count } => Operation::Reserve { name, count },
            Ask::Pick { name, seats } => Operation::ReserveSeats { name, seats },
            Ask::Delete { name } => Operation::Delete { name },
            Ask::Search { name } => {
                return Reply::answer(ask, &self.state.query(&Query::Search { name })).unwrap();
            }
            Ask::Seats => return Reply::answer(ask, &self.state.query(&Query::Seats)).unwrap(),
        };
        self.position += 1;
        let session = SessionId { birth_ms: 0, random: 1 };
        let (sequence, answered_until) = (self.position, self.position - 1);
        let mut batch = BatchBuilder::new();
        batch.push(&Command { session, sequence, answered_until, operation, key: None }).unwrap();
        let mut outcomes = Vec::new();
        self.state.apply(self.position, 0, &batch.finish(), &mut outcomes);
        Reply::outcome(ask, &outcomes[0]).unwrap()
    }
}

/// Whether some order explains all answers; without regard to the event.
pub fn is_linearizable(history: &[Call], capacity: u32) -> bool {
    let rest: Vec<&Call> = history.iter().collect();
    goes_on(&Server::new(capacity), &rest)
}

fn goes_on(server: &Server, rest: &[&Call]) -> bool {
    let Some(first_return) = rest.iter().filter_map(|call| call.end.as_ref()).map(|end| end.return_ns).min()
    else {
        // Nobody waits for an answer: what is left need not have happened.
        return true;
    };
    (0..rest.len()).filter(|&i| rest[i].call_ns <= first_return).any(|i| {
        let mut server = server.clone();
        let reply = server.carry_out(&rest[i].ask);
        let is_told = rest[i].end.as_ref().is_none_or(|end| end.reply == reply);
        is_told && goes_on(&server, &[&rest[..i], &rest[i + 1..]].concat())
    })
}

/// Follows an order that a checker found, and panics where it is none.
pub fn follow(history: &[Call], event: &str, capacity: u32, places: &[usize]) {
    let mut server = Server::new(capacity);
    let mut latest_call = 0;
    for &place in places {
        let call = &history[place];
        assert_eq!(call.event, event);
        latest_call = latest_call.max(call.call_ns);
        let reply = server.carry_out(&call.ask);
        if let Some(end) = &call.end {
            assert_eq!(end.reply, reply, "call {} in the order", place + 1);
            assert!(end.return_ns >= latest_call, "call {} had returned already", place + 1);
        }
    }
    let followed: BTreeSet<usize> = places.iter().copied().collect();
    assert_eq!(followed.len(), places.len(), "each call is carried out once");
    let is_missing =
        |&i: &usize| history[i].event == event && history[i].end.is_some() && !followed.contains(&i);
    assert_eq!((0..history.len()).find(is_missing), None, "every answer is explained");
}
