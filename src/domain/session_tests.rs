//! Exactly once: retries, forgetting, and the corners in between.

use super::*;
use crate::domain::command::Operation;
use crate::domain::ids::Seat;
use crate::domain::runs::SeatRuns;
use crate::domain::state::Config;
use crate::domain::testing::*;
use proptest::prelude::*;

/// A session born at the server's current time.
fn born(server: &Server, random: u64) -> SessionId {
    SessionId { birth_ms: server.state.time_ms(), random }
}

fn command(session: SessionId, sequence: u64, operation: Operation) -> Command {
    Command { session, sequence, answered_until: 0, operation, key: None }
}

fn answered(session: SessionId, sequence: u64, answered_until: u64, operation: Operation) -> Command {
    Command { session, sequence, answered_until, operation, key: None }
}

#[test]
fn a_retry_gets_the_first_answer_word_for_word() {
    let mut server = Server::new(config(10));
    let commands: Vec<_> = [
        reserve("bob", 2),
        reserve("bob", 2),
        reserve("ann", 9),
        reserve_seats("ann", &[2, 3]),
        reserve_seats("ann", &[10, 11]),
        delete("bob"),
        delete("bob"),
        reserve("ann", 0),
        restore("ann", &[5, 7]),
        withdraw("ann", 0),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, operation)| command(born(&server, 1), at as u64 + 1, operation))
    .collect();
    let first: Vec<_> = commands.iter().map(|command| server.one(command)).collect();
    // Meanwhile everything changes.
    server.operate(delete("ann"));
    server.operate(reserve("else", 10));
    let left = server.state.left();
    assert_eq!(server.run(&commands), first);
    let retried: Vec<_> = commands.iter().rev().map(|command| server.one(command)).collect();
    assert!(retried.iter().eq(first.iter().rev()));
    assert_eq!(server.state.left(), left);
}

#[test]
fn a_retry_in_the_same_request_executes_once() {
    let mut server = Server::new(config(10));
    let command = command(born(&server, 1), 1, reserve("bob", 2));
    let outcomes = server.run(&[command.clone(), command]);
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0].is_success());
}

#[test]
fn the_same_number_with_other_content_is_an_error() {
    let mut server = Server::new(config(10));
    let session = born(&server, 1);
    let first = server.one(&command(session, 1, reserve("bob", 2)));
    assert_eq!(server.one(&command(session, 1, reserve("bob", 3))), Outcome::SequenceReused);
    assert_eq!(server.one(&command(session, 1, delete("bob"))), Outcome::SequenceReused);
    assert_eq!(server.one(&command(session, 1, reserve("bob", 2))), first);
    assert_eq!(server.state.left(), 8);
}

#[test]
fn commands_that_overtake_each_other_all_execute_once() {
    let mut server = Server::new(config(10));
    let session = born(&server, 1);
    let commands: Vec<_> =
        [(3, "c"), (1, "a"), (7, "g"), (2, "b")].map(|(n, who)| command(session, n, reserve(who, 1))).into();
    let first = server.run(&commands);
    assert!(first.iter().all(Outcome::is_success));
    assert_eq!(server.run(&commands), first);
    assert_eq!(server.state.left(), 6);
}

#[test]
fn settled_numbers_are_never_executed() {
    let mut server = Server::new(config(10));
    let session = born(&server, 1);
    server.one(&command(session, 1, reserve("bob", 1)));
    server.one(&answered(session, 4, 2, reserve("ann", 1)));
    assert_eq!(server.one(&command(session, 1, reserve("bob", 1))), Outcome::SequenceForgotten);
    assert_eq!(server.one(&command(session, 2, reserve("cleo", 1))), Outcome::SequenceForgotten);
    assert!(server.one(&command(session, 3, reserve("cleo", 1))).is_success());
    assert_eq!(server.one(&answered(session, 3, 3, reserve("cleo", 1))), Outcome::SequenceForgotten);
    assert_eq!(server.state.left(), 7);
    assert_eq!(server.one(&answered(session, u64::MAX, u64::MAX, delete("bob"))), Outcome::SequenceForgotten);
}

#[test]
fn number_0_is_malformed_and_begins_no_session() {
    let mut server = Server::new(config(10));
    assert_eq!(server.one(&command(born(&server, 1), 0, reserve("bob", 1))), Outcome::Malformed);
    assert_eq!(server.state.sessions_len(), 0);
}

#[test]
fn outcomes_over_the_limit_are_forgotten_lowest_first() {
    let mut server = Server::new(Config { outcomes_per_session_max: 3, ..config(10) });
    let session = born(&server, 1);
    let commands: Vec<_> =
        (1..=5).map(|number| command(session, number, reserve(&format!("n{number}"), 1))).collect();
    let first = server.run(&commands);
    assert!(first.iter().all(Outcome::is_success));
    let mut expected = first;
    expected[..2].fill(Outcome::SequenceForgotten);
    assert_eq!(server.run(&commands), expected);
}

#[test]
fn a_window_as_wide_as_the_limit_loses_nothing_in_any_order() {
    let mut server = Server::new(Config { outcomes_per_session_max: 4, ..config(1000) });
    let session = born(&server, 1);
    for window in 0..20 {
        let mut commands: Vec<_> = (1..=4)
            .map(|n| window * 4 + n)
            .map(|number| answered(session, number, window * 4, reserve(&format!("n{number}"), 1)))
            .collect();
        commands.rotate_left(window as usize % 4);
        let first = server.run(&commands);
        assert!(first.iter().all(Outcome::is_success));
        commands.reverse();
        assert!(server.run(&commands).iter().eq(first.iter().rev()));
    }
}

#[test]
fn an_expired_session_never_executes() {
    let mut server = Server::new(config(10));
    let session = born(&server, 1);
    let first = command(session, 1, reserve("bob", 1));
    server.one(&first);
    server.operate(delete("bob"));
    for _ in 0..7 {
        server.now_ms += 10_000;
        server.run(&[]);
    }
    assert_eq!(server.state.sessions_len(), 0);
    for number in 1..5 {
        assert_eq!(server.one(&Command { sequence: number, ..first.clone() }), Outcome::SessionExpired);
    }
    assert_eq!((server.state.left(), server.state.sessions_len()), (10, 0));
    // The same client in a new session is welcome.
    assert!(server.one(&Command { session: born(&server, 1), ..first }).is_success());
}

#[test]
fn age_counts_from_the_last_command() {
    let mut server = Server::new(config(10));
    let session = born(&server, 1);
    server.one(&command(session, 1, reserve("bob", 1)));
    for _ in 0..20 {
        server.now_ms += 10_000;
        server.one(&command(session, 1, reserve("bob", 1)));
    }
    assert_eq!(server.state.sessions_len(), 1);
    for _ in 0..6 {
        server.now_ms += 10_000;
        server.run(&[]);
    }
    assert_eq!(server.state.sessions_len(), 1, "at the age itself it is still there");
    server.now_ms += 1;
    server.run(&[]);
    assert_eq!(server.state.sessions_len(), 0);
}

#[test]
fn one_request_forgets_a_bounded_number_of_old_sessions() {
    let mut server = Server::new(Config { session_age_ms: 5000, ..config(10) });
    (0..FORGOTTEN_FOR_AGE_MAX as u64 + 10).for_each(|n| drop(server.operate(reserve("bob", n as u32 % 2))));
    server.now_ms += 6000;
    server.run(&[]);
    assert_eq!(server.state.sessions_len(), 10);
    server.run(&[]);
    assert_eq!(server.state.sessions_len(), 0);
}

#[test]
fn the_session_longest_without_a_command_makes_room() {
    let mut server = Server::new(Config { sessions_max: 2, ..config(10) });
    server.run(&[]);
    let [a, b, c] = [1, 2, 3].map(|random| SessionId { birth_ms: 1000 - random, random });
    let first = server.one(&command(a, 1, reserve("a", 1)));
    server.one(&command(b, 1, reserve("b", 1)));
    // A retry is a use as well: now b is the oldest, and all within one millisecond.
    assert_eq!(server.one(&command(a, 1, reserve("a", 1))), first);
    assert!(server.one(&command(c, 1, reserve("c", 1))).is_success());
    assert_eq!(server.state.sessions_len(), 2);
    assert_eq!(server.one(&command(a, 1, reserve("a", 1))), first);
    assert_eq!(server.one(&command(b, 1, reserve("b", 1))), Outcome::SessionExpired);
    server.state.check().unwrap();
}

#[test]
fn sessions_born_with_a_forgotten_one_stay_but_do_not_begin() {
    let mut server = Server::new(Config { sessions_max: 2, ..config(10) });
    server.run(&[]);
    let twins = [1, 2, 3, 4].map(|random| SessionId { birth_ms: 1000, random });
    let first = twins.map(|id| server.one(&command(id, 1, reserve(&format!("n{}", id.random), 1))));
    // The third one made the first go. The fourth was born with it and never seen: nobody can tell.
    assert!(first[..3].iter().all(Outcome::is_success));
    assert_eq!(first[3], Outcome::SessionExpired);
    assert_eq!(server.one(&command(twins[0], 1, reserve("n1", 1))), Outcome::SessionExpired);
    for at in [1, 2] {
        let retry = command(twins[at], 1, reserve(&format!("n{}", twins[at].random), 1));
        assert_eq!(server.one(&retry), first[at], "still known");
    }
    assert_eq!(server.state.left(), 7);
}

#[test]
fn a_birth_told_now_is_accepted_now_however_fast_sessions_go() {
    // The clock stands still and each session makes another one of the same millisecond go.
    let mut server = Server::new(Config { sessions_max: 1, ..config(10) });
    for random in 0..50 {
        let session = born(&server, random);
        assert!(!matches!(server.one(&command(session, 1, delete("x"))), Outcome::SessionExpired));
        assert!(server.state.time_ms() <= 1000 + random);
        server.state.check().unwrap();
    }
}

#[test]
fn a_session_from_the_future_is_refused() {
    let mut server = Server::new(config(10));
    server.run(&[]);
    for birth_ms in [1001, u64::MAX] {
        let session = SessionId { birth_ms, random: 1 };
        assert_eq!(server.one(&command(session, 1, reserve("bob", 1))), Outcome::SessionExpired);
    }
    // The request's own stamp counts.
    server.now_ms = 1001;
    assert!(server.one(&command(SessionId { birth_ms: 1001, random: 1 }, 1, reserve("bob", 1))).is_success());
}

#[test]
fn too_many_bytes_of_outcomes_forget_sessions_but_not_the_newest() {
    let limits = Limits { sessions_max: 100, outcomes_max: 10, bytes_max: 880, age_ms: 1000 };
    let mut sessions = Sessions::new(limits);
    let separate: Vec<_> = (1..100).map(|n| Seat(2 * n)).collect();
    let long = Kept::Taken(SeatRuns::from_seats(&separate).unwrap());
    for (random, kept) in [(1, Kept::Malformed), (2, Kept::Malformed), (3, long)] {
        let id = SessionId { birth_ms: 5, random };
        assert_eq!(sessions.admit(&command(id, 1, delete("x")), 0, 5), Admission::Execute);
        sessions.record(id, Record { sequence: 1, operation_hash: 0, kept });
        sessions.check(10).unwrap();
    }
    let ids: Vec<_> = sessions.by_id().iter().map(|(id, _)| id.random).collect();
    assert_eq!((ids, sessions.horizon_ms()), (vec![3], 6));
}

#[test]
fn room_for_outcomes_shrinks_after_a_burst() {
    let mut session = Session { answered_until: 0, last_used_ms: 0, use_number: 0, records: Vec::new() };
    for sequence in 1..=1000 {
        let at = session.find(sequence).unwrap_err();
        session.insert(at, Record { sequence, operation_hash: 0, kept: Kept::Malformed });
        assert!(session.records.capacity() < 2 * session.records.len().max(1));
    }
    session.forget_until(999);
    assert_eq!(session.records.len(), 1);
    assert!(session.records.capacity() <= 2);
}

#[test]
fn a_record_has_40_bytes_and_a_session_48() {
    // The memory that docs/sessions.md states follows from these.
    assert_eq!((size_of::<Record>(), size_of::<Session>()), (40, 48));
}

proptest! {
    /// Independent of any model: whatever is sent how often in whatever order, however few sessions and
    /// outcomes are kept, no number executes twice, and no answer changes except to "not known any more".
    #[test]
    fn no_number_executes_twice(
        sessions_max in 1u32..5,
        outcomes_per_session_max in 1u32..5,
        session_age_ms in 0u64..30,
        sent in proptest::collection::vec((0u64..6, 0u64..3, 1u64..6, 0u64..4, 0u64..8), 1..200),
    ) {
        let limited = Config { sessions_max, outcomes_per_session_max, session_age_ms, ..config(10) };
        let mut server = Server::new(limited);
        server.now_ms = 0;
        let mut answers = BTreeMap::new();
        for (birth_ms, random, sequence, answered_until, pause_ms) in sent {
            server.now_ms += pause_ms / 4;
            let session = SessionId { birth_ms: birth_ms * 4, random };
            // One name a number, and it is gone again at once: a second execution would book again.
            let who = format!("{session}/{sequence}");
            let outcome = server.one(&answered(session, sequence, answered_until, reserve(&who, 1)));
            if server.state.reservations_len() > 0 {
                prop_assert!(outcome.is_success());
                prop_assert!(answers.insert((session, sequence), outcome).is_none(), "executed twice");
                server.state.reservations.execute(u64::MAX, &delete(&who));
            } else if outcome.is_success() {
                prop_assert_eq!(answers.get(&(session, sequence)), Some(&outcome));
            } else {
                prop_assert!(matches!(outcome, Outcome::SessionExpired | Outcome::SequenceForgotten));
            }
            prop_assert_eq!(server.state.check(), Ok(()));
        }
    }
}
