//! What is somebody's own is what the servers say, of that person, and no more often asked for than it may change.

use super::{REFUSED, SEMINAR, THEATRE, add_event, seated, visit};
use crate::harness::Cluster;
use crate::talk::Http;

const WHO: &str = "TORC2345";

/// Counts the questions for schedules; `window.refuse` answers them, where it is set.
const COUNT: &str = "
    const ask = window.fetch.bind(window);
    window.asked = 0;
    window.refuse = null;
    window.fetch = (url, options) => {
        const isSchedule = url.includes('/schedule');
        window.asked += isSchedule;
        return isSchedule && window.refuse ? Promise.resolve(window.refuse()) : ask(url, options);
    };";

#[test]
fn a_hold_of_one_name_is_not_lost_when_another_is_given() {
    let cluster = Cluster::started(1, "holds: {seconds: 60}\n");
    add_event(&cluster);
    let browser = seated(&cluster, 1, SEMINAR, WHO);
    browser.click("gridcell", "Seat 2, free");
    browser.click("button", "Hold");
    browser.seats_are(&[2], "held");
    browser.fill("Your name or id", "TORC9999");
    browser.press(&["Tab"]);
    browser.seats_are(&[2], "taken");
    browser.lacks("button", "Release");
    // Whoever is the first again has it again; all answers about the other one are there by then.
    browser.fill("Your name or id", WHO);
    browser.press(&["Tab"]);
    browser.seats_are(&[2], "held");
    browser.is_told("The seats are held for TORC2345 at TORM100519 (Seminars) until ");
    browser.close_after(&REFUSED);
}

#[test]
fn what_is_ones_own_stays_when_nobody_may_say_it() {
    let cluster = Cluster::started(1, "holds: {seconds: 60}\n");
    add_event(&cluster);
    let browser = seated(&cluster, 1, SEMINAR, WHO);
    browser.script(COUNT);
    browser.click("gridcell", "Seat 2, free");
    browser.click("button", "Hold");
    browser.seats_are(&[2], "held");
    browser.script(
        "window.refuse = () => new Response(JSON.stringify({ detail: 'The token has expired.' }), { status: 401 });
         document.dispatchEvent(new Event('visibilitychange'));",
    );
    browser.is_told("The token has expired.");
    browser.seats_are(&[2], "held");
    browser.find("button", "Release");
    browser.close_after(&REFUSED);
}

#[test]
fn what_others_do_asks_for_ones_own_now_and_then_only() {
    const CHANGES: u64 = 60;
    let cluster = Cluster::started(1, "");
    add_event(&cluster);
    let base = "/v1/events/TORM100519/Seminars";
    let mut http = Http::open(&cluster, 1);
    let mut act = |who: &str, method: &str, path: &str, body: &str| {
        let answer = http.ask(method, &format!("{base}{path}"), &format!("boxoffice-as: {who}\r\n"), body);
        assert!(answer.status < 300, "{answer:?}");
    };
    act("TORC1111", "POST", "/bookings", r#"{"count":12}"#);
    act(WHO, "POST", "/waiting", r#"{"count":1}"#);
    let browser = seated(&cluster, 1, SEMINAR, WHO);
    browser.find("button", "Leave the waiting list");
    browser.script(COUNT);
    browser.script("window.began = performance.now();");
    for _ in 0..CHANGES / 2 {
        act("TORC2222", "POST", "/waiting", r#"{"count":1}"#);
        act("TORC2222", "DELETE", "/waiting/TORC2222", "");
    }
    act("TORC3333", "POST", "/waiting", r#"{"count":1}"#);
    browser.shows(&["2 people wait"]);
    let asked = browser.script("return window.asked").as_u64().unwrap();
    let rounds =
        browser.script("return Math.ceil((performance.now() - window.began) / 2000)").as_u64().unwrap();
    assert!(rounds + 1 < CHANGES, "{rounds} rounds are no flood");
    assert!(asked >= 1 && asked <= rounds + 1, "{asked} questions in {rounds} rounds");
    browser.close_after(&REFUSED);
}

#[test]
fn what_one_books_in_another_window_is_seen_as_ones_own() {
    let cluster = Cluster::started(1, "");
    let browser = seated(&cluster, 1, THEATRE, "bob");
    let other = browser.another();
    visit(&other, &cluster, 1, THEATRE);
    other.fill("Your name or id", "bob");
    other.click("gridcell", "Seat 7, free");
    other.click("button", "Book");
    other.is_told("The seats have been reserved for bob: 7.");
    browser.seats_are(&[7], "yours");
    browser.find("button", "Cancel booking");
    browser.close_after(&REFUSED);
    other.close_after(&REFUSED);
}

#[test]
fn a_name_that_addresses_cannot_hold_is_refused_before_anything_is_sent() {
    let cluster = Cluster::started(1, "");
    let browser = seated(&cluster, 1, THEATRE, "..");
    browser.click("gridcell", "Seat 7, free");
    browser.click("button", "Book");
    browser.is_told("This page cannot show the name “..”: addresses cannot hold it. Nothing was sent.");
    browser.seats_are(&[7], "picked");
    browser.shows_the_seats_of(&cluster, 1);
    browser.close();
}
