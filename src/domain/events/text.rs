//! What people write for an event, a person or a time of day, where one text says all of it.

use super::calendar::Date;
use super::command::{MinuteOfDay, Place};
use super::ids::{Actor, BranchCode, EventId, EventKey, IdError, UserId, Uuid};
use crate::domain::ids::{Name, NameError};
use std::{fmt, str::FromStr};

/// Why a text is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written like 19:30")]
pub struct TimeError;

/// Why a text names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// One of two parts.
    #[error("write the id and the kind with a / between them")]
    Slash,
    /// A part of it is wrong.
    #[error(transparent)]
    Part(#[from] IdError),
}

/// Why it is not said where and when an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Twice.
    #[error("an id such as TORM100519 says where and when; leave branch, date and time out")]
    Twice,
    /// Not at all, or not all of it.
    #[error("without an id such as TORM100519, branch, date and time are needed")]
    Missing,
}

impl Place {
    /// Where and when, as it was told. `uuid` makes an id if there is none.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn told(
        id: Option<EventId>,
        (branch, date, minute): (Option<BranchCode>, Option<Date>, Option<MinuteOfDay>),
        uuid: impl FnOnce() -> Uuid,
    ) -> Result<Place, PlaceError> {
        match (id, branch, date, minute) {
            (Some(EventId::Slot(id)), None, None, None) => Ok(Place::Slot(id)),
            (Some(EventId::Slot(_)), ..) => Err(PlaceError::Twice),
            (Some(EventId::Uuid(id)), Some(branch), Some(date), Some(minute)) => {
                Ok(Place::Free { id, branch, date, minute })
            }
            (None, Some(branch), Some(date), Some(minute)) => {
                Ok(Place::Free { id: uuid(), branch, date, minute })
            }
            (Some(EventId::Uuid(_)) | None, ..) => Err(PlaceError::Missing),
        }
    }
}

/// An id such as `TORC2345` is that person; any other name is a guest.
impl FromStr for Actor {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse::<UserId>() {
            Ok(user) => Ok(Actor::User(user)),
            Err(_) => {
                let name = text.parse::<Name>()?;
                // A blank at an end of an id is none of the name's either.
                Ok(name.as_str().parse().map_or_else(|_| Actor::Guest(name.clone()), Actor::User))
            }
        }
    }
}

/// `TORM100519/Seminars`
impl FromStr for EventKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (id, kind) = text.split_once('/').ok_or(KeyError::Slash)?;
        Ok(EventKey { id: id.parse()?, kind: kind.parse()? })
    }
}

/// `19:30`
impl FromStr for MinuteOfDay {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let parts = text.split_once(':').and_then(|(hours, minutes)| {
            let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            (is_pair(hours) && is_pair(minutes))
                .then(|| Some((hours.parse().ok()?, minutes.parse().ok()?)))?
        });
        let minute = parts.filter(|&(hours, minutes): &(u16, u16)| hours < 24 && minutes < 60);
        minute.and_then(|(hours, minutes)| MinuteOfDay::new(hours * 60 + minutes)).ok_or(TimeError)
    }
}

impl fmt::Display for MinuteOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.get() / 60, self.get() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_real() {
        for (text, minute) in [("00:00", 0), ("19:30", 1_170), ("23:59", 1_439)] {
            let time: MinuteOfDay = text.parse().unwrap();
            assert_eq!((time.get(), time.to_string().as_str()), (minute, text));
        }
        for wrong in ["24:00", "12:60", "1:00", "12", "ab:cd", "+1:00", ""] {
            assert_eq!(wrong.parse::<MinuteOfDay>(), Err(TimeError), "{wrong}");
        }
    }

    #[test]
    fn where_and_when_is_told_once() {
        let slot = || Some("TORM100519".parse().unwrap());
        let uuid = || Some(EventId::Uuid(Uuid([7; 16])));
        let place = (Some("TOR".parse().unwrap()), Some(Date::FIRST), MinuteOfDay::new(1));
        let told = |id, place| Place::told(id, place, || Uuid([9; 16])).map(|place| place.id());
        assert_eq!(told(slot(), (None, None, None)), Ok(slot().unwrap()));
        assert_eq!(told(uuid(), place), Ok(uuid().unwrap()));
        assert_eq!(told(None, place), Ok(EventId::Uuid(Uuid([9; 16]))));
        assert_eq!(told(slot(), place), Err(PlaceError::Twice));
        assert_eq!(told(uuid(), (None, None, None)), Err(PlaceError::Missing));
        assert_eq!(told(None, (place.0, None, place.2)), Err(PlaceError::Missing));
    }

    #[test]
    fn a_person_is_an_id_or_a_name() {
        for id in ["TORC2345", " TORC2345 "] {
            assert!(matches!(id.parse(), Ok(Actor::User(_))), "{id}");
        }
        assert!(matches!("bob".parse(), Ok(Actor::Guest(_))));
        assert!("".parse::<Actor>().is_err());
    }

    #[test]
    fn an_event_in_one_value_has_a_slash_before_the_kind() {
        let key: EventKey = "TORM100519/Trade shows".parse().unwrap();
        assert_eq!((key.id.to_string(), key.kind.as_str()), ("TORM100519".to_owned(), "Trade shows"));
        assert_eq!("TORM100519".parse::<EventKey>(), Err(KeyError::Slash));
        for wrong in ["TORM320519/Seminars", "TORM100519/"] {
            assert!(matches!(wrong.parse::<EventKey>(), Err(KeyError::Part(_))), "{wrong}");
        }
    }
}
