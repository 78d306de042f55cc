//! The table of sessions, by commands that find nothing to delete: what is left is decoding and the table. All in a full
//! table of 100,000 sessions.

use super::load::{Running, batch, delete};
use boxoffice::domain::command::Command;
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::outcome::Outcome;
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;

const SESSIONS: u64 = 100_000;
const COMMANDS: u64 = 64;

fn command(session: u64, sequence: u64) -> Command {
    Command {
        session: SessionId { birth_ms: 0, random: session },
        sequence,
        answered_until: sequence - 1,
        operation: delete(1),
        key: None,
    }
}

/// A batch from a row of commands in which every session has its turn before any has another; sessions lie all over
/// the table.
fn turns(first: u64) -> Bytes {
    batch((first..first + COMMANDS).map(|n| command(n % SESSIONS * 7919 % SESSIONS, n / SESSIONS + 1)))
}

fn full() -> Running {
    let mut running = Running::new(SESSIONS as u32);
    for first in (0..SESSIONS).step_by(1000) {
        running.apply(&batch((first..first + 1000).map(|session| command(session, 1))), 0);
    }
    assert_eq!(running.state.sessions_len() as u64, SESSIONS);
    running
}

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sessions");
    group.throughput(Throughput::Elements(COMMANDS));
    let mut running = full();
    let mut first = 0;
    group.bench_function("known outcome", |bencher| {
        bencher.iter_batched(
            || {
                first = (first + COMMANDS) % (SESSIONS - COMMANDS);
                turns(first)
            },
            |batch| running.apply(black_box(&batch), 0),
            BatchSize::SmallInput,
        );
    });
    let mut commands = SESSIONS;
    group.bench_function("next command", |bencher| {
        bencher.iter_batched(
            || {
                commands += COMMANDS;
                turns(commands - COMMANDS)
            },
            |batch| running.apply(black_box(&batch), 0),
            BatchSize::SmallInput,
        );
        running.assert_all(|outcome| matches!(outcome, Outcome::NoReservation { .. }));
    });
    let mut session = SESSIONS;
    group.bench_function("new in a full table", |bencher| {
        bencher.iter_batched(
            || {
                session += COMMANDS;
                // Born when the one that goes is forgotten: the time moves by a millisecond for each.
                let birth_ms = session - SESSIONS;
                let one = |random| Command { session: SessionId { birth_ms, random }, ..command(0, 1) };
                (birth_ms, batch((session..session + COMMANDS).map(one)))
            },
            |(time_ms, batch)| running.apply(black_box(&batch), time_ms),
            BatchSize::SmallInput,
        );
        assert_eq!(running.state.sessions_len() as u64, SESSIONS);
        running.assert_all(|outcome| matches!(outcome, Outcome::NoReservation { .. }));
    });
    expire(&mut group);
    group.finish();
}

/// A request after an hour without one: it forgets as many sessions as one request may.
fn expire(group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    const FORGOTTEN: u64 = 256;
    const HOUR_MS: u64 = 3_600_001;
    group.throughput(Throughput::Elements(FORGOTTEN));
    group.bench_function("expired", |bencher| {
        bencher.iter_batched_ref(
            || {
                let mut running = Running::new(SESSIONS as u32);
                running.apply(&batch((0..FORGOTTEN).map(|session| command(session, 1))), 0);
                // The time moves by a minute at most; the hour is over with the request that is measured.
                let mut time_ms = 0;
                while time_ms + 60_000 < HOUR_MS {
                    time_ms += 60_000;
                    running.apply(&[], time_ms);
                }
                assert_eq!(running.state.sessions_len() as u64, FORGOTTEN);
                running
            },
            |running| {
                running.apply(black_box(&[]), HOUR_MS);
                assert_eq!(running.state.sessions_len(), 0);
            },
            BatchSize::LargeInput,
        );
    });
}
