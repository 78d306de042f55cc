//! Batches executed in a theatre of 1,000,000 seats with 100,000 reservations, and a search in it. For each reservation
//! a deletion, so that the theatre stays as it is however long it is measured.

use super::load::{Running, batch, command, delete, name, reserve};
use boxoffice::domain::command::Query;
use boxoffice::domain::outcome::Outcome;
use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;

const RESERVATIONS: u64 = 100_000;

/// What is asked next: reservations of new names and deletions of the oldest, in turns.
struct Asked {
    commands: u64,
}

impl Asked {
    fn batch(&mut self, commands: u64) -> Bytes {
        let operation = |number: u64| match number % 2 {
            0 => delete((number - RESERVATIONS) / 2),
            _ => reserve(RESERVATIONS + (number - RESERVATIONS) / 2),
        };
        let numbers = self.commands..self.commands + commands;
        self.commands += commands;
        batch(numbers.map(|number| command(number, operation(number))))
    }
}

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply");
    let mut running = Running::with_reservations(RESERVATIONS);
    let mut asked = Asked { commands: RESERVATIONS };
    for commands in [1, 64, 1024] {
        group.throughput(Throughput::Elements(commands));
        group.bench_function(BenchmarkId::new("commands", commands), |bencher| {
            bencher.iter_batched(
                || asked.batch(commands),
                |batch| running.apply(black_box(&batch), 0),
                BatchSize::SmallInput,
            );
            running.assert_all(Outcome::is_success);
        });
    }
    group.throughput(Throughput::Elements(1));
    let mut number = 0;
    group.bench_function("search", |bencher| {
        bencher.iter_batched(
            || {
                number = (number + 7919) % (2 * RESERVATIONS);
                Query::Search { name: name(number) }
            },
            |query| running.state.query(black_box(&query)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}
