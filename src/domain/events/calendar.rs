//! Days and months of events: just enough of a calendar to tell real dates from others.
//!
//! Written here instead of taken from a crate because nothing is ever added to a date, compared across time
//! zones or read from a clock: a day is three numbers that are checked once, and a month is two of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// First year there is: two digits of an event's id count from here.
pub const YEAR_MIN: u16 = 2000;
/// Last year there is.
pub const YEAR_MAX: u16 = 2099;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day that exists, of the years 2000 to 2099. Written `2019-05-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Since 2000.
    year: u8,
    month: u8,
    day: u8,
}

/// A month, in which bookings are counted. Shown as `May 2019`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(u16);

/// A text or three numbers that are no [`Date`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the years {YEAR_MIN} to {YEAR_MAX}, written like 2019-05-10")]
pub struct DateError;

impl Date {
    /// The earliest one.
    pub const FIRST: Date = Date { year: 0, month: 1, day: 1 };

    /// That day, if it exists.
    ///
    /// # Errors
    /// [`DateError`].
    pub fn new(year: u16, month: u8, day: u8) -> Result<Date, DateError> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) || !(1..=12).contains(&month) {
            return Err(DateError);
        }
        if !(1..=days_in(year, month)).contains(&day) {
            return Err(DateError);
        }
        Ok(Date { year: (year - YEAR_MIN) as u8, month, day })
    }

    /// The year.
    pub fn year(self) -> u16 {
        YEAR_MIN + u16::from(self.year)
    }

    /// 1 to 12.
    pub fn month_of_year(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The month that it lies in.
    pub fn month(self) -> Month {
        Month(u16::from(self.year) * 12 + u16::from(self.month) - 1)
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}-{:02}", self.year(), self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Date, DateError> {
        let bytes = text.as_bytes();
        let is_written_so = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_written_so {
            return Err(DateError);
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u16>().map_err(|_| DateError);
        Date::new(number(0, 4)?, number(5, 7)? as u8, number(8, 10)? as u8)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::written::from_text(deserializer)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", MONTHS[usize::from(self.0 % 12)], YEAR_MIN + self.0 / 12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_are_dates() {
        for (year, month, day) in
            [(2019, 5, 10), (2000, 2, 29), (2024, 2, 29), (2099, 12, 31), (2000, 1, 1), (2019, 4, 30)]
        {
            let date = Date::new(year, month, day).unwrap();
            assert_eq!((date.year(), date.month_of_year(), date.day()), (year, month, day));
            assert_eq!(date.to_string().parse(), Ok(date));
        }
        for (year, month, day) in [
            (2019, 2, 29),
            (2023, 2, 29),
            (2019, 4, 31),
            (2019, 0, 1),
            (2019, 13, 1),
            (2019, 1, 0),
            (2019, 1, 32),
            (1999, 12, 31),
            (2100, 1, 1),
        ] {
            assert_eq!(Date::new(year, month, day), Err(DateError), "{year}-{month}-{day}");
        }
        for text in ["", "2019-5-10", "2019-05-1x", "2019/05/10", "+019-05-10", "2019-05-100", "2019-02-30"] {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
    }

    #[test]
    fn months_have_names_and_years_apart() {
        let month = |text: &str| text.parse::<Date>().unwrap().month();
        assert_eq!(month("2019-05-10").to_string(), "May 2019");
        assert_eq!(month("2000-01-31").to_string(), "January 2000");
        assert_eq!(month("2099-12-01").to_string(), "December 2099");
        assert_ne!(month("2019-05-10"), month("2020-05-10"));
        assert_eq!(month("2019-05-01"), month("2019-05-31"));
    }
}
