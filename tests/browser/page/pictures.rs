//! The pictures of the README; `ci/pictures` keeps them.

use super::{REFUSED, THEATRE, opened, seated};
use crate::browser::{DESKTOP, PHONE, Scheme};
use crate::harness::Cluster;
use crate::pictures::keep;
use crate::talk::reserve;

/// A house with some seats sold, the same every time.
fn sold() -> Cluster {
    let cluster = Cluster::started(3, "");
    for (id, body) in [
        (1, r#"{"name":"bob","count":4}"#),
        (2, r#"{"name":"ann","seats":[23,24,25]}"#),
        (3, r#"{"name":"cid","seats":[47,48,61,62,63,64]}"#),
        (1, r#"{"name":"dan","count":7}"#),
    ] {
        assert_eq!(reserve(&cluster, id, body).status, 201);
    }
    cluster
}

#[test]
fn of_the_seats_in_both_schemes_and_on_a_phone() {
    let cluster = sold();
    let browser = seated(&cluster, 1, THEATRE, "ann");
    browser.seats_are(&[23, 24, 25], "yours");
    browser.click("gridcell", "Seat 33, free");
    browser.click("gridcell", "Seat 34, free");
    browser.seats_are(&[33, 34], "picked");
    for (screen, scheme, name) in [
        (DESKTOP, Scheme::Light, "page-seats-light"),
        (DESKTOP, Scheme::Dark, "page-seats-dark"),
        (PHONE, Scheme::Light, "page-phone"),
    ] {
        browser.screen(screen);
        browser.scheme(scheme);
        // Whatever it is that scrolls: a picture begins at the top.
        browser.script("for (const element of document.querySelectorAll('*')) element.scrollTop = 0");
        keep(&browser, name);
    }
    browser.close_after(&REFUSED);
}

#[test]
fn of_the_cluster_and_its_messages() {
    let cluster = sold();
    let browser = opened(&cluster, 1, "cluster");
    browser.find("table", "Servers");
    browser.shows(&["ready"]);
    keep(&browser, "page-cluster");
    browser.click("button", "Show the messages");
    for name in ["eve", "flo", "gus"] {
        cluster.reserve(&[1, 2, 3], name, 2);
    }
    browser.until("messages are drawn", || {
        let drawn = browser
            .try_select("#diagram")?
            .try_call("function() { return this.querySelectorAll('*').length; }")?;
        if drawn.as_u64() > Some(20) { Ok(()) } else { Err(format!("{drawn} elements are drawn")) }
    });
    browser.script("document.querySelector('#diagram').scrollIntoView({block: 'center'})");
    keep(&browser, "page-diagram");
    browser.close_after(&REFUSED);
}
