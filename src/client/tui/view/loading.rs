//! What has to be done before anything can be sold.

use super::super::state::{STEPS, State};
use super::ink::{Ink, bar, elapsed, put, spinner, wrap};
use ratatui::buffer::Buffer;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width;
    let done = state.loading.done.len();
    let progress =
        format!("{} {done} of {}", bar(done as u64, STEPS.len() as u64, width.min(44) - 10), STEPS.len());
    put(buffer, 2, 2, width, &progress, ink.strong());
    let waited_ms = state.now.ms.saturating_sub(state.loading.since_ms);
    let mut y = 4;
    for (at, step) in STEPS.iter().enumerate() {
        let (sign, style) = match at.cmp(&done) {
            std::cmp::Ordering::Less => ('x', ink.good()),
            std::cmp::Ordering::Equal if state.loading.failed.is_some() => ('!', ink.bad()),
            std::cmp::Ordering::Equal => (spinner(waited_ms), ink.strong()),
            std::cmp::Ordering::Greater => (' ', ink.quiet()),
        };
        let x = put(buffer, 2, y, width, &format!("[{sign}] {step}"), style);
        if at == done && state.loading.failed.is_none() {
            put(buffer, x + 1, y, width, &format!("... {}", elapsed(waited_ms)), ink.plain());
        }
        y += 1;
        if let Some(words) = state.loading.done.get(at) {
            put(buffer, 6, y, width - 6, words, ink.quiet());
            y += 1;
        }
    }
    let mut words: Vec<(String, _)> = Vec::new();
    if let Some(failed) = &state.loading.failed {
        words.push((failed.clone(), ink.bad()));
    } else {
        words.extend(
            state.troubles.iter().map(|(server, reason)| (format!("server {server}: {reason}"), ink.quiet())),
        );
    }
    y += 1;
    for (words, style) in words {
        for line in wrap(&words, width - 4) {
            if y + 3 < buffer.area.height {
                put(buffer, 2, y, width - 4, &line, style);
                y += 1;
            }
        }
    }
}
