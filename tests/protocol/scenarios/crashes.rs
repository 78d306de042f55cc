//! Who stops, hangs or wakes at the wrong moment: scenarios 12, 13, 14 and 16.

use crate::expect::{assert_has, assert_has_not, has, story};
use crate::world::World;

/// A holder is paused with all replies, a new view is made, it wakes and executes.
#[test]
fn s12_a_holder_that_wakes_executes_only_what_the_newer_view_holds_at_that_position() {
    let mut w = story("servers 3");
    w.play("submit 1 reserve bob 2\ndeliver 1 2\ndeliver 1 3\nflush 1\nflush 2\nflush 3");
    assert!(w.queues().contains("on the way 2 -> 1: REPLY 2.1") && w.queues().contains("3 -> 1: REPLY 2.1"));
    w.play("pause 1");
    let happened = w.play("run 7000");
    assert_has(&happened, "INSTALL v2.2 {2,3} after 0, keeps 1=2.1");
    w.play("submit 3 reserve carol 2\nrun 100");
    assert_eq!(w.engine(2).position(), 2);
    // It does not know of the new view and has all replies: it may enter, at the position where the others have the
    // same request. The world compares.
    let happened = w.play("wake 1\ndeliver 2 1\ndeliver 3 1");
    assert_has(&happened, "1 logs EXECUTED 1=2.1");
    assert_has(&happened, "1 answers bob");
    assert_eq!(w.seats_of(1, "bob"), w.seats_of(2, "bob"));
    // Nothing more: a request of its own gets no reply, a read no lease.
    w.play("submit 1 reserve eve 2\nread 1");
    let happened = w.play("run 300");
    assert_has_not(&happened, "1 answers");
    assert_has_not(&happened, "1 serves");
    assert_has(&happened, "1 restarts: v2.2 is without it");
    w.assert_goes_on(&[1, 2, 3]);
    assert_eq!(w.seats_of(1, "eve"), None);
}

/// How far the coordinator of a view came before it crashed.
#[derive(Clone, Copy, Debug)]
enum Came {
    /// These had its INSTALL, and it had its own acceptance on its disk or not.
    Installing { to: [bool; 2], own: bool },
    /// All have accepted; these had its ACTIVATE, and it had what it executed on its disk or not.
    Activating { to: [bool; 2], own: bool },
}

/// A request of 2 that all logged, and the view without the crashed 4, prepared by 1 and promised by all.
fn promised_by_all(rule: &str) -> World {
    let mut w = story(rule);
    w.play("submit 2 reserve bob 2\ndeliver 2 1\ndeliver 2 3\nflush 1\nflush 2\nflush 3\ncrash 4\ntick 1200\nflush 1");
    w.play("deliver 1 2 2\ndeliver 1 3\nflush 2\nflush 3");
    let happened = w.play("deliver 2 1\ndeliver 3 1");
    assert_has(&happened, "1 -> 3 INSTALL v2.1 {1,2,3} after 0, keeps 1=2.2");
    w
}

fn crash_at(rule: &str, came: Came) {
    let mut w = promised_by_all(rule);
    let deliver = |w: &mut World, to: [bool; 2]| {
        for id in [2, 3].into_iter().filter(|&id| to[id as usize - 2]) {
            w.play(&format!("deliver 1 {id}\nflush {id}"));
        }
    };
    match came {
        Came::Installing { to, own } => {
            deliver(&mut w, to);
            w.play(if own { "flush 1" } else { "" });
        }
        Came::Activating { to, own } => {
            deliver(&mut w, [true, true]);
            // A link that stays down means a stop here: no lease is waited out.
            let happened = w.play("flush 1\ndeliver 2 1\ndeliver 3 1");
            assert_has(&happened, "1 -> 3 ACTIVATE v2.1");
            deliver(&mut w, to);
            w.play(if own { "flush 1" } else { "" });
        }
    }
    w.play("crash 1");
    w.assert_goes_on(&[2, 3]);
    assert_eq!(w.seats_of(3, "bob"), Some(vec![1, 2]), "{came:?}: all had the request");
    w.play("restart 1");
    w.assert_goes_on(&[1, 2, 3]);
    w.play("restart 4");
    w.assert_goes_on(&[1, 2, 3, 4]);
}

/// The coordinator crashes between any two INSTALLs or ACTIVATEs.
#[test]
fn s13_a_coordinator_may_crash_between_any_two_messages() {
    for to in [[false, false], [true, false], [false, true], [true, true]] {
        for own in [false, true] {
            crash_at("servers 4", Came::Installing { to, own });
            crash_at("servers 4", Came::Activating { to, own });
        }
    }
}

/// The same where a majority is needed: with 1 gone for good, 2 of 4 are none, so all come back.
#[test]
fn s13_under_majority_too() {
    for to in [[false, false], [true, false], [false, true], [true, true]] {
        let mut w = promised_by_all("servers 4 majority");
        for id in [2, 3].into_iter().filter(|&id| to[id as usize - 2]) {
            w.play(&format!("deliver 1 {id}\nflush {id}"));
        }
        w.play("crash 1\nrun 10000");
        assert!(w.active().is_empty(), "two of four are no majority\n{}", w.picture());
        w.play("restart 1");
        w.assert_goes_on(&[1, 2, 3]);
        assert_eq!(w.seats_of(1, "bob"), Some(vec![1, 2]));
    }
}

/// One disk hangs while its server's heartbeats go on.
#[test]
fn s14_a_server_whose_disk_hangs_is_left_out() {
    for rule in ["servers 3", "servers 3 majority"] {
        for hung in 1..=3 {
            let mut w = story(rule);
            let proposer = hung % 3 + 1;
            w.play(&format!("stall {hung}\nsubmit {proposer} reserve bob 2\nrun 4000"));
            // It lives and is heard of; only the flush is owed.
            assert_eq!(w.active(), [1, 2, 3]);
            w.assert_not_told("bob");
            w.play("run 16000");
            w.assert_reserved("bob");
            let rest: Vec<u8> = (1..=3).filter(|&id| id != hung).collect();
            assert!(rest.iter().all(|id| w.active().contains(id)), "{rule}, {hung} hangs: {}", w.picture());
            let members = &w.engine(rest[0]).active_view().expect("at work").members;
            assert!(!members.iter().any(|m| m.server.0 == hung), "{rule}, {hung} hangs: {}", w.picture());
            w.play(&format!("unstall {hung}"));
            w.assert_goes_on(&[1, 2, 3]);
        }
    }
}

/// Every promise given, then the coordinator dies.
#[test]
fn s16_who_promised_pushes_on_when_the_coordinator_is_gone() {
    for rule in ["servers 4", "servers 5 majority"] {
        let mut w = story(rule);
        let rest = if rule.contains('5') { vec![2, 3, 5] } else { vec![2, 3] };
        w.play("crash 4\ntick 1200\nflush 1");
        for id in &rest {
            w.play(&format!("deliver 1 {id}\nflush {id}"));
        }
        for id in &rest {
            assert!(w.queues().contains(&format!("on the way {id} -> 1: PROMISE v2.1")), "{}", w.queues());
        }
        assert_eq!(w.active(), [0_u8; 0], "who has promised does nothing in the old view");
        w.play("crash 1");
        let happened = w.play("run 5000");
        assert!(has(&happened, "2 IS ACTIVE in v3.2"), "{rule}: {happened:#?}");
        w.assert_goes_on(&rest);
    }
}

/// 2 has come back with a snapshot of all that it executed, and 3 has yet to execute what 1 asks all to keep. Then 1 dies.
/// Without it 3 cannot fetch, because it is as good as a member, and 2 has no tail to bring it on.
#[test]
fn s13_what_an_accepted_view_keeps_brings_on_a_member_whose_coordinator_has_no_tail() {
    let mut w = story("servers 3 majority");
    w.play("submit 1 reserve bob 2\ndeliver 1 2\ndeliver 1 3\nflush 1\nflush 2\nflush 3\ndeliver 2 1");
    let happened = w.play("deliver 3 1");
    assert_has(&happened, "1 -> 3 RELEASE 2.1");
    w.play("deliver 1 2\nflush 2\nsnapshot 2\nflush 2\ncrash 2\nrestart 2");
    // The release never comes to 3, and 2 is back before 1 has the promise of 3.
    w.play("relink 1 3\nhold 3 1\nrun 300\nrelink 1 3\nflow 3 1\nhold 1 2\nhold 1 3");
    let happened = w.play("run 50");
    assert_has(&happened, "1 -> 3 PREPARE v3.1 {1,2#2,3}");
    let mut happened = Vec::new();
    while !has(&happened, "INSTALL v3.1") {
        happened.extend(w.play("deliver 1 2\ndeliver 1 3\nsettle"));
    }
    assert_has(&happened, "1 -> 3 INSTALL v3.1 {1,2#2,3} after 0, keeps 1=2.1");
    while !has(&happened, "2 logs INSTALL v3.1") || !has(&happened, "3 logs INSTALL v3.1") {
        happened.extend(w.play("deliver 1 2\ndeliver 1 3\nflush 2\nflush 3"));
    }
    w.play("crash 1");
    assert!(w.picture().contains("3 is Changing in v3.1 {1,2#2,3} at 0"), "{}", w.picture());
    w.assert_goes_on(&[2, 3]);
    w.assert_reserved("bob");
    w.play("flow 1 2\nflow 1 3\nrestart 1");
    w.assert_goes_on(&[1, 2, 3]);
}
