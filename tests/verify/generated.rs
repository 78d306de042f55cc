//! What holds for every history, on many.

use crate::brute::is_linearizable;
use crate::builder::{Short, judge, judge_within};
use crate::generate::{Plan, history, spoil};
use boxoffice::verify::check::{Limits, Verdict, check};
use boxoffice::verify::history::Reply;
use boxoffice::verify::line::{parse, write_line};
use proptest::prelude::*;

const SMALL: Plan = Plan { calls: 6, clients: 3, names: 3, capacity: 4, unknown_per_mille: 150 };

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(200))]

    /// A seed that fails is printed; `history(plan, seed)` makes it again.
    #[test]
    fn what_a_server_did_is_right(
        seed: u64, clients in 1u64..33, names in 1u32..40, capacity in 1u32..60, unknown_per_mille in 0u32..20,
    ) {
        let history = history(Plan { calls: 300, clients, names, capacity, unknown_per_mille }, seed);
        prop_assert_eq!(judge(&history, capacity), Short::Right);
    }

    #[test]
    fn every_history_comes_back_from_its_lines(seed: u64) {
        let history = history(Plan { calls: 50, clients: 4, names: 5, capacity: 20, unknown_per_mille: 100 }, seed);
        let text: String = history.iter().map(|call| write_line(call) + "\n").collect();
        prop_assert_eq!(parse(&text).unwrap(), history);
    }
}

#[test]
fn spoilt_histories_are_judged_as_by_trying_every_order() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..4000 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut calls = history(SMALL, seed);
        for _ in 0..chance.u32(1..4) {
            spoil(&mut calls, &mut chance);
        }
        let expected = is_linearizable(&calls, SMALL.capacity);
        let verdict = judge(&calls, SMALL.capacity);
        assert_eq!(verdict == Short::Right, expected, "seed {seed}: {verdict:?}: {calls:#?}");
        assert_ne!(verdict, Short::Unclear, "seed {seed}");
        *if expected { &mut right } else { &mut wrong } += 1;
    }
    assert!(right > 800 && wrong > 800, "both kinds are there: {right} right, {wrong} wrong");
}

#[test]
fn one_wrong_answer_among_thousands_is_found_where_it_is() {
    let plan = Plan { calls: 3000, clients: 16, names: 30, capacity: 60, unknown_per_mille: 0 };
    for seed in 0..20 {
        let mut calls = history(plan, seed);
        let at = (1500..).find(|&at| matches!(&calls[at].end, Some(end) if end.reply.is_change())).unwrap();
        let Some(end) = &mut calls[at].end else { unreachable!("it was just found") };
        match &mut end.reply {
            // No order of calls gives these.
            Reply::Reserved(seats) => seats[0].0 += plan.capacity,
            Reply::Released { left, .. } => *left += plan.capacity,
            other => panic!("{other} is no change"),
        }
        let return_ns = end.return_ns;
        let Verdict::Violated(violation) = check(&calls, Some(plan.capacity), Limits::default()).unwrap()
        else {
            panic!("seed {seed}: a wrong answer is not seen");
        };
        // Nothing can be wrong before it began, nor stay hidden until long after it returned.
        let culprit = violation.culprit.call.end.as_ref().unwrap().return_ns;
        assert!(culprit >= calls[at].call_ns && culprit <= return_ns, "seed {seed}: {violation}");
    }
}

#[test]
fn the_effort_grows_with_the_length_and_hardly_with_the_width() {
    for clients in [8, 32] {
        let plan = Plan { calls: 10_000, clients, names: 60, capacity: 100, unknown_per_mille: 0 };
        let calls = history(plan, 7);
        match check(&calls, Some(plan.capacity), Limits::default()).unwrap() {
            Verdict::Linearizable(orders) => {
                let effort = orders[0].configurations;
                assert!(effort < 4 * plan.calls, "{clients} clients: {effort} configurations");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_search_that_is_stopped_says_neither_right_nor_wrong() {
    let calls = history(Plan { calls: 400, clients: 16, names: 20, capacity: 40, unknown_per_mille: 0 }, 1);
    for limits in [
        Limits { configurations_max: 20, ..Limits::default() },
        Limits { trials_max: 200, ..Limits::default() },
    ] {
        assert_eq!(judge_within(&calls, 40, limits), Short::Unclear);
    }
}
