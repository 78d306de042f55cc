//! What each key means on each screen.

use super::super::grid::Grid;
use super::super::input::{Asks, Field, Intent, Overlay, Wish};
use super::super::log::{Level, Source};
use super::super::state::*;
use super::super::view::{diagram_height, list_height, log_height};
use super::{events, go, overlay, poll_now, seats, start};
use crate::client::seat_map::is_free;
use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// How many characters the arrows move a log to the side.
const LOG_CHARS: isize = 20;

/// A key.
pub fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return effects.push(Effect::Leave { is_unknown: state.waiting.is_some() });
    }
    if let Some(over) = state.overlay.take() {
        return overlay::press(state, over, key, effects);
    }
    if state.screen == Screen::AddEvent && overlay::press_form(state, key, effects) {
        return;
    }
    match key.code {
        KeyCode::Char('?') => state.overlay = Some(Overlay::Help),
        KeyCode::Char('q') => quit(state, effects),
        KeyCode::Esc => back(state, effects),
        _ => match state.screen {
            Screen::Loading => loading(state, key, effects),
            Screen::Menu => menu(state, key, effects),
            Screen::Events => event_list(state, key, effects),
            Screen::Seats => hall(state, key, effects),
            Screen::Bookings => bookings(state, key, effects),
            Screen::Logs => logs(state, key, effects),
            Screen::Cluster if key.code == KeyCode::Char('d') => go(state, Screen::Diagram, effects),
            Screen::Diagram => diagram(state, key),
            Screen::Cluster | Screen::AddEvent => {}
        },
    }
}

/// A click on a seat is that seat and Space; the wheel is the arrows.
pub fn mouse(state: &mut State, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    let code = match mouse.kind {
        MouseEventKind::ScrollUp => KeyCode::Up,
        MouseEventKind::ScrollDown => KeyCode::Down,
        MouseEventKind::Down(MouseButton::Left)
            if state.screen == Screen::Seats && state.overlay.is_none() =>
        {
            let Some(seats) = &mut state.seats else { return };
            let Some(map) = &seats.map else { return };
            let grid = Grid::new(state.size, map.capacity);
            let Some(seat) = grid.at(seats.first_row, mouse.column, mouse.row) else { return };
            seats.cursor = seat;
            KeyCode::Char(' ')
        }
        _ => return,
    };
    if state.overlay.is_none() {
        press(state, KeyEvent::new(code, KeyModifiers::NONE), effects);
    }
}

/// Leaves; asks first when a command has no answer yet.
fn quit(state: &mut State, effects: &mut Vec<Effect>) {
    if state.waiting.is_none() {
        return effects.push(Effect::Leave { is_unknown: false });
    }
    let question = "A request has no answer yet and may be carried out. Leave all the same?".to_owned();
    state.overlay = Some(Overlay::Confirm { question, intent: None });
}

fn back(state: &mut State, effects: &mut Vec<Effect>) {
    let to = match state.screen {
        Screen::Loading | Screen::Menu => return,
        Screen::Seats => state.seats.as_ref().map_or(Screen::Menu, |seats| seats.back),
        Screen::Diagram => Screen::Cluster,
        Screen::Events if state.exchange.take().is_some() => Screen::Bookings,
        Screen::Events | Screen::Bookings | Screen::AddEvent | Screen::Cluster | Screen::Logs => Screen::Menu,
    };
    state.message = None;
    go(state, to, effects);
}

fn input(state: &mut State, asks: Asks, text: String) {
    state.overlay = Some(Overlay::Input { asks, field: Field { text }, wrong: None });
}

fn loading(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.code == KeyCode::Char('r') && state.loading.failed.is_some() {
        let words = state.loading.done.first().cloned().unwrap_or_default();
        start(state, words, effects);
    }
}

fn menu(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let entries = state.entries();
    match key.code {
        KeyCode::Up => state.menu = state.menu.checked_sub(1).unwrap_or(entries.len() - 1),
        KeyCode::Down => state.menu = (state.menu + 1) % entries.len(),
        KeyCode::Home => state.menu = 0,
        KeyCode::End => state.menu = entries.len() - 1,
        KeyCode::Char('i') if state.is_proved => {
            state.message = Some((Tone::Info, "Your token says who you are.".to_owned()));
        }
        KeyCode::Char('i') => {
            let text = state.log_name();
            input(state, Asks::Who(None), text);
        }
        KeyCode::Char(digit @ '1'..='6') if (digit as usize - '1' as usize) < entries.len() => {
            state.menu = digit as usize - '1' as usize;
            enter(state, entries[state.menu], effects);
        }
        KeyCode::Enter => enter(state, entries[state.menu], effects),
        _ => {}
    }
}

fn enter(state: &mut State, entry: Entry, effects: &mut Vec<Effect>) {
    (state.message, state.exchange) = (None, None);
    match entry {
        Entry::Events => go(state, Screen::Events, effects),
        Entry::Bookings => seats::act(state, Intent::Bookings, effects),
        Entry::AddEvent => go(state, Screen::AddEvent, effects),
        Entry::Cluster => go(state, Screen::Cluster, effects),
        Entry::Logs => go(state, Screen::Logs, effects),
        Entry::Quit => quit(state, effects),
    }
}

/// Moves through a list; whether the key meant that.
pub fn moves(place: &mut Place, key: KeyCode, height: u16) -> bool {
    let page = list_height(height) as isize;
    match key {
        KeyCode::Up => place.step(-1),
        KeyCode::Down => place.step(1),
        KeyCode::PageUp => place.step(-page),
        KeyCode::PageDown => place.step(page),
        KeyCode::Home => place.at = 0,
        KeyCode::End => place.at = usize::MAX,
        _ => return false,
    }
    true
}

fn event_list(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if moves(&mut state.events.place, key.code, state.size.1) {
        state.events.sought = None;
        return;
    }
    match key.code {
        KeyCode::Enter => {
            let hall = events::chosen(state)
                .map(|view| view.map_or(Hall::Theatre, |view| Hall::Event(view.event.clone())));
            if let Some(hall) = hall {
                seats::open(state, hall, effects);
            }
        }
        KeyCode::Char('x') if state.is_manager() => {
            if let Some(Some(view)) = events::chosen(state) {
                let event = view.event.clone();
                let question = format!("Remove {event} with all its bookings?");
                state.overlay = Some(Overlay::Confirm { question, intent: Some(Intent::RemoveEvent(event)) });
            }
        }
        KeyCode::Char('/') => {
            let text = state.events.filter.clone();
            input(state, Asks::Filter, text);
        }
        _ => {}
    }
}

fn hall(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let held = state.seats.as_ref().is_some_and(|seats| matches!(seats.mine, Mine::Held { .. }));
    match key.code {
        KeyCode::Char(' ') => pick(state),
        KeyCode::Enter if held => seats::wish(state, Wish::Confirm, effects),
        KeyCode::Enter => seats::wish(state, Wish::Book, effects),
        KeyCode::Char('h') => seats::wish(state, Wish::Hold, effects),
        KeyCode::Char('n') => input(state, Asks::Count, String::new()),
        KeyCode::Char('b') => input(state, Asks::Best, String::new()),
        KeyCode::Char('g') => input(state, Asks::Seat, String::new()),
        KeyCode::Char('w') => input(state, Asks::Join, String::new()),
        KeyCode::Char('u') => {
            if let Some(seats) = &mut state.seats {
                seats.picked.clear();
            }
        }
        code if changes_own(state, code, effects) => {}
        code => move_cursor(state, code),
    }
}

/// What can be done with what one has, here and in the list of it.
fn changes_own(state: &mut State, key: KeyCode, effects: &mut Vec<Effect>) -> bool {
    match key {
        KeyCode::Char('c') => seats::wish(state, Wish::Confirm, effects),
        KeyCode::Char('e') => seats::wish(state, Wish::Extend, effects),
        KeyCode::Char('r') => seats::wish(state, Wish::Release, effects),
        KeyCode::Char('l') => seats::wish(state, Wish::Leave, effects),
        KeyCode::Char('t') => seats::tickets(state),
        KeyCode::Char('m') => seats::exchange(state, effects),
        KeyCode::Char('x') => {
            if let Some(hall) = seats::chosen_hall(state) {
                let question = format!("Give your seats of {hall} back?");
                let intent = Some(Intent::At(hall, Wish::Cancel));
                state.overlay = Some(Overlay::Confirm { question, intent });
            }
        }
        _ => return false,
    }
    true
}

fn pick(state: &mut State) {
    let Some(seats) = &mut state.seats else { return };
    let Some(map) = &seats.map else { return };
    let cursor = seats.cursor;
    if !seats.picked.remove(&cursor) {
        if !is_free(map, cursor) {
            return state.say(Tone::Info, format!("Seat {cursor} is taken."));
        }
        if seats.picked.len() < crate::client::values::PICKED_SEATS_MAX {
            seats.picked.insert(cursor);
        }
    }
    state.message = None;
}

fn move_cursor(state: &mut State, key: KeyCode) {
    let Some(seats) = &mut state.seats else { return };
    let Some(map) = &seats.map else { return };
    let grid = Grid::new(state.size, map.capacity);
    let page = grid.per_row * grid.height();
    let cursor = seats.cursor;
    let back = |by: u32| if cursor > by { cursor - by } else { cursor };
    let on = |by: u32| if cursor + by <= map.capacity { cursor + by } else { cursor };
    seats.cursor = match key {
        KeyCode::Left => back(1),
        KeyCode::Right => on(1),
        KeyCode::Up => back(grid.per_row),
        KeyCode::Down => on(grid.per_row),
        KeyCode::PageUp => cursor.saturating_sub(page).max(1),
        KeyCode::PageDown => (cursor + page).min(map.capacity),
        KeyCode::Home => 1,
        KeyCode::End => map.capacity,
        _ => cursor,
    };
}

fn bookings(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let before = state.bookings.place;
    if moves(&mut state.bookings.place, key.code, state.size.1) {
        // The first arrow only shows the cursor again.
        if std::mem::take(&mut state.bookings.is_lost) && matches!(key.code, KeyCode::Up | KeyCode::Down) {
            state.bookings.place = before;
        }
    } else if state.bookings.is_lost && state.bookings.rows().next().is_some() {
        state.say(Tone::Info, "What was chosen is no longer there: choose another with the arrows.");
    } else if !changes_own(state, key.code, effects)
        && key.code == KeyCode::Enter
        && let Some(hall) = seats::chosen_hall(state)
    {
        seats::open(state, hall, effects);
    }
}

fn diagram(state: &mut State, key: KeyEvent) {
    let height = diagram_height(state.size.1);
    let watch = &mut state.watch;
    match key.code {
        KeyCode::Up => watch.scroll(1, height),
        KeyCode::Down => watch.scroll(-1, height),
        KeyCode::PageUp => watch.scroll(height as isize, height),
        KeyCode::PageDown => watch.scroll(-(height as isize), height),
        KeyCode::Home => watch.scroll(isize::MAX, height),
        KeyCode::End => watch.pause(false),
        KeyCode::Char('f') => watch.pause(!watch.is_paused),
        KeyCode::Char('v') => watch.next_filter(),
        _ => {}
    }
}

fn logs(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let height = log_height(state.size.1);
    let log = &mut state.log;
    match key.code {
        KeyCode::Up => log.scroll(1, height),
        KeyCode::Down => log.scroll(-1, height),
        KeyCode::PageUp => log.scroll(height as isize, height),
        KeyCode::PageDown => log.scroll(-(height as isize), height),
        KeyCode::Home => log.scroll(isize::MAX, height),
        KeyCode::End => log.follow(true),
        KeyCode::Char('f') => log.follow(!log.follows),
        KeyCode::Right => log.left = log.left.saturating_add_signed(LOG_CHARS).min(WORDS_MAX),
        KeyCode::Left => log.left = log.left.saturating_add_signed(-LOG_CHARS),
        KeyCode::Char('v') => {
            let at = Level::ALL.iter().position(|level| *level == log.level).unwrap_or(0);
            log.level = Level::ALL[(at + 1) % Level::ALL.len()];
            log.follow(true);
        }
        KeyCode::Tab => {
            log.source = if log.source == Source::Client { Source::User } else { Source::Client };
            log.follow(true);
            if log.source == Source::User {
                poll_now(state, effects);
            }
        }
        _ => {}
    }
}
