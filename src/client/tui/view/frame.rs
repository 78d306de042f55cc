//! What every screen has: the title above, messages and keys below.

use super::super::input::Overlay;
use super::super::log::Source;
use super::super::state::{Booking, Mine, Screen, State, Tone};
use super::ink::{Ink, columns, elapsed, put, put_right, spinner, wrap};
use ratatui::{buffer::Buffer, style::Style};

/// A key and what it does.
pub type Key = (&'static str, &'static str);

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    title(state, buffer, ink);
    messages(state, buffer, ink);
    footer(state, buffer, ink);
}

fn title(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width;
    put(buffer, 0, 0, width, &" ".repeat(usize::from(width)), ink.reversed());
    let who = match &state.who {
        Some(who) if state.is_proved => format!("{who} (token)"),
        Some(who) => who.to_string(),
        None => "nobody yet".to_owned(),
    };
    let right = match state.server {
        Some(server) => format!("{who}  server {server} "),
        None => format!("{who} "),
    };
    let screen = match state.screen {
        Screen::Loading => "Loading",
        Screen::Menu => "Menu",
        Screen::Events => "Events",
        Screen::Seats => "Seats",
        Screen::Bookings => "My bookings",
        Screen::AddEvent => "Add event",
        Screen::Cluster => "Cluster",
        Screen::Diagram => "Diagram",
        Screen::Logs => "Logs",
    };
    let exchange = match (&state.exchange, state.screen) {
        (Some(from), Screen::Events | Screen::Seats) => format!(" (exchanging {from})"),
        _ => String::new(),
    };
    let left = format!(" {}  {screen}{exchange}", state.cluster);
    let room = usize::from(width).saturating_sub(columns(&left) + 2);
    put(buffer, 0, 0, width, &left, ink.reversed().patch(ink.strong()));
    put_right(buffer, width, 0, &super::ink::fit(&right, room), ink.reversed());
}

/// Two rows: what is waited for or was answered, and beside it that another server goes on.
fn messages(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, last) = (buffer.area.width, buffer.area.height - 2);
    let first = match (&state.waiting, &state.message) {
        (Some(waiting), _) => {
            let ms = state.now.ms.saturating_sub(waiting.since_ms);
            let nobody = if waiting.nobody { ", no server could help yet" } else { "" };
            let words = format!("{} {} ... {}{nobody}", spinner(ms), waiting.words, elapsed(ms));
            Some((words, ink.strong()))
        }
        (None, Some((tone, words))) => {
            let (sign, style): (_, Style) = match tone {
                Tone::Done => ('+', ink.good()),
                Tone::Refused => ('!', ink.bad()),
                Tone::Unknown => ('?', ink.open()),
                Tone::Info => ('-', ink.plain()),
            };
            Some((format!("{sign} {words}"), style))
        }
        (None, None) => None,
    };
    let notice = state.notice.as_ref().map(|(words, _)| format!("~ {words}"));
    match (first, notice) {
        (Some((words, style)), None) => two_rows(buffer, last - 1, &words, style),
        (None, Some(words)) => two_rows(buffer, last - 1, &words, ink.strong()),
        (Some((words, style)), Some(notice)) => {
            put(buffer, 0, last - 1, width, &words, style);
            put(buffer, 0, last, width, &notice, ink.strong());
        }
        (None, None) => {}
    }
}

fn two_rows(buffer: &mut Buffer, y: u16, words: &str, style: Style) {
    let width = buffer.area.width;
    let lines = wrap(words, width);
    put(buffer, 0, y, width, &lines[0], style);
    if lines.len() > 1 {
        let rest = lines[1..].join(" ");
        put(buffer, 2, y + 1, width - 2, &rest, style);
    }
}

/// As many keys as fit, and always how to see the others.
fn footer(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, y) = (buffer.area.width, buffer.area.height - 1);
    let keys: Vec<Key> = match &state.overlay {
        Some(Overlay::Input { .. }) => vec![("Enter", "done"), ("Esc", "never mind"), ("Ctrl-U", "empty")],
        Some(Overlay::Confirm { .. }) => vec![("y", "yes"), ("n", "no")],
        Some(Overlay::Tickets(_)) => {
            vec![("Up/Down", "choose"), ("x", "give that seat back"), ("Esc", "back")]
        }
        Some(Overlay::Help) => vec![("any key", "back")],
        None => keys(state),
    };
    // How to see the others, and how to get away, comes last and is never left out for what comes first.
    let wide = |(key, what): &Key| columns(key) + columns(what) + 3;
    let is_last = |(key, _): &&Key| matches!(*key, "?" | "Esc");
    let mut room = usize::from(width).saturating_sub(keys.iter().filter(is_last).map(wide).sum());
    let mut x = 0;
    for key in &keys {
        if !is_last(&key) {
            let Some(rest) = room.checked_sub(wide(key)) else {
                // Those behind it are less useful, however short.
                room = 0;
                continue;
            };
            room = rest;
        }
        x = put(buffer, x, y, width, key.0, ink.strong());
        x = put(buffer, x, y, width, &format!(" {}", key.1), ink.quiet()) + 2;
    }
}

/// The keys that mean something now, the most useful first.
pub fn keys(state: &State) -> Vec<Key> {
    let mut keys: Vec<Key> = match state.screen {
        Screen::Loading if state.loading.failed.is_some() => vec![("r", "try again")],
        Screen::Loading => vec![],
        Screen::Menu if state.is_proved => vec![("Up/Down", "choose"), ("Enter", "open")],
        Screen::Menu => vec![("Up/Down", "choose"), ("Enter", "open"), ("i", "say who you are")],
        Screen::Events if state.is_manager() && is_event_chosen(state) => {
            vec![("Enter", "seats"), ("/", "filter"), ("x", "remove event")]
        }
        Screen::Events => vec![("Enter", "seats"), ("/", "filter")],
        Screen::Seats => seat_keys(state),
        Screen::Bookings => booking_keys(state),
        Screen::AddEvent => vec![("Tab", "next"), ("Enter", "add"), ("Ctrl-U", "empty")],
        Screen::Cluster => vec![("d", "what they say to each other")],
        Screen::Diagram => {
            let pause = if state.watch.is_paused { "follow" } else { "pause" };
            vec![("f", pause), ("v", "show others"), ("Arrows", "move")]
        }
        Screen::Logs => {
            let other = match state.log.source {
                Source::Client => "your log",
                Source::User => "this client",
            };
            vec![("Tab", other), ("v", "level"), ("f", "follow"), ("Arrows", "move")]
        }
    };
    match state.screen {
        Screen::Loading => keys.push(("q", "quit")),
        Screen::Menu => keys.extend([("?", "keys"), ("q", "quit")]),
        // Letters are typed there.
        Screen::AddEvent => keys.push(("Esc", "back")),
        _ => keys.extend([("?", "keys"), ("Esc", "back"), ("q", "quit")]),
    }
    keys
}

fn is_event_chosen(state: &State) -> bool {
    state.events.rows.get(state.events.place.at).is_some_and(Option::is_some)
}

fn seat_keys(state: &State) -> Vec<Key> {
    let Some(seats) = &state.seats else { return vec![] };
    let is_theatre = seats.hall == super::super::state::Hall::Theatre;
    let is_full = seats.map.as_ref().is_some_and(|map| map.left == 0);
    match &seats.mine {
        Mine::Held { .. } => vec![("Enter", "confirm"), ("e", "extend"), ("r", "release"), ("g", "go to")],
        Mine::Booked { .. } if is_theatre => vec![("x", "give back"), ("Arrows", "move"), ("g", "go to")],
        Mine::Booked { .. } => {
            vec![("x", "give back"), ("t", "tickets"), ("m", "exchange"), ("Arrows", "move"), ("g", "go to")]
        }
        Mine::NotKnown | Mine::Nothing if state.exchange.is_some() && !is_theatre => {
            vec![("Enter", "exchange"), ("Space", "pick"), ("n", "a number"), ("b", "adjacent ones")]
        }
        Mine::Waits { .. } => vec![("l", "wait no longer"), ("g", "go to")],
        Mine::NotKnown | Mine::Nothing if !seats.picked.is_empty() && is_theatre => {
            vec![("Enter", "book"), ("Space", "pick"), ("u", "unpick all"), ("g", "go to")]
        }
        Mine::NotKnown | Mine::Nothing if !seats.picked.is_empty() => {
            vec![("Enter", "book"), ("h", "hold"), ("Space", "pick"), ("u", "unpick all"), ("g", "go to")]
        }
        Mine::NotKnown | Mine::Nothing if is_full && !is_theatre => {
            vec![("w", "wait for seats"), ("g", "go to")]
        }
        Mine::NotKnown | Mine::Nothing if is_theatre => {
            vec![("Arrows", "move"), ("Space", "pick"), ("n", "book a number"), ("g", "go to")]
        }
        Mine::NotKnown | Mine::Nothing => {
            vec![
                ("Arrows", "move"),
                ("Space", "pick"),
                ("n", "book a number"),
                ("b", "adjacent"),
                ("g", "go to"),
            ]
        }
    }
}

fn booking_keys(state: &State) -> Vec<Key> {
    match state.bookings.chosen() {
        Some(Booking::Has { mine, .. }) => match mine {
            Mine::Booked { stem: None, .. } => vec![("Enter", "seats"), ("x", "give back")],
            Mine::Booked { stem: Some(_), .. } => {
                vec![("Enter", "seats"), ("x", "give back"), ("t", "tickets"), ("m", "exchange")]
            }
            Mine::Held { .. } => {
                vec![("Enter", "seats"), ("c", "confirm"), ("e", "extend"), ("r", "release")]
            }
            Mine::Waits { .. } => vec![("Enter", "seats"), ("l", "wait no longer")],
            Mine::NotKnown | Mine::Nothing => vec![("Enter", "seats")],
        },
        Some(Booking::Gone(_)) | None => vec![],
    }
}

/// All keys of a screen, for the help.
pub fn all_keys(screen: Screen) -> Vec<Key> {
    let list: [Key; 2] = [("Up Down", "one row"), ("PgUp PgDn Home End", "further")];
    let own: [Key; 7] = [
        ("c", "book what is held"),
        ("e", "hold it for as long again, once"),
        ("r", "give back what is held"),
        ("x", "give back what is booked"),
        ("m", "exchange it for seats of another event"),
        ("t", "its tickets"),
        ("l", "wait no longer"),
    ];
    let mut keys: Vec<Key> = match screen {
        Screen::Loading => vec![("r", "try again")],
        Screen::Menu => vec![
            ("Up Down Home End", "choose"),
            ("Enter, 1 to 6", "open"),
            ("i", "say who you are, or somebody else"),
        ],
        Screen::Events => [
            &list[..],
            &[
                ("Enter", "its seats"),
                ("/", "which events: words, TOR, 2026-12-24"),
                ("x", "remove the event (managers)"),
            ],
        ]
        .concat(),
        Screen::Seats => [
            &[
                ("Arrows", "one seat"),
                ("PgUp PgDn Home End", "further"),
                ("g", "go to a seat by its number"),
                ("Space, mouse", "pick a seat, or no longer"),
                ("u", "pick none"),
                ("Enter", "book what is picked or held"),
                ("n", "book a number of seats"),
                ("b", "the same side by side, no single seat left"),
                ("h", "hold what is picked"),
                ("w", "wait for seats"),
            ],
            &own[..],
        ]
        .concat(),
        Screen::Bookings => [&list[..], &[("Enter", "its seats")], &own[..]].concat(),
        Screen::AddEvent => {
            vec![("Tab, Down", "next field"), ("Up", "field before"), ("Enter", "add the event")]
        }
        Screen::Cluster => vec![("d", "what the servers say to each other, as a diagram")],
        Screen::Diagram => vec![
            ("Up Down PgUp PgDn Home", "older, newer"),
            ("End", "the newest, and follow"),
            ("f", "pause, or follow"),
            ("v", "all; requests and replies; views"),
            ("o--> <--o", "a message"),
            ("o--.. ..->", "sent; came in further down"),
            ("?", "its other end was not seen"),
            ("[##] 4: 2", "its turn at 4, with 2 commands"),
            ("[==]", "the others do the same after it"),
            ("! x *", "suspects; leaves; started again"),
        ],
        Screen::Logs => vec![
            ("Up Down PgUp PgDn Home", "older, newer"),
            ("End", "the newest, and follow"),
            ("Left Right", "the rest of long lines"),
            ("f", "follow, or no longer"),
            ("v", "how much a line must matter"),
            ("Tab", "your own log, or this client's"),
        ],
    };
    keys.extend([("Esc", "back"), ("q, Ctrl-C", "quit")]);
    keys
}
