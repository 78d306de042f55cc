//! What the servers say to each other.

use super::super::super::diagram::draw::{Layout, Weight};
use super::super::state::State;
use super::super::watch::Silence;
use super::ink::{Ink, put, wrap};
use super::{DIAGRAM_TOP, diagram_height};
use ratatui::buffer::Buffer;

/// What the signs mean, as far as it fits on a line.
const LEGEND: &str = "[##] in turn  [==] after it  .. on its way  ? other end not seen  ! suspects";
/// Who may look, where tokens are required.
const WHO_MAY: &str = "Where tokens are required, servers tell this to managers only: start with a manager's --token. Elsewhere they tell anyone.";

/// Draws it.
pub fn draw(state: &State, buffer: &mut Buffer, ink: &Ink) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let watch = &state.watch;
    if let Some(words) = watch.denied() {
        let lines = [words, WHO_MAY].map(|words| wrap(words, width - 2));
        for (y, line) in (DIAGRAM_TOP..).zip(lines.concat()) {
            put(buffer, 1, y, width - 1, &line, ink.plain());
        }
        return;
    }
    let mut head =
        format!("Shown: {}, {}.", watch.filter.words(), if watch.is_paused { "paused" } else { "following" });
    for (server, silence) in &watch.silent {
        match silence {
            Silence::NoAnswer(reason) => {
                head.push_str(&format!(" Server {server} does not answer ({reason})."))
            }
            Silence::Denied(_) => head.push_str(&format!(" Server {server} does not tell.")),
        }
    }
    put(buffer, 1, 1, width - 1, &head, ink.plain());
    let layout = Layout::new(&watch.diagram, &state.servers, usize::from(width), watch.base_us);
    put(buffer, 0, 2, width, &layout.head(), ink.quiet());
    let rows = watch.seen(diagram_height(height));
    for (y, row) in (DIAGRAM_TOP..).zip(rows) {
        let (line, weight) = layout.line(row);
        let style = match weight {
            Weight::Plain => ink.plain(),
            Weight::Strong => ink.strong(),
            Weight::Bad => ink.bad(),
            Weight::Quiet => ink.quiet(),
        };
        put(buffer, 0, y, width, &line, style);
    }
    if watch.diagram.rows.is_empty() {
        let words = if watch.heard.is_empty() {
            "Asking the servers..."
        } else {
            "Nothing is said at present: servers talk when somebody asks for something."
        };
        for (y, line) in (DIAGRAM_TOP..).zip(wrap(words, width - 2)) {
            put(buffer, 1, y, width - 1, &line, ink.plain());
        }
    }
    put(buffer, 1, height - 4, width - 1, LEGEND, ink.quiet());
}
