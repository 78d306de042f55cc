//! Seats are booked by mouse, finger, keyboard and from a list.

use super::{REFUSED, SEMINAR, THEATRE, add_event, opened, seated, seats_of};
use crate::browser::PHONE;
use crate::harness::Cluster;
use serde_json::json;

#[test]
fn events_are_listed_with_their_free_seats_and_lead_to_their_seats() {
    let cluster = Cluster::started(1, "");
    add_event(&cluster);
    let browser = opened(&cluster, 1, "events");
    browser.until("both are listed, the theatre first", || {
        let rows = browser.try_all("row")?;
        let texts = rows.iter().map(|row| row.try_text()).collect::<Result<Vec<_>, _>>()?;
        let theatre = texts.iter().position(|text| text.contains("theatre") && text.contains("100"));
        let seminar = texts.iter().position(|text| text.contains("TORM100519") && text.contains("12"));
        if theatre.is_some() && theatre < seminar { Ok(()) } else { Err(format!("{texts:?}")) }
    });
    browser.click("link", "TORM100519…");
    browser.find("grid", "Seats…");
    assert!(browser.address().ends_with(&format!("/#/{SEMINAR}")), "{}", browser.address());
    assert_eq!(browser.script("return document.querySelectorAll('[data-seat]').length"), 12);
    browser.close_after(&REFUSED);
}

#[test]
fn seats_are_booked_by_mouse_and_given_back() {
    let cluster = Cluster::started(1, "");
    let browser = seated(&cluster, 1, THEATRE, "bob");
    browser.click("gridcell", "Seat 7, free");
    browser.click("gridcell", "Seat 8, free");
    browser.seats_are(&[7, 8], "picked");
    assert_eq!(browser.find("gridcell", "Seat 7, …").attribute("aria-selected"), "true");
    // Who changes their mind picks another.
    browser.click("gridcell", "Seat 8, …");
    browser.seats_are(&[8], "free");
    browser.click("gridcell", "Seat 6, free");
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for bob: 6,7.");
    browser.seats_are(&[6, 7], "yours");
    assert_eq!(seats_of(&cluster, 1, "bob"), json!([6, 7]));
    browser.shows_the_seats_of(&cluster, 1);

    super::visit(&browser, &cluster, 1, "bookings");
    browser.cancels();
    browser.is_told("2 seats have been released. 100 seats are now available.");
    browser.lacks("button", "Cancel booking");
    browser.close_after(&REFUSED);
}

#[test]
fn seats_are_booked_with_the_keyboard_alone() {
    let cluster = Cluster::started(1, "");
    let browser = opened(&cluster, 1, THEATRE);
    browser.find("grid", "Seats…");
    browser.tab_to("textbox", "Your name or id");
    browser.write("kim");
    browser.tab_to("gridcell", "Seat 1, free");
    let focused = |name: &str| assert_eq!(browser.focused(), ("gridcell".to_owned(), name.to_owned()));
    browser.press(&["ArrowRight"]);
    focused("Seat 2, free");
    browser.press(&["Space"]);
    browser.press(&["ArrowRight", "Enter"]);
    browser.seats_are(&[2, 3], "picked");
    browser.press(&["Home"]);
    focused("Seat 1, free");
    browser.press(&["End"]);
    assert_ne!(browser.focused().1, "Seat 1, free");
    browser.press(&["Home", "ArrowDown"]);
    assert_ne!(browser.focused().1, "Seat 1, free");
    browser.press(&["ArrowUp"]);
    focused("Seat 1, free");
    browser.press(&["PageDown"]);
    assert_ne!(browser.focused().1, "Seat 1, free");
    browser.press(&["PageUp", "Home"]);
    focused("Seat 1, free");
    // All seats are one stop for the Tab key, and the one that was left last is it.
    browser.press(&["ArrowRight", "Tab"]);
    assert_ne!(browser.focused().0, "gridcell");
    browser.press(&["Shift+Tab"]);
    assert_eq!(browser.focused().0, "gridcell");
    browser.tab_to("button", "Book");
    browser.press(&["Enter"]);
    browser.is_told("The seats have been reserved for kim: 2,3.");
    assert_eq!(seats_of(&cluster, 1, "kim"), json!([2, 3]));
    browser.close_after(&REFUSED);
}

#[test]
fn seats_are_booked_with_a_finger_on_a_phone() {
    let cluster = Cluster::started(1, "");
    let browser = crate::browser::Browser::start();
    browser.screen(PHONE);
    super::visit(&browser, &cluster, 1, THEATRE);
    browser.fill("Your name or id", "ann");
    browser.click("gridcell", "Seat 99, free");
    browser.click("gridcell", "Seat 100, free");
    browser.seats_are(&[99, 100], "picked");
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for ann: 99,100.");
    browser.seats_are(&[99, 100], "yours");
    browser.is_sound();
    browser.close_after(&REFUSED);
}

#[test]
fn seats_are_booked_from_the_list() {
    let cluster = Cluster::started(1, "");
    add_event(&cluster);
    let browser = seated(&cluster, 1, SEMINAR, "TORC2345");
    browser.click("button", "List");
    browser.click("checkbox", "Seat 3…");
    browser.click("checkbox", "Seat 5…");
    browser.is_sound();
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for TORC2345 at TORM100519 (Seminars): 3,5.");
    browser.close_after(&REFUSED);
}

#[test]
fn a_seat_of_the_list_that_is_sold_keeps_the_focus_and_cannot_be_picked() {
    let cluster = Cluster::started(1, "");
    let browser = seated(&cluster, 1, THEATRE, "bob");
    browser.click("button", "List");
    browser.tab_to("checkbox", "Seat 1");
    cluster.reserve(&[1], "ann", 1);
    browser.seats_are(&[1], "taken");
    assert_eq!(browser.focused(), ("checkbox".to_owned(), "Seat 1".to_owned()));
    browser.press(&["Space"]);
    browser.seats_are(&[1], "taken");
    assert_eq!(browser.script("return document.activeElement.checked"), false);
    browser.shows(&["Nothing is picked."]);
    browser.close_after(&REFUSED);
}

#[test]
fn refusals_are_told_in_the_servers_words() {
    let cluster = Cluster::started(1, "");
    cluster.reserve(&[1], "bob", 2);
    let browser = seated(&cluster, 1, THEATRE, "bob");
    browser.click("gridcell", "Seat 9, free");
    browser.click("button", "Book");
    browser.is_told("Failed: bob has booked the following seats: 1,2.");
    browser.close_after(&REFUSED);
}
