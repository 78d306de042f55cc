//! `/`, the page for people, on every server: events, a seat map, bookings, the cluster.

mod booking;
mod cluster;
mod conflict;
mod holds;
mod outage;
mod own;
mod pictures;
mod sound;
mod unknown;

use crate::browser::Browser;
use crate::harness::Cluster;
use crate::talk::{Http, get};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a browser says of a server that goes, in words of its own.
pub const LOST: [&str; 8] = [
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_SOCKET_NOT_CONNECTED",
    "404 (Not Found)",
    "409 (Conflict)",
    "503 (Service Unavailable)",
];

/// What it says of answers that refuse, or find nothing of a person.
pub const REFUSED: [&str; 2] = ["404 (Not Found)", "409 (Conflict)"];

/// Records each state that the page shows of a seat, however it draws them, in `window.changes`.
const WATCH: &str = "
    const look = () => new Map([...document.querySelectorAll('[data-seat]')]
        .map((seat) => [seat.dataset.seat, seat.dataset.state]));
    let last = look();
    window.changes = [];
    new MutationObserver(() => {
        const now = look();
        for (const [seat, state] of now)
            if (last.get(seat) !== state) window.changes.push(`${seat} ${last.get(seat)} ${state}`);
        for (const seat of last.keys()) if (!now.has(seat)) window.changes.push(`${seat} vanished`);
        last = now;
    }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-state']});";

pub const THEATRE: &str = "event/theatre";
/// An event that [`add_event`] adds.
pub const SEMINAR: &str = "event/TORM100519/Seminars";

/// Opens the page of a server.
pub fn opened(cluster: &Cluster, id: u8, route: &str) -> Browser {
    let browser = Browser::start();
    visit(&browser, cluster, id, route);
    browser
}

pub fn visit(browser: &Browser, cluster: &Cluster, id: u8, route: &str) {
    browser.open(&format!("http://127.0.0.1:{}/#/{route}", cluster.http_ports[&id]));
    browser.says("#server", &format!("Server {id}"));
}

/// Opens a seat map for somebody.
pub fn seated(cluster: &Cluster, id: u8, route: &str, who: &str) -> Browser {
    let browser = opened(cluster, id, route);
    browser.fill("Your name or id", who);
    // Whoever leaves the field is that person.
    browser.press(&["Tab"]);
    browser.find("grid", "Seats…");
    browser
}

/// A second event, of 12 seats.
pub fn add_event(cluster: &Cluster) {
    let body = r#"{"kind":"Seminars","capacity":12,"id":"TORM100519"}"#;
    let added = Http::open(cluster, 1).ask("POST", "/v1/events", "boxoffice-as: TORM2345\r\n", body);
    assert_eq!(added.status, 201, "{added:?}");
}

impl Browser {
    /// Waits until these seats are shown so.
    #[track_caller]
    pub fn seats_are(&self, seats: &[u32], state: &str) {
        self.until(&format!("seats {seats:?} are {state}"), || {
            let others: Vec<String> = seats
                .iter()
                .map(|seat| {
                    Ok((
                        seat,
                        self.try_select(&format!("[data-seat='{seat}']"))?.try_attribute("data-state")?,
                    ))
                })
                .filter(|seen: &Result<_, String>| seen.as_ref().map_or(true, |(_, seen)| seen != state))
                .map(|seen| seen.map(|(seat, seen)| format!("{seat} is {seen}")))
                .collect::<Result<_, String>>()?;
            if others.is_empty() { Ok(()) } else { Err(others.join(", ")) }
        });
    }

    /// Waits until the page says this, in the server's own words.
    #[track_caller]
    pub fn is_told(&self, words: &str) {
        self.says("#said[role=status]", words);
    }

    /// Gives the only booking back, which is asked for twice.
    #[track_caller]
    pub fn cancels(&self) {
        self.click("button", "Cancel booking");
        self.click("button", "Yes, cancel");
    }

    /// Records from now on how the seats change.
    pub fn watch_seats(&self) {
        self.script(WATCH);
    }

    /// All changes of seats since then, as `SEAT BEFORE AFTER`.
    pub fn changes(&self) -> Vec<String> {
        let changes = self.script("return window.changes");
        changes.as_array().unwrap().iter().map(|change| change.as_str().unwrap().to_owned()).collect()
    }

    /// Seats that the page shows as not to be had.
    fn shown_taken(&self) -> BTreeSet<u64> {
        let seats = self.script(
            "return [...document.querySelectorAll('[data-seat]')]
                 .filter((seat) => !['free', 'picked'].includes(seat.dataset.state))
                 .map((seat) => Number(seat.dataset.seat))",
        );
        seats.as_array().unwrap().iter().map(|seat| seat.as_u64().unwrap()).collect()
    }

    /// Waits until the page shows as taken what the server says is.
    #[track_caller]
    pub fn shows_the_seats_of(&self, cluster: &Cluster, id: u8) {
        self.until("the page and the server agree", || {
            let (shown, taken) = (self.shown_taken(), taken(cluster, id));
            if shown == taken { Ok(()) } else { Err(format!("shown {shown:?}, taken {taken:?}")) }
        });
    }
}

fn taken(cluster: &Cluster, id: u8) -> BTreeSet<u64> {
    let seats = get(cluster, id, "/v1/seats").json();
    let runs = seats["taken"].as_array().unwrap().iter();
    runs.flat_map(|run| run[0].as_u64().unwrap()..=run[1].as_u64().unwrap()).collect()
}

/// The seats of a name, as the server tells.
pub fn seats_of(cluster: &Cluster, id: u8, name: &str) -> Value {
    get(cluster, id, &format!("/v1/reservations/{name}?consistency=linearizable")).json()["seats"].take()
}
