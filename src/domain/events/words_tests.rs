//! Words that no rule's test shows.

use super::*;
use crate::domain::events::outcome::EventOutcome;
use crate::domain::events::testing::*;

#[test]
fn times_are_read_as_people_write_them() {
    for (ms, words) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (951_782_399_000, "2000-02-28 23:59:59 UTC"),
        (951_782_400_000, "2000-02-29 00:00:00 UTC"),
        (951_868_800_000, "2000-03-01 00:00:00 UTC"),
        (1_700_000_000_999, "2023-11-14 22:13:20 UTC"),
        (4_102_444_799_000, "2099-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(Time(ms).to_string(), words);
    }
}

#[test]
fn a_long_list_of_holders_is_cut() {
    let affected = vec![who("TORC0001"), who("bob")];
    let event = key("TORM100519");
    let outcome = EventOutcome::EventRemoved { event, bookings: 5, seats: 9, affected };
    let words = "TORM100519 (Seminars) has been removed. 5 bookings with 9 seats have been cancelled: TORC0001, bob and 3 more.";
    assert_eq!(outcome.to_string(), words);
}

#[test]
fn every_limit_has_words_that_name_it() {
    for limit in [
        Limit::Branches(7),
        Limit::Theatres(7),
        Limit::Kinds(7),
        Limit::Events(7),
        Limit::Seats(7),
        Limit::Bookings(7),
        Limit::Holds(7),
        Limit::HoldsOfOne(7),
        Limit::WaitingList(7),
        Limit::WaitsOfOne(7),
        Limit::Waiting(7),
    ] {
        let words = Refusal::Full(limit).to_string();
        assert!(words.starts_with("Failed: ") && words.contains('7') && words.ends_with('.'), "{words}");
    }
}
