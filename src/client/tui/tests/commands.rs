//! Booking, holding, giving back: what is asked, and what becomes of the answer.

use super::*;
use crate::domain::events::command::{Count, Seating};

const SIZE: (u16, u16) = (80, 24);

fn booked(name: &str, numbers: &[u32]) -> Outcome {
    Outcome::Reserved { name: name.parse().unwrap(), seats: seats(numbers) }
}

#[test]
fn seats_that_are_picked_are_booked_and_the_answer_is_in_the_servers_words() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    assert_eq!(desk.state.seats.as_ref().unwrap().cursor, 8, "the first free seat");
    desk.type_in(" ");
    desk.press(KeyCode::Right);
    desk.type_in(" \n");
    let name = "bob".parse().unwrap();
    assert_eq!(desk.command(), Operation::ReserveSeats { name, seats: seats(&[8, 9]) });
    desk.wait(1_200);
    desk.shows("Booking 8,9 of the theatre ... 1.2 s");
    desk.world.taken.extend([8, 9]);
    desk.world.own = Some(seats(&[8, 9]));
    desk.end(Ok(booked("bob", &[8, 9])));
    desk.serve();
    desk.shows("+ The seats have been reserved for bob: 8,9.");
    desk.shows("Yours: 8,9.");
    desk.shows("@ [@]");
}

#[test]
fn nobody_is_asked_who_they_are_before_it_matters_and_then_goes_on_with_what_they_wanted() {
    let mut desk = Desk::at_seats(SIZE, None, 0);
    desk.type_in("n2\n");
    desk.shows("Who are you?");
    assert!(!desk.has_command());
    desk.type_in("\n");
    desk.shows("! a name must have at least 1 character");
    desk.type_in("Ann Lee\n");
    let name = "Ann Lee".parse().unwrap();
    assert_eq!(desk.command(), Operation::Reserve { name, count: 2 });
    desk.shows("Ann Lee");
}

#[test]
fn an_id_books_as_that_person() {
    let mut desk = Desk::at_seats(SIZE, None, 2);
    desk.type_in(" \n");
    desk.type_in("TORC2345\n");
    let holder = actor("TORC2345");
    let seating = Seating::Seats(runs(&[3]));
    let expected = Action::Book { holder: holder.clone(), event: seminars(), seating };
    assert_eq!(desk.action(), (holder, expected));
}

#[test]
fn a_refusal_is_shown_as_such_and_what_was_picked_stays() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \n");
    desk.end(Ok(Outcome::NotEnough { left: 0, count: 1 }));
    desk.shows("! Failed: only 0 seats left but 1 seats are requested.");
    assert_eq!(desk.state.seats.as_ref().unwrap().picked, [8].into());
}

#[test]
fn an_unknown_outcome_is_never_said_to_be_none() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \n");
    desk.send(Message::Trouble(2, "the server closed the connection".to_owned()));
    desk.end(Err(Failure::Unknown));
    desk.shows("? the outcome is unknown: it may have been executed. Look at My bookings before");
    desk.shows_not("not executed");
    assert_eq!(desk.state.message.as_ref().unwrap().0, Tone::Unknown);
}

#[test]
fn one_command_at_a_time() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \nn3\n");
    desk.command();
    desk.end(Ok(booked("bob", &[8])));
    desk.type_in("n3\n");
    assert!(matches!(desk.command(), Operation::Reserve { count: 3, .. }));
}

#[test]
fn a_hold_counts_down_in_the_states_time_and_is_confirmed_extended_or_released() {
    let mut desk = Desk::at_seats(SIZE, Some("TORC2345"), 2);
    desk.type_in(" h");
    let holder = actor("TORC2345");
    let seating = Seating::Seats(runs(&[3]));
    let expected = Action::Hold { holder: holder.clone(), event: seminars(), seating };
    assert_eq!(desk.action().1, expected);
    // The servers' clocks are an hour ahead of this machine's.
    let until_ms = WALL_MS + 3_600_000 + 300_000;
    desk.world.event_taken.insert(3);
    desk.world.claims = vec![hold(seminars(), &[3], until_ms)];
    desk.end_event(EventOutcome::Held { holder, event: seminars(), seats: runs(&[3]), until_ms });
    desk.serve();
    desk.shows("Held for you: 3 (5:00 left) [####################]");
    desk.wait(28_000);
    desk.shows("(4:32 left)");
    for (key, is_it) in [
        (KeyCode::Enter, (|action| matches!(action, Action::Confirm { .. })) as fn(&Action) -> bool),
        (KeyCode::Char('c'), |action| matches!(action, Action::Confirm { .. })),
        (KeyCode::Char('e'), |action| matches!(action, Action::Extend { .. })),
        (KeyCode::Char('r'), |action| matches!(action, Action::Release { .. })),
    ] {
        desk.press(key);
        assert!(is_it(&desk.action().1), "{key:?}: {:?}", desk.action());
        desk.end(Err(Failure::NotExecuted));
    }
    desk.wait(300_000);
    desk.shows("(0:00 left)");
    desk.world.claims.clear();
    desk.wait(1_000);
    desk.shows_not("Held for you");
}

#[test]
fn giving_back_is_asked_about_first() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in("x");
    desk.shows("Give your seats of the theatre back?");
    desk.type_in("zn");
    assert!(!desk.has_command() && desk.state.overlay.is_none());
    desk.type_in("xy");
    assert_eq!(desk.command(), Operation::Delete { name: "bob".parse().unwrap() });
}

#[test]
fn waiting_lists_are_joined_and_left() {
    let mut desk = Desk::at_seats(SIZE, Some("TORC2345"), 1);
    desk.type_in("w2\n");
    let count = Count::new(2).unwrap();
    assert!(matches!(desk.action().1, Action::Join { count: of, .. } if of == count));
    let what = Claimed::Place { count: 2, place: 1 };
    let event = key("MTLE130519", "Conferences");
    desk.world.claims = vec![Claim { event, date: "2019-05-13".parse().unwrap(), what }];
    desk.end(Err(Failure::NotExecuted));
    desk.serve();
    desk.shows("You wait for 2 seats, at place 1.");
    desk.type_in("l");
    assert!(matches!(desk.action().1, Action::Leave { .. }));
}

#[test]
fn the_theatre_says_that_it_has_no_holds() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" h");
    desk.shows("The theatre sells at once");
    assert!(!desk.has_command());
}

#[test]
fn seats_that_somebody_else_took_are_no_longer_picked() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" ");
    desk.press(KeyCode::Right);
    desk.type_in(" ");
    desk.world.taken.insert(8);
    desk.wait(1_000);
    assert_eq!(desk.state.seats.as_ref().unwrap().picked, [9].into());
    desk.shows("Taken by somebody else just now, and picked no longer: 8.");
}

#[test]
fn another_server_going_on_is_a_message_and_no_error_and_passes() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \n");
    desk.send(Message::Trouble(2, "the server closed the connection".to_owned()));
    desk.shows("~ Server 2: the server closed the connection; another one is asked.");
    desk.server = 3;
    desk.end(Ok(booked("bob", &[8])));
    desk.shows("+ The seats have been reserved for bob: 8.");
    desk.shows("~ Server 3 goes on: server 2 does not answer any more (the server closed the");
    desk.shows("bob  server 3");
    let errors = desk.state.log.client.iter().filter(|line| line.level == super::super::log::Level::Error);
    assert_eq!(errors.count(), 0);
    desk.wait(NOTICE_MS);
    desk.shows_not("goes on");
}

#[test]
fn when_nobody_answers_that_is_said_while_it_is_tried_on() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \n");
    desk.send(Message::NobodyAnswers);
    desk.shows("no server could help yet");
    desk.shows("trying on for at most 30 s");
    desk.end(Ok(booked("bob", &[8])));
    desk.shows_not("no server could help yet");
}

#[test]
fn whoever_quits_while_a_command_waits_is_asked_and_told() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in("q");
    assert_eq!(desk.effects, [Effect::Leave { is_unknown: false }]);
    desk.effects.clear();
    desk.type_in(" \nq");
    desk.shows("may be carried out");
    desk.type_in("n");
    assert_eq!(desk.effects, []);
    desk.type_in("qy");
    assert_eq!(desk.effects, [Effect::Leave { is_unknown: true }]);
}

#[test]
fn a_new_event_is_checked_in_the_words_of_the_command_line() {
    let mut desk = Desk::loaded(SIZE, Some("TORM2345"));
    desk.type_in("3");
    assert_eq!(desk.state.screen, Screen::AddEvent);
    desk.type_in("Films q?\n");
    desk.shows("! ");
    assert!(!desk.has_command());
    desk.press(KeyCode::Tab);
    desk.type_in("0\n");
    desk.shows("! 0: a count of seats is a whole number from 1 to 1000000");
    desk.press(KeyCode::Backspace);
    desk.type_in("80");
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Down);
    for text in ["TOR", "2026-12-24", "19:30"] {
        desk.type_in(text);
        desk.press(KeyCode::Tab);
    }
    desk.press(KeyCode::Enter);
    let (who, action) = desk.action();
    let Action::AddEvent { event, capacity } = action else { panic!("{action:?}") };
    assert_eq!((who, capacity, event.kind.as_str()), (actor("TORM2345"), 80, "Films q?"));
    assert_eq!(
        (event.place.branch(), event.place.date().to_string()),
        ("TOR".parse().unwrap(), "2026-12-24".into())
    );
    let id = event.place.id().to_string();
    assert!(id.len() == 36 && &id[14..15] == "4", "{id}");
    desk.end_event(EventOutcome::EventAdded {
        event: EventKey { id: event.place.id(), kind: event.kind },
        capacity,
    });
    desk.shows("has been added with 80 seats.");
    assert_eq!(desk.state.form, Default::default());
}
