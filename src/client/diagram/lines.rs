//! One line of text that things are put on.

/// A line of a fixed width, in ASCII.
pub struct Canvas {
    cells: Vec<char>,
}

impl Canvas {
    /// An empty one.
    pub fn new(width: usize) -> Canvas {
        Canvas { cells: vec![' '; width] }
    }

    /// One sign, if there is such a column.
    pub fn set(&mut self, x: usize, sign: char) {
        if let Some(cell) = self.cells.get_mut(x) {
            *cell = sign;
        }
    }

    /// One sign, unless a server's line stands there.
    pub fn cross(&mut self, x: usize, sign: char) {
        if self.cells.get(x).is_some_and(|cell| *cell == ' ') {
            self.set(x, sign);
        }
    }

    /// A text from this column on, cut with a mark where the line ends.
    pub fn put(&mut self, x: usize, text: &str) {
        let room = self.cells.len().saturating_sub(x);
        let is_cut = text.chars().count() > room;
        for (nth, sign) in text.chars().take(room).enumerate() {
            // A terminal obeys control characters, and others may be wider than a column.
            let sign = if sign == ' ' || sign.is_ascii_graphic() { sign } else { '?' };
            self.set(x + nth, if is_cut && nth + 1 == room { '~' } else { sign });
        }
    }

    /// A text that ends before this column.
    pub fn put_right(&mut self, end: usize, text: &str) {
        self.put(end.saturating_sub(text.len()), text);
    }

    /// A text with its middle in this column, moved so that all of it is seen.
    pub fn put_around(&mut self, x: usize, text: &str) {
        let most = self.cells.len().saturating_sub(text.len());
        self.put(x.saturating_sub(text.len() / 2).min(most), text);
    }

    /// The line, without blanks at its end.
    pub fn finish(self) -> String {
        self.cells.into_iter().collect::<String>().trim_end().to_owned()
    }
}
