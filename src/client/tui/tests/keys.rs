//! Every key on every screen, at any size: nothing breaks, and nothing is a matter of colour alone.

use super::*;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::Color;

const SIZE: (u16, u16) = (80, 24);

#[test]
fn the_cursor_moves_as_far_as_there_are_seats() {
    let mut desk = Desk::at_seats(SIZE, None, 0);
    let mut after = |code: KeyCode| {
        desk.press(code);
        desk.state.seats.as_ref().unwrap().cursor
    };
    assert_eq!(after(KeyCode::Home), 1);
    assert_eq!(after(KeyCode::Left), 1);
    assert_eq!(after(KeyCode::Up), 1);
    assert_eq!(after(KeyCode::Right), 2);
    assert_eq!(after(KeyCode::Down), 22);
    assert_eq!(after(KeyCode::End), 100);
    assert_eq!(after(KeyCode::Right), 100);
    assert_eq!(after(KeyCode::Down), 100);
    assert_eq!(after(KeyCode::Up), 80);
    assert_eq!(after(KeyCode::PageUp), 1);
    assert_eq!(after(KeyCode::PageDown), 100);
    desk.type_in("g55\n");
    assert_eq!(desk.state.seats.as_ref().unwrap().cursor, 55);
    desk.type_in("g900\n");
    assert_eq!(desk.state.seats.as_ref().unwrap().cursor, 100);
    desk.type_in("gx\n");
    desk.shows("! type the number of a seat");
}

#[test]
fn taken_seats_are_not_picked_and_picks_can_be_taken_back() {
    let mut desk = Desk::at_seats(SIZE, None, 0);
    desk.type_in("g1\n ");
    desk.shows("Seat 1 is taken.");
    desk.type_in("g10\n ");
    desk.shows("Picked: 10.");
    desk.type_in(" ");
    desk.shows_not("Picked");
    desk.type_in("  u");
    desk.shows_not("Picked");
    desk.type_in("\n");
    assert!(!desk.has_command());
}

#[test]
fn a_click_picks_the_seat_under_the_mouse_and_the_wheel_scrolls() {
    let mut desk = Desk::at_seats(SIZE, None, 0);
    let grid = super::super::grid::Grid::new(SIZE, 100);
    let mouse =
        |kind, column, row| Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    let down = MouseEventKind::Down(MouseButton::Left);
    desk.send(mouse(down, grid.column(43) + 1, grid.area.y + 2));
    desk.shows("Picked: 43.");
    desk.send(mouse(down, 0, 0));
    desk.send(mouse(MouseEventKind::ScrollDown, 0, 0));
    assert_eq!(desk.state.seats.as_ref().unwrap().cursor, 63);
    desk.type_in("g");
    desk.send(mouse(down, grid.column(44) + 1, grid.area.y + 2));
    assert_eq!(desk.state.seats.as_ref().unwrap().picked, [43].into(), "not under a question");
}

#[test]
fn a_theatre_of_a_million_seats_scrolls() {
    let mut desk = Desk::loaded((120, 40), None);
    desk.world.capacity = 1_000_000;
    desk.open_seats(0);
    desk.shows("999990 of 1000000 seats are free");
    desk.press(KeyCode::End);
    desk.shows("Seat 1000000 is free.");
    desk.shows("rows 33304-33334 of 33334");
    desk.type_in("g500000\n ");
    desk.shows("Picked: 500000.");
    desk.resize(80, 24);
    desk.shows("Picked: 500000.");
    desk.shows("[*]");
}

#[test]
fn control_c_leaves_from_everywhere_and_escape_goes_back() {
    let mut desk = Desk::loaded(SIZE, Some("TORM2345"));
    for digit in ['1', '2', '3', '4', '5'] {
        desk.press(KeyCode::Char(digit));
        assert_ne!(desk.state.screen, Screen::Menu, "{digit}");
        desk.send(Message::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert_eq!(desk.effects.pop(), Some(Effect::Leave { is_unknown: false }));
        desk.press(KeyCode::Esc);
        assert_eq!(desk.state.screen, Screen::Menu, "{digit}");
    }
    desk.press(KeyCode::Char('6'));
    assert_eq!(desk.effects.pop(), Some(Effect::Leave { is_unknown: false }));
    desk.press(KeyCode::Up);
    desk.press(KeyCode::Home);
    desk.press(KeyCode::Up);
    desk.press(KeyCode::Enter);
    assert_eq!(
        desk.effects.pop(),
        Some(Effect::Leave { is_unknown: false }),
        "up from the first is the last"
    );
}

#[test]
fn the_help_names_the_keys_of_each_screen() {
    let mut desk = Desk::loaded(SIZE, Some("bob"));
    for (digit, word) in
        [('1', "which events"), ('2', "hold it for as long again"), ('3', "quit"), ('4', "follow")]
    {
        desk.press(KeyCode::Char(digit));
        desk.press(KeyCode::Char('?'));
        desk.shows(word);
        desk.press(KeyCode::Char('z'));
        assert!(desk.state.overlay.is_none());
        desk.press(KeyCode::Esc);
    }
}

/// Every screen once, by name.
pub fn every_screen(size: (u16, u16)) -> Vec<(&'static str, Desk)> {
    let mut all = vec![("loading", Desk::started(size, None))];
    for (digit, name) in [('1', "events"), ('2', "bookings"), ('3', "add"), ('4', "cluster"), ('5', "logs")] {
        let mut desk = Desk::loaded(size, Some("TORM2345"));
        desk.press(KeyCode::Char(digit));
        desk.serve();
        all.push((name, desk));
    }
    all.push(("menu", Desk::loaded(size, None)));
    all.push(("diagram", Desk::with_story(size)));
    let mut desk = Desk::at_seats(size, Some("TORC2345"), 2);
    desk.world.event_taken.extend([3, 4]);
    desk.world.claims = vec![hold(seminars(), &[3, 4], WALL_MS + 200_000)];
    desk.wait(1_000);
    desk.type_in("g7\n ");
    all.push(("seats", desk));
    all
}

#[test]
fn without_colours_there_are_none_and_nothing_is_missing() {
    for (name, mut desk) in every_screen(SIZE) {
        desk.state.message = Some((Tone::Refused, "Failed: so.".to_owned()));
        let colored = desk.picture();
        desk.state.color = false;
        assert_eq!(desk.picture(), colored, "{name}");
        let plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(desk.buffer().content.iter().all(plain), "{name}");
    }
}

#[test]
fn colours_are_the_terminals_own_and_fit_light_and_dark() {
    for (name, desk) in every_screen(SIZE) {
        for cell in &desk.buffer().content {
            let is_own = matches!(cell.fg, Color::Reset | Color::Green | Color::Red | Color::Magenta);
            assert!(is_own && cell.bg == Color::Reset, "{name}: {cell:?}");
        }
    }
}

#[test]
fn any_keys_at_any_size_break_nothing() {
    let codes = [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(5),
        KeyCode::Null,
    ];
    for seed in 0..20 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let who = [None, Some("bob"), Some("TORC2345"), Some("TORM2345")][chance.usize(..4)];
        let mut desk = Desk::loaded((80, 24), who);
        for _ in 0..400 {
            match chance.u8(..20) {
                0 => desk.resize(chance.u16(0..200), chance.u16(0..60)),
                1 => desk.wait(chance.u64(0..2_000)),
                2 if desk.has_command() && chance.bool() => desk.end(Err(Failure::Unknown)),
                2 if desk.has_command() => desk.end(Ok(Outcome::KeysFull)),
                3 => {
                    desk.world.taken = (0..chance.u32(..99)).map(|_| chance.u32(1..=100)).collect();
                    desk.world.own = chance.bool().then(|| seats(&[1, 5]));
                    let until_ms = WALL_MS + chance.u64(..400_000);
                    desk.world.claims =
                        if chance.bool() { vec![hold(seminars(), &[1, 2], until_ms)] } else { Vec::new() };
                }
                4 => desk.send(Message::Trouble(chance.u8(1..=3), "it broke".to_owned())),
                5 => {
                    let (column, row) = (chance.u16(..200), chance.u16(..60));
                    let kind = MouseEventKind::Down(MouseButton::Left);
                    desk.send(Message::Mouse(MouseEvent {
                        kind,
                        column,
                        row,
                        modifiers: KeyModifiers::NONE,
                    }));
                }
                6..=9 => desk.press(codes[chance.usize(..codes.len())]),
                10 => desk.serve(),
                _ => desk.press(KeyCode::Char(char::from(chance.u8(b' '..=b'~')))),
            }
            let _ = desk.picture();
            assert!(desk.open.len() < 64, "requests pile up");
        }
    }
}
