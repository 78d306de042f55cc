//! What apply does: the classic rules one by one, then everything against a naive model.

use super::*;
use crate::domain::batch::BatchBuilder;
use crate::domain::ids::{Name, Seat, SessionId};
use crate::domain::keys::{Key, KeyLimits};
use crate::domain::testing::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn words(server: &mut Server, operation: Operation) -> String {
    server.operate(operation).to_string()
}

#[test]
fn the_classic_commands_in_the_classic_words() {
    let mut server = Server::new(config(5));
    assert_eq!(words(&mut server, reserve("bob", 2)), "The seats have been reserved for bob: 1,2.");
    assert_eq!(words(&mut server, reserve("bob", 1)), "Failed: bob has booked the following seats: 1,2.");
    assert_eq!(words(&mut server, reserve("ann", 4)), "Failed: only 3 seats left but 4 seats are requested.");
    assert_eq!(words(&mut server, delete("ann")), "Failed: no reservation is made by ann.");
    assert_eq!(words(&mut server, delete("bob")), "2 seats have been released. 5 seats are now available.");
    assert_eq!(words(&mut server, delete("bob")), "Failed: no reservation is made by bob.");
}

#[test]
fn too_few_seats_is_said_before_already_booked() {
    let mut server = Server::new(config(5));
    server.operate(reserve("bob", 3));
    assert_eq!(server.operate(reserve("bob", 3)), Outcome::NotEnough { left: 2, count: 3 });
}

#[test]
fn adjacent_seats_are_preferred_else_the_lowest() {
    let mut server = Server::new(config(10));
    server.operate(reserve_seats("ann", &[2, 5]));
    assert_eq!(words(&mut server, reserve("bob", 3)), "The seats have been reserved for bob: 6,7,8.");
    assert_eq!(words(&mut server, reserve("cleo", 3)), "The seats have been reserved for cleo: 1,3,4.");
}

#[test]
fn picked_seats_are_all_or_none_and_every_clash_is_named() {
    let mut server = Server::new(config(10));
    server.operate(reserve_seats("ann", &[2, 5]));
    assert_eq!(server.operate(reserve_seats("bob", &[1, 2, 5, 6])), Outcome::Taken { seats: seats(&[2, 5]) });
    assert_eq!(server.state.left(), 8);
    // Checked in this order: seats that do not exist, then a booking of the name, then clashes.
    let nonexistent = Outcome::NoSuchSeats { seats: seats(&[0, 11]), capacity: 10 };
    assert_eq!(server.operate(reserve_seats("ann", &[0, 2, 11])), nonexistent);
    let booked = Outcome::AlreadyBooked { name: name("ann"), seats: seats(&[2, 5]) };
    assert_eq!(server.operate(reserve_seats("ann", &[2, 3])), booked);
}

#[test]
fn operations_that_the_edge_lets_nobody_send_change_nothing() {
    let mut server = Server::new(config(10));
    let bad = [
        reserve("bob", 0),
        reserve("bob", SEATS_MAX + 1),
        reserve("bob", u32::MAX),
        reserve_seats("bob", &[]),
        reserve_seats("bob", &[2, 1]),
        reserve_seats("bob", &[1, 1]),
        restore("bob", &[]),
        restore("bob", &[3, 3]),
    ];
    for operation in bad {
        assert_eq!(server.operate(operation), Outcome::Malformed);
    }
    assert_eq!(server.state.left(), 10);
    server.state.check().unwrap();
}

#[test]
fn restoring_what_is_there_is_a_success() {
    let mut server = Server::new(config(10));
    let there = Outcome::Reserved { name: name("bob"), seats: seats(&[3, 5]) };
    assert_eq!(server.operate(restore("bob", &[3, 5])), there);
    assert_eq!(server.operate(restore("bob", &[3, 5])), there);
    let booked = Outcome::AlreadyBooked { name: name("bob"), seats: seats(&[3, 5]) };
    assert_eq!(server.operate(restore("bob", &[3])), booked);
    assert_eq!(server.operate(restore("ann", &[4, 5])), Outcome::Taken { seats: seats(&[5]) });
}

#[test]
fn withdrawing_spares_later_reservations() {
    let mut server = Server::new(config(10));
    server.operate(reserve("bob", 2));
    let made_at = server.position;
    let none = Outcome::NoReservation { name: name("bob") };
    assert_eq!(server.operate(withdraw("bob", made_at - 1)), none);
    assert_eq!(server.operate(withdraw("bob", made_at)), Outcome::Released { count: 2, left: 10 });
    assert_eq!(server.operate(withdraw("bob", made_at)), none);
}

#[test]
fn queries_tell_seats_and_change_nothing() {
    let mut server = Server::new(config(70));
    server.operate(reserve_seats("bob", &[1, 65]));
    let before = server.bytes();
    let search = |who| server.state.query(&Query::Search { name: name(who) });
    assert_eq!(search("bob"), Answer::Search { name: name("bob"), seats: Some(seats(&[1, 65])) });
    assert_eq!(search("ann"), Answer::Search { name: name("ann"), seats: None });
    let map = SeatMap { capacity: 70, left: 68, free: vec![!1, 0b11_1110] };
    assert_eq!(server.state.query(&Query::Seats), Answer::Seats(map));
    assert!(before == server.bytes());
}

#[test]
fn what_is_no_command_is_malformed_in_its_place() {
    let mut server = Server::new(config(10));
    let session = SessionId { birth_ms: 0, random: 0 };
    let command =
        |sequence, operation| Command { session, sequence, answered_until: 0, operation, key: None };
    let mut batch = BatchBuilder::new();
    batch.push(&command(1, reserve("bob", 1))).unwrap();
    batch.push_encoded(b"nonsense").unwrap();
    batch.push(&command(2, reserve("ann", 1))).unwrap();
    let bytes = [&batch.finish()[..], b"\xff\xff\xff\xff\x00"].concat();
    let mut outcomes = vec![Outcome::SessionExpired];
    server.state.apply(1, 1000, &bytes, &mut outcomes);
    let reserved = |who, seat| Outcome::Reserved { name: name(who), seats: seats(&[seat]) };
    let malformed = Outcome::Malformed;
    // What was in the vector stays there.
    let expected =
        [Outcome::SessionExpired, reserved("bob", 1), malformed.clone(), reserved("ann", 2), malformed];
    assert_eq!(outcomes, expected);
}

#[test]
fn the_hash_covers_the_pushed_outcomes_and_nothing_else() {
    let (mut a, mut b) = (State::new(config(10)), State::new(config(10)));
    assert_eq!(a.apply(1, 1, &[], &mut Vec::new()), b.apply(9, 5, &[], &mut vec![Outcome::Malformed]));
    assert_ne!(a.apply(2, 1, &[0], &mut Vec::new()), b.apply(10, 5, &[], &mut Vec::new()));
    let mut outcomes = Vec::new();
    let hash = a.apply(3, 1, &[0], &mut outcomes);
    assert_eq!(hash, xxh3_64(&postcard::to_stdvec(&outcomes[0]).unwrap()));
}

#[test]
fn time_is_the_greatest_stamp_within_a_step() {
    let mut state = State::new(config(10));
    let mut at = |position, stamp_ms| {
        state.apply(position, stamp_ms, &[], &mut Vec::new());
        state.time_ms()
    };
    assert_eq!(at(1, 500_000), 500_000, "the first stamp is taken as it is");
    assert_eq!(at(2, 400_000), 500_000, "time never goes back");
    assert_eq!(at(3, 505_000), 505_000);
    assert_eq!(at(4, u64::MAX), 515_000, "a wrong clock moves it by one step");
    assert_eq!(at(5, 505_000), 515_000);
}

#[test]
fn a_first_stamp_beyond_all_times_breaks_nothing() {
    let mut server = Server::new(Config { sessions_max: 1, ..config(10) });
    server.now_ms = u64::MAX;
    for _ in 0..3 {
        assert_eq!(server.operate(delete("bob")), Outcome::NoReservation { name: name("bob") });
    }
    assert_eq!(server.state.time_ms(), TIME_MS_MAX + 1, "past the forgotten session");
}

#[test]
#[should_panic(expected = "position 5 is applied after 5")]
fn executing_a_position_twice_stops_the_server() {
    let mut state = State::new(config(10));
    state.apply(5, 0, &[], &mut Vec::new());
    state.apply(5, 0, &[], &mut Vec::new());
}

#[test]
fn configurations_that_keep_nothing_are_refused() {
    assert_eq!(config(SEATS_MAX).validate(), Ok(()));
    assert_eq!(config(SEATS_MAX + 1).validate(), Err(ConfigError::Capacity(SEATS_MAX + 1)));
    assert_eq!(Config { sessions_max: 0, ..config(1) }.validate(), Err(ConfigError::Sessions));
    assert_eq!(Config { outcomes_per_session_max: 0, ..config(1) }.validate(), Err(ConfigError::Outcomes));
}

/// The same promises, kept with lists.
struct Model {
    config: Config,
    time_ms: u64,
    seats: Vec<Option<Name>>,
    made_at: BTreeMap<Name, u64>,
    /// The last one in use is the last.
    sessions: Vec<ModelSession>,
    keys: Vec<ModelKey>,
    horizon_ms: u64,
}

struct ModelSession {
    id: SessionId,
    settled: u64,
    last_used_ms: u64,
    outcomes: BTreeMap<u64, (Operation, Outcome)>,
}

struct ModelKey {
    key: Key,
    made_ms: u64,
    operation: Operation,
    outcome: Outcome,
}

impl Model {
    fn request(&mut self, position: u64, stamp_ms: u64, commands: &[Command]) -> Vec<Outcome> {
        let latest_ms = if position == 1 { u64::MAX } else { self.time_ms + self.config.time_step_ms_max };
        self.time_ms = self.time_ms.max(stamp_ms.min(latest_ms));
        while self
            .sessions
            .first()
            .is_some_and(|s| self.time_ms - s.last_used_ms > self.config.session_age_ms)
        {
            self.forget();
        }
        self.keys.retain(|key| self.time_ms - key.made_ms <= self.config.keys.age_ms);
        let outcomes = commands.iter().map(|command| self.command(position, command)).collect();
        self.time_ms = self.time_ms.max(self.horizon_ms);
        outcomes
    }

    fn forget(&mut self) {
        let session = self.sessions.remove(0);
        self.horizon_ms = self.horizon_ms.max(session.id.birth_ms + 1);
    }

    fn command(&mut self, position: u64, command: &Command) -> Outcome {
        let id = command.session;
        if command.sequence == 0 {
            return Outcome::Malformed;
        }
        let mut session = match self.sessions.iter().position(|session| session.id == id) {
            Some(at) => self.sessions.remove(at),
            None if id.birth_ms < self.horizon_ms || id.birth_ms > self.time_ms => {
                return Outcome::SessionExpired;
            }
            None => {
                if self.sessions.len() == self.config.sessions_max as usize {
                    self.forget();
                }
                ModelSession { id, settled: 0, last_used_ms: 0, outcomes: BTreeMap::new() }
            }
        };
        session.last_used_ms = self.time_ms;
        session.settled = session.settled.max(command.answered_until);
        session.outcomes.retain(|&sequence, _| sequence > session.settled);
        let outcome = if command.sequence <= session.settled {
            Outcome::SequenceForgotten
        } else if let Some((operation, outcome)) = session.outcomes.get(&command.sequence) {
            if *operation == command.operation { outcome.clone() } else { Outcome::SequenceReused }
        } else {
            let outcome = self.keyed(position, command);
            session.outcomes.insert(command.sequence, (command.operation.clone(), outcome.clone()));
            if session.outcomes.len() > self.config.outcomes_per_session_max as usize {
                session.settled = session.outcomes.pop_first().unwrap().0;
            }
            outcome
        };
        self.sessions.push(session);
        outcome
    }

    fn keyed(&mut self, position: u64, command: &Command) -> Outcome {
        let Some(key) = &command.key else { return self.execute(position, &command.operation) };
        if let Some(known) = self.keys.iter().find(|known| known.key == *key) {
            let is_same = known.operation == command.operation;
            return if is_same { known.outcome.clone() } else { Outcome::KeyReused };
        }
        if self.keys.len() == self.config.keys.keys_max as usize {
            return Outcome::KeysFull;
        }
        let outcome = self.execute(position, &command.operation);
        self.keys.push(ModelKey {
            key: key.clone(),
            made_ms: self.time_ms,
            operation: command.operation.clone(),
            outcome: outcome.clone(),
        });
        outcome
    }

    fn held(&self, name: &Name) -> Vec<Seat> {
        let number = |at: usize| Seat(at as u32 + 1);
        (0..self.seats.len()).filter(|&at| self.seats[at].as_ref() == Some(name)).map(number).collect()
    }

    fn execute(&mut self, position: u64, operation: &Operation) -> Outcome {
        match operation.clone() {
            Operation::Reserve { name, count } => {
                let free: Vec<usize> = (0..self.seats.len()).filter(|&at| self.seats[at].is_none()).collect();
                let wanted = count as usize;
                if count == 0 || count > SEATS_MAX {
                    return Outcome::Malformed;
                }
                if wanted > free.len() {
                    return Outcome::NotEnough { left: free.len() as u32, count };
                }
                let run = free.windows(wanted).find(|run| run[wanted - 1] - run[0] == wanted - 1);
                let lowest = run.unwrap_or(&free[..wanted]);
                let seats = lowest.iter().map(|&at| Seat(at as u32 + 1)).collect();
                self.hold(position, name, seats)
            }
            Operation::ReserveSeats { name, seats } => self.pick(position, name, seats),
            Operation::Restore { name, seats } => {
                if !seats.is_empty() && self.held(&name) == seats {
                    return Outcome::Reserved { name, seats };
                }
                self.pick(position, name, seats)
            }
            Operation::Delete { name } => self.delete(name, u64::MAX),
            Operation::Withdraw { name, made_until } => self.delete(name, made_until),
            Operation::Events(_) | Operation::Expire | Operation::Offer(_) => {
                panic!("events have a model of their own")
            }
        }
    }

    fn pick(&mut self, position: u64, name: Name, seats: Vec<Seat>) -> Outcome {
        let capacity = self.seats.len() as u32;
        let mut sorted = seats.clone();
        sorted.sort();
        sorted.dedup();
        if seats.is_empty() || sorted != seats {
            return Outcome::Malformed;
        }
        let outside: Vec<_> = seats.iter().copied().filter(|seat| seat.0 == 0 || seat.0 > capacity).collect();
        if !outside.is_empty() {
            return Outcome::NoSuchSeats { seats: outside, capacity };
        }
        let taken: Vec<_> =
            seats.iter().copied().filter(|seat| self.seats[seat.0 as usize - 1].is_some()).collect();
        if self.held(&name).is_empty() && !taken.is_empty() {
            return Outcome::Taken { seats: taken };
        }
        self.hold(position, name, seats)
    }

    fn hold(&mut self, position: u64, name: Name, seats: Vec<Seat>) -> Outcome {
        let held = self.held(&name);
        if !held.is_empty() {
            return Outcome::AlreadyBooked { name, seats: held };
        }
        seats.iter().for_each(|seat| self.seats[seat.0 as usize - 1] = Some(name.clone()));
        self.made_at.insert(name.clone(), position);
        Outcome::Reserved { name, seats }
    }

    fn delete(&mut self, name: Name, made_until: u64) -> Outcome {
        if self.made_at.get(&name).is_none_or(|&made_at| made_at > made_until) {
            return Outcome::NoReservation { name };
        }
        let held = self.held(&name);
        self.made_at.remove(&name);
        held.iter().for_each(|seat| self.seats[seat.0 as usize - 1] = None);
        let left = self.seats.iter().filter(|seat| seat.is_none()).count() as u32;
        Outcome::Released { count: held.len() as u32, left }
    }
}

proptest! {
    #[test]
    fn the_state_does_what_the_naive_model_does(
        capacity in 1u32..22,
        sessions_max in 1u32..8,
        outcomes_per_session_max in 1u32..5,
        session_age_ms in 0u64..40,
        time_step_ms_max in 0u64..30,
        keys_max in 1u32..6,
        key_age_ms in 0u64..40,
        requests in proptest::collection::vec(
            (0u64..20, proptest::collection::vec(any_command(), 0..5)), 1..60),
    ) {
        let config = Config {
            capacity,
            sessions_max,
            session_age_ms,
            outcomes_per_session_max,
            time_step_ms_max,
            keys: KeyLimits { keys_max, age_ms: key_age_ms },
            events: config(1).events,
        };
        let mut server = Server::new(config.clone());
        let mut model = Model {
            config,
            time_ms: 0,
            seats: vec![None; capacity as usize],
            made_at: BTreeMap::new(),
            sessions: Vec::new(),
            keys: Vec::new(),
            horizon_ms: 0,
        };
        server.now_ms = 5;
        for (pause_ms, commands) in requests {
            server.now_ms = (server.now_ms + pause_ms).saturating_sub(6);
            let outcomes = server.run(&commands);
            prop_assert_eq!(&outcomes, &model.request(server.position, server.now_ms, &commands));
            prop_assert_eq!(server.state.check(), Ok(()));
            prop_assert_eq!(server.state.time_ms(), model.time_ms);
            prop_assert_eq!(server.state.reservations_len(), model.made_at.len());
            prop_assert_eq!(server.state.sessions_len(), model.sessions.len());
            prop_assert_eq!(server.state.keys_len(), model.keys.len());
        }
    }

    #[test]
    fn any_bytes_can_be_applied(batches in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..100), 1..5)) {
        let mut state = State::new(config(20));
        for (at, batch) in batches.iter().enumerate() {
            state.apply(at as u64 + 1, 0, batch, &mut Vec::new());
        }
        prop_assert_eq!(state.check(), Ok(()));
    }
}
