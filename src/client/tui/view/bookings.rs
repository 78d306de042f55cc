//! What one has.

use super::super::state::{Booking, Hall, Mine, State};
use super::super::update::brief;
use super::ink::{Ink, clock, put};
use super::{LIST_TOP, list_height};
use crate::domain::events::answer::Notice;
use ratatui::buffer::Buffer;

/// Widest column of what one has.
const WHAT_MAX: u16 = 46;

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
    let what = (width / 2).min(WHAT_MAX);
    if count > 0 {
        put(buffer, 3, 2, what, "WHAT", ink.quiet());
        put(buffer, what, 2, width - what, "WHERE", ink.quiet());
    }
    let rows = bookings.rows().enumerate().skip(bookings.place.first).take(list_height(height));
    for (y, (at, booking)) in (LIST_TOP..).zip(rows) {
        let is_chosen = at == bookings.place.at && !bookings.is_lost;
        let (sign, style) = if is_chosen { ('>', ink.reversed()) } else { (' ', ink.plain()) };
        if is_chosen {
            put(buffer, 0, y, width, &" ".repeat(usize::from(width)), style);
        }
        put(buffer, 1, y, what - 2, &format!("{sign} {}", words(state, booking, usize::from(what))), style);
        put(buffer, what, y, width - what - 1, &place(booking, true), style);
    }
    let chosen = bookings.chosen();
    if let Some(booking) = chosen.filter(|booking| place(booking, true) != place(booking, false)) {
        put(buffer, 1, height - 4, width - 1, &place(booking, false), ink.quiet());
    }
}

fn words(state: &State, booking: &Booking, width: usize) -> String {
    let room = |other: usize| width.saturating_sub(other);
    match booking {
        Booking::Has { mine, .. } => match mine {
            Mine::NotKnown | Mine::Nothing => String::new(),
            Mine::Booked { seats, .. } => format!("booked: {}", brief(seats, room(26))),
            Mine::Held { seats, until_ms, .. } => {
                format!("held ({} left): {}", clock(state.remaining_ms(*until_ms)), brief(seats, room(35)))
            }
            Mine::Waits { count, place } => format!("waiting for {count}, at place {place}"),
        },
        Booking::Gone(notice) => format!("cancelled by the organiser: {}", notice.seats),
    }
}

/// Where it is. A random id says nothing: the line below the list has all of it.
fn place(booking: &Booking, is_short: bool) -> String {
    let (event, date) = match booking {
        Booking::Has { hall: Hall::Theatre, .. } => return "The theatre".to_owned(),
        Booking::Has { hall: Hall::Event(event), date, .. } => (event, *date),
        Booking::Gone(Notice { event, .. }) => (event, None),
    };
    let id = event.id.to_string();
    let id = if is_short && id.len() > 10 { &id[..8] } else { &id };
    let date = date.map_or_else(String::new, |date| format!(", {date}"));
    format!("{id} ({}){date}", event.kind)
}
