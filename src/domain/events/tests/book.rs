//! Booking, cancelling, exchanging, tickets.

use super::*;

#[test]
fn a_manager_adds_an_event_and_customers_book_it() {
    let mut desk = Desk::new();
    assert_eq!(desk.says("TORM0001", add(E, 4)), "TORM100519 (Seminars) has been added with 4 seats.");
    assert_eq!(
        desk.says(JOE, book(JOE, E, any(2))),
        "The seats have been reserved for TORC0001 at TORM100519 (Seminars): 1,2."
    );
    assert_eq!(
        desk.says(MAX, book(MAX, E, pick(&[4]))),
        "The seats have been reserved for MTLC0001 at TORM100519 (Seminars): 4."
    );
    assert_eq!(
        desk.says(SUE, book(SUE, E, any(2))),
        "Failed: only 1 seats left at TORM100519 (Seminars) but 2 seats are requested."
    );
    assert_eq!(
        desk.says(JOE, book(JOE, E, any(1))),
        "Failed: TORC0001 has booked the following seats at TORM100519 (Seminars): 1,2."
    );
    assert_eq!(
        desk.says(SUE, book(SUE, E, pick(&[2, 3, 4]))),
        "Failed: the following seats at TORM100519 (Seminars) are taken already: 2,4."
    );
    assert_eq!(
        desk.says(SUE, book(SUE, E, pick(&[4, 5]))),
        "Failed: there are no seats 5; the seats are 1 to 4."
    );
    assert_eq!(
        desk.says(JOE, cancel(JOE, E)),
        "2 seats of TORM100519 (Seminars) have been released. 3 seats are now available."
    );
    assert_eq!(desk.says(JOE, cancel(JOE, E)), "Failed: no reservation is made by TORC0001 at TORM100519.");
}

#[test]
fn the_theatre_and_its_words_know_nothing_of_events() {
    let mut desk = Desk::selling(E, 2);
    desk.must(JOE, book(JOE, E, any(2)));
    let reserve = crate::domain::testing::reserve("bob", 5);
    let words = desk.server.operate(reserve).to_string();
    assert_eq!(words, "The seats have been reserved for bob: 1,2,3,4,5.");
}

#[test]
fn best_seats_leave_no_single_one() {
    let mut desk = Desk::selling(E, 9);
    desk.must(JOE, book(JOE, E, pick(&[4])));
    let words = desk.says(SUE, book(SUE, E, best(2)));
    assert!(words.ends_with(": 5,6."), "1 and 2 would leave 3 alone: {words}");
}

#[test]
fn the_same_id_may_have_several_kinds() {
    let mut desk = Desk::selling(E, 4);
    desk.add("TORM100519/Conferences", 4);
    desk.must(JOE, book(JOE, E, any(1)));
    desk.must(JOE, book(JOE, "TORM100519/Conferences", any(1)));
    assert_eq!(
        desk.says(JOE, cancel(JOE, E)),
        "Failed: TORC0001 has several reservations at TORM100519; say which kind: Conferences, Seminars."
    );
    desk.must(JOE, cancel(JOE, "TORM100519/Conferences"));
    desk.must(JOE, cancel(JOE, E));
}

#[test]
fn three_bookings_a_month_outside_of_the_own_branch_are_all() {
    let mut desk = Desk::new();
    for event in ["TORM100519", "TORA100519", "OTWM310519", "OTWE010519", "TORM010619", "MTLM100519"] {
        desk.add(event, 5);
    }
    for event in ["TORM100519", "TORA100519", "OTWM310519", "TORM010619", "MTLM100519"] {
        desk.must(MAX, book(MAX, event, any(1)));
    }
    let full = "Failed: MTLC0001 has 3 bookings outside of MTL in May 2019, as many as there can be.";
    assert_eq!(desk.says(MAX, book(MAX, "OTWE010519", any(1))), full);
    assert_eq!(desk.says(MAX, hold(MAX, "OTWE010519", any(1))), full);
    desk.restart();
    assert_eq!(desk.says(MAX, book(MAX, "OTWE010519", any(1))), full);
    // One for another of that month is as many as before.
    desk.must(MAX, exchange(MAX, "TORM100519", "OTWE010519", any(1)));
    assert_eq!(
        desk.says(MAX, exchange(MAX, "TORM010619", "TORM100519", any(1))),
        full,
        "June gives May no room"
    );
    desk.must(MAX, cancel(MAX, "OTWM310519"));
    desk.must(MAX, book(MAX, "TORM100519", any(1)));
    for name in ["bob", "ann"] {
        for event in ["TORM100519", "TORA100519", "OTWM310519", "OTWE010519"] {
            desk.must(name, book(name, event, any(1)));
        }
    }
}

#[test]
fn an_exchange_is_all_or_nothing() {
    let mut desk = Desk::selling(E, 2);
    desk.add("TORE100519", 3);
    desk.must(JOE, book(JOE, E, any(2)));
    desk.must(SUE, book(SUE, "TORE100519", any(2)));
    assert_eq!(
        desk.says(JOE, exchange(JOE, E, "TORE100519", any(2))),
        "Failed: only 1 seats left at TORE100519 (Seminars) but 2 seats are requested."
    );
    assert_eq!((desk.left(E), desk.left("TORE100519")), (0, 1), "the old booking stays");
    assert_eq!(
        desk.says(JOE, exchange(JOE, E, "TORE100519", any(1))),
        "The seats at TORM100519 (Seminars) have been exchanged. The seats have been reserved for TORC0001 at TORE100519 (Seminars): 3."
    );
    assert_eq!((desk.left(E), desk.left("TORE100519")), (2, 0));
    assert_eq!(
        desk.says(JOE, exchange(JOE, E, "TORE100519", any(1))),
        "Failed: no reservation is made by TORC0001 at TORM100519 (Seminars)."
    );
    assert_eq!(
        desk.says(SUE, exchange(SUE, "TORE100519", "TORA100519", any(1))),
        "Failed: there is no event TORA100519 (Seminars)."
    );
}

#[test]
fn an_exchange_within_a_full_event_may_use_the_own_seats() {
    let mut desk = Desk::selling(E, 4);
    desk.must(JOE, book(JOE, E, pick(&[2, 3])));
    desk.must(SUE, book(SUE, E, pick(&[1, 4])));
    let words = desk.says(JOE, exchange(JOE, E, E, pick(&[3, 4])));
    assert_eq!(words, "Failed: the following seats at TORM100519 (Seminars) are taken already: 4.");
    let old = desk.schedule(JOE);
    assert!(old.ends_with(": 2,3"), "{old}");
    desk.must("ann", join("ann", E, 1));
    desk.must(JOE, exchange(JOE, E, E, any(1)));
    assert_eq!((desk.left(E), desk.schedule(JOE)), (0, "TORM100519 (Seminars), 2019-05-10: 2".into()));
    assert!(desk.schedule("ann").starts_with("TORM100519 (Seminars), 2019-05-10: held until "));
}

#[test]
fn a_guest_keeps_their_number_in_an_exchange() {
    let mut desk = Desk::selling(E, 4);
    desk.must("ann", book("ann", E, any(1)));
    desk.must("bob", book("bob", E, any(1)));
    desk.must("ann", cancel("ann", E));
    let EventOutcome::Exchanged { stem, .. } = desk.must("bob", exchange("bob", E, E, any(2))) else {
        panic!()
    };
    assert_eq!(stem.party, 1 << 31 | 1, "the second guest, though the first one is gone");
}

#[test]
fn each_seat_has_a_ticket_that_is_looked_up_and_deleted_by_its_id() {
    let mut desk = Desk::selling(E, 4);
    let own = tickets(&desk.must(JOE, book(JOE, E, pick(&[1, 2, 4]))));
    let ask = |desk: &Desk, actor, ticket| desk.ask(actor, Question::Ticket(ticket)).to_string();
    let words = format!("{}: seat 2 at TORM100519 (Seminars), reserved for TORC0001", own[1]);
    assert_eq!(ask(&desk, Some(JOE), own[1]), words);
    assert_eq!(ask(&desk, Some("TORM0001"), own[1]), words);
    assert_eq!(ask(&desk, Some(SUE), own[1]), "Failed: TORC0002 may not act for TORC0001.");
    assert_eq!(ask(&desk, None, own[1]), "Failed: that is not told to everybody; say who you are.");
    let delete = |ticket| Action::DeleteTicket { ticket };
    assert_eq!(desk.says(SUE, delete(own[1])), "Failed: TORC0002 may not act for TORC0001.");
    assert_eq!(
        desk.says(JOE, delete(own[1])),
        format!(
            "Ticket {} has been deleted: seat 2 of TORM100519 (Seminars) has been released. 2 seats are now available.",
            own[1]
        )
    );
    assert_eq!(desk.says(JOE, delete(own[1])), format!("Failed: there is no ticket {}.", own[1]));
    desk.restart();
    desk.must(JOE, delete(own[0]));
    desk.must(JOE, delete(own[2]));
    assert_eq!(desk.schedule(JOE), "TORC0001 has no reservations.");
    let again = tickets(&desk.must(JOE, book(JOE, E, pick(&[1, 2, 4]))));
    assert_eq!(ask(&desk, Some(JOE), own[0]), format!("Failed: there is no ticket {}.", own[0]));
    assert!(again.iter().all(|ticket| !own.contains(ticket)));
    // A guest is whoever has the ticket.
    let guest = tickets(&desk.must("bob", book("bob", E, any(1))));
    desk.must("somebody else", delete(guest[0]));
    let stranger = "0190163d-8694-839b-aea5-966c26f8ad91".parse().unwrap();
    assert_eq!(desk.says(JOE, delete(stranger)), format!("Failed: there is no ticket {stranger}."));
}

#[test]
fn a_retry_gets_the_same_tickets_and_books_once() {
    let mut desk = Desk::selling(E, 4);
    let session = SessionId { birth_ms: 0, random: 77 };
    let action = book(JOE, E, any(2));
    let operation =
        Operation::Events(Box::new(super::super::command::EventOperation { actor: who(JOE), action }));
    let first = desk.again(operation.clone(), session);
    desk.must(JOE, cancel(JOE, E));
    assert_eq!(desk.again(operation, session), first);
    assert!(matches!(first, Outcome::Events(_)));
    assert_eq!(desk.left(E), 4);
}

#[test]
fn bookings_have_a_limit() {
    let mut desk = Desk::with(|config| config.bookings_max = 2);
    desk.add(E, 5);
    desk.must("ann", book("ann", E, any(1)));
    desk.must("cleo", hold("cleo", E, any(1)));
    desk.must("bob", book("bob", E, any(1)));
    let full = "Failed: there are 2 bookings already, no more can be made.";
    assert_eq!(desk.says("dan", book("dan", E, any(1))), full);
    assert_eq!(desk.says("cleo", confirm("cleo", E)), full);
    desk.must("bob", exchange("bob", E, E, any(2)));
}
