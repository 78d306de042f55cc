//! Two people at the same seats, each with a browser of their own and a server of their own.

use super::{REFUSED, THEATRE, seated, seats_of, visit};
use crate::browser::Browser;
use crate::harness::Cluster;
use serde_json::json;

/// Two people who look at the same seats on two servers.
fn two(cluster: &Cluster) -> (Browser, Browser) {
    let ann = seated(cluster, 1, THEATRE, "ann");
    let bob = ann.another();
    visit(&bob, cluster, 2, THEATRE);
    bob.fill("Your name or id", "bob");
    bob.press(&["Tab"]);
    bob.find("grid", "Seats…");
    (ann, bob)
}

#[test]
fn what_others_book_and_give_back_is_seen_at_once() {
    let cluster = Cluster::started(2, "");
    let (ann, bob) = two(&cluster);
    ann.watch_seats();
    bob.click("gridcell", "Seat 4, free");
    bob.click("button", "Book");
    bob.is_told("The seats have been reserved for bob: 4.");
    ann.seats_are(&[4], "taken");
    visit(&bob, &cluster, 2, "bookings");
    bob.cancels();
    ann.seats_are(&[4], "free");
    assert_eq!(ann.changes(), ["4 free taken", "4 taken free"]);
    ann.close_after(&REFUSED);
    bob.close_after(&REFUSED);
}

#[test]
fn who_comes_second_sees_what_was_lost_and_takes_the_nearest() {
    let cluster = Cluster::started(2, "");
    let (ann, bob) = two(&cluster);
    for seat in ["Seat 10, free", "Seat 11, free"] {
        ann.click("gridcell", seat);
        bob.click("gridcell", seat);
    }
    bob.click("button", "Book");
    bob.is_told("The seats have been reserved for bob: 10,11.");
    ann.seats_are(&[10, 11], "lost");
    // The page may have seen it coming; if not, the server says so.
    if ann.try_find("button", "Take the nearest").is_err() {
        ann.click("button", "Book");
    }
    ann.click("button", "Take the nearest");
    ann.until("Book is at hand", || {
        let focused = ann.focused();
        if focused == ("button".to_owned(), "Book".to_owned()) { Ok(()) } else { Err(format!("{focused:?}")) }
    });
    ann.press(&["Enter"]);
    ann.is_told("The seats have been reserved for ann: ");
    let seats = seats_of(&cluster, 1, "ann");
    assert!([json!([8, 9]), json!([12, 13])].contains(&seats), "{seats}");
    ann.shows_the_seats_of(&cluster, 1);
    bob.shows_the_seats_of(&cluster, 2);
    ann.close_after(&REFUSED);
    bob.close_after(&REFUSED);
}
