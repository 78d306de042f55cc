//! What must not be carried from one view into the next: scenarios 4 to 8.

use crate::expect::{assert_has, assert_has_not, story};
use crate::world::World;
use boxoffice::protocol::engine::Input;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Incarnation, ServerId, Timestamp, ViewId};

/// Four servers of which the last has crashed; what 3 says to 2 in the first view is still on its way when both are
/// active in the second.
fn late_words_of_the_old_view(old: &str, word: &str) -> World {
    let mut w = story("servers 4");
    w.play(old);
    w.play("hold 3 2\ncrash 4\nrun 2000");
    assert!(w.queues().contains(&format!("on the way 3 -> 2: {word}")), "{}", w.queues());
    assert_eq!(w.active(), [1, 2, 3]);
    assert_eq!(w.engine(2).active_view().map(|v| v.view.number), Some(2));
    w
}

const FIRST_VIEW: ViewId =
    ViewId { number: 1, coordinator: ServerId(1), incarnation: Incarnation(1), ..ViewId::ZERO };

/// The timestamp of the request that a server just made.
fn stamped(happened: &[String], id: u8) -> Timestamp {
    let prefix = format!("{id} logs REQUEST ");
    let text = happened.iter().find_map(|line| line.strip_prefix(&prefix)).expect("a request");
    let clock = text.split('.').next().and_then(|clock| clock.parse().ok()).expect("a clock");
    Timestamp { clock, server: ServerId(id) }
}

/// A message of the old view that speaks of the new one's timestamps, as a server that mixes them up would send.
fn forge(w: &mut World, from: u8, to: u8, message: Message) -> Vec<String> {
    let from = w.life(from).expect("it runs");
    w.take_said();
    w.input(to, Input::Message { from, message });
    w.take_said().into_iter().map(|(_, text)| text).collect()
}

#[test]
fn s04_a_reply_of_the_old_view_does_not_count_in_the_new_one() {
    let old = "submit 2 reserve bob 2\ndeliver 2 1\ndeliver 2 3\nflush 1\nflush 2\nflush 3";
    let mut w = late_words_of_the_old_view(old, "REPLY 2.2");
    assert!(w.seats_of(2, "bob").is_some(), "all had the request, so it was kept");
    // A request of the new view that 1 has replied to and 3 has not.
    let happened = w.play("stall 3\nsubmit 2 reserve carol 2");
    let until = stamped(&happened, 2);
    w.play("deliver 2 1\ndeliver 2 3\nflush 1\nflush 2\ndeliver 1 2");
    let happened = w.play("deliver 3 2");
    assert_has_not(&happened, "EXECUTED");
    let clock = until.clock + 1;
    assert_eq!(forge(&mut w, 3, 2, Message::Reply { view: FIRST_VIEW, until, clock }), [""; 0]);
    w.assert_not_told("carol");
    w.play("unstall 3\nflow 3 2\nrun 100");
    w.assert_reserved("carol");
    w.assert_goes_on(&[1, 2, 3]);
}

#[test]
fn s04_a_release_of_the_old_view_does_not_count_in_the_new_one() {
    let old =
        "submit 3 reserve bob 2\ndeliver 3 1\ndeliver 3 2\ndeliver 3 4\nflush 1\nflush 2\nflush 3\nflush 4
        deliver 1 3\ndeliver 2 3\ndeliver 4 3";
    let mut w = late_words_of_the_old_view(old, "RELEASE 2.3");
    assert!(w.seats_of(2, "bob").is_some(), "3 had executed it, so it was kept");
    // The new view's request of 3 is at 2; 3 itself has not executed it.
    let happened = w.play("submit 3 reserve carol 2");
    let until = stamped(&happened, 3);
    let happened = w.play("deliver 3 2");
    assert_has_not(&happened, "EXECUTED");
    let happened = w.play("deliver 3 2");
    assert_has(&happened, &format!("2 logs REQUEST {until}"));
    assert_eq!(forge(&mut w, 3, 2, Message::Release { view: FIRST_VIEW, until }), [""; 0]);
    assert_eq!(w.seats_of(2, "carol"), None);
    w.play("flow 3 2\nrun 100");
    w.assert_reserved("carol");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A request that 3 alone logged, and that the view of 2 and 3 dropped: nobody was answered. It stays in 3's log.
fn dropped_but_still_in_a_log() -> World {
    let mut w = story("servers 3");
    w.play("submit 1 reserve bob 2\ndeliver 1 3\nflush 3\ncrash 1");
    let happened = w.play("run 3000");
    assert_has(&happened, "3 -> 2 PROMISE v2.2: accepted v1.1, at 0, has 2.1");
    assert_has(&happened, "INSTALL v2.2 {2,3} after 0, keeps nothing");
    w
}

/// A request of an old view still in a log is counted as "had": alone, 3 is all that accepted the view before.
#[test]
fn s05_a_request_that_a_view_dropped_does_not_come_back_with_a_later_one() {
    for restart in ["", "crash 3\nrestart 3\nrun 3000"] {
        let mut w = dropped_but_still_in_a_log();
        // Its place is taken by another one.
        w.play("submit 2 reserve carol 2\nrun 100");
        w.assert_reserved("carol");
        w.play(restart);
        let happened = w.play("crash 2\nrun 3000");
        assert_has(&happened, "3 IS ACTIVE in v");
        assert_has_not(&happened, "2.1");
        assert_eq!((w.engine(3).position(), w.seats_of(3, "bob")), (1, None));
        w.play("again 3 bob\nrun 100");
        assert_eq!(w.seats_of(3, "bob"), Some(vec![3, 4]));
        w.play("restart 1\nrestart 2");
        w.assert_goes_on(&[1, 2, 3]);
    }
}

/// INSTALL of a lower view arrives after a higher promise.
#[test]
fn s06_a_view_is_not_accepted_after_a_higher_promise() {
    let mut w = story("servers 4");
    w.play("crash 4\ntick 1200\nflush 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3\nhold 1 2\nhold 1 3");
    let happened = w.play("deliver 2 1\ndeliver 3 1\nflush 1");
    assert_has(&happened, "1 -> 2 INSTALL v2.1 {1,2,3}");
    // The coordinator is stopped for long; 2 takes over, and 3 promises the higher view.
    w.play("pause 1\nstall 2");
    let happened = w.play("run 6000\nflush 2\ndeliver 2 3\nflush 3");
    assert_has(&happened, "3 -> 2 PROMISE v3.2");
    let happened = w.play("deliver 1 3\ndeliver 1 2");
    assert_has(&happened, "3 -> 1 REFUSED v2.1, promised v3.2");
    assert_has(&happened, "2 -> 1 REFUSED v2.1, promised v3.2");
    assert_has_not(&happened, "INSTALL");
    w.play("unstall 2\nflow 1 2\nflow 1 3\nwake 1");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A coordinator restarts and reuses its number.
#[test]
fn s06_a_coordinator_that_starts_again_does_not_name_two_views_alike() {
    for promise_kept in [false, true] {
        let mut w = story("servers 3");
        let happened = w.play("crash 3\ntick 1000");
        assert_has(&happened, "1 logs PROMISE v2.1 {1,2}");
        // Nobody is asked before the own promise is durable.
        assert_has_not(&happened, "PREPARE");
        assert_eq!(w.queues(), "1 has not flushed 1 records");
        if promise_kept {
            let happened = w.play("flush 1\ndeliver 1 2\nflush 2");
            assert_has(&happened, "2 -> 1 PROMISE v2.1");
        }
        w.play("crash 1\ncrash 2\nrestart 1\nrestart 2\nrestart 3");
        let happened = w.play("run 3000");
        let names: Vec<_> = happened.iter().filter(|line| line.contains("proposes")).collect();
        let next = if promise_kept { "v3." } else { "v2." };
        assert!(!names.is_empty() && names.iter().all(|line| line.contains(next)), "{names:?}");
        w.assert_goes_on(&[1, 2, 3]);
        let view = w.engine(1).active_view().expect("at work").view;
        assert_eq!(view.incarnation.0, 2, "the life is part of the name: {view:?}");
    }
}

/// A timestamp is used twice across a view change: 1 forgets that it stamped 2.1, and 3 still has it in its log.
#[test]
fn s07_a_timestamp_is_never_used_twice() {
    let mut w = story("servers 3");
    w.play("submit 1 reserve bob 2\ndeliver 1 3\nflush 3");
    assert_eq!(w.queues().lines().last(), Some("1 has not flushed 1 records"));
    w.play("crash 1\nrun 3000");
    // The view of 2 and 3 dropped it, so that nothing that was executed tells of it.
    assert_eq!((w.engine(2).position(), w.engine(3).position()), (0, 0));
    w.play("restart 1\nrun 3000");
    assert!(w.are_together(&[1, 2, 3]), "{}", w.picture());
    let happened = w.play("submit 1 reserve carol 2");
    assert!(stamped(&happened, 1).clock > 2, "{happened:?}");
    w.play("run 100");
    w.assert_reserved("carol");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The same for one that asks again itself: what a view dropped comes back under a later timestamp.
#[test]
fn s07_a_dropped_request_is_proposed_again_with_a_later_timestamp() {
    let mut w = story("servers 3");
    // 3 crashes before anybody has the request.
    w.play("hold 1 2\nhold 1 3\nsubmit 1 reserve bob 2\ncrash 3\nrelink 1 2\nflow 1 2\nflow 1 3");
    let happened = w.play("run 10000");
    let requests: Vec<_> = happened.iter().filter(|line| line.contains("logs REQUEST")).collect();
    assert!(requests.iter().all(|line| !line.contains("REQUEST 2.1")), "{requests:?}");
    w.play("again 2 bob\nrun 100");
    w.assert_reserved("bob");
    w.assert_goes_on(&[1, 2]);
}

/// A kept request is executed twice because one member was ahead.
#[test]
fn s08_who_has_executed_a_kept_request_skips_it() {
    let mut w = story("servers 4");
    w.play("submit 3 reserve bob 2");
    for other in [1, 2, 4] {
        w.play(&format!("deliver 3 {other}\nflush {other}\ndeliver {other} 3"));
    }
    // 3 has answered; its release to 2 is late.
    let happened = w.play("hold 3 2\nflush 3");
    assert_has(&happened, "3 answers bob");
    w.play("crash 4");
    let happened = w.play("run 3000");
    assert_has(&happened, "2 -> 1 PROMISE v2.1: accepted v1.1, at 0, has 2.3");
    assert_has(&happened, "3 -> 1 PROMISE v2.1: accepted v1.1, at 1");
    assert_has(&happened, "INSTALL v2.1 {1,2,3} after 0, keeps 1=2.3");
    assert_has(&happened, "2 logs EXECUTED 1=2.3");
    assert_has_not(&happened, "3 logs EXECUTED");
    assert_has_not(&happened, "EXECUTED 2=");
    w.assert_answers_hold();
    // Nor when the release comes, nor when the logs are read again.
    let happened = w.play("flow 3 2\nrun 1000");
    assert_has_not(&happened, "EXECUTED");
    w.play("crash 1\ncrash 2\ncrash 3\nrestart 1\nrestart 2\nrestart 3\nrestart 4");
    w.assert_goes_on(&[1, 2, 3, 4]);
    assert_eq!(w.seats_of(2, "bob"), Some(vec![1, 2]));
}
