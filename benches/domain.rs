//! How long the state machine takes in the largest theatre, and how much memory: `cargo bench --bench domain`; with
//! 10,000 events and 1,000,000 bookings: `... -- --events`; with ten times as many: `... -- --full`; each of them another
//! guest's instead of customers': `... -- --full --guests`.
//!
//! Plain measuring instead of a framework: what matters is the slowest case and the memory, not a trend (that is
//! `criterion.rs`). Each line gives the mean and the 99.9th percentile of single calls; reading the clock (about
//! 30 ns) is part of both.
#![allow(missing_docs, reason = "a program")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock and prints"
)]

use boxoffice::domain::batch::BatchBuilder;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::{Name, SEATS_MAX, SessionId};
use boxoffice::domain::state::{Config, State};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn config() -> Config {
    Config {
        capacity: SEATS_MAX,
        sessions_max: 200_000,
        session_age_ms: 3_600_000,
        outcomes_per_session_max: 256,
        time_step_ms_max: 60_000,
        keys: Default::default(),
        events: EventsConfig::default().into(),
    }
}

#[path = "domain/events.rs"]
mod events;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let guests = has("--guests");
    if has("--full") {
        return events::run(events::Size { events: 100_000, bookings: 10_000_000, guests });
    }
    if has("--events") {
        return events::run(events::Size { events: 10_000, bookings: 1_000_000, guests });
    }
    // Nothing is given back before the end: memory that is used again could not be measured.
    let kept = (sessions(), reservations(), pictures());
    drop(kept);
}

/// Times of single calls.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn of<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = black_box(call());
        self.0.push(start.elapsed());
        result
    }

    fn print(mut self, what: &str) {
        self.0.sort();
        let mean = self.0.iter().sum::<Duration>() / self.0.len() as u32;
        let tail = self.0[(self.0.len() - 1) * 999 / 1000];
        println!("{what:<62} {mean:>10.2?} mean {tail:>10.2?} p99.9");
    }
}

fn reserve(number: u64, sequence: u64, count: u32) -> Command {
    Command {
        session: SessionId { birth_ms: 0, random: sequence / 100 },
        sequence,
        answered_until: sequence.saturating_sub(10),
        operation: Operation::Reserve { name: name(number), count },
        key: None,
    }
}

fn name(number: u64) -> Name {
    // Ten characters, in no order.
    format!("{:010}", number.wrapping_mul(7_654_321) % 10_000_000_000).parse().expect("a name")
}

fn batch(commands: impl Iterator<Item = Command>) -> bytes::Bytes {
    let mut batch = BatchBuilder::new();
    commands.for_each(|command| batch.push(&command).expect("short"));
    batch.finish()
}

/// Sells the whole theatre, two seats a name, and then goes on where it is full of holes.
fn reservations() -> State {
    let mut state = State::new(config());
    let before = resident_bytes();
    let (mut position, mut sequence, mut outcomes) = (0, 0, Vec::new());
    for part in ["empty to half sold", "half sold to full"] {
        let mut times = Times::default();
        for _ in 0..250_000 {
            sequence += 1;
            let batch = batch([reserve(sequence, sequence, 2)].into_iter());
            position += 1;
            outcomes.clear();
            times.of(|| state.apply(position, position / 10, &batch, &mut outcomes));
            assert!(outcomes[0].is_success());
        }
        times.print(&format!("apply, one reservation of 2 a batch, {part}"));
    }
    let used = resident_bytes() - before;
    let (held, kept) = (state.reservations_len(), state.sessions_len());
    println!(
        "{held} reservations of 2 and {kept} sessions of 10 outcomes: {} bytes a reservation",
        used / held
    );

    // One seat in a hundred comes free, alone.
    let mut times = Times::default();
    for number in (1..=500_000).step_by(50) {
        sequence += 1;
        let operation = Operation::Delete { name: name(number) };
        let batch = batch([Command { operation, ..reserve(0, sequence, 1) }].into_iter());
        position += 1;
        times.of(|| state.apply(position, position / 10, &batch, &mut outcomes));
    }
    times.print("apply, one deletion a batch, full theatre");
    let mut times = Times::default();
    for count in [3, 1].into_iter().cycle().take(9_000) {
        sequence += 1;
        let batch = batch([reserve(1_000_000 + sequence, sequence, count)].into_iter());
        position += 1;
        outcomes.clear();
        times.of(|| state.apply(position, position / 10, &batch, &mut outcomes));
        assert!(outcomes[0].is_success());
    }
    times.print("apply, 3 separate or 1 seat a batch, 98 % sold, fragmented");
    state
}

/// Pictures of the full theatre with 1,000,000 reservations.
fn pictures() -> State {
    let mut state = State::new(config());
    let before = resident_bytes();
    let mut outcomes = Vec::new();
    for position in 1..=1000 {
        let from = position * 1000 - 999;
        let bytes = batch((from..from + 1000).map(|number| reserve(number, number, 1)));
        outcomes.clear();
        state.apply(position, position, &bytes, &mut outcomes);
    }
    assert_eq!(state.reservations_len(), 1_000_000);
    let used = resident_bytes() - before;
    println!("1,000,000 reservations of 1 and 10,001 sessions of 10 outcomes: {} MB", used / 1_000_000);
    let mut times = Times::default();
    let mut touched = Times::default();
    for position in 1001..1101 {
        let image = times.of(|| state.freeze());
        let bytes = batch([reserve(position, 1_000_000 + position, 1)].into_iter());
        let delete = batch(
            [Command {
                operation: Operation::Delete { name: name(position) },
                ..reserve(0, 2_000_000 + position, 1)
            }]
            .into_iter(),
        );
        touched.of(|| state.apply(2 * position, position, &delete, &mut outcomes));
        state.apply(2 * position + 1, position, &bytes, &mut outcomes);
        drop(image);
    }
    times.print("freeze, 1,000,000 reservations");
    touched.print("apply, one deletion a batch, right after a freeze");
    state
}

/// A table full of sessions with one outcome, then one that makes another go each time.
fn sessions() -> State {
    let mut state = State::new(config());
    let command = |random, birth_ms| Command {
        session: SessionId { birth_ms, random },
        sequence: 1,
        answered_until: 0,
        operation: Operation::Delete { name: name(1) },
        key: None,
    };
    let before = resident_bytes();
    let mut position = 0;
    for n in 0..u64::from(config().sessions_max) {
        position += 1;
        state.apply(position, position, &batch([command(n, position)].into_iter()), &mut Vec::new());
    }
    let used = resident_bytes() - before;
    println!(
        "{} sessions of 1 outcome: {} bytes a session",
        state.sessions_len(),
        used / state.sessions_len()
    );
    let mut times = Times::default();
    for n in 0..100_000 {
        position += 1;
        let batch = batch([command(n, position)].into_iter());
        times.of(|| state.apply(position, position, &batch, &mut Vec::new()));
    }
    times.print("apply, one new session a batch, full table");
    let start = Instant::now();
    let events = Arc::new(EventsConfig { events_max: 10, bookings_max: 100, ..EventsConfig::default() });
    let small = || Config { capacity: 4, sessions_max: 100, events: events.clone(), ..config() };
    let many: Vec<State> = (0..1000).map(|_| State::new(small())).collect();
    let new = start.elapsed() / 1000;
    let start = Instant::now();
    let clones: Vec<State> = many.to_vec();
    println!("a theatre of 4 seats: made in {new:.2?}, cloned in {:.2?}", start.elapsed() / 1000);
    drop(clones);
    state
}

/// Resident memory of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).expect("resident").parse().expect("a number");
    pages * 4096
}
