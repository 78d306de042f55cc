//! Ids that say nothing, as RFC 9562 writes them.

use super::ids::IdError;
use super::written::{Written, as_text, ascii};
use std::str::FromStr;

/// A universally unique id, such as `0190163d-8694-739b-aea5-966c26f8ad91`. Of any version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

as_text!(Uuid);

/// Length of the text.
pub(super) const UUID_LEN: usize = 36;
/// Where in the text there are dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Where in the text the two digits of each byte are.
const BYTES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const DIGITS: [u8; 16] = *b"0123456789abcdef";

impl Written for Uuid {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        let mut text = [b'-'; UUID_LEN];
        for (byte, at) in self.0.iter().zip(BYTES) {
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
        }
        read(ascii(&text))
    }
}

impl FromStr for Uuid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = <&[u8; UUID_LEN]>::try_from(text.as_bytes()).map_err(|_| IdError::Uuid)?;
        if DASHES.iter().any(|&at| text[at] != b'-') {
            return Err(IdError::Uuid);
        }
        let digit = |at: usize| char::from(text[at]).to_digit(16).ok_or(IdError::Uuid);
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip(BYTES) {
            *byte = (digit(at)? << 4 | digit(at + 1)?) as u8;
        }
        Ok(Uuid(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_and_written_alike() {
        for first in 0..=255 {
            let id = Uuid(std::array::from_fn(|at| (first + at * 17) as u8));
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let text = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Uuid>(), text.parse());
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "",
            "0190163d8694739baea5966c26f8ad91",
            "g190163d-8694-739b-aea5-966c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad9",
            "0190163d-8694-739b-aea5-966c26f8ad911",
            "0190163d-8694-739b-aea5+966c26f8ad91",
            "0190163d-8694-739b-aea5--66c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad\u{e9}",
            "+190163d-8694-739b-aea5-966c26f8ad91",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(IdError::Uuid), "{text}");
        }
    }
}
