//! Who may begin again after an outage: scenarios 1, 2 and 9.

use crate::expect::{assert_has, assert_has_not, story};

/// C alone in {C}; A and B return; C promises {A,B,C}, A and B accept, C crashes before accepting; {A,B} go on; C
/// restarts alone.
#[test]
fn s01_a_lone_survivor_that_promised_its_return_does_not_sell_alone_again() {
    let mut w = story("servers 3");
    w.play("crash 1\ncrash 2\nrun 3000\nsubmit 3 reserve alice 2\nrun 100");
    w.assert_reserved("alice");
    assert_eq!(w.active(), [3]);

    let happened = w.play("restart 1\nrestart 2\ntick 600");
    assert_has(&happened, "3 proposes v3.3 {1#2,2#2,3}");
    let happened = w.play("flush 3\ndeliver 3 1\ndeliver 3 2\nflush 1\nflush 2\ndeliver 1 3\ndeliver 2 3");
    assert_has(&happened, "3 -> 1#2 INSTALL v3.3");
    // A and B accept, durably; C's own acceptance is in a log that it never flushes.
    w.play("deliver 3 1\ndeliver 3 2\nflush 1\nflush 2\ncrash 3");
    let happened = w.play("run 3000\nsubmit 1 reserve bob 2\nrun 100");
    assert_has(&happened, "IS ACTIVE in v4.1 {1#2,2#2}");
    w.assert_reserved("bob");

    w.play("crash 1\ncrash 2\nrestart 3");
    let happened = w.play("run 30000\nsubmit 3 reserve eve 2\nrun 1000");
    assert_has(&happened, "3 refuses eve: NotReady");
    assert!(w.active().is_empty(), "{}", w.picture());
    assert!(w.picture().contains("waits for server 1, 2, which may have gone on alone"), "{}", w.picture());

    w.play("restart 1\nrestart 2");
    w.assert_goes_on(&[1, 2, 3]);
}

/// Restarted C is linked only to A, while B lives. A crashes: {B} and {C} must not both sell.
#[test]
fn s02_a_restarted_server_that_sees_only_one_of_two_does_not_go_on_without_the_other() {
    let mut w = story("servers 3");
    w.play("crash 3\ncut 2 3\nrestart 3");
    let happened = w.play("run 3000");
    assert_has(&happened, "IS ACTIVE in v2.1 {1,2} after 0");
    assert_has_not(&happened, "{1,3#2}");

    w.play("crash 1");
    let happened = w.play("run 30000\nsubmit 2 reserve bob 2\nsubmit 3 reserve eve 2\nrun 1000");
    assert_has(&happened, "3 refuses eve: NotReady");
    assert_eq!(w.active(), [2], "the one that was never away goes on, and only that one");
    w.assert_reserved("bob");

    w.play("link 2 3");
    w.assert_goes_on(&[2, 3]);
    w.play("restart 1");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The same with A restarted as well: two that are recovering, and B, whom they cannot see, sells.
#[test]
fn s02_two_restarted_servers_do_not_go_on_without_the_third_that_they_cannot_see() {
    let mut w = story("servers 3");
    w.play("cut 1 2\ncut 2 3\ncrash 1\ncrash 3\nrun 3000\nsubmit 2 reserve bob 2\nrun 100");
    w.assert_reserved("bob");
    w.play("restart 1\nrestart 3");
    let happened = w.play("run 30000\nsubmit 1 reserve eve 2\nsubmit 3 reserve eve 2\nrun 1000");
    assert_has(&happened, "1 refuses eve: NotReady");
    assert_has(&happened, "3 refuses eve: NotReady");
    assert_eq!(w.active(), [2]);
    w.play("link 1 2\nlink 2 3");
    w.assert_goes_on(&[1, 2, 3]);
}

/// Two blank servers form an empty system beside a living one.
#[test]
fn s09_blank_servers_do_not_begin_beside_a_living_one() {
    for rule in ["servers 3", "servers 3 majority"] {
        for loss in ["wipe", "damage"] {
            let mut w = story(rule);
            w.play("submit 1 reserve bob 2\nrun 100\ncut 1 2\ncut 1 3\ncrash 2\ncrash 3");
            w.assert_reserved("bob");
            w.play(&format!("{loss} 2\n{loss} 3\nrestart 2\nrestart 3"));
            let happened = w.play("run 30000\nsubmit 2 reserve eve 2\nsubmit 3 reserve eve 2\nrun 1000");
            assert_has(&happened, "2 refuses eve: NotReady");
            assert_has(&happened, "3 refuses eve: NotReady");
            assert!(!w.active().iter().any(|&id| id != 1), "{}", w.picture());
            // Only where one survivor suffices has the living one gone on; under `majority` nobody may now say what
            // the lost logs said.
            w.play("link 1 2\nlink 1 3\nrun 10000");
            if rule == "servers 3" {
                w.assert_goes_on(&[1, 2, 3]);
            } else {
                w.play("submit 1 reserve eve 2\nrun 10000");
                w.assert_not_told("eve");
                w.play("crash 1\nrestart 1\nrun 10000");
                assert!(w.active().is_empty(), "{}", w.picture());
                let happened = w.play("override 1\nrun 1000");
                assert_has(&happened, "1 OVERRIDES the outage rule with epoch 1");
                w.assert_goes_on(&[1, 2, 3]);
            }
            assert_eq!(w.seats_of(1, "bob"), Some(vec![1, 2]));
        }
    }
}

/// A server without its log is no vote.
#[test]
fn s09_a_wiped_server_does_not_make_a_majority() {
    let mut w = story("servers 3 majority");
    // What is sold lately is on 1 and 2 only; 3 is away.
    w.play("crash 3\nrun 4000\nsubmit 1 reserve bob 2\nrun 100");
    w.assert_reserved("bob");
    w.play("crash 1\ncrash 2\nwipe 2\nrestart 2\nrestart 3");
    let happened = w.play("run 30000\nsubmit 3 reserve eve 2\nrun 1000");
    assert_has(&happened, "3 refuses eve: NotReady");
    assert!(w.active().is_empty(), "{}", w.picture());
    w.play("restart 1");
    w.assert_goes_on(&[1, 2, 3]);
    assert_eq!(w.seats_of(2, "bob"), Some(vec![1, 2]));
}
