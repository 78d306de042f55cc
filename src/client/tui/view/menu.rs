//! Where to go.

use super::super::state::{Entry, State};
use super::ink::{Ink, put};
use ratatui::buffer::Buffer;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width;
    for (at, entry) in state.entries().into_iter().enumerate() {
        let (name, about) = words(state, entry);
        let is_chosen = at == state.menu;
        let (sign, style) = if is_chosen { ('>', ink.reversed()) } else { (' ', ink.strong()) };
        let y = 2 + 2 * at as u16;
        put(buffer, 1, y, width, &format!("{sign} {} {name:<12}", at + 1), style);
        put(buffer, 19, y, width.saturating_sub(20), &about, ink.plain());
    }
}

fn words(state: &State, entry: Entry) -> (&'static str, String) {
    match entry {
        Entry::Events => {
            let about = match state.theatre {
                Some((capacity, left)) => {
                    format!("the theatre ({left} of {capacity} seats are free) and all events")
                }
                None => "the theatre and all events".to_owned(),
            };
            ("Events", about)
        }
        Entry::Bookings => {
            let about = match &state.who {
                Some(who) => format!("what {who} has booked, holds and waits for"),
                None => "what you have booked, hold and wait for".to_owned(),
            };
            ("My bookings", about)
        }
        Entry::AddEvent => ("Add event", "to your branch".to_owned()),
        Entry::Cluster => {
            let about = state
                .overview
                .as_ref()
                .map_or_else(|| "the servers".to_owned(), |overview| overview.headline());
            ("Cluster", about)
        }
        Entry::Logs => ("Logs", "what this client did, and what you asked".to_owned()),
        Entry::Quit => ("Quit", String::new()),
    }
}
