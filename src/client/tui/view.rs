//! Draws what the screen knows into a buffer of cells. Pure: nothing here asks, waits or decides.
//!
//! Colours are the terminal's own sixteen and never the only difference: what is chosen has a `>`, every seat its sign,
//! every message its mark. Everything but the names that people give is in ASCII.

mod bookings;
mod cluster;
mod diagram;
mod events;
mod form;
mod frame;
mod ink;
mod loading;
mod logs;
mod menu;
mod overlay;
mod seats;

use super::state::{Screen, State};
use ink::{Ink, put, wrap};
use ratatui::{buffer::Buffer, layout::Rect};

/// Smallest window in which anything can be read.
const SIZE_MIN: (u16, u16) = (36, 14);
/// Rows of a list's screen that are not the list's: title, headline, heads; detail, messages, keys.
const LIST_ROWS_OTHER: u16 = 7;
/// The first row of a list.
const LIST_TOP: u16 = 3;
/// Rows of the log's screen that are not the log's: title, headline; messages, keys.
const LOG_ROWS_OTHER: u16 = 5;
/// The first row of the log.
const LOG_TOP: u16 = 2;

/// Rows of the diagram's screen that are not the diagram's: title, headline, names; legend, messages, keys.
const DIAGRAM_ROWS_OTHER: u16 = 7;
/// Its first row.
const DIAGRAM_TOP: u16 = 3;

/// Rows of a list in a window of that height.
pub fn list_height(height: u16) -> usize {
    usize::from(height.saturating_sub(LIST_ROWS_OTHER).max(1))
}

/// Rows of the diagram in a window of that height.
pub fn diagram_height(height: u16) -> usize {
    usize::from(height.saturating_sub(DIAGRAM_ROWS_OTHER).max(1))
}

/// Rows of a list of tickets in a window of that height.
pub fn tickets_height(height: u16) -> usize {
    usize::from(height.saturating_sub(10).max(1))
}

/// Rows of the log in a window of that height.
pub fn log_height(height: u16) -> usize {
    usize::from(height.saturating_sub(LOG_ROWS_OTHER).max(1))
}

/// Draws all of it.
pub fn draw(state: &State, buffer: &mut Buffer) {
    let ink = Ink { color: state.color };
    let Rect { width, height, .. } = buffer.area;
    if width < SIZE_MIN.0 || height < SIZE_MIN.1 {
        let words =
            format!("{width}x{height} is too small: {}x{} is the least. q leaves.", SIZE_MIN.0, SIZE_MIN.1);
        for (y, line) in (0..height).zip(wrap(&words, width)) {
            put(buffer, 0, y, width, &line, ink.plain());
        }
        return;
    }
    frame::draw(state, buffer, &ink);
    match state.screen {
        Screen::Loading => loading::draw(state, buffer, &ink),
        Screen::Menu => menu::draw(state, buffer, &ink),
        Screen::Events => events::draw(state, buffer, &ink),
        Screen::Seats => seats::draw(state, buffer, &ink),
        Screen::Bookings => bookings::draw(state, buffer, &ink),
        Screen::AddEvent => form::draw(state, buffer, &ink),
        Screen::Cluster => cluster::draw(state, buffer, &ink),
        Screen::Diagram => diagram::draw(state, buffer, &ink),
        Screen::Logs => logs::draw(state, buffer, &ink),
    }
    if let Some(over) = &state.overlay {
        overlay::draw(state, over, buffer, &ink);
    }
}
