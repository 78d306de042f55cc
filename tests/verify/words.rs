//! What a person reads: the reason why a history is wrong, and what keeps one from being judged.

use crate::builder::*;
use boxoffice::verify::check::{Limits, Verdict, check};
use boxoffice::verify::history::Call;

fn in_words(history: &[Call]) -> String {
    match check(history, Some(9), Limits::default()).unwrap() {
        Verdict::Violated(violation) => violation.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stale_read_is_told_with_what_made_it_stale() {
    let history = [
        reserve("ann", 2).at(1_000_000, 2_000_000).told(reserved(&[1, 2])),
        reserve("bob", 1).at(1_000_000, 3_000_000).told(reserved(&[3])),
        delete("ann").at(4_000_000, 5_500_000).told(released(2, 8)),
        reserve("eve", 1).unknown_since(6_000_000),
        search("ann").at(7_000_000, 8_000_000).told(found(&[1, 2])),
        search("bob").at(8_100_000, 9_000_000).told(found(&[3])),
    ];
    assert_eq!(
        in_words(&history),
        "no order of the first 5 calls of \"theatre\" explains what they were told; without the answer of the last to \
         return there is one.\n\
         It was told:\n  call 5, client 1, from 7.000000 ms to 8.000000 ms: search ann: it holds 1,2\n\
         It had to be told: it holds nothing.\n\
         At the same time:\n  call 4, client 1, from 6.000000 ms on, without an answer: reserve eve 1\n\
         Before it, about the same:\n  \
         call 1, client 1, from 1.000000 ms to 2.000000 ms: reserve ann 2: reserved 1,2\n  \
         call 3, client 1, from 4.000000 ms to 5.500000 ms: delete ann: 2 released, 8 left"
    );
}

#[test]
fn every_answer_that_would_have_been_right_is_told() {
    let history = [reserve("ann", 1).at(0, 9).told(reserved(&[1])), search("ann").at(1, 2).told(found(&[7]))];
    let words = in_words(&history);
    assert!(words.contains("It had to be told: it holds 1; or: it holds nothing."), "{words}");
}

#[test]
fn events_are_judged_apart() {
    let elsewhere = |mut call: Call| {
        call.event = "matinee".to_owned();
        call
    };
    let here = reserve("ann", 1).at(0, 1).told(reserved(&[1]));
    let there = elsewhere(reserve("bob", 1).at(2, 3).told(reserved(&[1])));
    assert_eq!(judge(&[here.clone(), there.clone()], 9), Short::Right);
    let wrong = elsewhere(search("ann").at(4, 5).told(found(&[1])));
    assert!(in_words(&[here, there, wrong]).contains("calls of \"matinee\""));
}

#[test]
fn a_seat_map_tells_how_many_seats_there_are() {
    let ann = || reserve("ann", 5).at(0, 1).told(reserved(&[1, 2, 3, 4, 5]));
    let error = check(&[ann()], None, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "how many seats \"theatre\" has is not known: no call got its seat map");
    let shown = [ann(), map().at(2, 3).told(taken(&[1, 2, 3, 4, 5], 1))];
    match check(&shown, None, Limits::default()).unwrap() {
        Verdict::Linearizable(orders) => assert_eq!(orders[0].capacity, 6),
        other => panic!("{other:?}"),
    }
    let grown = [shown.as_slice(), &[map().at(4, 5).told(taken(&[1, 2, 3, 4, 5], 2))]].concat();
    assert!(matches!(check(&grown, None, Limits::default()).unwrap(), Verdict::Violated(_)));
    let huge = [map().at(0, 1).told(taken(&[], u32::MAX))];
    assert!(check(&huge, None, Limits::default()).unwrap_err().to_string().contains("at most 1000000"));
}

#[test]
fn a_call_without_sense_is_named() {
    let mut call = search("ann").at(5, 9).told(NOTHING);
    call.call_ns = 10;
    let error = check(&[map().at(0, 1).told(taken(&[], 9)), call], None, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "call 2: it returned before it was called");
}
