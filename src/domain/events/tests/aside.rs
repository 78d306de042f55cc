//! Holding and waiting.

use super::*;

#[test]
fn a_hold_sets_seats_aside_until_it_is_confirmed_or_falls_back() {
    let mut desk = Desk::selling(E, 4);
    let words = desk.says(JOE, hold(JOE, E, any(3)));
    assert_eq!(
        words,
        "The seats are held for TORC0001 at TORM100519 (Seminars) until 1970-01-01 00:00:06 UTC: 1,2,3."
    );
    assert_eq!(desk.server.state.next_expiry_ms(), Some(6_000));
    let words = desk.says(JOE, hold(JOE, E, any(1)));
    assert!(
        words.starts_with("Failed: the following seats at TORM100519 (Seminars) are held for TORC0001 until")
    );
    assert_eq!(desk.left(E), 1);
    assert_eq!(
        desk.says(SUE, confirm(SUE, E)),
        "Failed: no seats are held for TORC0002 at TORM100519 (Seminars)."
    );
    desk.pass(4_999);
    let words = desk.says(JOE, confirm(JOE, E));
    assert_eq!(words, "The seats have been reserved for TORC0001 at TORM100519 (Seminars): 1,2,3.");
    assert_eq!(desk.server.state.next_expiry_ms(), None);
    desk.must(SUE, hold(SUE, E, any(1)));
    desk.pass(5_000);
    assert_eq!(
        desk.says(SUE, confirm(SUE, E)),
        "Failed: no seats are held for TORC0002 at TORM100519 (Seminars).",
        "it is due, so it is gone"
    );
    assert_eq!(desk.left(E), 1);
}

#[test]
fn whoever_notices_frees_what_is_due_and_nobody_twice() {
    let mut desk = Desk::selling(E, 4);
    desk.must(JOE, hold(JOE, E, any(1)));
    desk.pass(1);
    desk.must(SUE, hold(SUE, E, any(1)));
    let expire = |desk: &mut Desk| desk.operate(Operation::Expire).to_string();
    assert_eq!(expire(&mut desk), "0 holds have expired.");
    desk.pass(4_999);
    assert_eq!(expire(&mut desk), "1 holds have expired.", "the other one has a millisecond left");
    assert_eq!(expire(&mut desk), "0 holds have expired.");
    desk.restart();
    desk.pass(1);
    assert_eq!(expire(&mut desk), "1 holds have expired.");
    assert_eq!(desk.left(E), 4);
}

#[test]
fn a_hold_is_extended_once() {
    let mut desk = Desk::selling(E, 4);
    let extend = || Action::Extend { holder: who(JOE), event: key(E) };
    assert_eq!(desk.says(JOE, extend()), "Failed: no seats are held for TORC0001 at TORM100519 (Seminars).");
    desk.must(JOE, hold(JOE, E, any(1)));
    desk.pass(4_000);
    assert_eq!(
        desk.says(JOE, extend()),
        "The seats are held for TORC0001 at TORM100519 (Seminars) until 1970-01-01 00:00:10 UTC."
    );
    desk.restart();
    assert_eq!(
        desk.says(JOE, extend()),
        "Failed: the hold for TORC0001 at TORM100519 (Seminars) was extended already; it ends at 1970-01-01 00:00:10 UTC."
    );
    assert_eq!(
        desk.says(JOE, release(JOE, E)),
        "1 seats of TORM100519 (Seminars) have been released. 4 seats are now available."
    );
    assert_eq!(desk.server.state.next_expiry_ms(), None);
}

#[test]
fn one_customer_has_a_limited_number_of_holds() {
    let mut desk = Desk::with(|config| config.holds_per_customer_max = 2);
    for event in ["TORM100519", "TORA100519", "TORE100519"] {
        desk.add(event, 5);
    }
    desk.must(JOE, hold(JOE, "TORM100519", any(1)));
    desk.must(JOE, hold(JOE, "TORA100519", any(1)));
    let third = || hold(JOE, "TORE100519", any(1));
    assert_eq!(desk.says(JOE, third()), "Failed: nobody can have more than 2 holds at a time.");
    desk.must(SUE, hold(SUE, "TORE100519", any(1)));
    desk.must(JOE, release(JOE, "TORM100519"));
    desk.must(JOE, third());
}

#[test]
fn confirming_is_refused_when_the_month_is_full_by_then() {
    let mut desk = Desk::with(|config| config.outside_per_month_max = 1);
    desk.add("TORM100519", 5);
    desk.add("TORA100519", 5);
    desk.must(MAX, hold(MAX, "TORM100519", any(1)));
    desk.must(MAX, book(MAX, "TORA100519", any(1)));
    let words = desk.says(MAX, confirm(MAX, "TORM100519"));
    assert!(words.starts_with("Failed: MTLC0001 has 1 bookings outside of MTL in May 2019"), "{words}");
    desk.must(MAX, cancel(MAX, "TORA100519"));
    desk.must(MAX, confirm(MAX, "TORM100519"));
}

#[test]
fn freed_seats_are_offered_to_those_who_wait_in_order() {
    let mut desk = Desk::selling(E, 4);
    assert_eq!(
        desk.says(SUE, join(SUE, E, 2)),
        "Failed: 4 seats are free at TORM100519 (Seminars); there is no need to wait."
    );
    assert_eq!(
        desk.says(SUE, join(SUE, E, 5)),
        "Failed: TORM100519 (Seminars) has 4 seats; 5 will never be free."
    );
    desk.must(JOE, book(JOE, E, any(3)));
    desk.must(MAX, book(MAX, E, any(1)));
    for (place, (holder, count)) in [(SUE, 2), ("ann", 4), ("bob", 1), ("cleo", 1)].into_iter().enumerate() {
        let words = desk.says(holder, join(holder, E, count));
        let place = place + 1;
        assert_eq!(
            words,
            format!("{holder} waits for {count} seats at TORM100519 (Seminars), at place {place}.")
        );
    }
    assert_eq!(
        desk.says("bob", join("bob", E, 1)),
        "Failed: bob waits for TORM100519 (Seminars) already, at place 3."
    );
    desk.restart();
    let list = Question::WaitingList { event: key(E), skip: 1, limit: 2 };
    assert_eq!(desk.ask(None, list).to_string(), "TORM100519 (Seminars): 4 waiting\nann 4\nbob 1");
    // Three come free: two for the first, none for the second who wants four, one for the third.
    assert_eq!(
        desk.says(JOE, cancel(JOE, E)),
        "3 seats of TORM100519 (Seminars) have been released. 0 seats are now available."
    );
    assert_eq!(
        desk.schedule(SUE),
        "TORM100519 (Seminars), 2019-05-10: held until 1970-01-01 00:00:04 UTC: 1,2"
    );
    assert_eq!(desk.schedule("ann"), "TORM100519 (Seminars), 2019-05-10: waiting for 4 seats, at place 1");
    desk.must("bob", confirm("bob", E));
    desk.pass(3_000);
    assert_eq!(desk.operate(Operation::Expire).to_string(), "1 holds have expired.");
    assert_eq!(desk.schedule(SUE), "TORC0002 has no reservations.", "an offer that falls back is gone");
    assert!(desk.schedule("cleo").contains("held until"), "the next one has it");
    assert_eq!(desk.left(E), 1);
}

#[test]
fn seats_that_an_event_gets_are_offered_too() {
    let mut desk = Desk::selling(E, 1);
    desk.must(JOE, book(JOE, E, any(1)));
    desk.add(E, 2);
    desk.must(MAX, book(MAX, E, any(1)));
    desk.must(SUE, join(SUE, E, 2));
    desk.add(E, 3);
    assert_eq!(desk.left(E), 1, "one is not enough for two");
    desk.add(E, 4);
    assert!(desk.schedule(SUE).contains("held until"));
}

#[test]
fn whoever_books_or_leaves_gives_up_the_place() {
    let mut desk = Desk::selling(E, 3);
    desk.must(JOE, book(JOE, E, any(2)));
    desk.must(SUE, join(SUE, E, 2));
    desk.must(MAX, join(MAX, E, 3));
    let leave = || Action::Leave { holder: who(MAX), event: key(E) };
    assert_eq!(desk.says(MAX, leave()), "MTLC0001 no longer waits for TORM100519 (Seminars).");
    assert_eq!(desk.says(MAX, leave()), "Failed: MTLC0001 does not wait for TORM100519 (Seminars).");
    desk.must(SUE, book(SUE, E, any(1)));
    let list = Question::WaitingList { event: key(E), skip: 0, limit: 9 };
    assert_eq!(desk.ask(None, list).to_string(), "TORM100519 (Seminars): 0 waiting");
}

#[test]
fn a_waiting_list_is_full_at_its_limit() {
    let mut desk = Desk::with(|config| config.waiting_list_max = 2);
    desk.add(E, 1);
    desk.must(JOE, book(JOE, E, any(1)));
    desk.must("ann", join("ann", E, 1));
    desk.must("bob", join("bob", E, 1));
    assert_eq!(desk.says("cleo", join("cleo", E, 1)), "Failed: 2 wait already, the waiting list is full.");
}

#[test]
fn waiting_is_bounded_over_all_events_and_a_long_list_is_served_at_once() {
    let config = EventsConfig { waiting_list_max: WAITING_LIST_MAX, ..EventsConfig::default() };
    let mut events = super::super::Events::new(config.into());
    let mut position = 0;
    let mut act = |actor: &str, action: Action| {
        position += 1;
        let now = super::super::Now { position, time_ms: 1, mark: position };
        let is_managing = actor == "TORM0001";
        let done = events.execute(now, &EventOperation { actor: who(actor), action });
        let check = if is_managing { events.check(position) } else { Ok(()) };
        (done, events.waiting.len() + events.holds.table().len(), check)
    };
    let ids: Vec<String> = (10..31).map(|day| format!("TORM{day}0519")).collect();
    for id in &ids {
        assert!(act("TORM0001", add(id, 1)).0.is_success());
        assert!(act("bob", book("bob", id, any(1))).0.is_success());
    }
    let everybody = ids.iter().flat_map(|id| (1..10_000).map(move |n| (format!("TORC{n:04}"), id)));
    let mut count = 0;
    for (customer, id) in everybody {
        let (done, _, _) = act(&customer, join(&customer, id, 1));
        if !done.is_success() {
            assert_eq!(done, EventOutcome::Refused(Refusal::Full(Limit::Waiting(WAITING_MAX as u32))));
            break;
        }
        count += 1;
    }
    assert_eq!(count, WAITING_MAX);
    let (_, all, check) = act("TORM0001", add(&ids[0], 10_000));
    assert_eq!((all, check), (WAITING_MAX, Ok(())), "each offer takes somebody's place");
    let last = &ids[20];
    let (refused, ..) = act("ann", join("ann", last, 1));
    assert_eq!(refused, EventOutcome::Refused(Refusal::Full(Limit::Waiting(WAITING_MAX as u32))));
    assert!(act("TORC0001", confirm("TORC0001", &ids[0])).0.is_success());
    assert!(act("ann", join("ann", last, 1)).0.is_success(), "there is room for one more");
    let (gone, all, check) = act("TORM0001", Action::RemoveEvent { event: key(&ids[1]) });
    assert!(gone.is_success());
    assert_eq!((all, check), (WAITING_MAX - 9_999, Ok(())));
}
