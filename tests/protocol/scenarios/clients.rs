//! What clients may and may not be told: scenarios 17, 18 and 19.

use crate::expect::{assert_has, assert_has_not, has, story};
use crate::world::World;

/// Reads at 3 each tick while it is being left out, and a command of which it hears nothing: when it last served a
/// read, and when the command was answered.
fn reads_at_the_excluded(w: &mut World) -> (u64, u64) {
    let (mut last_served, mut answered, mut asked) = (None, None, false);
    let began = w.now_ms;
    while answered.is_none() {
        assert!(w.now_ms < began + 20_000, "never answered\n{}", w.picture());
        let mut happened = w.play("run 50");
        if has(&happened, "1 proposes") && !asked {
            asked = true;
            happened.extend(w.play("hold 1 3\nhold 2 3\nsubmit 1 reserve bob 2"));
        }
        if w.active().contains(&3) {
            happened.extend(w.play("read 3"));
        }
        if has(&happened, "3 serves") {
            last_served = Some(w.now_ms);
        }
        answered = Some(w.now_ms).filter(|_| has(&happened, "answers bob"));
    }
    (last_served.expect("the first reads are under the lease"), answered.expect("the loop ended"))
}

/// A read at a member that was just excluded: a partition under `majority`.
#[test]
fn s17_a_cut_off_member_serves_no_read_once_the_others_have_answered_without_it() {
    let mut w = story("servers 3 majority");
    w.play("run 1000\ncut 1 3\ncut 2 3");
    let (last_served, answered) = reads_at_the_excluded(&mut w);
    assert!(last_served < answered, "last read {last_served}, answer {answered}");
    // Nor later: it is not told, and still waits.
    assert!(w.active().contains(&3));
    let happened = w.play("run 5000\nread 3\nrun 1000");
    assert_has_not(&happened, "3 serves");
    w.play("flow 1 3\nflow 2 3\nlink 1 3\nlink 2 3");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The same where one survivor suffices and the excluded one lives, linked to all: its disk hangs.
#[test]
fn s17_a_member_with_a_hung_disk_serves_no_read_once_it_is_excluded() {
    let mut w = story("servers 3");
    w.play("run 1000\nsubmit 1 reserve eve 1\ndeliver 1 3\nflush 3\nstall 3\nrun 1000");
    w.assert_reserved("eve");
    let (last_served, answered) = reads_at_the_excluded(&mut w);
    assert!(last_served < answered, "last read {last_served}, answer {answered}");
    assert!(
        last_served + 500 > answered,
        "the lease was all that kept it from answering: {last_served}, {answered}"
    );
    w.play("unstall 3\nflow 1 3\nflow 2 3");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A pause as long as the lease: the woken server's clock has run on.
#[test]
fn s17_a_woken_server_does_not_serve_reads_under_an_old_lease() {
    let mut w = story("servers 3");
    w.play("run 1000\nread 3");
    w.play("pause 3\nrun 6000\nsubmit 1 reserve bob 2\nrun 100");
    w.assert_reserved("bob");
    let happened = w.play("wake 3\nread 3\ntick 50");
    assert_has_not(&happened, "3 serves");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A read that waits at a server that is excluded is never served there from the old state.
#[test]
fn s17_a_read_waits_for_the_requests_that_were_queued_when_it_came() {
    let mut w = story("servers 3");
    w.play("run 1000\nsubmit 1 reserve bob 2\ndeliver 1 2\ndeliver 1 3\nflush 1\nflush 2\nflush 3");
    w.play("deliver 2 1\ndeliver 3 1");
    // The client has its answer, 2 and 3 have not executed it yet.
    w.assert_reserved("bob");
    assert_eq!(w.left(2), 10);
    let happened = w.play("read 2\ntick 100");
    assert_has_not(&happened, "2 serves");
    let happened = w.play("deliver 1 2");
    assert_has(&happened, "2 serves the read: 8 seats left");
}

/// Two sides of a partition meet, where one survivor suffices: both have sold.
#[test]
fn s18_the_larger_side_goes_on_and_the_other_reports_what_it_did() {
    let mut w = story("servers 3 may-fork");
    w.play("submit 1 reserve early 1\nrun 100\ncut 1 2\ncut 1 3\nrun 3000");
    assert_eq!(w.active(), [1, 2, 3]);
    // Seats 2 and 3 are sold on both sides; 9 and a name are new on one only; early's seat is given back on one only.
    w.play("submit 1 seats alice 2,3\nsubmit 1 seats ann 9\nsubmit 1 delete early\nsubmit 2 seats bob 2,3\nrun 100");
    for name in ["alice", "ann", "bob"] {
        w.assert_reserved(name);
    }
    let happened = w.play("link 1 2\nlink 1 3\nrun 20000");
    assert_has(&happened, "1 restarts: the side of v2.2 goes on");
    assert_has(&happened, "1 REPORTS what v2.1 did after 1: [");
    assert_has(
        &happened,
        "1 REPORTS [restore alice 2,3]: Failed: the following seats are taken already: 2,3.",
    );
    assert_has(&happened, "1 REPORTS [restore ann 9]: The seats have been reserved for ann: 9.");
    assert_has(&happened, "1 REPORTS [withdraw early, made until 1]: 1 seats have been released.");
    assert!(w.are_together(&[1, 2, 3]), "{}", w.picture());
    for id in 1..=3 {
        assert_eq!(w.seats_of(id, "bob"), Some(vec![2, 3]));
        assert_eq!(w.seats_of(id, "ann"), Some(vec![9]));
        assert_eq!((w.seats_of(id, "alice"), w.seats_of(id, "early")), (None, None));
    }
}

/// The report is durable before the state is given up, and offers that were not answered come again.
#[test]
fn s18_offers_survive_a_crash_before_they_are_answered() {
    let mut w = story("servers 3 may-fork");
    w.play("cut 1 2\ncut 1 3\nrun 3000\nsubmit 1 seats ann 9\nsubmit 2 seats bob 2,3\nrun 100");
    let mut happened = w.play("link 1 2\nlink 1 3");
    while !has(&happened, "1 adopts the snapshot") {
        happened = w.play("run 50");
    }
    w.play("crash 1\nrestart 1");
    let happened = w.play("run 10000");
    assert_has(&happened, "1 REPORTS [restore ann 9]: The seats have been reserved for ann: 9.");
    assert!(w.are_together(&[1, 2, 3]), "{}", w.picture());
    w.assert_answers_hold();
}

/// Where a majority is needed, the smaller side sells nothing and there is nothing to report.
#[test]
fn s18_under_majority_only_one_side_sells() {
    let mut w = story("servers 3 majority");
    w.play("cut 1 2\ncut 1 3");
    w.play("submit 1 reserve alice 2\nsubmit 2 reserve bob 2");
    let happened = w.play("run 10000\nread 1\nrun 1000");
    assert_has_not(&happened, "1 answers");
    assert_has_not(&happened, "1 serves");
    w.assert_reserved("bob");
    let happened = w.play("link 1 2\nlink 1 3\nrun 5000");
    assert_has_not(&happened, "REPORTS");
    w.assert_goes_on(&[1, 2, 3]);
    assert_eq!(w.seats_of(1, "alice"), None, "its client was not answered, and asks again");
    w.play("again 1 alice\nrun 100");
    w.assert_reserved("alice");
    w.assert_answers_hold();
}

/// A session expires, then an old command is proposed again.
#[test]
fn s19_a_command_of_a_forgotten_session_is_not_executed_again() {
    let mut w = story("servers 3");
    w.play("submit 1 reserve bob 2\nrun 100\nsubmit 1 delete bob\nrun 100");
    let reserve = w.commands["bob"].clone();
    assert!(w.seats_of(2, "bob").is_none());
    // Bob's client never got its answer, and the state's time passes the age of its session, step by step.
    for round in 0..5 {
        w.play(&format!("wall 1800000\nsubmit 2 reserve c{round} 1\nrun 100"));
    }
    w.commands.insert("bob".into(), reserve);
    let before = w.answers.len();
    w.play("again 3 bob\nrun 100");
    let (_, outcome) = &w.answers[before];
    assert_eq!(outcome.to_string(), "the session of this command has expired; it was not executed now");
    assert!((1..=3).all(|id| w.seats_of(id, "bob").is_none()));
    w.assert_goes_on(&[1, 2, 3]);
}

/// A retry on another server while the first try is still in flight there, kept by a view and proposed again: once.
#[test]
fn s19_a_retry_beside_its_first_try_is_executed_once() {
    let mut w = story("servers 3");
    w.play("submit 1 reserve bob 2\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3\nagain 2 bob\ncrash 1");
    w.play("run 3000");
    w.assert_reserved("bob");
    let told: Vec<String> = w.told("bob").iter().map(|outcome| outcome.to_string()).collect();
    assert_eq!(told, ["The seats have been reserved for bob: 1,2."], "word for word the first one's");
    assert_eq!((w.engine(2).position(), w.left(2)), (2, 8), "both were ordered, one was executed");
    w.play("restart 1");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The coordinator that waits a lease out crashes and is back at once; the next view leaves out nobody that its own
/// predecessor had, and so waits for nothing, while the one that was left out before still serves reads under its lease.
#[test]
fn s17_a_second_change_of_view_waits_for_the_lease_that_the_first_one_began_to_wait_for() {
    let mut w = story("servers 3");
    w.play("run 1000\nsubmit 1 reserve eve 1\ndeliver 1 3\nflush 3\nstall 3\nrun 1000");
    w.assert_reserved("eve");
    let mut happened = Vec::new();
    while !has(&happened, "1 proposes v2.1 {1,2}") {
        happened = w.play("run 50");
    }
    // Both have accepted the view without 3, which lives and hears nothing of it for a moment.
    assert!(w.picture().contains("2 is Changing in v2.1 {1,2} at 1"), "{}", w.picture());
    w.play("hold 1 3\nhold 2 3\ncrash 1\nrestart 1\nrun 100\nsubmit 2 reserve bob 2\nrun 50");
    let happened = w.play("read 3\nrun 50");
    let stale = has(&happened, "3 serves the read: 9 seats left");
    assert!(
        !stale || w.told("bob").is_empty(),
        "bob was answered, then 3 served the seats as they were before"
    );
    w.play("unstall 3\nflow 1 3\nflow 2 3\nrun 1000");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The same without any crash, where the probe is shorter than the lease: a lower-numbered member loses patience with
/// the coordinator that waits the lease out, and its own view, which leaves nobody out, waits for nothing.
#[test]
fn s17_a_member_does_not_push_past_a_coordinator_that_waits_a_lease_out() {
    let mut w = story("servers 3 lease=2000 probe=500");
    w.play("run 1000\ncrash 1\nrun 1500\nsubmit 2 reserve eve 1\ndeliver 2 3\nflush 3\nstall 3\nrun 4950");
    // 1 is taken back at the very moment when 3 is left out for its disk; 3 lives and hears nothing of it for a while.
    let happened = w.play("restart 1\nrun 300");
    assert_has(&happened, "2 -> 1#2 INSTALL v3.2 {1#2,2} after 1");
    let mut bob_was_answered = false;
    w.play("hold 2 3\nhold 1 3");
    for _ in 0..60 {
        let happened = w.play("run 50\nread 3");
        assert!(
            !(bob_was_answered && has(&happened, "3 serves the read: 9")),
            "3 served the seats as they were"
        );
        if w.active().contains(&1) && !w.commands.contains_key("bob") {
            w.play("submit 1 reserve bob 2");
        }
        bob_was_answered |= !w.told("bob").is_empty();
    }
    assert!(bob_was_answered);
}

/// The newest snapshot is older than the fork: what the losing side deleted of the time between is neither in that snapshot
/// nor found missing from it, so another one must be taken.
#[test]
fn s18_a_deletion_of_the_losing_side_is_reported_whatever_snapshot_it_takes() {
    let mut w = story("servers 3 may-fork");
    w.play("submit 1 seats early 1\nrun 100\nsnapshot 2\nrun 100\nsubmit 1 seats bob 2\nrun 100");
    w.play("cut 1 2\ncut 1 3\nrun 3000\nsubmit 1 delete bob\nsubmit 2 seats carol 5\nrun 100");
    assert_eq!(
        w.told("bob").last().map(|o| o.to_string()).as_deref(),
        Some("1 seats have been released. 9 seats are now available.")
    );
    let happened = w.play("link 1 2\nlink 1 3\nrun 5000");
    assert_has(&happened, "OFFER snapshot at 3, forked after 2");
    assert_has(&happened, "1 REPORTS what v2.1 did after 2: [withdraw bob, made until 2]");
}

/// What the losing side answered is logged, but the mark that it was executed was lost in a crash; and the other side's
/// view is higher, so that the own one does not stick out. Found by seed 202255 of the simulated partitions.
#[test]
fn s18_what_the_losing_side_answered_is_reported_though_its_marks_of_execution_are_lost() {
    for far_behind in [false, true] {
        let mut w = story(if far_behind { "servers 2 may-fork tail=100" } else { "servers 2 may-fork" });
        w.play("submit 2 seats early 1\nrun 100\ncut 1 2\nrun 2000");
        w.play("submit 1 reserve bob 2\nflush 1");
        w.assert_reserved("bob");
        if far_behind {
            w.play("submit 2 seats carol 5\nrun 100\nsubmit 2 seats dave 6\nrun 100\nsnapshot 2\nrun 100");
        }
        let happened = w.play("crash 1\nrestart 1\nlink 1 2\nrun 5000");
        assert_eq!(has(&happened, "2 -> 1#2 OFFER snapshot at 3"), far_behind, "{happened:#?}");
        assert_has(&happened, "1 REPORTS what v2.1 did after 1: [");
        w.assert_goes_on(&[1, 2]);
        assert_eq!(w.seats_of(2, "bob").map(|seats| seats.len()), Some(2));
    }
}
