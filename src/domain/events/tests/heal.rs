//! Two sides of a partition meet.

use super::*;

#[test]
fn a_lost_side_offers_what_it_did_and_nothing_twice() {
    let mut both = Desk::selling(E, 6);
    both.add("TORE100519", 6);
    both.add("TORA100519", 2);
    both.must(JOE, book(JOE, E, any(2)));
    both.must(SUE, book(SUE, E, any(1)));
    both.must("bob", book("bob", "TORA100519", any(2)));
    both.must(MAX, join(MAX, "TORA100519", 1));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    let kept = mine.must("cleo", book("cleo", E, any(1)));
    mine.must(JOE, cancel(JOE, E));
    mine.must(SUE, exchange(SUE, E, "TORE100519", pick(&[5, 6])));
    mine.must("TORM0001", add("TORM110519", 3));
    mine.must("TORM0001", add("TORE100519", 8));
    mine.must("TORM0001", Action::AddKind { kind: "Films".parse().unwrap() });
    mine.must(MAX, Action::Leave { holder: who(MAX), event: key("TORA100519") });
    mine.must(JOE, join(JOE, "TORA100519", 2));
    mine.must("ann", hold("ann", E, any(1)));
    theirs.must("dan", book("dan", "TORE100519", pick(&[5])));
    let offers =
        super::super::divergence::between(&mine.server.state.events, &theirs.server.state.events, shared);
    let outcomes: Vec<String> = offers
        .iter()
        .map(|offer| theirs.operate(Operation::Offer(Box::new(offer.clone()))).to_string())
        .collect();
    assert_eq!(
        outcomes,
        [
            "Kind Films has been added.",
            "TORE100519 (Seminars) has 8 seats now; it had 6.",
            "TORM110519 (Seminars) has been added with 3 seats.",
            "2 seats of TORM100519 (Seminars) have been released. 5 seats are now available.",
            "1 seats of TORM100519 (Seminars) have been released. 6 seats are now available.",
            "Failed: the following seats at TORE100519 (Seminars) are taken already: 5.",
            "The seats have been reserved for cleo at TORM100519 (Seminars): 4.",
            "MTLC0001 no longer waits for TORA100519 (Seminars).",
            "TORC0001 waits for 2 seats at TORA100519 (Seminars), at place 1.",
        ]
    );
    let ticket = tickets(&kept)[0];
    let EventAnswer::Refused(_) = theirs.ask(None, Question::Ticket(ticket)) else {
        panic!("bob, dan and cleo are numbered otherwise here, so her ticket is another one")
    };
    let before = theirs.server.bytes().len();
    for offer in offers {
        let outcome = theirs.operate(Operation::Offer(Box::new(offer.clone())));
        let is_clash = matches!(outcome, EventOutcome::Refused(Refusal::Taken { .. }));
        assert!(outcome.is_success() || is_clash, "{offer:?}: {outcome}");
    }
    assert!(theirs.server.bytes().len() >= before);
    let left = [E, "TORE100519", "TORA100519"].map(|event| theirs.left(event));
    assert_eq!(left, [5, 7, 0]);
}

#[test]
fn a_removal_of_the_lost_side_spares_what_was_booked_since() {
    let mut both = Desk::selling(E, 6);
    both.add("TORE100519", 6);
    both.must(JOE, book(JOE, E, any(2)));
    both.must(JOE, book(JOE, "TORE100519", any(2)));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    mine.must("TORM0001", Action::RemoveEvent { event: key(E) });
    mine.must("TORM0001", Action::RemoveEvent { event: key("TORE100519") });
    theirs.must(SUE, book(SUE, E, any(1)));
    let offers =
        super::super::divergence::between(&mine.server.state.events, &theirs.server.state.events, shared);
    assert_eq!(offers.len(), 2, "bookings go with their event: {offers:?}");
    let outcomes: Vec<String> = offers
        .iter()
        .map(|offer| theirs.operate(Operation::Offer(Box::new(offer.clone()))).to_string())
        .collect();
    assert_eq!(
        outcomes,
        [
            "TORE100519 (Seminars) has been removed. 1 bookings with 2 seats have been cancelled: TORC0001.",
            "Failed: TORM100519 (Seminars) was removed on one side of a partition and booked on the other; it stays.",
        ]
        .map(str::to_owned)
        .to_vec()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
    );
}

#[test]
fn tickets_stay_the_same_when_a_customers_booking_is_offered_again() {
    let both = Desk::selling(E, 6);
    let (mut mine, mut theirs) = (both.clone(), both.clone());
    let ticket = tickets(&mine.must(JOE, book(JOE, E, pick(&[3]))))[0];
    let shared = both.server.position;
    for offer in
        super::super::divergence::between(&mine.server.state.events, &theirs.server.state.events, shared)
    {
        assert!(matches!(offer, Offer::Booked { .. }));
        theirs.operate(Operation::Offer(Box::new(offer)));
    }
    let words = theirs.ask(Some(JOE), Question::Ticket(ticket)).to_string();
    assert_eq!(words, format!("{ticket}: seat 3 at TORM100519 (Seminars), reserved for TORC0001"));
    assert_eq!(Seat(3).to_string(), "3");
}

/// What `mine` offers is executed by `theirs`; the words for it.
fn offered(mine: &Desk, theirs: &mut Desk, shared: u64) -> Vec<String> {
    let offers =
        super::super::divergence::between(&mine.server.state.events, &theirs.server.state.events, shared);
    offers.into_iter().map(|offer| theirs.operate(Operation::Offer(Box::new(offer))).to_string()).collect()
}

#[test]
fn a_changed_booking_is_not_lost_to_somebody_who_waits() {
    let mut both = Desk::selling(E, 4);
    let booked = both.must(JOE, book(JOE, E, any(3)));
    both.must(MAX, book(MAX, E, any(1)));
    both.must(SUE, join(SUE, E, 3));
    both.must("ann", join("ann", E, 1));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    let deleted = tickets(&booked)[1];
    mine.must(JOE, Action::DeleteTicket { ticket: deleted });
    assert_eq!(
        offered(&mine, &mut theirs, shared),
        [
            "The seats at TORM100519 (Seminars) have been exchanged. The seats have been reserved for TORC0001 at \
          TORM100519 (Seminars): 1,3."
        ]
    );
    assert_eq!(theirs.schedule(JOE), "TORM100519 (Seminars), 2019-05-10: 1,3");
    assert!(theirs.schedule("ann").ends_with(": 2"), "{}", theirs.schedule("ann"));
    let kept = theirs.ask(Some(JOE), Question::Ticket(tickets(&booked)[2])).to_string();
    assert!(kept.contains("seat 3"), "the other tickets stay: {kept}");
    assert_eq!(offered(&mine, &mut theirs, shared), [""; 0], "nothing is offered twice");
}

#[test]
fn changed_bookings_are_offered_after_those_that_make_room_for_them() {
    let mut both = Desk::selling(E, 4);
    both.must(JOE, book(JOE, E, pick(&[1])));
    both.must(SUE, book(SUE, E, pick(&[2])));
    both.must(MAX, book(MAX, E, pick(&[3])));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    mine.must(MAX, exchange(MAX, E, E, pick(&[4])));
    mine.must(SUE, exchange(SUE, E, E, pick(&[3])));
    mine.must(JOE, exchange(JOE, E, E, pick(&[2])));
    let words = offered(&mine, &mut theirs, shared);
    assert!(words.len() == 3 && words.iter().all(|words| !words.starts_with("Failed")), "{words:?}");
    assert_eq!(
        [JOE, SUE, MAX].map(|who| theirs.schedule(who)),
        [JOE, SUE, MAX].map(|who| mine.schedule(who))
    );
}

#[test]
fn a_change_that_no_longer_fits_leaves_the_booking_as_it_was() {
    let mut both = Desk::selling(E, 4);
    for (who, seat) in [(JOE, 1), (SUE, 2), (MAX, 3)] {
        both.must(who, book(who, E, pick(&[seat])));
    }
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    mine.must(JOE, exchange(JOE, E, E, pick(&[4])));
    let late =
        super::super::divergence::between(&mine.server.state.events, &theirs.server.state.events, shared);
    theirs.must("ann", book("ann", E, pick(&[4])));
    assert_eq!(
        offered(&mine, &mut theirs, shared),
        ["Failed: the following seats at TORM100519 (Seminars) are taken already: 4."]
    );
    assert_eq!(theirs.schedule(JOE), "TORM100519 (Seminars), 2019-05-10: 1");
    theirs.must("ann", cancel("ann", E));
    theirs.must(JOE, exchange(JOE, E, E, any(2)));
    let late: Vec<String> =
        late.into_iter().map(|offer| theirs.operate(Operation::Offer(Box::new(offer))).to_string()).collect();
    assert_eq!(
        late,
        ["Failed: TORC0001 has booked the following seats at TORM100519 (Seminars): 1,4."],
        "what was changed on both sides stays as it is on this one"
    );
    theirs.must(JOE, cancel(JOE, E));
    assert_eq!(theirs.left(E), 2);
}

#[test]
fn who_only_want_each_others_seats_keep_their_own_and_it_is_told() {
    let mut both = Desk::selling(E, 3);
    both.must(JOE, book(JOE, E, pick(&[1])));
    both.must(SUE, book(SUE, E, pick(&[2])));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    mine.must(JOE, exchange(JOE, E, E, pick(&[3])));
    mine.must(SUE, exchange(SUE, E, E, pick(&[1])));
    mine.must(JOE, exchange(JOE, E, E, pick(&[2])));
    let words = offered(&mine, &mut theirs, shared);
    assert!(
        words.len() == 2
            && words
                .iter()
                .all(|words| words.ends_with("are taken already: 2.")
                    || words.ends_with("are taken already: 1.")),
        "{words:?}"
    );
    assert_eq!([JOE, SUE].map(|who| theirs.schedule(who).ends_with(": 1")), [true, false]);
}

#[test]
fn whoever_was_offered_seats_on_the_lost_side_still_waits_on_the_other() {
    let mut both = Desk::selling(E, 1);
    both.add("TORE100519", 1);
    both.must(MAX, book(MAX, E, any(1)));
    both.must(SUE, join(SUE, E, 1));
    let shared = both.server.position;
    let (mut mine, mut theirs) = (both.clone(), both);
    mine.must("TORM0001", add(E, 2));
    assert!(mine.schedule(SUE).contains("held"), "{}", mine.schedule(SUE));
    mine.must("TORM0001", Action::RemoveEvent { event: key("TORE100519") });
    assert_eq!(offered(&mine, &mut theirs, shared).len(), 2, "the capacity and the removal, and no place");
    assert!(theirs.schedule(SUE).contains("held"), "{}", theirs.schedule(SUE));
}
