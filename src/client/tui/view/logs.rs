//! What happened.

use super::super::log::{Level, Source};
use super::super::state::State;
use super::ink::{Ink, columns, put};
use super::{LOG_TOP, log_height};
use ratatui::buffer::Buffer;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let log = &state.log;
    let whose = match (log.source, &state.who) {
        (Source::Client, _) => "What this client did".to_owned(),
        (Source::User, Some(who)) => format!("What {who} asked"),
        (Source::User, None) => "What was asked without a name".to_owned(),
    };
    let follows = if log.follows { "following" } else { "not following" };
    let above = if log.left > 0 { ", moved to the side" } else { "" };
    let count = log.lines().len();
    let head = format!("{whose}: {count} lines, {} and up, {follows}{above}", log.level.word());
    put(buffer, 1, 1, width - 1, &head, ink.plain());
    for (y, line) in (LOG_TOP..).zip(log.seen(log_height(height))) {
        let style = match line.level {
            Level::Debug => ink.quiet(),
            Level::Info => ink.plain(),
            Level::Warn => ink.open(),
            Level::Error => ink.bad(),
        };
        let x = put(buffer, 1, y, width, &line.at, ink.quiet()) + 1;
        put(buffer, x, y, 6, line.level.word(), style);
        let text: String = line.text.chars().skip(log.left).collect();
        put(buffer, x + 6, y, width.saturating_sub(x + 6), &text, ink.plain());
    }
    if count == 0 {
        let words = match (log.source, &log.user) {
            (Source::User, None) => "Reading...",
            (Source::User, Some(_)) => "Nothing that matters so much was asked.",
            (Source::Client, _) => "Nothing that matters so much happened.",
        };
        put(buffer, 1, LOG_TOP, width.max(columns(words) as u16), words, ink.quiet());
    }
}
