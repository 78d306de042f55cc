//! Nobody knows what became of a command: its key is asked with again, and tells nothing of a later one.

use super::{THEATRE, seated, seats_of};
use crate::browser::Browser;
use crate::harness::Cluster;
use serde_json::{Value, json};

/// Commands are executed, and what comes back is what `window.lose` makes of it: an answer, or none. The page's clock
/// leaps after a lost answer, so that it gives up asking at once.
const LOSE: &str = "
    const [ask, now] = [window.fetch.bind(window), performance.now.bind(performance)];
    let leapt = 0;
    performance.now = () => now() + leapt;
    window.lose = null;
    window.leap = () => { leapt += 60000; };
    window.fetch = async (url, options) => {
        const isCommand = options && options.method && options.method !== 'GET';
        const answer = await ask(url, options);
        return isCommand && window.lose ? window.lose(answer) : answer;
    };";
const ALL: &str = "window.lose = () => { window.leap(); throw new TypeError('lost'); }";
const NOBODY_KNOWS: &str = "nobody knows whether it was done.";

fn loses(browser: &Browser, how: &str) {
    browser.script(how);
}

fn picked(cluster: &Cluster, seat: u32) -> Browser {
    let browser = seated(cluster, 1, THEATRE, "bob");
    browser.script(LOSE);
    browser.click("gridcell", &format!("Seat {seat}, free"));
    browser
}

#[test]
fn an_unknown_cancellation_is_no_answer_to_the_next_one() {
    let cluster = Cluster::started(1, "");
    let browser = picked(&cluster, 5);
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for bob: 5.");
    loses(&browser, ALL);
    browser.cancels();
    browser.is_told(NOBODY_KNOWS);
    browser.find("button", "Ask again");
    browser.seats_are(&[5], "free");

    loses(&browser, "window.lose = null");
    browser.click("gridcell", "Seat 6, free");
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for bob: 6.");
    browser.lacks("button", "Ask again");
    browser.cancels();
    browser.is_told("1 seats have been released. 100 seats are now available.");
    browser.seats_are(&[6], "free");
    assert_eq!(seats_of(&cluster, 1, "bob"), Value::Null);
    browser.close_after(&super::REFUSED);
}

#[test]
fn an_unknown_cancellation_is_forgotten_when_something_else_is_seen_to_be_booked() {
    let cluster = Cluster::started(1, "");
    let browser = picked(&cluster, 5);
    browser.click("button", "Book");
    browser.seats_are(&[5], "yours");
    loses(&browser, ALL);
    browser.cancels();
    browser.is_told(NOBODY_KNOWS);
    browser.seats_are(&[5], "free");
    loses(&browser, "window.lose = null");
    // In another window.
    cluster.reserve(&[1], "bob", 2);
    browser.seats_are(&[1, 2], "yours");
    browser.is_told("What is yours has changed since then");
    browser.lacks("button", "Ask again");
    browser.cancels();
    browser.is_told("2 seats have been released. 100 seats are now available.");
    assert_eq!(seats_of(&cluster, 1, "bob"), Value::Null);
    browser.close_after(&super::REFUSED);
}

#[test]
fn an_empty_answer_of_a_proxy_is_asked_about_again() {
    let cluster = Cluster::started(1, "");
    let browser = picked(&cluster, 5);
    loses(&browser, "window.lose = () => { window.lose = null; return new Response('', { status: 502 }); }");
    browser.click("button", "Book");
    browser.is_told("The seats have been reserved for bob: 5.");
    assert_eq!(seats_of(&cluster, 1, "bob"), json!([5]));
    browser.close_after(&super::REFUSED);
}

#[test]
fn a_token_that_expires_after_a_lost_answer_says_nothing_of_it() {
    let cluster = Cluster::started(1, "");
    let browser = picked(&cluster, 5);
    loses(
        &browser,
        "window.lose = () => {
             const problem = { code: 'token-needed', detail: 'The token has expired.' };
             window.lose = () => new Response(JSON.stringify(problem), { status: 401 });
             throw new TypeError('lost');
         }",
    );
    browser.click("button", "Book");
    browser.is_told("The token has expired. As to the first try, nobody knows whether it was done.");
    browser.seats_are(&[5], "yours");
    browser.click("button", "Ask again");
    browser.is_told("The token has expired. As to the first try");
    loses(&browser, "window.lose = null");
    browser.click("button", "Ask again");
    browser.is_told("The seats have been reserved for bob: 5.");
    browser.close_after(&super::REFUSED);
}
