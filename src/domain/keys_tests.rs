//! Asked for again from another session: told the same, or refused, and never executed twice.

use super::*;
use crate::domain::command::{Command, Operation};
use crate::domain::outcome::Outcome;
use crate::domain::state::{Config, State};
use crate::domain::testing::*;

fn limited(keys_max: u32, age_ms: u64) -> Config {
    Config { keys: KeyLimits { keys_max, age_ms }, ..config(10) }
}

fn owned(owner: Option<&str>, text: &str) -> Key {
    Key { owner: owner.map(|id| id.parse().unwrap()), text: text.parse().unwrap() }
}

/// As it comes over HTTP: each try has a session of its own.
fn ask(server: &mut Server, key: &Key, operation: Operation) -> Outcome {
    let session = crate::domain::ids::SessionId { birth_ms: server.state.time_ms(), random: server.position };
    let command = Command { session, sequence: 1, answered_until: 0, operation, key: Some(key.clone()) };
    let outcome = server.one(&command);
    assert_eq!(server.one(&command), outcome, "a retry in the session is told the same");
    server.state.check().unwrap();
    outcome
}

#[test]
fn the_same_key_and_operation_are_told_the_first_outcome_word_for_word() {
    let mut server = Server::new(config(10));
    for (at, operation) in [
        reserve("bob", 2),
        reserve("bob", 2),
        reserve("ann", 9),
        delete("bob"),
        delete("bob"),
        reserve("eve", 0),
    ]
    .into_iter()
    .enumerate()
    {
        let key = owned(None, &format!("k{at}"));
        let first = ask(&mut server, &key, operation.clone());
        server.operate(reserve(&format!("guest{at}"), 1));
        let left = server.state.left();
        assert_eq!(ask(&mut server, &key, operation), first);
        assert_eq!(server.state.left(), left, "nothing was executed");
    }
}

#[test]
fn a_key_with_another_operation_is_refused() {
    let mut server = Server::new(config(10));
    let key = owned(None, "k");
    ask(&mut server, &key, reserve("bob", 2));
    assert_eq!(ask(&mut server, &key, reserve("bob", 3)), Outcome::KeyReused);
    assert_eq!(ask(&mut server, &key, delete("bob")), Outcome::KeyReused);
    assert_eq!(server.state.left(), 8);
    assert!(ask(&mut server, &key, reserve("bob", 2)).is_success(), "it is still the first one's");
}

#[test]
fn keys_of_different_people_are_different_keys() {
    let mut server = Server::new(config(10));
    for (owner, name) in [(None, "a"), (Some("TORC0001"), "b"), (Some("TORC0002"), "c")] {
        assert!(ask(&mut server, &owned(owner, "k"), reserve(name, 1)).is_success());
    }
    assert_eq!((server.state.left(), server.state.keys_len()), (7, 3));
}

#[test]
fn a_key_is_kept_for_its_age_and_no_longer() {
    let mut server = Server::new(limited(10, 5_000));
    let key = owned(None, "k");
    ask(&mut server, &key, reserve("bob", 1));
    server.now_ms += 5_000;
    assert_eq!(ask(&mut server, &key, delete("bob")), Outcome::KeyReused, "it has its age, and not more");
    server.now_ms += 1;
    assert!(ask(&mut server, &key, delete("bob")).is_success(), "nobody remembers it");
}

#[test]
fn without_room_for_a_key_nothing_is_executed_and_nothing_forgotten() {
    let mut server = Server::new(limited(2, 5_000));
    for (key, name) in [("k1", "ann"), ("k2", "bob")] {
        assert!(ask(&mut server, &owned(None, key), reserve(name, 1)).is_success());
    }
    assert_eq!(ask(&mut server, &owned(None, "k3"), reserve("cleo", 1)), Outcome::KeysFull);
    assert_eq!((server.state.left(), server.state.keys_len()), (8, 2));
    assert!(ask(&mut server, &owned(None, "k1"), reserve("ann", 1)).is_success());
    assert!(server.operate(reserve("dan", 1)).is_success(), "without a key there is room");
    server.now_ms += 5_001;
    assert!(ask(&mut server, &owned(None, "k3"), reserve("cleo", 1)).is_success());
}

#[test]
fn more_keys_than_one_request_forgets_leave_room_all_the_same() {
    let mut server = Server::new(limited(600, 1_000));
    for at in 0..600 {
        ask(&mut server, &owned(None, &format!("k{at}")), delete("nobody"));
    }
    server.now_ms += 1_001;
    let commands: Vec<Command> = (0..600)
        .map(|at| Command {
            session: crate::domain::ids::SessionId { birth_ms: server.state.time_ms(), random: 10_000 + at },
            sequence: 1,
            answered_until: 0,
            operation: delete("nobody"),
            key: Some(owned(None, &format!("n{at}"))),
        })
        .collect();
    assert!(server.run(&commands).iter().all(|outcome| *outcome != Outcome::KeysFull));
    server.state.check().unwrap();
}

#[test]
fn an_image_has_the_keys_in_their_order() {
    let mut server = Server::new(limited(3, 5_000));
    for (key, name) in [("z", "ann"), ("a", "bob"), ("m", "cleo")] {
        ask(&mut server, &owned(Some("TORC0001"), key), reserve(name, 1));
        server.now_ms += 1_000;
    }
    let bytes = server.bytes();
    server.state = State::read(limited(3, 5_000), &mut &bytes[..]).unwrap();
    assert_eq!(server.bytes(), bytes);
    let key = |text| owned(Some("TORC0001"), text);
    assert_eq!(ask(&mut server, &key("z"), delete("ann")), Outcome::KeyReused);
    server.now_ms += 2_001;
    assert!(ask(&mut server, &key("z"), delete("ann")).is_success(), "the oldest went first");
    assert_eq!(ask(&mut server, &key("a"), delete("ann")), Outcome::KeyReused);
}

#[test]
fn texts_that_are_no_keys_are_none() {
    for text in ["", " ", "a b", "k\u{eb}y", "a\n", "a\"", "x".repeat(KEY_CHARS_MAX + 1).as_str()] {
        assert!(text.parse::<KeyText>().is_err(), "{text:?}");
        let bytes = postcard::to_allocvec(text).unwrap();
        assert!(postcard::from_bytes::<KeyText>(&bytes).is_err(), "{text:?}");
    }
    assert!("x".repeat(KEY_CHARS_MAX).parse::<KeyText>().is_ok());
}
