//! The servers.

use super::super::super::status::Overview;
use super::super::state::State;
use super::ink::{Ink, columns, put, wrap};
use ratatui::buffer::Buffer;

/// Columns of the table of `status` that are left out first where there is little room.
const LEFT_OUT: [&str; 6] = ["VERSION", "ADDRESS", "UPTIME", "LEFT", "DIGEST", "LAG"];
/// The column that has lines of its own here.
const REASON: usize = Overview::HEAD.len() - 1;
const STATE: usize = 2;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let Some(overview) = &state.overview else {
        put(buffer, 1, 1, width, "Asking the servers...", ink.plain());
        return;
    };
    let mut y = 1;
    for line in wrap(&overview.head(), width - 2) {
        put(buffer, 1, y, width - 1, &line, ink.strong());
        y += 1;
    }
    y += 1;
    let rows: Vec<_> = overview.rows().collect();
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| columns(&row[column]));
        cells.chain([Overview::HEAD[column].len()]).max().unwrap_or(0) as u16
    };
    let mut shown: Vec<usize> = (0..REASON).collect();
    for name in LEFT_OUT {
        if shown.iter().map(|&column| wide(column) + 2).sum::<u16>() + 1 > width {
            shown.retain(|&column| Overview::HEAD[column] != name);
        }
    }
    let mut x = 1;
    for &column in &shown {
        put(buffer, x, y, width, Overview::HEAD[column], ink.quiet());
        for (down, row) in (1..).zip(&rows) {
            let style = match (column, row[column].as_str()) {
                (STATE, "ready") => ink.good(),
                (STATE, "down" | "suspected") => ink.bad(),
                (STATE, _) => ink.open(),
                _ => ink.plain(),
            };
            if y + down + 3 < height {
                put(buffer, x, y + down, width, &row[column], style);
            }
        }
        x += wide(column) + 2;
    }
    y += rows.len() as u16 + 2;
    if let Some(turn) = &state.watch.last_turn {
        let words = format!(
            "Last seen in the critical section: server {}, with request {} at position {}.",
            turn.server, turn.request, turn.position
        );
        put(buffer, 1, y, width - 1, &words, ink.plain());
        y += 2;
    }
    let reasons = rows.iter().filter(|row| !row[REASON].is_empty());
    let reasons = reasons.map(|row| format!("server {}: {}", row[0], row[REASON]));
    for words in reasons.chain(overview.warnings()) {
        for line in wrap(&words, width - 2) {
            if y + 3 < height {
                put(buffer, 1, y, width - 1, &line, ink.plain());
                y += 1;
            }
        }
    }
}
