//! What one has.

use super::super::state::{Booking, Hall, Mine, State};
use super::super::update::brief;
use super::ink::{Ink, clock, put};
use super::{LIST_TOP, list_height};
use ratatui::buffer::Buffer;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let bookings = &state.bookings;
    let who = state.who.as_ref().map_or_else(String::new, ToString::to_string);
    let count = bookings.rows().count();
    let head = match (&bookings.refused, bookings.theatre.is_some() && bookings.events.is_some()) {
        (Some(words), _) => words.clone(),
        (None, false) => "Looking...".to_owned(),
        (None, true) if count == 0 => format!("{who} has no reservations."),
        (None, true) if bookings.more => format!("{who}: {count}; there is more than is shown."),
        (None, true) => format!("{who}: {count}."),
    };
    put(buffer, 1, 1, width - 1, &head, ink.plain());
    if count > 0 {
        put(buffer, 3, 2, width, "WHAT", ink.quiet());
    }
    let rows = bookings.rows().enumerate().skip(bookings.place.first).take(list_height(height));
    for (y, (at, booking)) in (LIST_TOP..).zip(rows) {
        let is_chosen = at == bookings.place.at;
        let (sign, style) = if is_chosen { ('>', ink.reversed()) } else { (' ', ink.plain()) };
        if is_chosen {
            put(buffer, 0, y, width, &" ".repeat(usize::from(width)), style);
        }
        put(buffer, 1, y, width - 1, &format!("{sign} {}", words(state, booking)), style);
    }
}

fn words(state: &State, booking: &Booking) -> String {
    match booking {
        Booking::Has { hall, date, mine } => {
            let date = date.map_or_else(String::new, |date| format!(", {date}"));
            let hall = match hall {
                Hall::Theatre => "The theatre".to_owned(),
                Hall::Event(event) => event.to_string(),
            };
            let what = match mine {
                Mine::NotKnown | Mine::Nothing => String::new(),
                Mine::Booked(seats) => brief(seats, 200),
                Mine::Held { seats, until_ms, .. } => {
                    format!("held, {} left: {}", clock(state.remaining_ms(*until_ms)), brief(seats, 200))
                }
                Mine::Waits { count, place } => format!("waiting for {count} seats, at place {place}"),
            };
            format!("{hall}{date}: {what}")
        }
        Booking::Gone(notice) => {
            format!("{}: cancelled by the organiser, {} seats", notice.event, notice.seats)
        }
    }
}
