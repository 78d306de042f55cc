//! The seats of one hall. Only what is seen is looked at, so that a million seats are as fast as a hundred.

use super::super::grid::Grid;
use super::super::state::{Hall, Mine, Seats, State};
use super::super::update::brief;
use super::ink::{Ink, bar, clock, put, put_right};
use crate::client::seat_map::is_free;
use crate::domain::{ids::Seat, outcome::SeatMap};
use ratatui::{buffer::Buffer, style::Style};

/// Columns of the bar of a hold.
const BAR: u16 = 22;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width;
    let Some(seats) = &state.seats else { return };
    let Some(map) = &seats.map else {
        let words =
            seats.refused.clone().unwrap_or_else(|| format!("Looking at the seats of {}...", seats.hall));
        put(buffer, 1, 2, width - 1, &words, ink.plain());
        return;
    };
    put(buffer, 1, 1, width - 1, &headline(seats, map), ink.strong());
    let grid = Grid::new(state.size, map.capacity);
    let mut legend = ". free  # taken  * picked  @ yours".to_owned();
    if seats.hall != Hall::Theatre {
        legend.push_str("  + held for you");
    }
    put(buffer, 1, 2, width - 1, &legend, ink.quiet());
    if grid.rows() > grid.height() {
        let last = (seats.first_row + grid.height()).min(grid.rows());
        let words = format!("rows {}-{last} of {}", seats.first_row + 1, grid.rows());
        put_right(buffer, width - 1, 3, &words, ink.quiet());
    }
    for down in 0..grid.height() {
        let row = seats.first_row + down;
        if row >= grid.rows() {
            break;
        }
        let y = grid.area.y + down as u16;
        let label = usize::from(grid.label);
        put(buffer, 0, y, grid.label, &format!("{:>label$}", grid.seats(row).start()), ink.quiet());
        for seat in grid.seats(row) {
            let (sign, style) = look(seats, map, seat, ink);
            if seat == seats.cursor {
                put(buffer, grid.column(seat), y, 3, &format!("[{sign}]"), style.patch(ink.reversed()));
            } else {
                put(buffer, grid.column(seat) + 1, y, 1, sign, style);
            }
        }
    }
    let below = buffer.area.height - 5;
    put(buffer, 1, below, width - 1, &chosen(seats, map, usize::from(width) / 2), ink.plain());
    own(state, seats, buffer, ink);
}

fn headline(seats: &Seats, map: &SeatMap) -> String {
    let SeatMap { left, capacity, .. } = map;
    let hall = match &seats.hall {
        Hall::Theatre => "The theatre".to_owned(),
        Hall::Event(event) => {
            // A random id says nothing; the list of events has all of it.
            let id = event.id.to_string();
            format!("{} ({})", if id.len() > 10 { &id[..8] } else { &id }, event.kind)
        }
    };
    let about = match &seats.view {
        Some(view) => {
            let name = view.name.as_ref().map_or_else(String::new, |name| format!("{name}, "));
            format!("  ({name}{})", view.date)
        }
        None => String::new(),
    };
    format!("{hall}: {left} of {capacity} seats are free.{about}")
}

/// A sign and a style for each state of a seat.
fn look(seats: &Seats, map: &SeatMap, seat: u32, ink: &Ink) -> (&'static str, Style) {
    match &seats.mine {
        Mine::Booked { seats: own, .. } if own.contains(Seat(seat)) => ("@", ink.good().patch(ink.strong())),
        Mine::Held { seats: own, .. } if own.contains(Seat(seat)) => ("+", ink.open().patch(ink.strong())),
        _ if !is_free(map, seat) => ("#", ink.bad()),
        _ if seats.picked.contains(&seat) => ("*", ink.good().patch(ink.strong())),
        _ => (".", ink.plain()),
    }
}

/// The seat under the cursor, and those that are picked.
fn chosen(seats: &Seats, map: &SeatMap, chars_max: usize) -> String {
    let seat = seats.cursor;
    let is = match &seats.mine {
        Mine::Booked { seats: own, .. } if own.contains(Seat(seat)) => "yours",
        Mine::Held { seats: own, .. } if own.contains(Seat(seat)) => "held for you",
        _ if is_free(map, seat) => "free",
        _ => "taken",
    };
    let picked: Vec<Seat> = seats.picked.iter().copied().map(Seat).collect();
    match crate::domain::runs::SeatRuns::from_seats(&picked) {
        Some(picked) => format!("Seat {seat} is {is}. Picked: {}.", brief(&picked, chars_max)),
        None => format!("Seat {seat} is {is}."),
    }
}

/// What one has here.
fn own(state: &State, seats: &Seats, buffer: &mut Buffer, ink: &Ink) {
    let (width, y) = (buffer.area.width, buffer.area.height - 4);
    let room = usize::from(width).saturating_sub(8);
    let (words, style) = match &seats.mine {
        Mine::NotKnown | Mine::Nothing => return,
        Mine::Booked { seats: own, .. } => (format!("Yours: {}.", brief(own, room)), ink.good()),
        Mine::Held { seats: own, until_ms, .. } => {
            let left_ms = state.remaining_ms(*until_ms);
            let has_bar = width >= 60;
            let room = room.saturating_sub(24 + if has_bar { usize::from(BAR) } else { 0 });
            let mut words = format!("Held for you: {} ({} left)", brief(own, room), clock(left_ms));
            if has_bar {
                words.push_str(&format!(" {}", bar(left_ms, state.hold_ms, BAR)));
            }
            (words, ink.open())
        }
        Mine::Waits { count, place } => {
            (format!("You wait for {count} seats, at place {place}."), ink.open())
        }
    };
    put(buffer, 1, y, width - 1, &words, style);
}
