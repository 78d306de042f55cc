//! Links that lose, come late, or work one way: scenarios 3, 10, 11 and 15.

use crate::expect::{assert_has, assert_has_not, has, story};
use crate::world::World;

/// A's request to B is lost in a link reset shorter than `probe`, C has it; B has a later one, with all replies.
fn a_request_lost_in_a_reset() -> World {
    let mut w = story("servers 3");
    w.play("submit 1 reserve alice 2\nsubmit 2 reserve bob 2");
    // C has both requests and has replied to both; A has B's.
    let happened = w.play("deliver 1 3\ndeliver 2 3\nflush 3\ndeliver 3 1\ndeliver 2 1");
    assert_has(&happened, "1 logs REQUEST 2.2 [reserve bob 2]");
    assert!(w.queues().contains("on the way 1 -> 2: REQUEST 2.1 [reserve alice 2]"), "{}", w.queues());
    // The reset takes A's request, earlier than B's own, and A's reply to B's request comes over the new link.
    let happened = w.play("relink 1 2\nflush 1\nflush 2");
    assert_has(&happened, "1 -> 2 REPLY 2.2");
    let happened = w.play("deliver 1 2\ndeliver 3 2");
    assert_has_not(&happened, "EXECUTED");
    w.assert_not_told("bob");
    w
}

#[test]
fn s03_who_may_have_missed_a_request_does_not_enter_the_critical_section() {
    let mut w = a_request_lost_in_a_reset();
    w.play("crash 2");
    w.play("run 3000");
    w.assert_reserved("alice");
    assert_eq!(w.seats_of(1, "alice"), Some(vec![1, 2]), "alice's request has the earlier timestamp");
    assert_eq!(w.seats_of(3, "bob"), Some(vec![3, 4]), "both survivors have bob's request");
    w.assert_goes_on(&[1, 3]);
}

#[test]
fn s03_a_reset_without_a_crash_ends_in_a_view_where_both_are_answered() {
    let mut w = a_request_lost_in_a_reset();
    w.play("run 10000\nagain 3 bob\nrun 1000");
    w.assert_reserved("alice");
    w.assert_reserved("bob");
    w.assert_goes_on(&[1, 2, 3]);
    // 2 lacked alice's request, so it was dropped and proposed again, behind bob's.
    for server in [1, 2, 3] {
        assert_eq!(w.seats_of(server, "bob"), Some(vec![1, 2]));
        assert_eq!(w.seats_of(server, "alice"), Some(vec![3, 4]));
    }
}

/// Four servers of which the last crashes; the view without it is accepted by all, and C knows that it is activated.
/// Bob's request was logged by all in the old view and is kept.
fn accepted_by_all_and_activated_at_c_only(w: &mut World) {
    w.play("submit 1 reserve bob 2\ndeliver 1 2\ndeliver 1 3\nflush 1\nflush 2\nflush 3\ncrash 4\ntick 1200\nflush 1");
    w.play("deliver 2 1\ndeliver 3 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3\ndeliver 2 1\ndeliver 3 1");
    let happened =
        w.play("flush 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3\ndeliver 2 1\ndeliver 3 1\ntick 50");
    assert_has(&happened, "1 -> 2 ACTIVATE v2.1");
    let happened = w.play("deliver 1 3");
    assert_has(&happened, "3 IS ACTIVE in v2.1 {1,2,3} after 1");
    assert_eq!(w.active(), [1, 3]);
}

/// C is activated before B, and its REQUEST reaches B before the ACTIVATE.
#[test]
fn s10_a_request_of_the_new_view_that_overtakes_its_activation_is_not_lost() {
    let mut w = story("servers 4");
    accepted_by_all_and_activated_at_c_only(&mut w);
    w.play("submit 3 reserve carol 2");
    assert!(w.queues().contains("on the way 1 -> 2: ACTIVATE v2.1"), "{}", w.queues());
    let happened = w.play("deliver 3 2");
    // It counts as the ACTIVATE: what the view keeps is executed first.
    let order = ["2 logs EXECUTED 1=2.1", "2 IS ACTIVE in v2.1", "2 logs REQUEST"];
    let places: Vec<_> =
        order.iter().map(|text| happened.iter().position(|line| line.contains(text))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{happened:#?}");
    let happened = w.play("flush 2\ndeliver 1 2");
    assert_has(&happened, "2 -> 3 REPLY");
    assert_has_not(&happened, "EXECUTED 1=");
    w.play("run 100");
    w.assert_reserved("carol");
    w.assert_reserved("bob");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The same, but B started again after it had accepted: in this life it knows nothing of the view being whole.
#[test]
fn s10_a_restarted_server_is_not_activated_by_requests_of_the_view_that_it_accepted() {
    let mut w = story("servers 4");
    accepted_by_all_and_activated_at_c_only(&mut w);
    w.play("submit 3 reserve carol 2\ncrash 2\nrestart 2");
    let happened = w.play("settle");
    assert_has_not(&happened, "2 IS ACTIVE");
    assert!(w.picture().contains("2 is Recovering in v2.1 {1,2,3} at 0"), "{}", w.picture());
    w.assert_not_told("carol");
    w.play("run 5000");
    w.assert_reserved("carol");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A view is activated before two of its members are linked.
#[test]
fn s11_a_view_is_not_activated_before_its_members_are_linked() {
    let mut w = story("servers 3");
    w.play("crash 3\nrun 2000\nrestart 3");
    let happened = w.play("tick 600\nflush 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3");
    assert_has(&happened, "1 proposes v3.1 {1,2,3#2}");
    // All have promised; now the two lose each other and accept.
    let happened =
        w.play("cut 2 3\ndeliver 2 1\ndeliver 3 1\nflush 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3");
    assert_has(&happened, "2 logs INSTALL v3.1");
    assert_has(&happened, "3 logs INSTALL v3.1");
    assert_has_not(&happened, "-> 1 INSTALLED");
    let happened = w.play("tick 400");
    assert_has_not(&happened, "ACTIVATE");
    assert!(w.active().is_empty(), "{}", w.picture());
    let happened = w.play("link 2 3");
    assert_has(&happened, "2 -> 1 INSTALLED v3.1");
    assert_has(&happened, "3 -> 1 INSTALLED v3.1");
    let happened = w.play("settle");
    assert_has(&happened, "3 IS ACTIVE in v3.1");
    w.assert_goes_on(&[1, 2, 3]);
}

/// The link does not come back: the view comes to nothing, and one of the two is left out.
#[test]
fn s11_two_members_that_cannot_be_linked_do_not_stop_the_others() {
    let mut w = story("servers 3");
    w.play("crash 3\nrun 2000\nrestart 3\ntick 600\nflush 1\ndeliver 1 2\ndeliver 1 3\nflush 2\nflush 3\ncut 2 3");
    w.play("settle");
    assert!(w.active().is_empty(), "{}", w.picture());
    w.assert_goes_on(&[1, 2]);
    w.play("link 2 3");
    w.assert_goes_on(&[1, 2, 3]);
}

/// A link that works in one direction only. Whichever it is, one of its ends is left out, and both histories are one.
#[test]
fn s15_a_link_that_works_one_way_is_bad_for_both_ends() {
    for rule in ["servers 3", "servers 3 majority"] {
        for (from, to) in [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)] {
            let mut w = story(rule);
            // The link stands, and nothing comes through from one end to the other.
            w.play(&format!("hold {from} {to}\nsubmit {from} reserve bob 2"));
            let happened = w.play("run 20000");
            let deaf = format!("{to} suspects {from}: silent for too long");
            assert!(has(&happened, &deaf), "{rule}, {from} to {to}: {happened:#?}");
            let proposals = happened.iter().filter(|line| line.contains(" proposes ")).count();
            assert!(proposals <= 5, "{rule}, {from} to {to}: {proposals} proposals: {happened:#?}");
            let third = 6 - from - to;
            w.play(&format!("submit {third} reserve carol 2\nrun 1000"));
            w.assert_reserved("carol");
            let members = w.engine(third).active_view().expect("at work").members.len();
            assert_eq!(members, 2, "{rule}, {from} to {to}: {}", w.picture());
            w.assert_answers_hold();
            w.play(&format!("flow {from} {to}\nlink {from} {to}"));
            w.assert_goes_on(&[1, 2, 3]);
        }
    }
}

/// All servers are up and linked again, but links of the view have lost something, and no majority is left that
/// could go on without their ends: somebody must propose the same members once more.
#[test]
fn s03_where_nobody_can_be_left_out_a_reset_ends_in_a_view_of_the_same_members() {
    for story_and_resets in ["servers 2 majority\nrelink 1 2", "servers 3 majority\nrelink 1 2\nrelink 1 3"] {
        let (first, resets) = story_and_resets.split_once('\n').expect("two parts");
        let mut w = story(first);
        w.play(resets);
        w.play("run 60000");
        let ids = w.ids();
        w.assert_goes_on(&ids);
    }
}

/// The coordinator has promised itself a view of which nobody else heard, and gave it up. It executes nothing more, the
/// others blame it for that, and without it there is no majority: blame must not keep it from proposing again.
#[test]
fn s16_who_cannot_be_done_without_is_not_blamed_for_standing_still() {
    let mut w = story("servers 4 majority");
    w.play("run 1000\ncrash 1\nrun 10000");
    assert_eq!(w.active(), [2, 3, 4]);
    let happened = w.play("submit 2 reserve bob 2\ndeliver 2 3\ndeliver 2 4\nstall 2\nrelink 2 4\nrun 200");
    assert_has(&happened, "2 proposes v3.2 {2,3,4}");
    let happened = w.play("cut 2 3\nrun 2000");
    assert_has(&happened, "2 gives v3.2 up: server 3#1 is gone");
    // Its promise was not on its disk, so nobody was asked.
    w.play("unstall 2\nrun 10000\nlink 2 3\nrun 60000");
    w.assert_goes_on(&[2, 3, 4]);
    w.assert_reserved("bob");
}

/// A view was accepted that lists a life which this server never met, and which has ended since: it can neither fall
/// silent nor lose its link.
#[test]
fn s16_a_member_that_was_never_met_is_not_waited_for_without_end() {
    let mut w = story("servers 3 majority");
    w.play("run 1000\ncrash 1\ncrash 2\ncrash 3\ncut 2 3\nrestart 2\nrestart 3\nrestart 1");
    let mut happened = Vec::new();
    while !has(&happened, "2 logs INSTALL") {
        happened = w.play("run 50");
    }
    w.play("crash 1\ncrash 3\nrun 1000\nrestart 1\nrun 60000");
    w.assert_goes_on(&[1, 2]);
}

/// 2 and 3 have lost their link and blame each other, and 2 stops before that has lasted for long: 3 lives and must not be left
/// out on the word of one that is dead.
#[test]
fn s15_nobody_is_left_out_on_a_word_while_one_of_the_two_is_silent() {
    let mut w = story("servers 4");
    w.play("run 1000\ncut 2 3\nrun 3000\npause 2");
    let happened = w.play("run 20000");
    assert_has_not(&happened, "another member cannot reach it");
    // It does not wake any more.
    w.play("crash 2");
    w.assert_goes_on(&[1, 3, 4]);
}
