//! What is sold.

use super::super::state::{EVENTS_MAX, State};
use super::super::update::loaded;
use super::ink::{Ink, put, put_right};
use super::{LIST_TOP, list_height};
use crate::domain::events::answer::EventView;
use ratatui::buffer::Buffer;

/// Columns of the numbers at the right.
const NUMBERS: u16 = 16;
/// Columns of a date and a time.
const DATE: u16 = 17;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let list = &state.events;
    let head = match (list.filter.is_empty(), list.more.is_some()) {
        (true, false) => format!("{} events beside the theatre.", loaded(list)),
        (true, true) => format!("{} events so far; further down there are more.", loaded(list)),
        (false, false) => {
            format!("Filter: {}  ({} of {} events)", list.filter, list.rows.len(), loaded(list))
        }
        (false, true) if loaded(list) >= EVENTS_MAX => {
            format!(
                "Filter: {}  (only the first {EVENTS_MAX} were looked at: add a branch or a date)",
                list.filter
            )
        }
        (false, true) => {
            format!("Filter: {}  ({} of {} events so far)", list.filter, list.rows.len(), loaded(list))
        }
    };
    put(buffer, 1, 1, width - 1, &head, ink.plain());
    let date = has_dates(width).then(|| width - NUMBERS - DATE);
    let id = width - NUMBERS - if date.is_some() { DATE } else { 0 };
    put(buffer, 3, 2, id - 3, "EVENT", ink.quiet());
    if let Some(x) = date {
        put(buffer, x, 2, DATE, "DATE", ink.quiet());
    }
    put_right(buffer, width - 1, 2, "FREE / SEATS", ink.quiet());
    let capacities = list.rows.iter().map(|row| state.event_at(*row).map(|view| view.capacity));
    let capacities = capacities.flatten().chain(state.theatre.map(|(capacity, _)| capacity));
    let digits = capacities.max().unwrap_or(0).to_string().len();
    let rows = list.rows.iter().enumerate().skip(list.place.first).take(list_height(height));
    for (y, (at, row)) in (LIST_TOP..).zip(rows) {
        let is_chosen = at == list.place.at;
        let (sign, style) = if is_chosen { ('>', ink.reversed()) } else { (' ', ink.plain()) };
        let view = state.event_at(*row);
        let numbers = match view {
            Some(view) => Some((view.capacity, view.left)),
            None => state.theatre,
        };
        if is_chosen {
            put(buffer, 0, y, width, &" ".repeat(usize::from(width)), style);
        }
        put(
            buffer,
            1,
            y,
            id - 2,
            &format!("{sign} {}", view.map_or_else(|| "The theatre".to_owned(), name)),
            style,
        );
        if let (Some(x), Some(view)) = (date, view) {
            put(buffer, x, y, DATE - 1, &when(view), style);
        }
        if let Some((capacity, left)) = numbers {
            let style = if left == 0 && !is_chosen { ink.bad() } else { style };
            let left = if left == 0 { "full".to_owned() } else { left.to_string() };
            put_right(buffer, width - 1, y, &format!("{left} / {capacity:>digits$}"), style);
        }
    }
    if list.rows.is_empty() {
        let words = if state.asked.is_empty() { "No event fits." } else { "Looking..." };
        put(buffer, 3, LIST_TOP, width, words, ink.plain());
    }
    let chosen = list.rows.get(list.place.at).and_then(|row| state.event_at(*row));
    if let Some(view) = chosen {
        put(buffer, 1, height - 4, width - 1, &detail(view), ink.quiet());
    }
}

fn has_dates(width: u16) -> bool {
    width >= 60
}

/// What people call it, with as much of the id as says something.
fn name(view: &EventView) -> String {
    let id = view.event.id.to_string();
    // A random id says nothing: the line below has all of it.
    let id = if id.len() > 10 { &id[..8] } else { &id };
    match &view.name {
        Some(name) => format!("{id}  {}: {name}", view.event.kind),
        None => format!("{id}  {}", view.event.kind),
    }
}

fn when(view: &EventView) -> String {
    match view.minute {
        Some(minute) => format!("{} {:02}:{:02}", view.date, minute.get() / 60, minute.get() % 60),
        None => view.date.to_string(),
    }
}

/// In the cluster's own words.
fn detail(view: &EventView) -> String {
    let mut words = view.to_string();
    if view.held > 0 {
        words.push_str(&format!(", {} held", view.held));
    }
    if view.waiting > 0 {
        words.push_str(&format!(", {} waiting", view.waiting));
    }
    words
}
