//! Images: there and back, canonical, isolated from later writes, and robust.

use super::*;
use crate::domain::command::Command;
use crate::domain::kept::Kept;
use crate::domain::testing::*;
use proptest::prelude::*;

fn read(capacity: u32, mut bytes: &[u8]) -> Result<State, ReadError> {
    State::read(config(capacity), &mut bytes)
}

/// A server with reservations, sessions and outcomes of every kind.
fn busy() -> Server {
    let mut server = Server::new(config(20));
    for operation in [
        reserve("bob", 2),
        reserve_seats("ann", &[5, 7, 9]),
        reserve("ann", 1),
        reserve_seats("cleo", &[4, 5, 7]),
        reserve_seats("cleo", &[20, 21]),
        reserve("dan", 30),
        reserve("dan", 0),
        reserve("dan", 4),
        delete("dan"),
        delete("eve"),
    ] {
        server.now_ms += 7;
        server.operate(operation);
    }
    server
}

#[test]
fn a_state_comes_back_as_it_was() {
    let server = busy();
    let bytes = server.bytes();
    let mut input: &[u8] = &[&bytes[..], b"what follows"].concat();
    let back = State::read(config(20), &mut input).unwrap();
    assert_eq!(input, b"what follows", "not a byte more is read");
    back.check().unwrap();
    assert_eq!(image_bytes(&back), bytes);
    assert_eq!(format!("{back:?}"), format!("{:?}", server.state));
}

#[test]
fn the_empty_state_comes_back() {
    let bytes = Server::new(config(0)).bytes();
    assert_eq!(image_bytes(&read(0, &bytes).unwrap()), bytes);
}

#[test]
fn writes_after_the_picture_are_not_in_it() {
    let mut server = busy();
    let (image, bytes) = (server.state.freeze(), server.bytes());
    server.now_ms += 1000;
    for operation in [delete("bob"), delete("ann"), reserve("ann", 1), reserve("new", 3)] {
        server.operate(operation);
    }
    assert_eq!(image.position(), 10);
    let mut later = Vec::new();
    image.write(&mut later).unwrap();
    assert!(later == bytes);
    assert!(server.bytes() != bytes);
    server.state.check().unwrap();
}

#[test]
fn the_same_state_has_the_same_bytes_whatever_its_past() {
    let (mut up, mut down) = (Server::new(config(5000)), Server::new(config(5000)));
    let operation = |n: u32| reserve_seats(&format!("name {n}"), &[n, n + 1000]);
    let batch = |order: &mut dyn Iterator<Item = u32>| -> Vec<Command> {
        let session = SessionId { birth_ms: 1000, random: 1 };
        let command = |(at, n)| Command {
            session,
            sequence: at as u64 + 1,
            answered_until: 0,
            operation: operation(n),
            key: None,
        };
        order.enumerate().map(command).collect()
    };
    up.run(&batch(&mut (1..1000)));
    down.run(&batch(&mut (1..1000).rev()));
    // The outcomes of the two orders are settled, so nothing tells of them any more.
    for server in [&mut up, &mut down] {
        let session = SessionId { birth_ms: 1000, random: 1 };
        server.one(&Command {
            session,
            sequence: 1001,
            answered_until: 1000,
            operation: reserve("last", 1),
            key: None,
        });
    }
    assert!(up.bytes() == down.bytes());
}

#[test]
fn another_configuration_is_refused() {
    let bytes = busy().bytes();
    assert!(matches!(read(21, &bytes), Err(ReadError::OtherConfig { .. })));
    let mut other = config(20);
    other.session_age_ms += 1;
    assert!(matches!(State::read(other.clone(), &mut &bytes[..]), Err(ReadError::OtherConfig { .. })));
    other.sessions_max = 0;
    assert!(matches!(State::read(other, &mut &bytes[..]), Err(ReadError::InvalidConfig(_))));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = busy().bytes();
    for length in 0..bytes.len() {
        assert!(matches!(read(20, &bytes[..length]), Err(ReadError::Io(_))), "{length}");
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_a_sound_state() {
    let bytes = busy().bytes();
    let mut errors = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match read(20, &flipped) {
            Ok(state) => state.check().unwrap(),
            Err(_) => errors += 1,
        }
    }
    assert!(
        errors > bytes.len(),
        "most damage is seen even without checksums: {errors} of {}",
        bytes.len() * 8
    );
}

#[test]
fn a_length_that_lies_costs_no_memory() {
    let mut bytes = RECORD_BYTES_MAX.to_le_bytes().to_vec();
    bytes.extend_from_slice(&[0; 10]);
    assert!(matches!(read(20, &bytes), Err(ReadError::Io(_))));
    let bytes = (RECORD_BYTES_MAX + 1).to_le_bytes();
    assert!(matches!(read(20, &bytes), Err(ReadError::Damaged(_))));
}

/// An image with these reservations.
fn forged(reservations: &[(&str, u64, &[u32])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = RecordWriter { out: BufWriter::new(&mut bytes), bytes: Vec::new() };
    let header: Header = (MAGIC, config(20), 5, 1000, 0, [reservations.len() as u64, 0, 0]);
    out.write(&header).unwrap();
    for (who, made_at, numbers) in reservations {
        out.write(&(name(who), *made_at, SeatRuns::from_seats(&seats(numbers)).unwrap())).unwrap();
    }
    no_events().write(&mut out).unwrap();
    drop(out);
    bytes
}

fn no_events() -> EventsImage {
    EventsImage::of(&State::new(config(1)).events)
}

#[test]
fn content_that_no_state_has_is_refused() {
    // A theatre of 20 seats has one shard: the order is that of the names.
    read(20, &forged(&[("ann", 1, &[1]), ("bob", 5, &[2, 20])])).unwrap().check().unwrap();
    let bad: [&[(&str, u64, &[u32])]; 7] = [
        &[("ann", 1, &[1]), ("bob", 2, &[1])],
        &[("bob", 1, &[1]), ("ann", 2, &[2])],
        &[("ann", 1, &[1]), ("ann", 2, &[2])],
        &[("ann", 1, &[21])],
        &[("ann", 1, &[0])],
        &[("ann", 0, &[1])],
        &[("ann", 6, &[1])],
    ];
    for reservations in bad {
        assert!(matches!(read(20, &forged(reservations)), Err(ReadError::Damaged(_))), "{reservations:?}");
    }
}

#[test]
fn sessions_that_no_state_has_are_refused() {
    /// Id, answered until, last used, numbers of its outcomes.
    type Forged<'a> = (SessionId, u64, u64, &'a [u64]);
    let id = |birth_ms, random| SessionId { birth_ms, random };
    let small = Config { sessions_max: 2, outcomes_per_session_max: 2, ..config(20) };
    let read = |sessions: &[Forged]| {
        let mut bytes = Vec::new();
        let mut out = RecordWriter { out: BufWriter::new(&mut bytes), bytes: Vec::new() };
        let header: Header = (MAGIC, small.clone(), 5, 1000, 100, [0, sessions.len() as u64, 0]);
        out.write(&header).unwrap();
        no_events().write(&mut out).unwrap();
        for &(id, answered_until, last_used_ms, numbers) in sessions {
            out.write(&(id, answered_until, last_used_ms, numbers.len() as u64)).unwrap();
            for &sequence in numbers {
                out.write(&Record { sequence, operation_hash: 0, kept: Kept::Malformed }).unwrap();
            }
        }
        drop(out);
        State::read(small.clone(), &mut &bytes[..])
    };
    let good = (id(5, 1), 3, 900, &[4, 9][..]);
    read(&[good, (id(5, 2), 0, 1000, &[])]).unwrap().check().unwrap();
    let bad: [&[Forged]; 9] = [
        &[good, good],
        &[good, (id(5, 2), 0, 1000, &[]), (id(5, 3), 0, 1000, &[])],
        &[good, (id(5, 2), 0, 899, &[])],
        &[(id(5, 2), 0, 1001, &[])],
        &[(id(901, 2), 0, 900, &[])],
        &[(id(5, 2), 0, 900, &[1, 2, 3])],
        &[(id(5, 2), 0, 900, &[2, 1])],
        &[(id(5, 2), 0, 900, &[1, 1])],
        &[(id(5, 2), 3, 900, &[3])],
    ];
    for sessions in bad {
        assert!(matches!(read(sessions), Err(ReadError::Damaged(_))), "{sessions:?}");
    }
}

proptest! {
    #[test]
    fn a_state_read_back_goes_on_like_the_original(
        before in proptest::collection::vec((any_command(), 0u64..3000), 0..60),
        after in proptest::collection::vec((any_command(), 0u64..3000), 0..60),
    ) {
        let small = Config { sessions_max: 3, outcomes_per_session_max: 4, session_age_ms: 9000, ..config(20) };
        let mut server = Server::new(small.clone());
        server.now_ms = 10;
        for (command, pause_ms) in before {
            server.now_ms += pause_ms / 100;
            server.one(&command);
        }
        let bytes = server.bytes();
        let mut back = server.clone();
        back.state = State::read(small, &mut &bytes[..]).unwrap();
        back.state.check().unwrap();
        prop_assert!(back.bytes() == bytes);
        for (command, pause_ms) in after {
            server.now_ms += pause_ms;
            back.now_ms += pause_ms;
            prop_assert_eq!(server.one(&command), back.one(&command));
        }
        prop_assert!(server.bytes() == back.bytes());
    }

    #[test]
    fn any_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(20, &bytes).is_err());
    }
}
