//! Styles and small tools to draw with.

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
    text::Span,
};

/// Which styles may be used.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    /// Whether colours may be used; bold and reverse always may.
    pub color: bool,
}

impl Ink {
    /// As the terminal has it.
    pub fn plain(&self) -> Style {
        Style::new()
    }

    /// What matters most.
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn quiet(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is chosen, and bars.
    pub fn reversed(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What went well; one's own.
    pub fn good(&self) -> Style {
        self.colored(Color::Green)
    }

    /// What did not; what others have.
    pub fn bad(&self) -> Style {
        self.colored(Color::Red)
    }

    /// What is not settled.
    pub fn open(&self) -> Style {
        self.colored(Color::Magenta)
    }

    fn colored(&self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }
}

/// Puts a text on a row, cut with a mark where there is no room for all of it; gives the column behind it.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    let area = buffer.area;
    if y >= area.height || x >= area.width {
        return x;
    }
    let width = width.min(area.width - x);
    let text = fit(text, usize::from(width));
    buffer.set_stringn(x, y, &text, usize::from(width), style).0
}

/// The same at the right end of the row.
pub fn put_right(buffer: &mut Buffer, right: u16, y: u16, text: &str, style: Style) {
    let width = columns(text) as u16;
    put(buffer, right.saturating_sub(width), y, width, text, style);
}

/// How many columns a text takes.
pub fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// As much of the text as fits, with `…` where something is missing.
pub fn fit(text: &str, width: usize) -> String {
    // No character is narrower than nothing: a bound for texts of any length.
    let start: String = text.chars().take(width * 4 + 1).collect();
    if start.len() == text.len() && columns(text) <= width {
        return start;
    }
    let mut cut = start;
    while !cut.is_empty() && columns(&cut) >= width.max(1) {
        cut.pop();
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// The text on as many lines as it needs, broken at blanks where there are.
pub fn wrap(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last_mut().expect("there is one");
            let blank = usize::from(!line.is_empty());
            if columns(line) + blank + columns(&word) <= width {
                if blank == 1 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if line.is_empty() {
                // Longer than a line: cut where the line ends.
                let at = word.char_indices().map(|(at, c)| at + c.len_utf8());
                let at = at.take_while(|&at| columns(&word[..at]) <= width).last().unwrap_or(word.len());
                line.push_str(&word[..at]);
                word = word[at..].to_owned();
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

/// `4:05`, or `1:00:00`.
pub fn clock(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    match seconds {
        0..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

/// `[####----]`.
pub fn bar(done: u64, all: u64, columns: u16) -> String {
    let inner = u64::from(columns.saturating_sub(2));
    let full = (inner * done.min(all.max(1)) / all.max(1)) as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(inner as usize - full))
}

/// Turns while somebody waits.
pub fn spinner(ms: u64) -> char {
    ['|', '/', '-', '\\'][(ms / 150 % 4) as usize]
}

/// Seconds to the tenth.
pub fn elapsed(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms / 100 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_with_a_mark_and_never_wider_than_its_room() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        assert_eq!(fit("", 0), "");
        for width in 0..9 {
            for text in
                ["\u{6f22}\u{5b57}\u{6f22}\u{5b57}", "ab\u{6f22}", "e\u{301}e\u{301}e\u{301}", "abcdefghij"]
            {
                assert!(columns(&fit(text, width)) <= width, "{text} {width}");
            }
        }
    }

    #[test]
    fn lines_are_broken_at_blanks_and_long_words_where_the_line_ends() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("1,2,3,4,5,6", 4), ["1,2,", "3,4,", "5,6"]);
        assert_eq!(wrap("a 1234567", 4), ["a", "1234", "567"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("\u{6f22}", 1), ["\u{6f22}"], "what never fits is there all the same");
    }

    #[test]
    fn times_and_bars_are_read_at_a_glance() {
        assert_eq!(
            [0, 1, 59_001, 272_000, 3_600_000].map(clock),
            ["0:00", "0:01", "1:00", "4:32", "1:00:00"]
        );
        assert_eq!(bar(1, 4, 10), "[##------]");
        assert_eq!([bar(0, 0, 4), bar(9, 4, 4)], ["[--]", "[##]"]);
        assert_eq!(elapsed(12_345), "12.3 s");
    }
}
