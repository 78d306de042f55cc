//! What lies over a screen.

use super::super::input::{Asks, Overlay, Tickets};
use super::super::state::State;
use super::frame::{Key, all_keys};
use super::ink::{Ink, columns, fit, put, wrap};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Widest box.
const COLUMNS_MAX: u16 = 60;

/// Draws it.
pub fn draw(state: &State, over: &Overlay, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width.saturating_sub(4).min(COLUMNS_MAX) - 4;
    let lines: Vec<(String, Style)> = match over {
        Overlay::Tickets(tickets) => tickets_of(tickets, width, usize::from(buffer.area.height), ink),
        Overlay::Help => help(&all_keys(state.screen), width, ink),
        Overlay::Confirm { question, .. } => {
            let lines = wrap(question, width).into_iter().map(|line| (line, ink.strong()));
            lines.chain([(String::new(), ink.plain()), ("y yes   n no".to_owned(), ink.plain())]).collect()
        }
        Overlay::Input { asks, field, wrong } => {
            let question = match asks {
                Asks::Who(_) => "Who are you? A name, or an id such as TORC2345.",
                Asks::Count => "How many seats? Adjacent ones if there are.",
                Asks::Best => {
                    "How many seats? Adjacent ones that leave no single free seat beside them, where there are such."
                }
                Asks::Join => "For how many seats do you wait?",
                Asks::Seat => "To which seat?",
                Asks::Filter => {
                    "Which events? Words; TOR for a branch; 2026-12-24 for that day or later. Empty: all."
                }
            };
            let mut lines: Vec<_> =
                wrap(question, width).into_iter().map(|line| (line, ink.strong())).collect();
            // The end of a long line is what is being typed.
            let mut text = format!("> {}_", field.text);
            while columns(&text) > usize::from(width) {
                text.remove(2);
            }
            lines.extend([(String::new(), ink.plain()), (text, ink.plain())]);
            if let Some(wrong) = wrong {
                lines.push((String::new(), ink.plain()));
                lines.extend(wrap(&format!("! {wrong}"), width).into_iter().map(|line| (line, ink.bad())));
            }
            lines
        }
    };
    boxed(buffer, &lines, width, ink);
}

/// As many tickets as there is room for, and the chosen one in full.
fn tickets_of(tickets: &Tickets, width: u16, height: usize, ink: &Ink) -> Vec<(String, Style)> {
    let count = tickets.seats.count() as usize;
    let head = format!("Tickets of {}: {count}.", tickets.event);
    let mut lines: Vec<_> = wrap(&head, width).into_iter().map(|line| (line, ink.strong())).collect();
    for nth in (tickets.place.first..count).take(super::tickets_height(height as u16)) {
        let Some((seat, ticket)) = tickets.row(nth) else { break };
        let (sign, style) = if nth == tickets.place.at { ('>', ink.reversed()) } else { (' ', ink.plain()) };
        lines.push((fit(&format!("{sign} {seat:>7}  {ticket}"), usize::from(width)), style));
    }
    if let Some((_, ticket)) = tickets.row(tickets.place.at).filter(|_| width < 48) {
        lines.extend(wrap(&ticket.to_string(), width).into_iter().map(|line| (line, ink.plain())));
    }
    lines
}

fn help(keys: &[Key], width: u16, ink: &Ink) -> Vec<(String, Style)> {
    let wide = keys.iter().map(|(key, _)| columns(key)).max().unwrap_or(0);
    let line = |(key, what): &Key| (fit(&format!("{key:<wide$}  {what}"), usize::from(width)), ink.plain());
    keys.iter().map(line).collect()
}

/// A box in the middle of the screen.
fn boxed(buffer: &mut Buffer, lines: &[(String, Style)], width: u16, ink: &Ink) {
    let area = buffer.area;
    let height = (lines.len() as u16 + 2).min(area.height - 2);
    let outer = Rect::new((area.width - width - 4) / 2, (area.height - height) / 2, width + 4, height);
    let rule = format!("+{}+", "-".repeat(usize::from(width) + 2));
    for y in outer.top()..outer.bottom() {
        let is_edge = y == outer.top() || y + 1 == outer.bottom();
        let row = if is_edge { rule.clone() } else { format!("|{}|", " ".repeat(usize::from(width) + 2)) };
        // What was there before may have a style of its own.
        (outer.left()..outer.right()).for_each(|x| buffer[(x, y)].reset());
        put(buffer, outer.x, y, outer.width, &row, ink.plain());
    }
    for (y, (line, style)) in (outer.y + 1..outer.bottom() - 1).zip(lines) {
        put(buffer, outer.x + 2, y, width, line, *style);
    }
}
