//! Histories made by hand, each about one thing.

use crate::brute::is_linearizable;
use crate::builder::*;
use boxoffice::verify::history::{Call, Reply};
use boxoffice::verify::line::{parse, write_line};

/// Judged by the checker, by the one that tries every order, and again from its lines.
#[track_caller]
fn is(expected: Short, capacity: u32, history: &[Call]) {
    assert_eq!(judge(history, capacity), expected);
    assert_eq!(is_linearizable(history, capacity), expected == Short::Right, "by trying every order");
    let text: String = history.iter().map(|call| write_line(call) + "\n").collect();
    assert_eq!(parse(&text).unwrap(), history);
}

#[track_caller]
fn right(capacity: u32, history: &[Call]) {
    is(Short::Right, capacity, history);
}

#[track_caller]
fn wrong(capacity: u32, history: &[Call]) {
    is(Short::Wrong, capacity, history);
}

#[test]
fn one_after_the_other_is_right() {
    right(
        3,
        &[
            reserve("a", 2).at(0, 1).told(reserved(&[1, 2])),
            reserve("b", 2).at(2, 3).told(Reply::NotEnough { left: 1 }),
            reserve("a", 1).at(4, 5).told(Reply::AlreadyBooked(seats(&[1, 2]))),
            search("a").at(6, 7).told(found(&[1, 2])),
            pick("b", &[2, 3]).at(8, 9).told(Reply::Taken(seats(&[2]))),
            pick("b", &[3, 4]).at(10, 11).told(Reply::NoSuchSeats { seats: seats(&[4]), capacity: 3 }),
            map().at(12, 13).told(taken(&[1, 2], 1)),
            delete("a").at(14, 15).told(released(2, 3)),
            delete("a").at(16, 17).told(NOTHING),
            search("a").at(18, 19).told(NOTHING),
        ],
    );
    right(1, &[]);
}

#[test]
fn a_seat_sold_to_two_is_wrong() {
    wrong(
        9,
        &[reserve("a", 2).at(0, 5).told(reserved(&[1, 2])), reserve("b", 1).at(0, 5).told(reserved(&[2]))],
    );
    wrong(9, &[pick("a", &[4]).at(0, 5).told(reserved(&[4])), pick("b", &[4]).at(0, 5).told(reserved(&[4]))]);
}

#[test]
fn a_seat_given_back_meanwhile_may_be_sold_again() {
    let ann = reserve("a", 1).at(0, 1).told(reserved(&[1]));
    let back = || delete("a").at(2, 6).told(released(1, 9));
    right(9, &[ann.clone(), back(), reserve("b", 1).at(3, 4).told(reserved(&[1]))]);
    right(9, &[ann.clone(), back(), reserve("b", 1).at(6, 7).told(reserved(&[1]))]);
    let late = delete("a").at(5, 6).told(released(1, 9));
    wrong(9, &[ann, late, reserve("b", 1).at(3, 4).told(reserved(&[1]))]);
}

#[test]
fn an_acknowledged_booking_that_is_gone_is_wrong() {
    let ann = || reserve("a", 1).at(0, 1).told(reserved(&[1]));
    wrong(9, &[ann(), search("a").at(2, 3).told(NOTHING)]);
    wrong(9, &[ann(), map().at(2, 3).told(taken(&[], 9))]);
    wrong(9, &[ann(), reserve("a", 1).at(2, 3).told(reserved(&[1]))]);
    wrong(9, &[ann(), delete("a").at(2, 3).told(NOTHING)]);
    wrong(9, &[ann(), reserve("b", 1).at(2, 3).told(reserved(&[1]))]);
}

#[test]
fn a_read_may_be_as_old_as_its_call_and_no_older() {
    let ann = || reserve("a", 1).at(0, 4).told(reserved(&[1]));
    right(9, &[ann(), search("a").at(3, 9).told(NOTHING)]);
    right(9, &[ann(), search("a").at(4, 9).told(NOTHING)]);
    right(9, &[ann(), search("a").at(1, 2).told(found(&[1]))]);
    wrong(9, &[ann(), search("a").at(5, 9).told(NOTHING)]);
}

#[test]
fn what_one_reader_has_seen_the_next_one_sees() {
    let ann = || reserve("a", 1).at(0, 9).told(reserved(&[1]));
    let new = |from, to| search("a").at(from, to).told(found(&[1]));
    let old = |from, to| search("a").at(from, to).told(NOTHING);
    wrong(9, &[ann(), new(1, 2), old(3, 4)]);
    right(9, &[ann(), old(1, 2), new(3, 4)]);
    right(9, &[ann(), new(1, 3), old(2, 4)]);
}

#[test]
fn two_readers_see_two_writes_in_one_order() {
    let writes =
        || [reserve("a", 1).at(0, 20).told(reserved(&[1])), pick("b", &[2]).at(0, 20).told(reserved(&[2]))];
    let first = [search("a").at(1, 2).told(found(&[1])), search("b").at(3, 4).told(NOTHING)];
    let second = [search("b").at(1, 2).told(found(&[2])), search("a").at(3, 4).told(NOTHING)];
    right(9, &[writes().as_slice(), &first].concat());
    right(9, &[writes().as_slice(), &second].concat());
    wrong(9, &[writes().as_slice(), &first, &second].concat());
}

#[test]
fn an_unknown_outcome_may_come_at_once_late_or_never() {
    let lost = || reserve("a", 1).unknown_since(0);
    right(9, &[lost(), search("a").at(1, 2).told(found(&[1]))]);
    right(9, &[lost(), search("a").at(1, 2).told(NOTHING), search("a").at(3, 4).told(found(&[1]))]);
    right(9, &[lost(), search("a").at(1, 2).told(NOTHING), reserve("b", 1).at(3, 4).told(reserved(&[1]))]);
    // Late, it takes what is the lowest then.
    right(
        9,
        &[lost(), reserve("b", 1).at(3, 4).told(reserved(&[1])), search("a").at(5, 6).told(found(&[2]))],
    );
    right(
        9,
        &[
            reserve("a", 1).at(0, 1).told(reserved(&[1])),
            delete("a").unknown_since(2),
            delete("a").at(3, 4).told(NOTHING),
        ],
    );
}

#[test]
fn an_unknown_outcome_that_was_seen_does_not_vanish() {
    let lost = || reserve("a", 1).unknown_since(0);
    let seen = || search("a").at(1, 2).told(found(&[1]));
    wrong(9, &[lost(), seen(), search("a").at(3, 4).told(NOTHING)]);
    wrong(9, &[lost(), seen(), reserve("b", 1).at(3, 4).told(reserved(&[1]))]);
    right(
        9,
        &[lost(), seen(), delete("a").at(3, 4).told(released(1, 9)), search("a").at(5, 6).told(NOTHING)],
    );
    // Nor does it come twice.
    wrong(9, &[lost(), delete("a").at(3, 4).told(released(1, 9)), search("a").at(5, 6).told(found(&[1]))]);
}

#[test]
fn nothing_comes_before_it_was_asked_for() {
    wrong(9, &[search("a").at(0, 1).told(found(&[1])), reserve("a", 1).unknown_since(2)]);
    wrong(9, &[search("a").at(0, 1).told(found(&[1])), reserve("a", 1).at(2, 3).told(reserved(&[1]))]);
    right(9, &[search("a").at(0, 1).told(found(&[1])), reserve("a", 1).at(1, 3).told(reserved(&[1]))]);
}

#[test]
fn a_deletion_is_answered_once() {
    let ann = || reserve("a", 2).at(0, 1).told(reserved(&[1, 2]));
    let gone = || delete("a").at(2, 9).told(released(2, 9));
    wrong(9, &[ann(), gone(), gone()]);
    right(9, &[ann(), gone(), delete("a").at(2, 9).told(NOTHING)]);
    wrong(9, &[ann(), delete("a").at(2, 9).told(NOTHING), delete("a").at(2, 9).told(NOTHING)]);
}

#[test]
fn a_command_that_was_executed_twice_is_wrong() {
    // "She has booked already" to a first request: its first try was executed, and the second one again.
    wrong(9, &[reserve("a", 1).at(0, 9).told(Reply::AlreadyBooked(seats(&[1])))]);
    // Two reservations of one name, by one request.
    wrong(9, &[reserve("a", 1).at(0, 9).told(reserved(&[1])), map().at(10, 11).told(taken(&[1, 2], 7))]);
}

#[test]
fn numbers_in_answers_must_add_up() {
    let ann = || reserve("a", 2).at(0, 1).told(reserved(&[1, 2]));
    wrong(9, &[ann(), delete("a").at(2, 3).told(released(2, 8))]);
    wrong(9, &[ann(), delete("a").at(2, 3).told(released(1, 9))]);
    wrong(9, &[ann(), map().at(2, 3).told(taken(&[1, 2], 8))]);
    wrong(3, &[ann(), reserve("b", 2).at(2, 3).told(Reply::NotEnough { left: 2 })]);
    wrong(3, &[ann(), reserve("b", 1).at(2, 3).told(Reply::NotEnough { left: 1 })]);
    right(3, &[ann(), reserve("b", 2).at(2, 3).told(Reply::NotEnough { left: 1 })]);
}

#[test]
fn seats_are_assigned_by_the_rule() {
    wrong(9, &[reserve("a", 1).at(0, 1).told(reserved(&[2]))]);
    wrong(9, &[reserve("a", 2).at(0, 1).told(reserved(&[1]))]);
    let taken_2 = || pick("x", &[2]).at(0, 1).told(reserved(&[2]));
    right(9, &[taken_2(), reserve("a", 2).at(2, 3).told(reserved(&[3, 4]))]);
    wrong(9, &[taken_2(), reserve("a", 2).at(2, 3).told(reserved(&[1, 3]))]);
    right(3, &[taken_2(), reserve("a", 2).at(2, 3).told(reserved(&[1, 3]))]);
    wrong(9, &[pick("a", &[4, 5]).at(0, 1).told(reserved(&[4]))]);
    wrong(9, &[pick("a", &[10]).at(0, 1).told(reserved(&[10]))]);
}

#[test]
fn refusals_come_in_their_order() {
    let full = || reserve("a", 2).at(0, 1).told(reserved(&[1, 2]));
    right(2, &[full(), reserve("a", 1).at(2, 3).told(Reply::NotEnough { left: 0 })]);
    wrong(2, &[full(), reserve("a", 1).at(2, 3).told(Reply::AlreadyBooked(seats(&[1, 2])))]);
    let missing = Reply::NoSuchSeats { seats: seats(&[3]), capacity: 2 };
    right(2, &[full(), pick("a", &[1, 3]).at(2, 3).told(missing)]);
    right(2, &[full(), pick("a", &[1]).at(2, 3).told(Reply::AlreadyBooked(seats(&[1, 2])))]);
    wrong(2, &[full(), pick("a", &[1]).at(2, 3).told(Reply::Taken(seats(&[1])))]);
}

#[test]
fn an_early_choice_that_turns_out_wrong_is_taken_back() {
    // Three at once; the third one's answer fits one order of the first two only.
    right(
        9,
        &[
            reserve("a", 1).at(0, 10).told(reserved(&[2])),
            reserve("b", 1).at(0, 10).told(reserved(&[3])),
            reserve("c", 1).at(0, 20).told(reserved(&[1])),
            delete("c").at(21, 22).told(released(1, 7)),
        ],
    );
    // `b` is free to take either, until the last answer.
    right(
        4,
        &[
            reserve("a", 1).unknown_since(0),
            reserve("b", 1).unknown_since(0),
            reserve("c", 1).at(1, 2).told(reserved(&[2])),
            reserve("d", 1).at(3, 4).told(reserved(&[3])),
            search("b").at(5, 6).told(found(&[1])),
            search("a").at(7, 8).told(found(&[4])),
        ],
    );
}
