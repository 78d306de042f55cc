//! Everybody can use every view, in light and dark, on every screen.

use super::{REFUSED, SEMINAR, THEATRE, add_event, opened, visit};
use crate::browser::{DESKTOP, NARROW, PHONE, Scheme, TERMINAL};
use crate::harness::Cluster;

#[test]
fn every_view_can_be_read_and_used_in_both_schemes_on_every_screen() {
    let cluster = Cluster::started(1, "");
    add_event(&cluster);
    cluster.reserve(&[1], "ann", 3);
    let browser = opened(&cluster, 1, "events");
    browser.fill("Your name or id", "ann");
    for (view, words) in [
        ("events", "TORM100519"),
        (THEATRE, "Book"),
        (SEMINAR, "Hold"),
        ("bookings", "1"),
        ("cluster", "ready"),
    ] {
        visit(&browser, &cluster, 1, view);
        browser.shows(&[words]);
        for screen in [DESKTOP, PHONE, NARROW, TERMINAL] {
            browser.screen(screen);
            browser.is_sound();
        }
        browser.screen(DESKTOP);
        browser.scheme(Scheme::Dark);
        let dark = browser.picture();
        browser.scheme(Scheme::Light);
        assert_ne!(dark, browser.picture(), "{view} knows both schemes");
    }
    browser.close_after(&REFUSED);
}

#[test]
fn the_page_is_one_file() {
    let cluster = Cluster::started(1, "");
    let browser = opened(&cluster, 1, "events");
    let loaded = browser.script(
        "return performance.getEntriesByType('resource')
             .filter((entry) => ['script', 'link', 'css', 'img', 'iframe'].includes(entry.initiatorType))
             .map((entry) => entry.name)",
    );
    assert_eq!(loaded, serde_json::json!([]));
    browser.close_after(&REFUSED);
}
