//! A run that `client trace` has recorded, read again. Whatever the file holds, it is a recording or a sentence.

use super::{AT_US_MAX, Event, What};
use crate::api::wire::{Said, Traced};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use std::{collections::BTreeSet, fmt, io};

/// Of recordings, in their first line.
pub const FORMAT: &str = "boxoffice-trace-1";
/// Largest file that is read, as by the page. Nine servers at the recorder's limit fit, whatever their clocks say.
pub const FILE_BYTES_MAX: u64 = 400 << 20;
/// Most events that are read; the recorder stops at 250,000 of a server.
pub const FILE_EVENTS_MAX: usize = 2_250_000;
/// Highest id of a server.
pub(in crate::client) const SERVER_MAX: u8 = 9;
/// Longest id of a view.
pub(in crate::client) const VIEW_CHARS_MAX: usize = 48;
/// Most characters of a foreign text that are shown.
const TEXT_CHARS_MAX: usize = 200;

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is too large.
    #[error("larger than {} MiB, the most that is read; record for a shorter time", FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// It cannot be read, is no JSON, or is something else.
    #[error("{0}")]
    Unreadable(String),
    /// An event is about a server that the recording does not have.
    #[error("an event names server {0}, which the recording does not list")]
    UnknownServer(u8),
    /// A list of servers that cannot be.
    #[error(
        "its list of servers is wrong: 1 to {SERVER_MAX} different ids from 1 to {SERVER_MAX} are needed"
    )]
    Servers,
}

/// A run.
#[derive(Debug, PartialEq, Eq)]
pub struct Recording {
    /// Of which cluster.
    pub cluster: String,
    /// Its servers, in order.
    pub servers: Vec<u8>,
    /// What the recorder said about some of them.
    pub remarks: Vec<String>,
    /// What happened, each server's in its order.
    pub events: Vec<Event>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "format")]
    _format: Format,
    cluster: String,
    servers: Vec<Watched>,
    events: Events,
}

#[derive(Deserialize)]
struct Watched {
    id: u8,
    #[serde(default)]
    missing: u64,
    #[serde(default)]
    trouble: Option<String>,
}

#[derive(Deserialize)]
struct Recorded {
    server: u8,
    at_us: u64,
    what: Traced,
}

struct Format;
struct Events(Vec<Event>);

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)? {
            format if format == FORMAT => Ok(Format),
            format => {
                Err(D::Error::custom(format_args!("it is of format {format:?}, and only {FORMAT:?} is read")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Some;
        impl<'de> Visitor<'de> for Some {
            type Value = Events;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Events, A::Error> {
                let mut events = Vec::new();
                while let Option::Some(Recorded { server, at_us, what }) = list.next_element()? {
                    if events.len() == FILE_EVENTS_MAX {
                        return Err(A::Error::custom(format_args!("more than {FILE_EVENTS_MAX} events")));
                    }
                    check(&what).map_err(A::Error::custom)?;
                    if at_us > AT_US_MAX {
                        return Err(A::Error::custom(format_args!("at_us {at_us} is no time of this age")));
                    }
                    events.push(Event { server, at_us, what: What::Traced(what) });
                }
                Ok(Events(events))
            }
        }
        deserializer.deserialize_seq(Some)
    }
}

/// Texts are nothing but what they should be: they are shown on a terminal.
fn check(what: &Traced) -> Result<(), String> {
    let view = match what {
        Traced::Sent { said: Said::View { view, .. }, .. }
        | Traced::Received { said: Said::View { view, .. }, .. }
        | Traced::Activated { view, .. } => view,
        Traced::Sent { .. }
        | Traced::Received { .. }
        | Traced::Executed { .. }
        | Traced::Left
        | Traced::Suspected { .. } => return Ok(()),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if view.len() <= VIEW_CHARS_MAX && view.split('.').count() == 3 && view.split('.').all(is_number) {
        return Ok(());
    }
    Err(format!("{:?} is no view", shown(view)))
}

impl Recording {
    /// Reads one, to its end.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(input: impl io::Read) -> Result<Recording, RecordingError> {
        Recording::read_some(input, FILE_BYTES_MAX)
    }

    /// The same, of a file of so many bytes at the most.
    pub(super) fn read_some(input: impl io::Read, bytes_max: u64) -> Result<Recording, RecordingError> {
        let mut input = io::BufReader::new(input.take(bytes_max + 1));
        let result: Result<File, _> = serde_json::from_reader(&mut input);
        if input.get_ref().limit() == 0 {
            return Err(RecordingError::TooLarge);
        }
        let File { cluster, servers, events: Events(events), .. } =
            result.map_err(|error| RecordingError::Unreadable(shown(&error.to_string())))?;
        let ids: BTreeSet<u8> = servers.iter().map(|server| server.id).collect();
        let is_id = |id: &u8| (1..=SERVER_MAX).contains(id);
        if ids.is_empty() || ids.len() != servers.len() || !ids.iter().all(is_id) {
            return Err(RecordingError::Servers);
        }
        for event in &events {
            let named = std::iter::once(event.server).chain(others(&event.what));
            for id in named {
                if !ids.contains(&id) {
                    return Err(RecordingError::UnknownServer(id));
                }
            }
        }
        let mut remarks = Vec::new();
        for Watched { id, missing, trouble } in servers {
            if missing > 0 {
                remarks.push(format!("server {id}: {missing} events are missing, there were too many"));
            }
            remarks.extend(trouble.map(|words| format!("server {id}: {}", shown(&words))));
        }
        Ok(Recording { cluster: shown(&cluster), servers: ids.into_iter().collect(), remarks, events })
    }
}

/// The servers that an event is about, beside the one that tells it. Who stamped a request is only a number in it.
fn others(what: &What) -> Vec<u8> {
    let What::Traced(what) = what else { return Vec::new() };
    match what {
        Traced::Sent { to, .. } => vec![to.0],
        Traced::Received { from, .. } => vec![from.0],
        Traced::Activated { members, .. } => members.iter().map(|member| member.0).collect(),
        Traced::Suspected { server } => vec![server.0],
        Traced::Executed { .. } | Traced::Left => Vec::new(),
    }
}

/// A foreign text as it may be shown: a terminal obeys control characters, and line separators and direction overrides
/// rewrite its lines. No name has them either.
pub fn shown(text: &str) -> String {
    let is_obeyed =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let sign = |c: char| if is_obeyed(c) { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(TEXT_CHARS_MAX).map(sign).collect();
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}
