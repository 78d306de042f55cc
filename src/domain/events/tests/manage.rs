//! What managers do, and who is one.

use super::*;

#[test]
fn adding_an_event_again_changes_its_capacity_but_not_below_what_is_taken() {
    let mut desk = Desk::selling(E, 4);
    desk.must(JOE, book(JOE, E, pick(&[1, 3])));
    assert_eq!(desk.says("TORM0001", add(E, 10)), "TORM100519 (Seminars) has 10 seats now; it had 4.");
    assert_eq!(desk.left(E), 8);
    assert_eq!(
        desk.says("TORM0001", add(E, 2)),
        "Failed: TORM100519 (Seminars) cannot have only 2 seats: 2 are taken, up to seat 3."
    );
    assert_eq!(desk.says("TORM0001", add(E, 3)), "TORM100519 (Seminars) has 3 seats now; it had 10.");
    assert_eq!(desk.left(E), 1);
    for bad in [0, 1_000_001, u32::MAX] {
        let words = format!("Failed: an event has 1 to 1000000 seats, not {bad}.");
        assert_eq!(desk.says("TORM0001", add(E, bad)), words);
    }
    desk.restart();
}

#[test]
fn only_managers_of_the_branch_manage_its_events() {
    let mut desk = Desk::selling(E, 4);
    let remove = || Action::RemoveEvent { event: key(E) };
    for action in [add(E, 5), remove(), Action::AddKind { kind: "Films".parse().unwrap() }] {
        let words = desk.says(JOE, action.clone());
        assert_eq!(words, "Failed: TORC0001 is no manager; only managers may do that.");
        let words = desk.says("bob", action);
        assert_eq!(words, "Failed: bob is no manager; only managers may do that.");
    }
    for action in [add(E, 5), remove()] {
        let words = desk.says("MTLM0001", action);
        assert_eq!(words, "Failed: MTLM0001 does not manage TOR; only managers of TOR may do that.");
    }
    assert_eq!(desk.says("XYZM0001", add(E, 5)), "Failed: there is no branch XYZ.");
    assert_eq!(desk.left(E), 4);
}

#[test]
fn a_customer_acts_for_nobody_else_and_a_manager_for_customers_of_the_branch() {
    let mut desk = Desk::selling(E, 4);
    let words = desk.says(SUE, book(JOE, E, any(1)));
    assert_eq!(words, "Failed: TORC0002 may not act for TORC0001.");
    desk.must("TORM0009", book(JOE, E, any(1)));
    desk.must("TORM0009", book("TORM0009", E, any(1)));
    for (actor, holder) in
        [("MTLM0001", JOE), ("TORM0001", MAX), ("TORM0001", "TORM0009"), ("bob", JOE), (JOE, "bob")]
    {
        let words = desk.says(actor, cancel(holder, E));
        assert_eq!(words, format!("Failed: {actor} may not act for {holder}."));
    }
    let words = desk.says("XYZC0001", book("XYZC0001", E, any(1)));
    assert_eq!(words, "Failed: there is no branch XYZ.");
    desk.must(JOE, cancel(JOE, E));
}

#[test]
fn managers_add_branches_kinds_and_theatres() {
    let mut desk = Desk::new();
    let branch =
        |code: &str| Action::AddBranch { branch: code.parse().unwrap(), name: "Quebec".parse().unwrap() };
    let kind = || Action::AddKind { kind: "Metropolis".parse().unwrap() };
    let theatre = || Action::AddTheatre { theatre: "Grand Rex".parse().unwrap() };
    assert_eq!(desk.says("TORM0001", branch("QUE")), "Branch QUE has been added.");
    assert_eq!(desk.says("TORM0001", branch("TOR")), "Failed: branch TOR exists already.");
    assert_eq!(desk.says("TORM0001", kind()), "Kind Metropolis has been added.");
    assert_eq!(desk.says("TORM0001", kind()), "Failed: kind Metropolis exists already.");
    assert_eq!(desk.says("QUEM0001", theatre()), "Theatre Grand Rex of QUE has been added.");
    assert_eq!(desk.says("QUEM0002", theatre()), "Failed: QUE has theatre Grand Rex already.");
    let add_at = |theatre: &str| {
        let Action::AddEvent { event, capacity } = add("QUEE010120/Metropolis", 5) else { unreachable!() };
        Action::AddEvent { event: NewEvent { theatre: Some(theatre.parse().unwrap()), ..event }, capacity }
    };
    assert_eq!(desk.says("QUEM0001", add_at("Apollo")), "Failed: QUE has no theatre Apollo.");
    desk.must("QUEM0001", add_at("Grand Rex"));
    assert_eq!(desk.says("QUEM0001", add("QUEE010120/Opera", 5)), "Failed: there is no kind Opera.");
    desk.restart();
    let answer = desk.ask(None, Question::Event(key("QUEE010120/Metropolis"))).to_string();
    assert_eq!(answer, "QUEE010120 (Metropolis), QUE Grand Rex, 2020-01-01: 5 of 5 seats are free");
}

#[test]
fn removing_an_event_cancels_its_bookings_frees_the_month_and_leaves_word() {
    let mut desk = Desk::new();
    for event in ["TORM100519", "TORA100519", "TORE100519", "OTWM100519"] {
        desk.add(event, 6);
    }
    for event in ["TORM100519", "TORA100519", "TORE100519"] {
        desk.must(MAX, book(MAX, event, any(2)));
    }
    desk.must(JOE, book(JOE, E, any(1)));
    desk.must("bob", book("bob", E, any(1)));
    desk.must(SUE, hold(SUE, E, any(2)));
    desk.must("ann", join("ann", E, 3));
    let remove = || Action::RemoveEvent { event: key(E) };
    assert_eq!(
        desk.says("TORM0001", remove()),
        "TORM100519 (Seminars) has been removed. 3 bookings with 4 seats have been cancelled: MTLC0001, TORC0001, bob."
    );
    assert_eq!(desk.says("TORM0001", remove()), "Failed: there is no event TORM100519 (Seminars).");
    desk.must(MAX, book(MAX, "OTWM100519", any(1)));
    assert_eq!(desk.schedule(JOE), "TORM100519 (Seminars): cancelled by the organiser, 1 seats");
    assert_eq!(desk.schedule(SUE), "TORC0002 has no reservations.");
    assert_eq!(desk.schedule("ann"), "ann has no reservations.");
    desk.restart();
    assert_eq!(
        desk.schedule(MAX).lines().last(),
        Some("TORM100519 (Seminars): cancelled by the organiser, 2 seats")
    );
    desk.add(E, 1);
    assert_eq!(desk.left(E), 1, "a new event of that id has nothing of the old one");
    let remove = Action::RemoveEvent { event: key(E) };
    assert_eq!(
        desk.says("TORM0001", remove),
        "TORM100519 (Seminars) has been removed. Nobody had booked it."
    );
}

#[test]
fn nobody_is_on_too_many_waiting_lists_and_there_are_not_too_many_events() {
    let mut desk = Desk::new();
    let event = |n: usize| format!("TORM{:02}{:02}20", n % 28 + 1, n / 28 + 1);
    for n in 0..100 {
        desk.add(&event(n), 1);
        desk.must(JOE, book(JOE, &event(n), any(1)));
        desk.must("ann", join("ann", &event(n), 1));
    }
    assert_eq!(
        desk.says("TORM0001", add(&event(100), 1)),
        "Failed: there are 100 events already, no more can be added."
    );
    desk.must(JOE, cancel(JOE, &event(0)));
    desk.pass(10_000);
    desk.operate(Operation::Expire);
    desk.must(JOE, book(JOE, &event(0), any(1)));
    desk.must("ann", join("ann", &event(0), 1));
    desk.must("TORM0001", Action::RemoveEvent { event: key(&event(1)) });
    desk.add(&event(100), 1);
    desk.must(JOE, book(JOE, &event(100), any(1)));
    desk.must("ann", join("ann", &event(100), 1));
    desk.must("TORM0001", Action::RemoveEvent { event: key(&event(2)) });
    assert_eq!(desk.schedule(JOE).lines().count(), 101, "a page, and what was cancelled");
}

#[test]
fn an_event_with_a_uuid_has_its_place_beside_it() {
    let mut desk = Desk::new();
    let id: EventId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
    let EventId::Uuid(uuid) = id else { panic!() };
    let place = |branch: &str| Place::Free {
        id: uuid,
        branch: branch.parse().unwrap(),
        date: "2024-02-29".parse().unwrap(),
        minute: MinuteOfDay::new(20 * 60 + 15).unwrap(),
    };
    let event = |branch| NewEvent {
        place: place(branch),
        kind: "Conferences".parse().unwrap(),
        name: Some("Rust at scale".parse().unwrap()),
        theatre: None,
    };
    let add = |branch| Action::AddEvent { event: event(branch), capacity: 10 };
    desk.must("OTWM0001", add("OTW"));
    assert_eq!(
        desk.says("TORM0001", add("TOR")),
        format!("Failed: an event {id} is in another branch or at another time.")
    );
    assert_eq!(
        desk.says("TORM0001", add("OTW")),
        "Failed: TORM0001 does not manage OTW; only managers of OTW may do that."
    );
    desk.restart();
    let text = format!("{id}/Conferences");
    assert_eq!(
        desk.ask(None, Question::Event(key(&text))).to_string(),
        format!("{id} (Conferences) Rust at scale, OTW, 2024-02-29 20:15: 10 of 10 seats are free")
    );
    desk.must(JOE, book(JOE, &text, any(1)));
    assert_eq!(MinuteOfDay::new(24 * 60), None);
}
