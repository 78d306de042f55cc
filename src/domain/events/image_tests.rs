//! Images that no state has: each is refused, whatever it is that does not fit.

use super::*;
use crate::domain::events::config::{HOLDS_MAX, WAITING_MAX};
use crate::domain::events::testing::*;
use crate::domain::image::ReadError;
use crate::domain::state::State;

const EVENT: &str = "TORM100519";

/// Two guests and a customer with bookings at one event of ten seats, one who holds the rest and one who waits.
fn desk() -> Desk {
    let mut desk = Desk::selling(EVENT, 10);
    for (holder, seats) in [("ann", &[1, 3][..]), ("bob", &[5, 7, 9]), ("OTWC0001", &[2])] {
        desk.must(holder, book(holder, EVENT, pick(seats)));
    }
    desk.must("cleo", hold("cleo", EVENT, pick(&[4, 6, 8, 10])));
    desk.must("dan", join("dan", EVENT, 1));
    desk
}

fn read(desk: &Desk, change: impl FnOnce(&mut EventsImage)) -> Result<State, ReadError> {
    let mut image = desk.server.state.freeze();
    change(&mut image.events);
    let mut bytes = Vec::new();
    image.write(&mut bytes).expect("memory");
    State::read(desk.server.state.config().clone(), &mut &bytes[..])
}

fn guest(number: u32) -> Party {
    Party(1 << 31 | number)
}

fn user(id: &str) -> Party {
    Party::user(id.parse().expect("an id"))
}

/// With a thousand bookings at most, as [`Desk`] has it.
fn numbers_max() -> u32 {
    1_000 + (HOLDS_MAX + WAITING_MAX) as u32 + 1
}

fn booking(numbers: &[u32]) -> Booking {
    Booking { made_at: 1, mark: 0, seats: runs(numbers) }
}

fn holding(numbers: &[u32]) -> Hold {
    Hold { until_ms: 5_000, seats: runs(numbers), offered: false, extended: false }
}

fn at(party: Party, event: u32) -> Spot {
    Spot { party, event }
}

#[test]
fn what_nobody_changed_comes_back() {
    let desk = desk();
    let back = read(&desk, |_| {}).unwrap();
    back.check().unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", desk.server.state));
}

#[test]
fn guests_and_bookings_that_no_state_has_are_refused() {
    type Change = fn(&mut EventsImage);
    let bad: [(&str, Change); 20] = [
        ("a name with two numbers", |image| drop(image.guests.insert(7, "ann".parse().unwrap()))),
        ("a guest with nothing", |image| drop(image.guests.insert(7, "eve".parse().unwrap()))),
        ("a booking of nobody", |image| drop(image.guests.remove(&0))),
        ("a hold of nobody", |image| drop(image.guests.remove(&2))),
        ("a place of nobody", |image| drop(image.guests.remove(&3))),
        ("nobody, and a guest with nothing", |image| {
            image.guests.remove(&0);
            image.guests.insert(7, "eve".parse().unwrap());
        }),
        ("a number that is never given", |image| {
            image.guests.insert(numbers_max(), "eve".parse().unwrap());
        }),
        ("a booking with a number that is never given", |image| {
            image.holds.remove(&at(guest(2), 0));
            image.bookings.insert(at(guest(numbers_max()), 0), booking(&[4]));
        }),
        ("neither a guest nor a user", |image| {
            image.holds.remove(&at(guest(2), 0));
            image.bookings.insert(at(Party(10_000), 0), booking(&[4]));
        }),
        ("a user of no branch", |image| {
            image.holds.remove(&at(guest(2), 0));
            image.bookings.insert(at(user("ZZZC0001"), 0), booking(&[4]));
        }),
        ("a guest's booking of no event", |image| {
            drop(image.bookings.insert(at(guest(0), 1), booking(&[1])))
        }),
        ("a booking of the last event of all", |image| {
            drop(image.bookings.insert(at(guest(0), u32::MAX), booking(&[1])))
        }),
        ("a user's booking of no event", |image| {
            drop(image.bookings.insert(at(user("OTWC0001"), 1), booking(&[1])))
        }),
        ("a booking and a hold", |image| {
            image.bookings.insert(at(guest(2), 0), booking(&[4]));
            image.holds.insert(at(guest(2), 0), holding(&[6, 8, 10]));
        }),
        ("a booking and a place", |image| {
            image.holds.insert(at(guest(2), 0), holding(&[6, 8, 10]));
            image.bookings.insert(at(guest(3), 0), booking(&[4]));
        }),
        ("a seat that two have booked", |image| {
            drop(image.bookings.insert(at(guest(0), 0), booking(&[1, 5])))
        }),
        ("a seat that one has booked and one holds", |image| {
            drop(image.bookings.insert(at(guest(0), 0), booking(&[1, 4])))
        }),
        ("a seat that does not exist", |image| {
            drop(image.bookings.insert(at(guest(0), 0), booking(&[1, 11])))
        }),
        ("seat 0", |image| drop(image.holds.insert(at(guest(2), 0), holding(&[0, 4])))),
        ("somebody who waits for a free seat", |image| drop(image.bookings.remove(&at(user("OTWC0001"), 0)))),
    ];
    let desk = desk();
    for (what, change) in bad {
        let read = read(&desk, change);
        assert!(matches!(read, Err(ReadError::Damaged(_))), "{what}: {read:?}");
    }
}
