//! Seats are set aside for a while, which is counted down.

use super::{REFUSED, SEMINAR, add_event, seated};
use crate::browser::Browser;
use crate::harness::Cluster;
use crate::talk::Http;

const WHO: &str = "TORC2345";

/// One seat is held for a customer.
fn held(cluster: &Cluster) -> Browser {
    add_event(cluster);
    let browser = seated(cluster, 1, SEMINAR, WHO);
    browser.click("gridcell", "Seat 2, free");
    browser.click("button", "Hold");
    browser.is_told("The seats are held for TORC2345 at TORM100519 (Seminars) until ");
    browser.seats_are(&[2], "held");
    browser
}

fn until_ms(cluster: &Cluster) -> u64 {
    let path = format!("/v1/events/TORM100519/Seminars/holds/{WHO}");
    let hold = Http::open(cluster, 1).ask("GET", &path, &format!("boxoffice-as: {WHO}\r\n"), "");
    hold.json()["until_ms"].as_u64().unwrap_or_else(|| panic!("{hold:?}"))
}

#[test]
fn a_hold_is_counted_down_extended_and_confirmed() {
    let cluster = Cluster::started(1, "holds: {seconds: 60}\n");
    let browser = held(&cluster);
    browser.find("timer", "…");
    let first = browser.try_select("[role=timer]").unwrap().try_text().unwrap();
    assert!(first.contains(|c: char| c.is_ascii_digit()), "{first}");
    browser.until("time passes", || {
        let now = browser.try_select("[role=timer]")?.try_text()?;
        if now != first { Ok(()) } else { Err(now) }
    });
    browser.is_sound();
    let before = until_ms(&cluster);
    browser.click("button", "Extend");
    browser.until("it is held for longer", || {
        let now = until_ms(&cluster);
        if now > before { Ok(()) } else { Err(format!("{before} {now}")) }
    });
    browser.click("button", "Confirm");
    browser.is_told("The seats have been reserved for TORC2345 at TORM100519 (Seminars): 2.");
    browser.seats_are(&[2], "yours");
    browser.lacks("timer", "…");
    browser.close_after(&REFUSED);
}

#[test]
fn a_hold_is_released() {
    let cluster = Cluster::started(1, "holds: {seconds: 60}\n");
    let browser = held(&cluster);
    browser.click("button", "Release");
    browser.seats_are(&[2], "free");
    browser.lacks("timer", "…");
    browser.close_after(&REFUSED);
}

#[test]
fn a_hold_that_is_forgotten_falls_back_before_everybodys_eyes() {
    let cluster = Cluster::started(1, "holds: {seconds: 3}\n");
    let browser = held(&cluster);
    browser.seats_are(&[2], "free");
    browser.lacks("button", "Confirm");
    browser.close_after(&REFUSED);
}
