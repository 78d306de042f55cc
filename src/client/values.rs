//! Values on the command line: checked here, so that nothing wrong is ever sent, with sentences that say what
//! to write instead.

use crate::domain::ids::{Name, SEATS_MAX, Seat};
use std::{str::FromStr, time::Duration};

/// Most seats that one command may pick by number: more do not fit into a frame.
pub const PICKED_SEATS_MAX: usize = 100_000;

/// A name for clap.
pub fn name(text: &str) -> Result<Name, String> {
    Name::from_str(text).map_err(|error| error.to_string())
}

/// A count of seats for clap.
pub fn count(text: &str) -> Result<u32, String> {
    let number = text.parse::<i128>();
    match number {
        Ok(n) if (1..=i128::from(SEATS_MAX)).contains(&n) => Ok(n as u32),
        _ => Err(format!("a count of seats is a whole number from 1 to {SEATS_MAX}")),
    }
}

/// Seats picked by number, ascending: `4,5` or `4-7,12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickedSeats(pub Vec<Seat>);

/// Picked seats for clap.
pub fn picked_seats(text: &str) -> Result<PickedSeats, String> {
    let mut seats = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) if !first.trim().is_empty() => (seat(first)?, seat(last)?),
            _ => (seat(part)?, seat(part)?),
        };
        if first > last {
            return Err(format!("{part} runs backwards; write the lower seat first"));
        }
        if seats.len() + (last - first + 1) as usize > PICKED_SEATS_MAX {
            return Err(format!("at most {PICKED_SEATS_MAX} seats can be picked by number in one command"));
        }
        seats.extend((first..=last).map(Seat));
    }
    seats.sort_unstable();
    match seats.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("seat {} is given twice; give each seat once", pair[0])),
        None => Ok(PickedSeats(seats)),
    }
}

fn seat(text: &str) -> Result<u32, String> {
    match text.trim().parse::<i128>() {
        Ok(n) if (1..=i128::from(SEATS_MAX)).contains(&n) => Ok(n as u32),
        _ => Err(format!(
            "{:?} is no seat; seats are whole numbers from 1 to {SEATS_MAX}, written like 4,5 or 4-7",
            text.trim()
        )),
    }
}

/// A time in seconds for clap: `30`, `0.5`, `30s` or `500ms`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    match number.parse::<f64>() {
        Ok(n) if (0.001..=86_400.0).contains(&(n * unit)) => Ok(Duration::from_secs_f64(n * unit)),
        _ => Err("a time is a number of seconds up to 86400, written like 30, 0.5 or 500ms".to_owned()),
    }
}

/// The beginning of a time in UTC for clap: `2026-11-21`, `2026-11-21T17` and so on to the second.
pub fn time_prefix(text: &str) -> Result<String, String> {
    let form = b"dddd-dd-ddTdd:dd:dd";
    let fits =
        |(letter, form): (u8, &u8)| if *form == b'd' { letter.is_ascii_digit() } else { letter == *form };
    let is_whole = matches!(text.len(), 10 | 13 | 16 | 19);
    if is_whole && text.bytes().zip(form).all(fits) {
        return Ok(text.to_owned());
    }
    Err("a time is written like 2026-11-21, 2026-11-21T17 or 2026-11-21T17:30, in UTC".to_owned())
}

/// Shares of reserve, search and delete in a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Parts that reserve.
    pub reserve: u32,
    /// Parts that search.
    pub search: u32,
    /// Parts that delete.
    pub delete: u32,
}

/// A mix for clap.
pub fn mix(text: &str) -> Result<Mix, String> {
    let wrong = || "a mix is three whole numbers for reserve/search/delete, such as 80/10/10".to_owned();
    let parts: Result<Vec<u16>, _> = text.split('/').map(str::parse).collect();
    match parts.map_err(|_| wrong())?[..] {
        [reserve, search, delete] if reserve > 0 => {
            Ok(Mix { reserve: reserve.into(), search: search.into(), delete: delete.into() })
        }
        [0, _, _] => {
            Err("a mix needs some reserving: there is nothing to search or delete otherwise".to_owned())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_from_one_to_a_million() {
        assert_eq!(count("1"), Ok(1));
        assert_eq!(count("1000000"), Ok(1_000_000));
        for wrong in ["0", "-1", "1000001", "two", "", "1.5", "99999999999999999999999999999999999999999"] {
            assert!(count(wrong).unwrap_err().contains("from 1 to 1000000"), "{wrong:?}");
        }
    }

    #[test]
    fn seats_are_sorted_and_ranges_spelt_out() {
        let seats = |text| picked_seats(text).map(|picked| picked.0.iter().map(|s| s.0).collect::<Vec<_>>());
        assert_eq!(seats("5,4"), Ok(vec![4, 5]));
        assert_eq!(seats("4-6, 9"), Ok(vec![4, 5, 6, 9]));
        assert!(seats("4,5,4").unwrap_err().contains("seat 4 is given twice"));
        assert!(seats("3-5,5").unwrap_err().contains("seat 5 is given twice"));
        assert!(seats("6-4").unwrap_err().contains("runs backwards"));
        for wrong in ["0", "-4", "4,", "a", "", "1000001", "4-", "0-3"] {
            assert!(seats(wrong).unwrap_err().contains("is no seat"), "{wrong:?}");
        }
        assert!(seats("1-1000000").unwrap_err().contains("at most 100000 seats"));
        assert_eq!(seats("1-100000").unwrap().len(), 100_000);
    }

    #[test]
    fn times_are_seconds() {
        assert_eq!(seconds("30"), Ok(Duration::from_secs(30)));
        assert_eq!(seconds("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("20ms"), Ok(Duration::from_millis(20)));
        for wrong in ["0", "-1", "1h", "", "NaN", "inf", "1e99"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_mix_has_three_parts_and_some_reserving() {
        assert_eq!(mix("80/10/10"), Ok(Mix { reserve: 80, search: 10, delete: 10 }));
        assert!(mix("0/50/50").unwrap_err().contains("some reserving"));
        for wrong in ["80/20", "a/b/c", "1/2/3/4", "", "-1/2/3", "99999/1/1"] {
            assert!(mix(wrong).unwrap_err().contains("such as 80/10/10"), "{wrong:?}");
        }
    }
}
