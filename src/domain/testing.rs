//! Values for property tests.

use super::command::{Command, Operation};
use super::ids::{Name, Seat, SessionId};
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

/// Any command, from few sessions and numbers, so that they meet.
pub(super) fn any_command() -> impl Strategy<Value = Command> {
    (0u64..40, 0u64..3, 0u64..12, 0u64..4, any_operation()).prop_map(
        |(birth_ms, random, sequence, answered_until, operation)| Command {
            session: SessionId { birth_ms: birth_ms / 8 * 8, random },
            sequence,
            answered_until,
            operation,
        },
    )
}
