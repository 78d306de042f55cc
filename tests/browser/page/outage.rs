//! A server is killed or stopped under an open page: another goes on, and nothing is missed or shown twice.

use super::{LOST, THEATRE, seated, seats_of};
use crate::harness::Cluster;
use serde_json::json;

/// The page is on server 1, which ends so; the page says it in these words.
#[track_caller]
fn goes_on(words: &str, end: impl FnOnce(&mut Cluster)) {
    let mut cluster = Cluster::started(3, "");
    let browser = seated(&cluster, 1, THEATRE, "bob");
    browser.watch_seats();
    cluster.reserve(&[2], "ann", 1);
    browser.seats_are(&[1], "taken");

    end(&mut cluster);
    // Nobody is on the page's server any more when this is booked.
    cluster.reserve(&[2, 3], "cid", 2);
    browser.says("#server", &format!("Server 1 {words}; now on server "));
    browser.seats_are(&[2, 3], "taken");
    browser.click("gridcell", "Seat 20, free");
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for bob: 20.");
    browser.seats_are(&[20], "yours");
    cluster.reserve(&[3, 2], "dan", 1);
    browser.seats_are(&[4], "taken");
    assert_eq!(seats_of(&cluster, 2, "bob"), json!([20]));
    browser.shows_the_seats_of(&cluster, 2);
    let mut changes = browser.changes();
    // Its own booking may be seen as the answer first or as a change first.
    changes.retain(|change| !change.starts_with("20 "));
    assert_eq!(changes, ["1 free taken", "2 free taken", "3 free taken", "4 free taken"]);
    browser.close_after(&LOST);
}

#[test]
fn the_page_goes_on_when_its_server_is_killed() {
    goes_on("stopped answering", |cluster| cluster.kill(1));
}

#[test]
fn the_page_goes_on_when_its_server_is_stopped() {
    goes_on("is leaving", |cluster| assert!(cluster.stop(1).success()));
}

#[test]
fn a_booking_that_is_under_way_when_its_server_is_killed_is_made_once() {
    let mut cluster = Cluster::started(3, "");
    let browser = seated(&cluster, 1, THEATRE, "bob");
    browser.click("gridcell", "Seat 5, free");
    // It takes the request and never answers.
    cluster.signal(1, rustix::process::Signal::STOP);
    browser.click("button", "Book");
    cluster.kill(1);
    browser.is_told("The seats have been reserved for bob: 5.");
    assert_eq!(seats_of(&cluster, 2, "bob"), json!([5]));
    browser.shows_the_seats_of(&cluster, 2);
    browser.close_after(&LOST);
}
