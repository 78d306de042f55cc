//! Lists that change under the cursor and under a question: a key is about what was seen.

use super::super::input::{Intent, Wish};
use super::*;

const SIZE: (u16, u16) = (80, 24);

fn later() -> EventKey {
    key("TORM110527", "Seminars")
}

fn earlier() -> EventKey {
    key("TORM100527", "Seminars")
}

/// Somebody with this and nothing else, looking at it.
fn with(claim: Claim) -> Desk {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    desk.world.claims = vec![claim];
    desk.type_in("2");
    desk.serve();
    desk.shows("TORM110527 (Seminars)");
    desk
}

/// Something that comes before it in the list, from another client of the same person.
fn shift(desk: &mut Desk) {
    desk.world.claims.insert(0, booking(earlier(), &[1, 2, 3]));
    desk.world.own = Some(seats(&[9]));
    desk.wait(1_100);
    desk.shows("TORM100527 (Seminars)");
    desk.shows("The theatre");
}

/// The line with the cursor.
fn chosen(desk: &Desk) -> Option<String> {
    desk.picture().lines().find(|line| line.starts_with(" > ")).map(str::to_owned)
}

#[test]
fn yes_is_about_the_booking_that_the_question_names_although_the_list_has_moved() {
    let mut desk = with(booking(later(), &[7]));
    desk.type_in("x");
    shift(&mut desk);
    desk.shows("Give your seats of TORM110527 (Seminars) back?");
    desk.type_in("y");
    assert!(matches!(desk.action().1, Action::Cancel { event, .. } if event == later().id));
    desk.shows("Giving back the seats of TORM110527 (Seminars)");
}

#[test]
fn a_question_names_what_it_is_about_also_when_the_cursor_is_elsewhere() {
    let mut desk = with(booking(later(), &[7]));
    desk.type_in("x");
    shift(&mut desk);
    desk.state.bookings.place.at = 0;
    desk.type_in("y");
    assert!(matches!(desk.action().1, Action::Cancel { event, .. } if event == later().id));
}

#[test]
fn the_cursor_follows_its_booking_and_so_do_the_keys() {
    for (letter, is_it) in [
        (
            "c",
            (|action| matches!(action, Action::Confirm { event, .. } if event == later())) as fn(_) -> bool,
        ),
        ("e", |action| matches!(action, Action::Extend { event, .. } if event == later())),
        ("r", |action| matches!(action, Action::Release { event, .. } if event == later())),
        ("l", |action| matches!(action, Action::Leave { event, .. } if event == later())),
    ] {
        let mut desk = with(hold(later(), &[7], WALL_MS + 60_000));
        shift(&mut desk);
        assert_eq!(desk.state.bookings.place.at, 2);
        assert!(chosen(&desk).unwrap().contains("TORM110527"));
        desk.type_in(letter);
        assert!(is_it(desk.action().1), "{letter}");
    }
    // What was held is booked now: the same row.
    let mut desk = with(hold(later(), &[7], WALL_MS + 60_000));
    desk.world.claims = vec![booking(earlier(), &[1]), booking(later(), &[7])];
    desk.wait(1_100);
    assert!(chosen(&desk).unwrap().contains("booked: 7"));
    // And back again.
    desk.world.claims.remove(0);
    desk.wait(1_100);
    assert!(chosen(&desk).unwrap().contains("booked: 7"));
}

#[test]
fn a_question_about_what_is_gone_is_closed_with_a_word() {
    for theatre in [false, true] {
        let mut desk = with(booking(later(), &[7]));
        shift(&mut desk);
        if theatre {
            desk.press(KeyCode::Home);
        }
        desk.type_in("x");
        let named = if theatre { Hall::Theatre } else { Hall::Event(later()) };
        let intent = Some(Intent::At(named, Wish::Cancel));
        assert!(matches!(desk.overlay(), Overlay::Confirm { intent: found, .. } if *found == intent));
        if theatre {
            desk.world.own = None;
        } else {
            desk.world.claims.truncate(1);
        }
        desk.wait(1_100);
        assert!(desk.state.overlay.is_none());
        let what = if theatre { "the theatre" } else { "TORM110527 (Seminars)" };
        desk.shows(&format!("You have nothing of {what} any more."));
        desk.type_in("y");
        assert!(!desk.has_command());
    }
}

#[test]
fn no_key_acts_on_the_row_that_took_the_place_of_one_that_is_gone() {
    let mut desk = with(hold(later(), &[7], WALL_MS + 60_000));
    shift(&mut desk);
    desk.press(KeyCode::Up);
    assert!(chosen(&desk).unwrap().contains("TORM100527"));
    desk.world.claims.remove(0);
    desk.wait(1_100);
    assert_eq!(chosen(&desk), None);
    for letter in ["c", "e", "r", "l", "x", "t", "m", "\n"] {
        desk.type_in(letter);
        assert!(!desk.has_command() && desk.state.overlay.is_none(), "{letter:?}");
        assert_eq!(desk.state.screen, Screen::Bookings);
        desk.shows("What was chosen is no longer there");
    }
    desk.press(KeyCode::Down);
    assert!(chosen(&desk).unwrap().contains("TORM110527"));
    desk.type_in("r");
    assert!(matches!(desk.action().1, Action::Release { event, .. } if event == later()));
}

#[test]
fn nothing_is_shown_of_bookings_before_all_of_them_are_known() {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    desk.world.claims = vec![booking(later(), &[7])];
    desk.world.own = Some(seats(&[9]));
    desk.type_in("2");
    let at = desk.open.iter().position(|(_, wanted)| !matches!(wanted, Wanted::Query(Query::Search { .. })));
    let (number, wanted) = desk.open.remove(at.unwrap());
    let Wanted::Query(query) = wanted else { panic!("a question") };
    desk.answer(number, Ok(ServerReply::Answer(desk.world.answer(&query))));
    desk.shows("Looking...");
    desk.shows_not("TORM110527");
    // A part that is refused does not hide the other.
    let (number, _) = desk.open.pop().unwrap();
    desk.answer(number, Err(Failure::NotAllowed("show a token".to_owned())));
    assert!(chosen(&desk).unwrap().contains("TORM110527"));
    desk.wait(1_100);
    desk.shows("The theatre");
    assert!(chosen(&desk).unwrap().contains("TORM110527"));
}

#[test]
fn a_ticket_is_given_back_that_was_chosen_although_the_booking_has_changed() {
    let mut desk = with(booking(later(), &[5, 7]));
    desk.type_in("t");
    desk.press(KeyCode::Down);
    desk.world.claims = vec![booking(earlier(), &[1]), booking(later(), &[4, 5, 7])];
    desk.wait(1_100);
    desk.type_in("x");
    desk.shows("Give seat 7 of TORM110527 (Seminars) back");
    desk.world.claims.remove(0);
    desk.wait(1_100);
    desk.type_in("y");
    let ticket = TicketStem { party: 1, event: 2, mark: 3 }.ticket(Seat(7));
    assert_eq!(desk.action().1, Action::DeleteTicket { ticket });
}

#[test]
fn the_cursor_follows_its_event_to_a_page_that_is_loaded_again() {
    let id = |n: u32| key(&format!("0190163d-8694-739b-aea5-{n:012x}"), "Films");
    let mut desk = Desk::loaded(SIZE, Some("TORM2345"));
    desk.world.events = (1..=150).map(|n| event(id(n), None, "2026-12-24", 50, 50)).collect();
    desk.type_in("1");
    desk.serve();
    // The last event of the first page, with the theatre before it.
    (0..EVENTS_PAGE).for_each(|_| desk.press(KeyCode::Down));
    desk.serve();
    desk.world.events.insert(0, event(id(0), None, "2026-12-24", 50, 50));
    desk.wait(1_100);
    desk.type_in("x");
    desk.shows(&id(EVENTS_PAGE).id.to_string());
    desk.type_in("n");
    // Whoever moves on is not taken back.
    desk.press(KeyCode::Home);
    desk.world.events.insert(0, event(key("MTLA010119", "Films"), None, "2019-01-01", 5, 5));
    desk.wait(1_100);
    desk.shows("> The theatre");
}
