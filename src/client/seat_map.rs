//! The seat map as a picture that fits the terminal. Pure.

use crate::domain::outcome::SeatMap;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Most rows of a picture; a larger theatre has several seats a character.
const ROWS_MAX: u32 = 40;
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// A row of the picture for each ten, twenty, fifty or hundred characters, `.` for free and `#` for taken, and
/// a line that sums it up.
pub fn picture(map: &SeatMap, width: usize, color: bool) -> String {
    let label = map.capacity.to_string().len();
    // A blank stands before each ten characters.
    let fits = |n: u32| label + (n as usize / 10) * 11 <= width;
    let per_row = [100, 50, 20].into_iter().find(|&n| fits(n)).unwrap_or(10);
    let enough = |&n: &u32| map.capacity.div_ceil(n) <= per_row * ROWS_MAX;
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
    let step = steps.into_iter().find(enough).unwrap_or(10_000);
    let mut text = String::new();
    let mut first = 1;
    while first <= map.capacity {
        let _ = write!(text, "{first:>label$}");
        let mut is_red = false;
        for i in 0..per_row {
            let from = first + i * step;
            if from > map.capacity {
                break;
            }
            if i % 10 == 0 {
                push_sign(&mut text, ' ', color, &mut is_red);
            }
            let to = (from + step - 1).min(map.capacity);
            push_sign(&mut text, sign(map, from, to), color, &mut is_red);
        }
        push_sign(&mut text, '\n', color, &mut is_red);
        first += per_row * step;
    }
    let taken = map.capacity.saturating_sub(map.left);
    let legend = match step {
        1 => ". free, # taken".to_owned(),
        _ => format!("each character is {step} seats: . free, + some taken, # taken"),
    };
    let _ = write!(text, "{} seats: {} free, {taken} taken  ({legend})", map.capacity, map.left);
    text
}

/// How many of these seats are taken, as a sign.
fn sign(map: &SeatMap, from: u32, to: u32) -> char {
    match (from..=to).filter(|&seat| !is_free(map, seat)).count() as u32 {
        0 => '.',
        taken if taken == to - from + 1 => '#',
        _ => '+',
    }
}

/// Appends a sign; a run of taken seats is coloured as a whole.
fn push_sign(text: &mut String, sign: char, color: bool, is_red: &mut bool) {
    let wants_red = color && matches!(sign, '#' | '+');
    if wants_red != *is_red {
        text.push_str(if wants_red { RED } else { PLAIN });
        *is_red = wants_red;
    }
    text.push(sign);
}

/// Whether the seat is free. A seat that the map says nothing about is not.
pub fn is_free(map: &SeatMap, seat: u32) -> bool {
    let Some(index) = seat.checked_sub(1) else { return false };
    let word = map.free.get(index as usize / 64).copied().unwrap_or(0);
    word >> (index % 64) & 1 == 1
}

/// `capacity`, `left`, and `taken` as `[first, last]` pairs.
pub fn json(map: &SeatMap) -> Value {
    json!({ "capacity": map.capacity, "left": map.left, "taken": taken_runs(map) })
}

/// Runs of taken seats, first and last.
pub fn taken_runs(map: &SeatMap) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for seat in (1..=map.capacity).filter(|&seat| !is_free(map, seat)) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == seat => *last = seat,
            _ => runs.push((seat, seat)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(capacity: u32, taken: &[u32]) -> SeatMap {
        let mut free = vec![0u64; capacity.div_ceil(64) as usize];
        for seat in (1..=capacity).filter(|seat| !taken.contains(seat)) {
            free[(seat as usize - 1) / 64] |= 1 << ((seat - 1) % 64);
        }
        SeatMap { capacity, left: capacity - taken.len() as u32, free }
    }

    #[test]
    fn a_hundred_seats_on_eighty_columns() {
        let text = picture(&map(100, &[1, 2, 100]), 80, false);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "  1 ##........ .......... .......... .......... ..........");
        assert_eq!(rows[1], " 51 .......... .......... .......... .......... .........#");
        assert_eq!(rows[2], "100 seats: 97 free, 3 taken  (. free, # taken)");
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn every_seat_is_in_the_picture_once_and_no_row_is_too_wide() {
        for capacity in [1, 9, 10, 11, 63, 64, 65, 127, 128, 999, 2_000, 4_000] {
            for width in [20, 40, 80, 200] {
                let text = picture(&map(capacity, &[]), width, false);
                let (rows, legend) = text.rsplit_once('\n').unwrap();
                assert!(rows.lines().all(|row| row.len() <= width.max(16)), "{capacity} {width}\n{text}");
                let characters = rows.matches('.').count() as u32;
                let step = legend
                    .split("character is ")
                    .nth(1)
                    .map_or(1, |rest| rest.split(' ').next().unwrap().parse().unwrap());
                assert_eq!(characters, capacity.div_ceil(step));
            }
        }
    }

    #[test]
    fn a_stadium_is_compressed() {
        let mut stadium = map(1_000_000, &[5]);
        stadium.free[2000..4000].fill(0);
        let text = picture(&stadium, 80, false);
        assert!(text.lines().count() <= 41);
        assert!(text.contains("each character is 500 seats"), "{text}");
        assert!(text.contains('+') && text.contains('#'));
    }

    #[test]
    fn taken_seats_come_as_runs() {
        assert_eq!(taken_runs(&map(130, &[1, 2, 64, 65, 130])), [(1, 2), (64, 65), (130, 130)]);
        assert_eq!(taken_runs(&map(5, &[])), []);
    }

    #[test]
    fn a_map_that_is_too_short_is_drawn_as_taken() {
        let mut short = map(128, &[]);
        short.free.truncate(1);
        assert!(picture(&short, 80, false).contains('#'));
        assert!(!is_free(&short, 0));
    }

    #[test]
    fn colours_are_used_only_when_they_may_be() {
        let text = picture(&map(5, &[2, 3]), 80, true);
        assert!(text.starts_with(&format!("1 .{RED}##{PLAIN}..\n")), "{text:?}");
        assert!(!picture(&map(5, &[3]), 80, false).contains('\x1b'));
    }
}
