//! What the tests of this layer share.

use super::batch::BatchBuilder;
use super::command::{Command, Operation};
use super::events::config::EventsConfig;
use super::ids::{Name, Seat, SessionId};
use super::keys::Key;
use super::outcome::Outcome;
use super::state::{Config, State};
use proptest::prelude::*;

/// One of few names, so that they meet.
pub(super) fn any_name() -> impl Strategy<Value = Name> {
    prop_oneof![
        8 => proptest::sample::select(vec!["ann", "bob", "cleo", "dan", "eve"]).prop_map(str::to_owned),
        1 => Just("\u{1F3AB}".repeat(super::ids::NAME_CHARS_MAX)),
    ]
    .prop_map(|text| text.parse().unwrap())
}

/// Any operation, for a theatre of about 20 seats, also ones that the edge would not let in.
pub(super) fn any_operation() -> impl Strategy<Value = Operation> {
    let seats = || {
        prop_oneof![
            6 => proptest::collection::btree_set(1u32..22, 1..6).prop_map(Vec::from_iter),
            1 => proptest::collection::vec(0u32..25, 0..5),
        ]
        .prop_map(|seats: Vec<u32>| seats.into_iter().map(Seat).collect::<Vec<_>>())
    };
    let count = prop_oneof![8 => 1u32..7, 1 => 0u32..30, 1 => Just(u32::MAX)];
    prop_oneof![
        4 => (any_name(), count).prop_map(|(name, count)| Operation::Reserve { name, count }),
        2 => (any_name(), seats()).prop_map(|(name, seats)| Operation::ReserveSeats { name, seats }),
        3 => any_name().prop_map(|name| Operation::Delete { name }),
        1 => (any_name(), seats()).prop_map(|(name, seats)| Operation::Restore { name, seats }),
        1 => (any_name(), 0u64..60).prop_map(|(name, made_until)| Operation::Withdraw { name, made_until }),
    ]
}

/// One of few keys, now and then.
fn any_key() -> impl Strategy<Value = Option<Key>> {
    let key = |at: u32| Key { owner: None, text: format!("k{at}").parse().unwrap() };
    prop_oneof![2 => Just(None), 1 => (0u32..6).prop_map(move |at| Some(key(at)))]
}

/// Any command, from few sessions and numbers, so that they meet.
pub(super) fn any_command() -> impl Strategy<Value = Command> {
    (0u64..40, 0u64..3, 0u64..12, 0u64..4, any_operation(), any_key()).prop_map(
        |(birth_ms, random, sequence, answered_until, operation, key)| Command {
            session: SessionId { birth_ms: birth_ms / 8 * 8, random },
            sequence,
            answered_until,
            operation,
            key,
        },
    )
}

/// A state with a running position and clock, so that tests say only what they are about.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) state: State,
    pub(super) position: u64,
    pub(super) now_ms: u64,
}

impl Server {
    pub(super) fn new(config: Config) -> Server {
        Server { state: State::new(config), position: 0, now_ms: 1000 }
    }

    /// Executes commands as one request.
    pub(super) fn run(&mut self, commands: &[Command]) -> Vec<Outcome> {
        let mut batch = BatchBuilder::new();
        commands.iter().for_each(|command| batch.push(command).unwrap());
        let mut outcomes = Vec::new();
        self.position += 1;
        self.state.apply(self.position, self.now_ms, &batch.finish(), &mut outcomes);
        assert_eq!(outcomes.len(), commands.len());
        outcomes
    }

    /// Executes one command.
    pub(super) fn one(&mut self, command: &Command) -> Outcome {
        self.run(std::slice::from_ref(command)).remove(0)
    }

    /// Executes an operation in a session of its own.
    pub(super) fn operate(&mut self, operation: Operation) -> Outcome {
        let session = SessionId { birth_ms: self.state.time_ms(), random: self.position };
        self.one(&Command { session, sequence: 1, answered_until: 0, operation, key: None })
    }

    /// The bytes of its image.
    pub(super) fn bytes(&self) -> Vec<u8> {
        image_bytes(&self.state)
    }
}

/// The bytes of a state's image.
pub(super) fn image_bytes(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.freeze().write(&mut bytes).unwrap();
    bytes
}

/// A small theatre with room for everything.
pub(super) fn config(capacity: u32) -> Config {
    Config {
        capacity,
        sessions_max: 1000,
        session_age_ms: 60_000,
        outcomes_per_session_max: 100,
        time_step_ms_max: 10_000,
        keys: Default::default(),
        events: EventsConfig { events_max: 100, bookings_max: 1_000, ..EventsConfig::default() }.into(),
    }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn seats(numbers: &[u32]) -> Vec<Seat> {
    numbers.iter().copied().map(Seat).collect()
}

pub(super) fn reserve(who: &str, count: u32) -> Operation {
    Operation::Reserve { name: name(who), count }
}

pub(super) fn reserve_seats(who: &str, numbers: &[u32]) -> Operation {
    Operation::ReserveSeats { name: name(who), seats: seats(numbers) }
}

pub(super) fn restore(who: &str, numbers: &[u32]) -> Operation {
    Operation::Restore { name: name(who), seats: seats(numbers) }
}

pub(super) fn delete(who: &str) -> Operation {
    Operation::Delete { name: name(who) }
}

pub(super) fn withdraw(who: &str, made_until: u64) -> Operation {
    Operation::Withdraw { name: name(who), made_until }
}
