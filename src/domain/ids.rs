//! Names, seat numbers and session ids: parsed at the edge, valid ever after.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, str::FromStr, sync::Arc};
use unicode_normalization::UnicodeNormalization;

/// Longest name, in characters after normalisation.
pub const NAME_CHARS_MAX: usize = 64;
/// Largest theatre, and so the largest seat number and the largest count of one request.
pub const SEATS_MAX: u32 = 1_000_000;

/// Who holds a reservation: 1 to 64 characters, no control characters, Unicode NFC, no blanks at the ends.
///
/// Two names are the same person when their NFC forms are equal. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(Arc<str>);

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
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        // Most are ASCII, which is NFC; names are read from every command on every server.
        if text.is_ascii() {
            return checked(text);
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
        None => Ok(Name(text.into())),
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
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
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
