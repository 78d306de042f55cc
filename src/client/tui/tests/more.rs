//! Adjacent seats, tickets, exchanges, and events that are removed: what the command line can, with keys.

use super::*;
use crate::domain::events::command::{Count, Seating};

const SIZE: (u16, u16) = (80, 24);

/// Somebody with seats 1 and 2 at the seminars, looking at what they have.
fn with_booking() -> Desk {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    desk.world.claims = vec![booking(seminars(), &[1, 2])];
    desk.type_in("2");
    desk.serve();
    desk.shows("booked: 1,2");
    desk
}

#[test]
fn adjacent_seats_are_booked_by_their_number() {
    let mut desk = Desk::at_seats(SIZE, Some("TORC2345"), 2);
    desk.type_in("bx\n");
    desk.shows("! ");
    desk.press(KeyCode::Backspace);
    desk.type_in("3\n");
    let holder = actor("TORC2345");
    let seating = Seating::Best(Count::new(3).unwrap());
    assert_eq!(desk.action().1, Action::Book { holder, event: seminars(), seating });
    desk.shows("Booking 3 adjacent seats of TORM100519 (Seminars)");
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in("b3\n");
    assert!(!desk.has_command());
    desk.shows("The theatre sells at once");
}

#[test]
fn a_booking_is_exchanged_for_another_one_after_a_question() {
    let mut desk = with_booking();
    desk.type_in("m");
    desk.serve();
    desk.shows("(exchanging TORM100519 (Seminars))");
    desk.shows("Choose the event to exchange TORM100519 (Seminars) for.");
    // The third event beside the theatre.
    (0..3).for_each(|_| desk.press(KeyCode::Down));
    desk.press(KeyCode::Enter);
    desk.serve();
    desk.shows("Enter exchange");
    desk.type_in("\n");
    desk.shows("Pick seats with Space first");
    desk.type_in("g7\n \n");
    desk.shows("Exchange your seats of TORM100519 (Seminars) for");
    assert!(!desk.has_command());
    desk.type_in("n");
    assert!(!desk.has_command());
    desk.type_in("\ny");
    let to = desk.world.events[2].event.clone();
    let seating = Seating::Seats(runs(&[7]));
    let holder = actor("TORC2345");
    let expected = Action::Exchange { holder: holder.clone(), from: seminars(), to: to.clone(), seating };
    assert_eq!(desk.action().1, expected);
    let stem = TicketStem { party: 1, event: 2, mark: 3 };
    desk.end_event(EventOutcome::Exchanged { holder, from: seminars(), to, seats: runs(&[7]), stem });
    desk.shows("+ The seats at TORM100519 (Seminars) have been exchanged.");
    assert_eq!(desk.state.exchange, None);
}

#[test]
fn an_exchange_is_for_a_number_of_seats_too_and_escape_keeps_what_one_has() {
    let mut desk = with_booking();
    desk.type_in("m");
    desk.serve();
    desk.press(KeyCode::Enter);
    desk.serve();
    desk.type_in("n2\n");
    assert!(
        matches!(desk.command(), Operation::Reserve { count: 2, .. }),
        "the theatre is beside the events"
    );
    desk.end(Err(Failure::NotExecuted));
    desk.press(KeyCode::Esc);
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Enter);
    desk.serve();
    desk.type_in("b2\ny");
    let best = Seating::Best(Count::new(2).unwrap());
    assert!(matches!(desk.action().1, Action::Exchange { seating, .. } if seating == best));
    desk.end(Err(Failure::NotExecuted));
    assert_eq!(desk.state.exchange, Some(seminars()), "it is still wanted");
    desk.press(KeyCode::Esc);
    desk.press(KeyCode::Esc);
    assert_eq!((desk.state.screen, &desk.state.exchange), (Screen::Bookings, &None));
}

#[test]
fn a_booking_shows_its_tickets_and_the_seat_of_one_can_be_given_back() {
    let mut desk = with_booking();
    let ticket = TicketStem { party: 1, event: 2, mark: 3 }.ticket(Seat(2));
    desk.type_in("t");
    desk.shows("Tickets of TORM100519 (Seminars): 2.");
    desk.shows(&ticket.to_string());
    desk.press(KeyCode::Down);
    desk.type_in("x");
    desk.shows("Give seat 2 of TORM100519 (Seminars) back");
    assert!(!desk.has_command());
    desk.type_in("y");
    assert_eq!(desk.action().1, Action::DeleteTicket { ticket });
}

#[test]
fn the_tickets_of_a_million_seats_are_looked_at_one_by_one() {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    let mut claim = booking(seminars(), &[1]);
    let stem = TicketStem { party: 1, event: 2, mark: 3 };
    let all: Vec<u32> = (1..=999_999).filter(|seat| *seat != 500).collect();
    claim.what = Claimed::Booking { seats: runs(&all), stem };
    desk.world.claims = vec![claim];
    desk.type_in("2");
    desk.serve();
    desk.type_in("t");
    desk.press(KeyCode::End);
    desk.shows("999999  ");
    desk.shows(&stem.ticket(Seat(999_999)).to_string());
    desk.press(KeyCode::Up);
    desk.press(KeyCode::Home);
    desk.shows(">       1  ");
    desk.resize(36, 14);
    let ticket = stem.ticket(Seat(1)).to_string();
    desk.shows(&ticket[..20]);
    desk.press(KeyCode::Esc);
    assert!(desk.state.overlay.is_none());
}

#[test]
fn what_has_no_tickets_says_so() {
    let mut desk = Desk::loaded(SIZE, Some("bob"));
    desk.world.own = Some(seats(&[4]));
    desk.type_in("2");
    desk.serve();
    desk.type_in("t");
    desk.shows("Only what is booked of an event has tickets.");
    desk.type_in("m");
    desk.shows("Only what is booked of an event can be exchanged.");
    assert_eq!(desk.state.screen, Screen::Bookings);
}

#[test]
fn only_managers_are_offered_to_remove_an_event_and_they_are_asked_first() {
    for (who, is_offered) in [("TORC2345", false), ("TORM2345", true)] {
        let mut desk = Desk::loaded(SIZE, Some(who));
        desk.type_in("1");
        desk.serve();
        desk.press(KeyCode::Down);
        desk.press(KeyCode::Down);
        assert_eq!(desk.picture().contains("x remove event"), is_offered);
        desk.type_in("x");
        assert_eq!(desk.state.overlay.is_some(), is_offered);
        assert!(!desk.has_command());
        if is_offered {
            desk.shows("Remove TORM100519 (Seminars) with all its bookings?");
            // The list is another one before the answer.
            desk.world.events.remove(0);
            desk.wait(1_100);
            desk.type_in("y");
            assert_eq!(desk.action().1, Action::RemoveEvent { event: seminars() });
        }
    }
    let mut desk = Desk::loaded(SIZE, Some("TORM2345"));
    desk.type_in("1");
    desk.serve();
    desk.type_in("x");
    assert!(desk.state.overlay.is_none(), "the theatre stays");
}
