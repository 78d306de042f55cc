//! From a request and its answer to the line that tells of them.
#![expect(
    clippy::disallowed_methods,
    reason = "the line says when the request came and how long its answer took"
)]

use super::record::{AuditRecord, AuditResult};
use crate::domain::command::{Command, Operation, Query};
use crate::domain::events::command::Action;
use crate::domain::events::ids::{Actor, UserId};
use crate::domain::events::words::Time;
use crate::domain::ids::{Name, SessionId};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Longest answer in a line, in bytes: the rest of it is left out.
const ANSWER_BYTES_MAX: usize = 2 << 10;
/// Room that is made for an answer: most need no more.
const ANSWER_BYTES: usize = 96;
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
    let mut text = Brief(String::with_capacity(ANSWER_BYTES));
    match write!(text, "{what}") {
        Ok(()) => text.0,
        Err(fmt::Error) => text.0 + "...",
    }
}

/// A request that is not answered yet. Little is copied: whoever answers a client is not to be kept from it. It lies in a
/// box, since it goes through many hands until it is a line.
#[derive(Clone, Debug)]
pub struct Asked(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    began: Instant,
    at_ms: u64,
    what: What,
    command: Option<(SessionId, u64)>,
    token: Option<UserId>,
}

/// What is asked for, as far as it must be known later.
#[derive(Clone, Debug)]
enum What {
    Operation(Operation),
    Event(Actor, Box<Action>),
    Query(Query),
    /// Too much to be copied, or nothing that has parameters: it is described at once.
    Described {
        who: String,
        value: Value,
    },
}

/// A request with its answer; [`Answered::record`] puts it into words.
#[derive(Clone, Debug)]
pub struct Answered {
    asked: Asked,
    took_us: u64,
    server: u8,
    result: AuditResult,
    answer: String,
}

impl Asked {
    /// A command, now.
    pub fn command(command: &Command) -> Asked {
        let mut asked = Asked::operation(&command.operation);
        asked.0.command = Some((command.session, command.sequence));
        asked
    }

    /// An operation that has no number yet, now.
    pub fn operation(operation: &Operation) -> Asked {
        Asked::new(match operation {
            Operation::Events(operation) => {
                What::Event(operation.actor.clone(), Box::new(operation.action.brief(RUNS_MAX)))
            }
            Operation::ReserveSeats { name, seats } if seats.len() > RUNS_MAX => What::Described {
                who: name.to_string(),
                value: json!({ "ReserveSeats": { "name": name, "count": seats.len() } }),
            },
            Operation::Reserve { .. }
            | Operation::ReserveSeats { .. }
            | Operation::Delete { .. }
            | Operation::Restore { .. }
            | Operation::Withdraw { .. }
            | Operation::Expire
            | Operation::Offer(_) => What::Operation(operation.clone()),
        })
    }

    /// A question, now.
    pub fn query(query: &Query) -> Asked {
        Asked::new(What::Query(query.clone()))
    }

    /// The operator's override, now.
    pub fn overriding() -> Asked {
        Asked::new(What::Described { who: String::new(), value: json!("Override") })
    }

    /// A request of somebody who may not ask that, now. What it was is not looked at.
    pub fn refused() -> Asked {
        Asked::new(What::Described { who: String::new(), value: json!("NotAllowed") })
    }

    /// With whoever's token was shown.
    pub fn by(mut self, user: Option<UserId>) -> Asked {
        self.0.token = user;
        self
    }

    fn new(what: What) -> Asked {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = wall.map_or(0, |since| since.as_millis() as u64);
        Asked(Box::new(Details { began: Instant::now(), at_ms, what, command: None, token: None }))
    }

    /// With its answer, now.
    pub fn answered(self, server: u8, result: AuditResult, answer: String) -> Answered {
        let took_us = self.0.began.elapsed().as_micros() as u64;
        Answered { asked: self, took_us, server, result, answer }
    }
}

impl What {
    /// Who asks, what it is called, and with which parameters.
    fn describe(self) -> (String, String, Value) {
        let (who, value) = match self {
            What::Operation(operation) => match &operation {
                Operation::Reserve { name, .. }
                | Operation::ReserveSeats { name, .. }
                | Operation::Delete { name }
                | Operation::Restore { name, .. }
                | Operation::Withdraw { name, .. } => (name.to_string(), json!(operation)),
                Operation::Events(_) | Operation::Expire | Operation::Offer(_) => {
                    (String::new(), json!(operation))
                }
            },
            What::Event(actor, action) => (actor.to_string(), json!(action)),
            What::Query(query) => match &query {
                Query::Search { name } => (name.to_string(), json!(query)),
                Query::Seats => (String::new(), json!(query)),
                Query::Events(query) => {
                    let who = query.actor.as_ref().map(ToString::to_string);
                    (who.unwrap_or_default(), json!(query.question))
                }
            },
            What::Described { who, value } => (who, value),
        };
        let (request, parameters) = tagged(plain(value));
        (who, request, parameters)
    }
}

/// Texts of a line, whose room is used again by the next one.
#[derive(Debug, Default)]
pub struct Texts {
    /// When the request came.
    pub at: String,
    id: String,
}

/// Parameters of what is asked most.
#[derive(Serialize)]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    name: &'a Name,
}

impl Answered {
    /// Appends the line that tells of it: what [`record`](Self::record) is as JSON, for most requests without making one.
    pub fn write(self, texts: &mut Texts, line: &mut Vec<u8>) -> serde_json::Result<()> {
        let details = &self.asked.0;
        let (request, name, count) = match &details.what {
            What::Operation(Operation::Reserve { name, count }) => ("reserve", name, Some(*count)),
            What::Operation(Operation::Delete { name }) => ("delete", name, None),
            What::Query(Query::Search { name }) => ("search", name, None),
            What::Operation(_) | What::Event(..) | What::Query(_) | What::Described { .. } => {
                let record = self.record();
                texts.at.clone_from(&record.at);
                return serde_json::to_writer(line, &record);
            }
        };
        stamp(&mut texts.at, details.at_ms);
        let token = details.token.as_ref().map(UserId::to_string);
        texts.id.clear();
        let id = details.command.map(|(session, sequence)| {
            write!(texts.id, "{session}/{sequence}").expect("a string takes all");
            texts.id.as_str()
        });
        let record = AuditRecord {
            at: texts.at.as_str(),
            took_us: self.took_us,
            server: self.server,
            who: name.as_str(),
            token: token.as_deref(),
            request,
            parameters: Parameters { count, name },
            result: self.result,
            answer: self.answer.as_str(),
            id,
        };
        serde_json::to_writer(line, &record)
    }

    /// The line that tells of it.
    pub fn record(self) -> AuditRecord {
        let Answered { asked: Asked(details), took_us, server, result, answer } = self;
        let Details { at_ms, what, command, token, .. } = *details;
        let (who, request, parameters) = what.describe();
        let mut at = String::new();
        stamp(&mut at, at_ms);
        AuditRecord {
            at,
            took_us,
            server,
            who,
            token: token.map(|user| user.to_string()),
            request,
            parameters,
            result,
            answer,
            id: command.map(|(session, sequence)| format!("{session}/{sequence}")),
        }
    }
}

/// Bytes of a stamp, until the year 9999.
const STAMP_BYTES: usize = 24;

/// `2026-11-21T17:00:00.123Z`
fn stamp(text: &mut String, ms: u64) {
    let [year, month, day, hours, minutes, seconds] = Time(ms).civil();
    text.clear();
    text.reserve(STAMP_BYTES);
    // By hand: there is one in each line, and the formatter takes twenty times as long.
    let mut put = |number: u64, digits: u32, after: char| {
        let digits = (0..digits).rev().map(|place| number / 10_u64.pow(place) % 10);
        text.extend(digits.map(|digit| char::from(b'0' + digit as u8)));
        text.push(after);
    };
    put(year, year.max(1).ilog10() + 1, '-');
    put(month, 2, '-');
    put(day, 2, 'T');
    put(hours, 2, ':');
    put(minutes, 2, ':');
    put(seconds, 2, '.');
    put(ms % 1_000, 3, 'Z');
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
    use crate::domain::events::command::EventOperation;

    #[test]
    fn a_long_answer_is_cut_where_a_letter_ends() {
        assert_eq!(brief(&"short"), "short");
        let long = "\u{e9}".repeat(ANSWER_BYTES_MAX);
        let text = brief(&format_args!("x{long}"));
        assert!(text.ends_with("\u{e9}...") && text.len() <= ANSWER_BYTES_MAX + 3, "{}", text.len());
    }

    #[test]
    fn a_time_is_written_as_everybody_reads_it() {
        let mut text = String::new();
        stamp(&mut text, 0);
        assert_eq!(text, "1970-01-01T00:00:00.000Z");
        stamp(&mut text, 1_795_283_736_431);
        assert_eq!(text, "2026-11-21T17:55:36.431Z");
    }

    #[test]
    fn a_line_is_the_record_however_it_is_made() {
        let bob: Name = "b\u{f6}b \"7\"".parse().unwrap();
        let session = SessionId { birth_ms: 7, random: 9 };
        let command = |operation| Command { session, sequence: 3, answered_until: 2, operation, key: None };
        let user: UserId = "TORM2345".parse().unwrap();
        let mut texts = Texts::default();
        for asked in [
            Asked::command(&command(Operation::Reserve { name: bob.clone(), count: 2 })).by(Some(user)),
            Asked::command(&command(Operation::Delete { name: bob.clone() })),
            Asked::query(&Query::Search { name: bob }),
            Asked::query(&Query::Seats),
            Asked::overriding(),
        ] {
            let answered = asked.answered(2, AuditResult::Failed, "Only 3 seats left.\n".to_owned());
            let (record, mut line) = (answered.clone().record(), Vec::new());
            answered.write(&mut texts, &mut line).unwrap();
            assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&record).unwrap());
            assert_eq!(texts.at, record.at);
        }
    }

    #[test]
    fn a_line_says_who_asked_for_what_and_what_came_of_it() {
        let asked = Asked::operation(&Operation::Reserve { name: "bob".parse().unwrap(), count: 2 });
        let record = asked.answered(3, AuditResult::Done, "yes".to_owned()).record();
        assert_eq!((record.who.as_str(), record.request.as_str(), record.server), ("bob", "reserve", 3));
        assert_eq!(record.parameters, json!({ "name": "bob", "count": 2 }));
        let told = |asked: Asked| asked.answered(1, AuditResult::Done, String::new()).record();
        assert_eq!(told(Asked::query(&Query::Seats)).request, "seats");
        let deleted = told(Asked::operation(&Operation::Delete { name: "bob".parse().unwrap() }));
        assert_eq!((deleted.request.as_str(), deleted.parameters), ("delete", json!({ "name": "bob" })));
        let action = Action::AddKind { kind: "Films".parse().unwrap() };
        let actor = Actor::User("TORM2345".parse().unwrap());
        let operation = Operation::Events(Box::new(EventOperation { actor, action }));
        let record = told(Asked::operation(&operation));
        assert_eq!((record.who.as_str(), record.request.as_str()), ("TORM2345", "add_kind"));
        assert_eq!(record.parameters, json!({ "kind": "Films" }));
    }
}
