//! Names, seat numbers and session ids: parsed at the edge, valid ever after.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::{fmt, str::FromStr, sync::Arc};
use unicode_normalization::UnicodeNormalization;

/// Longest name, in characters after normalisation.
pub const NAME_CHARS_MAX: usize = 64;
/// Largest theatre, and so the largest seat number and the largest count of one request.
pub const SEATS_MAX: u32 = 1_000_000;

/// Who holds a reservation: 1 to 64 characters, no control characters, Unicode NFC, no blanks at the ends.
///
/// Two names are the same person when their NFC forms are equal. Most names are in the value itself, without an
/// allocation; clones of longer ones share the text.
#[derive(Clone)]
pub struct Name(Text);

/// Bytes of a text that lie in the value: as many as make it no larger than the pointer of a shared one, its length
/// and the tag, rounded up.
const INLINE_BYTES: usize = 22;

#[derive(Clone)]
enum Text {
    /// How many bytes, and they, UTF-8. The others are zero.
    Inline(u8, [u8; INLINE_BYTES]),
    /// What is longer.
    Shared(Arc<str>),
}

/// Why a text is no [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("a name must have at least 1 character")]
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters; carries how many there were.
    #[error("a name has at most {NAME_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// A control character, which could forge a line of output.
    #[error("a name must not contain control characters (found {0:?})")]
    Control(char),
}

impl Name {
    /// The text, in NFC.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline(..) => std::str::from_utf8(self.as_bytes()).expect("it was made of a text"),
            Text::Shared(text) => text,
        }
    }

    /// Its bytes in UTF-8, which compare as the text does.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Inline(len, bytes) => &bytes[..usize::from(*len)],
            Text::Shared(text) => text.as_bytes(),
        }
    }

    /// Of a text that [`checked`] has looked at.
    fn of(text: &str) -> Name {
        let mut bytes = [0; INLINE_BYTES];
        Name(match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Text::Inline(text.len() as u8, bytes)
            }
            None => Text::Shared(text.into()),
        })
    }
}

// A text has one form only, so bytes say it all.
impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Postcard writes a text as it writes bytes, and these need not be looked at again.
        if serializer.is_human_readable() {
            serializer.serialize_str(self.as_str())
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        // Most are ASCII, which is NFC; names are read from every command on every server.
        let plain = |byte: &u8| (b' '..=b'~').contains(byte);
        if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.as_bytes().iter().all(plain) {
            return Ok(Name::of(text));
        }
        checked(&text.nfc().collect::<String>())
    }
}

/// A text without blanks at its ends, in NFC.
fn checked(text: &str) -> Result<Name, NameError> {
    let chars = text.chars().count();
    if chars == 0 {
        return Err(NameError::Empty);
    }
    if chars > NAME_CHARS_MAX {
        return Err(NameError::TooLong(chars));
    }
    // Line and paragraph separators and direction overrides can rewrite a terminal line as well.
    let forbidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(|&c| forbidden(c)) {
        Some(c) => Err(NameError::Control(c)),
        None => Ok(Name::of(text)),
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reads a name from where it stands, without a copy of the text.
struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Name, E> {
        // Whoever sent the bytes may not have been careful: the same checks as at the keyboard.
        text.parse().map_err(E::custom)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A seat number, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub u32);

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One client's run of numbered commands, the unit of exactly-once.
///
/// The birth is the state's time that a server told the client when it connected. It lets the state tell a
/// session that it has never seen (born after everything it forgot) from one that it has forgotten, without
/// a command that opens sessions (`docs/sessions.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// The state's time, in milliseconds, when the session was begun.
    pub birth_ms: u64,
    /// Drawn by the client.
    pub random: u64,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:016x}", self.birth_ms, self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_the_value_is_like_one_beside_it() {
        assert_eq!(size_of::<Name>(), 24, "as large as a shared text and the tag");
        let texts = (1..=NAME_CHARS_MAX).flat_map(|len| ["b".repeat(len), "\u{e9}".repeat(len)]);
        let mut texts: Vec<String> = texts.chain(["B-\u{4e2d}".to_owned(), "bc".to_owned()]).collect();
        let mut names: Vec<Name> = texts.iter().map(|text| text.parse().unwrap()).collect();
        for (name, text) in names.iter().zip(&texts) {
            assert_eq!((name.as_str(), name.to_string().as_str()), (text.as_str(), text.as_str()));
            let bytes = postcard::to_stdvec(name).unwrap();
            assert_eq!(bytes, postcard::to_stdvec(text).unwrap(), "written as texts are");
            assert_eq!(postcard::from_bytes::<Name>(&bytes).as_ref(), Ok(name));
            assert_eq!(serde_json::to_value(name).unwrap(), text.as_str());
        }
        texts.sort();
        names.sort();
        assert!(names.iter().map(Name::as_str).eq(texts), "in the texts' order");
    }
}
