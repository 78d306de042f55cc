//! A call as a line of JSON, so that any checker can judge a history. What the fields mean is on the page of
//! [this module's parent](super).

use super::history::{Ask, Call, End, Reply};
use crate::domain::ids::{Name, NameError, Seat};
use serde::{Deserialize, Serialize};

/// The fields in their order, all of them always there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    client: u64,
    op: Verb,
    event: String,
    name: String,
    count: u32,
    seats: Vec<Seat>,
    call_ns: u64,
    return_ns: Option<u64>,
    result: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Reserve,
    Search,
    Delete,
    Seats,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    kind: Kind,
    seats: Vec<Seat>,
    left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ok,
    Full,
    Exists,
    None,
    Unknown,
}

/// Why a text is no history.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {reason}")]
pub struct HistoryError {
    /// Of the line, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: LineError,
}

/// Why a line is no call.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the fields, or not their types.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Something that has seats is named, and has no name.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Each field may be right, together they are not.
    #[error("{0}")]
    Sense(&'static str),
}

/// The calls of a text of lines; empty lines are passed over.
///
/// # Errors
/// The first line that is no call.
pub fn parse(text: &str) -> Result<Vec<Call>, HistoryError> {
    let mut calls = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        calls.push(parse_line(line).map_err(|reason| HistoryError { number, reason })?);
    }
    Ok(calls)
}

/// One call.
///
/// # Errors
/// When it makes no sense.
pub fn parse_line(text: &str) -> Result<Call, LineError> {
    let line: Line = serde_json::from_str(text)?;
    let call = call(line)?;
    sense(&call)?;
    Ok(call)
}

/// The line of a call, without its end.
pub fn write_line(call: &Call) -> String {
    serde_json::to_string(&line(call)).expect("plain fields")
}

/// What holds for every call that can be judged.
///
/// # Errors
/// What is wrong.
pub(super) fn sense(call: &Call) -> Result<(), LineError> {
    let is_list = |seats: &[Seat]| {
        seats.first().is_none_or(|seat| seat.0 > 0) && seats.windows(2).all(|pair| pair[0] < pair[1])
    };
    match &call.ask {
        Ask::Reserve { count: 0, .. } => return Err(LineError::Sense("a reservation of no seats")),
        Ask::Pick { seats, .. } if seats.is_empty() || !is_list(seats) => {
            return Err(LineError::Sense("picked seats are numbers from 1, ascending, each once"));
        }
        Ask::Reserve { .. } | Ask::Pick { .. } | Ask::Search { .. } | Ask::Delete { .. } | Ask::Seats => {}
    }
    let Some(End { return_ns, reply }) = &call.end else { return Ok(()) };
    if *return_ns < call.call_ns {
        return Err(LineError::Sense("it returned before it was called"));
    }
    if !reply.is_reply_to(&call.ask) {
        return Err(LineError::Sense("this kind of result does not belong to this op"));
    }
    // What a server told may be nonsense; the check of the history says so.
    Ok(())
}

fn line(call: &Call) -> Line {
    let (op, name, count, seats) = match &call.ask {
        Ask::Reserve { name, count } => (Verb::Reserve, name.as_str(), *count, Vec::new()),
        Ask::Pick { name, seats } => (Verb::Reserve, name.as_str(), 0, seats.clone()),
        Ask::Search { name } => (Verb::Search, name.as_str(), 0, Vec::new()),
        Ask::Delete { name } => (Verb::Delete, name.as_str(), released(call), Vec::new()),
        Ask::Seats => (Verb::Seats, "", 0, Vec::new()),
    };
    Line {
        client: call.client,
        op,
        event: call.event.clone(),
        name: name.to_owned(),
        count,
        seats,
        call_ns: call.call_ns,
        return_ns: call.end.as_ref().map(|end| end.return_ns),
        result: call.end.as_ref().map_or_else(unknown, |end| told(&end.reply)),
    }
}

/// How many seats the answer to a deletion says it has released.
fn released(call: &Call) -> u32 {
    match call.end.as_ref().map(|end| &end.reply) {
        Some(Reply::Released { count, .. }) => *count,
        Some(
            Reply::Reserved(_)
            | Reply::NotEnough { .. }
            | Reply::AlreadyBooked(_)
            | Reply::Taken(_)
            | Reply::NoSuchSeats { .. }
            | Reply::Found(_)
            | Reply::NoReservation
            | Reply::Map { .. },
        )
        | None => 0,
    }
}

fn unknown() -> Told {
    Told { kind: Kind::Unknown, seats: Vec::new(), left: 0 }
}

fn told(reply: &Reply) -> Told {
    let (kind, left) = match reply {
        Reply::Reserved(_) | Reply::Found(_) => (Kind::Ok, 0),
        Reply::Released { left, .. } | Reply::Map { left, .. } => (Kind::Ok, *left),
        Reply::NotEnough { left } => (Kind::Full, *left),
        Reply::Taken(_) => (Kind::Full, 0),
        Reply::AlreadyBooked(_) => (Kind::Exists, 0),
        Reply::NoSuchSeats { capacity, .. } => (Kind::None, *capacity),
        Reply::NoReservation => (Kind::None, 0),
    };
    Told { kind, seats: reply.seats().to_vec(), left }
}

fn call(line: Line) -> Result<Call, LineError> {
    let Line { client, op, event, name, count, seats, call_ns, return_ns, result } = line;
    let reply = reply(op, !seats.is_empty(), count, result)?;
    let end = match (reply, return_ns) {
        (Some(reply), Some(return_ns)) => Some(End { return_ns, reply }),
        (None, None) => None,
        (None, Some(_)) => {
            return Err(LineError::Sense("unknown, and yet it returned: return_ns is null then"));
        }
        (Some(_), None) => return Err(LineError::Sense("it has a result, and return_ns is null")),
    };
    if op != Verb::Reserve && !seats.is_empty() {
        return Err(LineError::Sense("only a reserve picks seats"));
    }
    let ask = match op {
        Verb::Reserve if seats.is_empty() => Ask::Reserve { name: of(&name)?, count },
        Verb::Reserve if count == 0 => Ask::Pick { name: of(&name)?, seats },
        Verb::Reserve => return Err(LineError::Sense("a reserve has a count or seats, not both")),
        Verb::Search => Ask::Search { name: of(&name)? },
        Verb::Delete => Ask::Delete { name: of(&name)? },
        Verb::Seats if name.is_empty() => Ask::Seats,
        Verb::Seats => return Err(LineError::Sense("the seat map is nobody's: its name is empty")),
    };
    Ok(Call { client, event, ask, call_ns, end })
}

fn of(name: &str) -> Result<Name, LineError> {
    Ok(name.parse()?)
}

fn reply(op: Verb, is_pick: bool, count: u32, told: Told) -> Result<Option<Reply>, LineError> {
    let Told { kind, seats, left } = told;
    Ok(Some(match (op, kind) {
        (_, Kind::Unknown) => return Ok(None),
        (Verb::Reserve, Kind::Ok) => Reply::Reserved(seats),
        (Verb::Reserve, Kind::Full) if is_pick => Reply::Taken(seats),
        (Verb::Reserve, Kind::Full) => Reply::NotEnough { left },
        (Verb::Reserve, Kind::Exists) => Reply::AlreadyBooked(seats),
        (Verb::Reserve, Kind::None) => Reply::NoSuchSeats { seats, capacity: left },
        (Verb::Search, Kind::Ok) => Reply::Found(seats),
        (Verb::Delete, Kind::Ok) => Reply::Released { count, left },
        (Verb::Search | Verb::Delete, Kind::None) => Reply::NoReservation,
        (Verb::Seats, Kind::Ok) => Reply::Map { taken: seats, left },
        (Verb::Search | Verb::Delete | Verb::Seats, Kind::Full | Kind::Exists)
        | (Verb::Seats, Kind::None) => {
            return Err(LineError::Sense("this kind of result does not belong to this op"));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINES: [&str; 9] = [
        r#"{"client":1,"op":"reserve","event":"theatre","name":"bob","count":2,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"ok","seats":[1,2],"left":0}}"#,
        r#"{"client":1,"op":"reserve","event":"theatre","name":"eve","count":99,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"full","seats":[],"left":98}}"#,
        r#"{"client":1,"op":"reserve","event":"theatre","name":"bob","count":1,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"exists","seats":[1,2],"left":0}}"#,
        r#"{"client":1,"op":"reserve","event":"theatre","name":"ann","count":0,"seats":[2,3],"call_ns":5,"return_ns":9,"result":{"kind":"full","seats":[2],"left":0}}"#,
        r#"{"client":1,"op":"reserve","event":"theatre","name":"ann","count":0,"seats":[101],"call_ns":5,"return_ns":9,"result":{"kind":"none","seats":[101],"left":100}}"#,
        r#"{"client":1,"op":"search","event":"theatre","name":"bob","count":0,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"ok","seats":[1,2],"left":0}}"#,
        r#"{"client":1,"op":"delete","event":"theatre","name":"bob","count":2,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"ok","seats":[],"left":100}}"#,
        r#"{"client":1,"op":"delete","event":"theatre","name":"bob","count":0,"seats":[],"call_ns":5,"return_ns":null,"result":{"kind":"unknown","seats":[],"left":0}}"#,
        r#"{"client":1,"op":"seats","event":"theatre","name":"","count":0,"seats":[],"call_ns":5,"return_ns":9,"result":{"kind":"ok","seats":[1,2],"left":98}}"#,
    ];

    #[test]
    fn lines_come_back_as_they_were() {
        let calls = parse(&LINES.join("\n")).unwrap();
        assert_eq!(calls.iter().map(write_line).collect::<Vec<_>>(), LINES);
    }

    #[test]
    fn lines_without_sense_are_refused_with_their_number() {
        let wrong = [
            (LINES[0].replace(":9", ":4"), "before it was called"),
            (LINES[0].replace(":9", ":null"), "return_ns is null"),
            (LINES[7].replace(":null", ":9"), "return_ns is null then"),
            (LINES[0].replace("\"count\":2", "\"count\":0"), "no seats"),
            (LINES[3].replace("[2,3]", "[3,2]"), "ascending"),
            (LINES[3].replace("[2,3]", "[0]"), "from 1"),
            (LINES[3].replace("\"count\":0", "\"count\":1"), "not both"),
            (LINES[5].replace("\"kind\":\"ok\"", "\"kind\":\"full\""), "does not belong"),
            (LINES[8].replace("\"kind\":\"ok\"", "\"kind\":\"none\""), "does not belong"),
            (LINES[8].replace("\"name\":\"\"", "\"name\":\"bob\""), "nobody's"),
            (LINES[5].replace("\"bob\"", "\"\""), "at least 1 character"),
            (LINES[5].replace("\"seats\":[],\"call", "\"seats\":[1],\"call"), "only a reserve"),
            (LINES[5].replace("client", "clients"), "unknown field"),
            ("{".to_owned(), "EOF"),
        ];
        for (line, words) in wrong {
            let error = parse(&format!("{}\n\n{line}\n", LINES[0])).unwrap_err().to_string();
            assert!(error.starts_with("line 3: ") && error.contains(words), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
