//! Values that travel as the text that people write, in commands as in JSON: a few bytes longer than packed numbers,
//! with one place where they are checked.

use serde::{Deserializer, de::Visitor};
use std::{fmt, marker::PhantomData, str::FromStr};

/// Has one text, which says all of it.
pub(super) trait Written {
    /// Hands the text over. It is put together byte by byte: every server writes the ids of every booking to compare
    /// outcomes, and the machinery of `fmt` took longer for them than all seats.
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R;
}

/// Text of letters, digits and dashes.
pub(super) fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("ids are written in ASCII")
}

/// The last two decimal digits of a number.
pub(super) fn two_digits(number: u16) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// Reads a value that is written as text.
pub(super) fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}

/// Shows and writes types as their text, and reads them back.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::domain::events::written::Written::with_text(self, |text| serializer.serialize_str(text))
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::domain::events::written::from_text(deserializer)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::domain::events::written::Written::with_text(self, |text| f.pad(text))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}
pub(super) use as_text;
