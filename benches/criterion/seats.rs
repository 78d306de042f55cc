//! Two seats taken and given back, so that every repetition finds the same theatre.

use boxoffice::domain::ids::Seat;
use boxoffice::domain::runs::SeatRuns;
use boxoffice::domain::seats::SeatSet;
use criterion::{BenchmarkId, Criterion};
use std::hint::black_box;

fn runs(seats: impl Iterator<Item = u32>) -> SeatRuns {
    SeatRuns::from_seats(&seats.map(Seat).collect::<Vec<_>>()).expect("ascending")
}

/// Every second seat is free: no two of them adjacent.
fn apart(capacity: u32) -> SeatSet {
    let mut set = SeatSet::new(capacity);
    set.take(&runs((1..=capacity).filter(|seat| seat % 2 == 0)));
    set
}

/// Every second seat is free, and the last two: adjacent ones are as far off as can be.
fn adjacent_at_the_end(capacity: u32) -> SeatSet {
    let mut set = apart(capacity);
    set.release(&runs(std::iter::once(capacity)));
    set
}

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seats");
    for capacity in [100, 1_000, 10_000, 100_000, 1_000_000] {
        for (what, mut set) in [
            ("empty", SeatSet::new(capacity)),
            ("apart", apart(capacity)),
            ("end", adjacent_at_the_end(capacity)),
        ] {
            group.bench_function(BenchmarkId::new(what, capacity), |bencher| {
                bencher.iter(|| {
                    let seats = set.pick(black_box(2)).expect("seats are free");
                    set.take(&seats);
                    set.release(black_box(&seats));
                });
            });
        }
    }
    // The longest answer of a fragmented theatre that people ask for.
    let mut set = apart(1_000_000);
    group.bench_function("10 apart/1000000", |bencher| {
        bencher.iter(|| {
            let seats = set.pick(black_box(10)).expect("seats are free");
            set.take(&seats);
            set.release(black_box(&seats));
        });
    });
    group.finish();
}
