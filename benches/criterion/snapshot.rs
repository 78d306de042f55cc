//! A picture of a state with 100,000 reservations: taken, written, read.

use super::load::{Running, config};
use boxoffice::domain::state::State;
use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;

const RESERVATIONS: u64 = 100_000;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("snapshot");
    let state = Running::with_reservations(RESERVATIONS).state;
    let mut bytes = Vec::new();
    state.freeze().write(&mut bytes).expect("memory");
    group.bench_function("freeze", |bencher| bencher.iter(|| state.freeze()));
    group.sample_size(20).throughput(Throughput::Elements(RESERVATIONS));
    let image = state.freeze();
    group.bench_function("encode", |bencher| {
        bencher.iter_batched(
            || (image.clone(), Vec::with_capacity(bytes.len())),
            |(image, mut out)| {
                black_box(image).write(&mut out).expect("memory");
                out
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("decode", |bencher| {
        bencher.iter_with_large_drop(|| {
            State::read(config(100_000), &mut black_box(&bytes[..])).expect("it was written above")
        });
    });
    group.finish();
}
