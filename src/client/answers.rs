//! What is printed for an answer, and for the lack of one.

use super::{
    connection::Connection,
    events,
    exchange::{Completion, Failure},
    exit::Exit,
    output::{Output, detail, note},
    seat_map,
};
use crate::{
    api::wire::ServerReply,
    domain::{
        command::Command,
        events::answer::EventAnswer,
        ids::{Name, Seat},
        outcome::{Answer, Outcome, SeatList},
    },
};
use serde_json::{Value, json};

/// How a command ended, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The exit code.
    pub exit: Exit,
    /// Who answered; 0 for nobody.
    pub server: u8,
    /// The words.
    pub message: String,
}

/// The reason of refusals that have to do with who asks.
const NOT_ALLOWED: &str = "not_allowed";

/// Prints how a command ended, in the format that is wanted, and gives its exit code.
///
/// As JSON it is one object. `command` and `result` are always there; `result` is `done`, `refused` (with
/// `reason`), `not_executed`, `unknown` or `rejected`; `message` holds the words for people. Commands have an
/// `id` (session and number), answered ones the `server`.
pub fn report(
    output: &mut Output,
    verb: &str,
    name: Option<&Name>,
    connection: &Connection,
    done: Completion,
) -> Told {
    let mut object = json!({ "command": verb });
    if let Some(command) = &done.command {
        object["id"] = json!(command_id(command));
    }
    let exit = match &done.result {
        Ok(reply) => {
            object["server"] = json!(connection.server_id(done.server));
            if output.verbose {
                let server = connection.server_name(done.server);
                note(format_args!("{server} answered after {:.1?}, try {}", done.took, done.tries));
            }
            answer(output, reply, &mut object)
        }
        Err(failure) => {
            let exit = failed(failure, name, &mut object);
            note(object["message"].as_str().unwrap_or_default());
            let troubles = connection.troubles();
            troubles.iter().for_each(detail);
            object["servers"] = json!(troubles);
            exit
        }
    };
    output.json(&object);
    let server = if done.result.is_ok() { connection.server_id(done.server) } else { 0 };
    let message = object["message"].as_str().unwrap_or("The seat map.").to_owned();
    Told { exit, server, message }
}

fn answer(output: &mut Output, reply: &ServerReply, object: &mut Value) -> Exit {
    let (exit, text) = match reply {
        ServerReply::Outcome(outcome) => (outcome_exit(outcome), outcome_fields(outcome, object)),
        ServerReply::Answer(Answer::Search { name, seats }) => match seats {
            Some(seats) => {
                object["name"] = json!(name);
                object["seats"] = numbers(seats);
                (Exit::Done, SeatList(seats).to_string())
            }
            // The same words as the refusal of `delete`.
            None => {
                let outcome = Outcome::NoReservation { name: name.clone() };
                (Exit::Refused, outcome_fields(&outcome, object))
            }
        },
        ServerReply::Answer(Answer::Seats(map)) => {
            merge(object, seat_map::json(map));
            (Exit::Done, seat_map::picture(map, output.width, output.color))
        }
        ServerReply::Answer(Answer::Events(answer)) => {
            let (reason, fields) = events::answer_fields(answer);
            merge(object, fields);
            if let Some(more) = events::more(answer) {
                note(more);
            }
            let text = match &**answer {
                EventAnswer::SeatMap { event, map } => {
                    format!("{event}\n{}", seat_map::picture(map, output.width, output.color))
                }
                answer => answer.to_string(),
            };
            match reason {
                Some(reason) => {
                    object["reason"] = json!(reason);
                    (if reason == NOT_ALLOWED { Exit::NotAllowed } else { Exit::Refused }, text)
                }
                None => (Exit::Done, text),
            }
        }
        ServerReply::Done => (Exit::Done, "Done.".to_owned()),
        ServerReply::Status(_) | ServerReply::Trace(_) | ServerReply::Error(_) => {
            unreachable!("an exchange ends neither a command nor a query with these")
        }
    };
    object["result"] = json!(if exit == Exit::Done { "done" } else { "refused" });
    if !matches!(reply, ServerReply::Answer(Answer::Seats(_))) {
        object["message"] = json!(text);
    }
    output.text(text);
    exit
}

/// The exit code of a command with that outcome.
pub fn outcome_exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Events(outcome) if events::is_denied(outcome) => Exit::NotAllowed,
        outcome if outcome.is_success() => Exit::Done,
        _ => Exit::Refused,
    }
}

/// Adds the outcome's values to the object and gives its words.
fn outcome_fields(outcome: &Outcome, object: &mut Value) -> String {
    let (reason, fields) = match outcome {
        Outcome::Reserved { name, seats } => (None, json!({ "name": name, "seats": numbers(seats) })),
        Outcome::Released { count, left } => (None, json!({ "released": count, "left": left })),
        Outcome::NotEnough { left, count } => (Some("not_enough"), json!({ "left": left, "count": count })),
        Outcome::AlreadyBooked { name, seats } => {
            (Some("already_booked"), json!({ "name": name, "seats": numbers(seats) }))
        }
        Outcome::Taken { seats } => (Some("taken"), json!({ "seats": numbers(seats) })),
        Outcome::NoSuchSeats { seats, capacity } => {
            (Some("no_such_seats"), json!({ "seats": numbers(seats), "capacity": capacity }))
        }
        Outcome::NoReservation { name } => (Some("no_reservation"), json!({ "name": name })),
        Outcome::KeyReused => (Some("key_reused"), json!({})),
        Outcome::KeysFull => (Some("keys_full"), json!({})),
        Outcome::Events(outcome) => {
            let (reason, fields) = events::outcome_fields(outcome);
            merge(object, fields);
            if let Some(reason) = reason {
                object["reason"] = json!(reason);
            }
            return outcome.to_string();
        }
        Outcome::SessionExpired
        | Outcome::SequenceForgotten
        | Outcome::SequenceReused
        | Outcome::Malformed => unreachable!("an exchange turns these into failures"),
    };
    merge(object, fields);
    if let Some(reason) = reason {
        object["reason"] = json!(reason);
    }
    outcome.to_string()
}

/// Adds the failure to the object and gives the exit code.
fn failed(failure: &Failure, name: Option<&Name>, object: &mut Value) -> Exit {
    let (result, exit) = match failure {
        Failure::NotExecuted => ("not_executed", Exit::Unknown),
        Failure::Unknown => ("unknown", Exit::Unknown),
        Failure::NotAllowed(_) => ("not_allowed", Exit::NotAllowed),
        Failure::Rejected(_) => ("rejected", Exit::Usage),
    };
    object["result"] = json!(result);
    let mut message = failure.to_string();
    if let (Failure::Unknown, Some(name)) = (failure, name) {
        message.push_str(&format!(". Look with \"search {name}\" before you try again"));
    }
    object["message"] = json!(message);
    exit
}

/// `session/number`, as it is in the servers' logs.
pub fn command_id(command: &Command) -> String {
    format!("{}/{}", command.session, command.sequence)
}

fn numbers(seats: &[Seat]) -> Value {
    Value::from_iter(seats.iter().map(|seat| seat.0))
}

fn merge(object: &mut Value, fields: Value) {
    if let (Value::Object(object), Value::Object(fields)) = (object, fields) {
        object.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(numbers: &[u32]) -> Vec<Seat> {
        numbers.iter().copied().map(Seat).collect()
    }

    #[test]
    fn every_outcome_has_words_a_code_and_values() {
        let name: Name = "bob".parse().unwrap();
        let rows = [
            (Outcome::Reserved { name: name.clone(), seats: seats(&[1, 2]) }, Exit::Done, "seats", None),
            (Outcome::Released { count: 2, left: 9 }, Exit::Done, "released", None),
            (Outcome::NotEnough { left: 1, count: 2 }, Exit::Refused, "left", Some("not_enough")),
            (
                Outcome::AlreadyBooked { name: name.clone(), seats: seats(&[3]) },
                Exit::Refused,
                "seats",
                Some("already_booked"),
            ),
            (Outcome::Taken { seats: seats(&[3]) }, Exit::Refused, "seats", Some("taken")),
            (
                Outcome::NoSuchSeats { seats: seats(&[300]), capacity: 100 },
                Exit::Refused,
                "capacity",
                Some("no_such_seats"),
            ),
            (Outcome::NoReservation { name }, Exit::Refused, "name", Some("no_reservation")),
        ];
        for (outcome, exit, field, reason) in rows {
            let mut object = json!({});
            let words = outcome_fields(&outcome, &mut object);
            assert_eq!(outcome_exit(&outcome), exit);
            assert!(!object[field].is_null(), "{outcome:?} has no {field}");
            assert_eq!(object["reason"].as_str(), reason);
            assert_eq!(words.starts_with("Failed:"), exit == Exit::Refused, "{words}");
        }
    }

    #[test]
    fn an_unknown_outcome_is_never_said_to_be_none() {
        let name: Name = "bob".parse().unwrap();
        let mut object = json!({});
        assert_eq!(failed(&Failure::Unknown, Some(&name), &mut object), Exit::Unknown);
        assert_eq!(object["result"], "unknown");
        let words = object["message"].as_str().unwrap();
        assert!(words.contains("may have been executed") && words.contains("search bob"), "{words}");
        assert!(!words.contains("not executed"), "{words}");
    }
}
