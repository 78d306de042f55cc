//! From a request and its answer to the line that tells of them.
#![expect(
    clippy::disallowed_methods,
    reason = "the line says when the request came and how long its answer took"
)]

use super::record::{AuditRecord, AuditResult};
use crate::domain::command::{Command, Operation, Query};
use crate::domain::events::ids::UserId;
use crate::domain::events::words::Time;
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Longest answer in a line, in bytes: the rest of it is left out.
const ANSWER_BYTES_MAX: usize = 2 << 10;
/// More picked seats, or runs of them, are only counted.
const RUNS_MAX: usize = 64;

/// A text that stops where it is long enough.
struct Brief(String);

impl fmt::Write for Brief {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = ANSWER_BYTES_MAX - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

/// The beginning of what something looks like, without making the rest of it.
pub fn brief(what: &impl fmt::Display) -> String {
    let mut text = Brief(String::new());
    match write!(text, "{what}") {
        Ok(()) => text.0,
        Err(fmt::Error) => text.0 + "...",
    }
}

/// A request that is not answered yet.
#[derive(Clone, Debug)]
pub struct Asked {
    began: Instant,
    record: AuditRecord,
}

impl Asked {
    /// A command, now.
    pub fn command(command: &Command) -> Asked {
        let mut asked = Asked::operation(&command.operation);
        asked.record.id = Some(format!("{}/{}", command.session, command.sequence));
        asked
    }

    /// An operation that has no number yet, now.
    pub fn operation(operation: &Operation) -> Asked {
        let (who, what) = match operation {
            Operation::Events(operation) => {
                (operation.actor.to_string(), json!(operation.action.brief(RUNS_MAX)))
            }
            Operation::ReserveSeats { name, seats } if seats.len() > RUNS_MAX => {
                (name.to_string(), json!({ "ReserveSeats": { "name": name, "count": seats.len() } }))
            }
            Operation::Reserve { name, .. }
            | Operation::ReserveSeats { name, .. }
            | Operation::Delete { name }
            | Operation::Restore { name, .. }
            | Operation::Withdraw { name, .. } => (name.to_string(), json!(operation)),
            Operation::Expire | Operation::Offer(_) => (String::new(), json!(operation)),
        };
        Asked::new(who, what)
    }

    /// A question, now.
    pub fn query(query: &Query) -> Asked {
        let (who, what) = match query {
            Query::Search { name } => (name.to_string(), json!(query)),
            Query::Seats => (String::new(), json!(query)),
            Query::Events(query) => {
                (query.actor.as_ref().map(ToString::to_string).unwrap_or_default(), json!(query.question))
            }
        };
        Asked::new(who, what)
    }

    /// The operator's override, now.
    pub fn overriding() -> Asked {
        Asked::new(String::new(), json!("Override"))
    }

    /// A request of somebody who may not ask that, now. What it was is not looked at.
    pub fn refused() -> Asked {
        Asked::new(String::new(), json!("NotAllowed"))
    }

    /// With whoever's token was shown.
    pub fn by(mut self, user: Option<UserId>) -> Asked {
        self.record.token = user.map(|user| user.to_string());
        self
    }

    fn new(who: String, what: Value) -> Asked {
        let (request, parameters) = tagged(plain(what));
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let record = AuditRecord {
            at: stamp(wall.map_or(0, |since| since.as_millis() as u64)),
            took_us: 0,
            server: 0,
            who,
            token: None,
            request,
            parameters,
            result: AuditResult::Unknown,
            answer: String::new(),
            id: None,
        };
        Asked { began: Instant::now(), record }
    }

    /// With its answer, now.
    pub fn answered(self, server: u8, result: AuditResult, answer: String) -> AuditRecord {
        let took_us = self.began.elapsed().as_micros() as u64;
        AuditRecord { took_us, server, result, answer, ..self.record }
    }
}

/// `2026-11-21T17:00:00.123Z`
fn stamp(ms: u64) -> String {
    let seconds = Time(ms).to_string();
    let seconds = seconds.trim_end_matches(" UTC").replace(' ', "T");
    format!("{seconds}.{:03}Z", ms % 1_000)
}

/// The name of a variant as programs write it, and its content.
pub fn tagged(value: Value) -> (String, Value) {
    match value {
        Value::Object(map) if map.len() == 1 => {
            let (tag, content) = map.into_iter().next().expect("it has one entry");
            (snake_case(&tag), content)
        }
        Value::String(tag) => (snake_case(&tag), json!({})),
        other => ("refused".to_owned(), other),
    }
}

/// People as their ids or names, without what sort they are.
pub fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut map)
            if map.len() == 1 && (map.contains_key("User") || map.contains_key("Guest")) =>
        {
            map.remove("User").or_else(|| map.remove("Guest")).unwrap_or_default()
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        other => other,
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::events::command::{Action, EventOperation};
    use crate::domain::events::ids::Actor;

    #[test]
    fn a_long_answer_is_cut_where_a_letter_ends() {
        assert_eq!(brief(&"short"), "short");
        let long = "\u{e9}".repeat(ANSWER_BYTES_MAX);
        let text = brief(&format_args!("x{long}"));
        assert!(text.ends_with("\u{e9}...") && text.len() <= ANSWER_BYTES_MAX + 3, "{}", text.len());
    }

    #[test]
    fn a_time_is_written_as_everybody_reads_it() {
        assert_eq!(stamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(stamp(1_795_283_736_431), "2026-11-21T17:55:36.431Z");
    }

    #[test]
    fn a_line_says_who_asked_for_what_and_what_came_of_it() {
        let asked = Asked::operation(&Operation::Reserve { name: "bob".parse().unwrap(), count: 2 });
        let record = asked.answered(3, AuditResult::Done, "yes".to_owned());
        assert_eq!((record.who.as_str(), record.request.as_str(), record.server), ("bob", "reserve", 3));
        assert_eq!(record.parameters, json!({ "name": "bob", "count": 2 }));
        assert_eq!(Asked::query(&Query::Seats).record.request, "seats");
        let action = Action::AddKind { kind: "Films".parse().unwrap() };
        let actor = Actor::User("TORM2345".parse().unwrap());
        let operation = Operation::Events(Box::new(EventOperation { actor, action }));
        let record = Asked::operation(&operation).record;
        assert_eq!((record.who.as_str(), record.request.as_str()), ("TORM2345", "add_kind"));
        assert_eq!(record.parameters, json!({ "kind": "Films" }));
    }
}
