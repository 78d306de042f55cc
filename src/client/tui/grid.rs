//! Where each seat is on the screen. Pure geometry, the same for drawing, for keys and for the mouse.

use ratatui::layout::Rect;

/// Columns of one seat: its sign, and room for the brackets of the cursor.
const SEAT_COLUMNS: u16 = 3;
/// Seats between two wider gaps.
const GROUP: u32 = 10;
/// Rows above the seats: the title, the event, the signs, an empty one.
const ROWS_ABOVE: u16 = 4;
/// Rows below: what is picked, what is one's own, two of messages, the keys.
const ROWS_BELOW: u16 = 5;

/// The seats of one hall in a window of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Where the seats are drawn, with the numbers before each row.
    pub area: Rect,
    /// How many there are.
    pub capacity: u32,
    /// Seats of one row.
    pub per_row: u32,
    /// Columns of the numbers.
    pub label: u16,
}

impl Grid {
    /// Rows of as many tens of seats as fit, at most fifty.
    pub fn new(size: (u16, u16), capacity: u32) -> Grid {
        let (width, height) = size;
        let label = capacity.to_string().len() as u16;
        let columns =
            |seats: u32| u32::from(label) + 2 + seats * u32::from(SEAT_COLUMNS) + (seats - 1) / GROUP;
        let fits = |seats: &u32| columns(*seats) <= u32::from(width);
        let per_row = [50, 40, 30, 20, 10, 5].into_iter().find(fits).unwrap_or(2);
        let rows = height.saturating_sub(ROWS_ABOVE + ROWS_BELOW).max(1);
        Grid { area: Rect::new(0, ROWS_ABOVE, width, rows), capacity, per_row, label }
    }

    /// How many rows are seen.
    pub fn height(&self) -> u32 {
        u32::from(self.area.height)
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.capacity.div_ceil(self.per_row)
    }

    /// The row of a seat.
    pub fn row_of(&self, seat: u32) -> u32 {
        seat.saturating_sub(1) / self.per_row
    }

    /// The first row to be seen, as near to the one that was, so that the seat is seen.
    pub fn scrolled(&self, first_row: u32, seat: u32) -> u32 {
        let row = self.row_of(seat);
        let first = first_row.min(row).max((row + 1).saturating_sub(self.height()));
        first.min(self.rows().saturating_sub(self.height()))
    }

    /// The seats of a row.
    pub fn seats(&self, row: u32) -> std::ops::RangeInclusive<u32> {
        let first = row * self.per_row + 1;
        first..=self.capacity.min(first + self.per_row - 1)
    }

    /// The column where a seat's three columns begin.
    pub fn column(&self, seat: u32) -> u16 {
        let at = (seat - 1) % self.per_row;
        self.area.x + self.label + 1 + (at * u32::from(SEAT_COLUMNS) + at / GROUP) as u16
    }

    /// The seat at a place of the screen.
    pub fn at(&self, first_row: u32, x: u16, y: u16) -> Option<u32> {
        let down = y.checked_sub(self.area.y).filter(|&down| down < self.area.height)?;
        let row = first_row + u32::from(down);
        self.seats(row).find(|&seat| (self.column(seat)..self.column(seat) + SEAT_COLUMNS).contains(&x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seat_has_a_place_and_every_place_its_seat() {
        for (width, capacity) in [(30, 7), (40, 95), (80, 100), (120, 1_000), (200, 1_000_000)] {
            let grid = Grid::new((width, 24), capacity);
            for seat in (1..=capacity.min(60)).chain([capacity]) {
                let first = grid.scrolled(0, seat);
                let x = grid.column(seat);
                assert!(x + SEAT_COLUMNS <= width, "{width} {seat} {x}");
                let y = grid.area.y + (grid.row_of(seat) - first) as u16;
                assert_eq!(grid.at(first, x, y), Some(seat), "{width}");
                assert_eq!(grid.at(first, x + SEAT_COLUMNS - 1, y), Some(seat), "{width}");
            }
        }
    }

    #[test]
    fn wider_windows_have_longer_rows() {
        let per_row = [30, 40, 80, 120, 140, 200].map(|width| Grid::new((width, 24), 100).per_row);
        assert_eq!(per_row, [5, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn places_without_a_seat_have_none() {
        let grid = Grid::new((80, 24), 100);
        assert_eq!(grid.at(0, 0, grid.area.y), None, "the number of the row");
        assert_eq!(grid.at(0, 10, 0), None);
        assert_eq!(grid.at(0, 10, grid.area.y + 5), None, "below the last row");
        assert_eq!(grid.at(0, 79, grid.area.y), None);
    }

    #[test]
    fn the_largest_theatre_scrolls_no_further_than_its_end() {
        let grid = Grid::new((80, 24), 1_000_000);
        assert_eq!(grid.rows(), 50_000);
        assert_eq!(grid.scrolled(0, 1_000_000), 50_000 - grid.height());
        assert_eq!(grid.scrolled(49_000, 1), 0);
        assert_eq!(grid.scrolled(10, 15 * 20), 10, "it is seen already");
    }
}
