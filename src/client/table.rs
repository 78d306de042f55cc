//! Columns that line up. Pure.

use std::fmt;

/// Rows of cells under a head. The last column may be of any width.
#[derive(Debug)]
pub struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub fn new(head: &[&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_owned)] }
    }

    /// One more row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| shown(&row[column])).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for (i, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - shown(cell) + 2));
            }
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Characters that take room: colours do not.
fn shown(cell: &str) -> usize {
    let mut count = 0;
    let mut is_escape = false;
    for c in cell.chars() {
        match (is_escape, c) {
            (true, c) => is_escape = c != 'm',
            (false, '\x1b') => is_escape = true,
            (false, _) => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_and_without_colours() {
        let mut table = Table::new(&["ID", "STATE", "WHY"]);
        table.row(["1".into(), "\x1b[32mready\x1b[0m".into(), String::new()]);
        table.row(["10".into(), "down".into(), "no route".into()]);
        let lines = "ID  STATE  WHY\n1   \x1b[32mready\x1b[0m\n10  down   no route";
        assert_eq!(table.to_string(), lines);
    }
}
