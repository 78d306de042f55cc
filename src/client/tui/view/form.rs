//! A new event.

use super::super::input::FORM_FIELDS;
use super::super::state::State;
use super::ink::{Ink, columns, fit, put, wrap};
use ratatui::buffer::Buffer;

/// Where fields begin.
const LEFT: u16 = 12;
/// How wide they are.
const FIELD: u16 = 24;

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let width = buffer.area.width;
    let form = &state.form;
    let gap = if buffer.area.height >= 24 { 2 } else { 1 };
    let mut y = 2;
    for (at, ((name, about), field)) in FORM_FIELDS.iter().zip(&form.fields).enumerate() {
        let is_at = at == form.at;
        let (sign, style) = if is_at { ('>', ink.strong()) } else { (' ', ink.plain()) };
        put(buffer, 1, y, LEFT, &format!("{sign} {name}"), style);
        let end = if is_at { "_" } else { "" };
        // The end of a long text is what is being typed.
        let mut text = field.text.clone();
        while columns(&text) + 1 > usize::from(FIELD) {
            text.remove(0);
        }
        put(
            buffer,
            LEFT,
            y,
            FIELD + 2,
            &format!("[{:<1$}]", format!("{text}{end}"), usize::from(FIELD)),
            style,
        );
        let room = width.saturating_sub(LEFT + FIELD + 3);
        if room > 10 {
            put(buffer, LEFT + FIELD + 3, y, room, &fit(about, usize::from(room)), ink.quiet());
        }
        y += gap;
    }
    if let Some(wrong) = &form.wrong {
        for line in wrap(&format!("! {wrong}"), width - 2).iter().take(3) {
            if y + 3 < buffer.area.height {
                put(buffer, 1, y, width - 2, line, ink.bad());
                y += 1;
            }
        }
    }
}
