//! What is printed about a load or a history.

use super::journal::Tally;
use crate::{
    client::exit::Exit,
    verify::check::{CheckError, Verdict},
};
use serde_json::{Value, json};
use std::{fmt, time::Duration};

/// Most answers that no server may give which are told.
const WRONG_TOLD_MAX: usize = 10;

/// The verdict on a history, and the load if there was one.
pub struct Report {
    /// How many calls the history has.
    pub calls: usize,
    /// What the checker says.
    pub verdict: Result<Verdict, CheckError>,
    /// How it was made.
    pub load: Option<Load>,
}

/// How a history was made.
pub struct Load {
    /// Clients at the same time.
    pub clients: u16,
    /// Names that they shared.
    pub names: u16,
    /// What their requests were chosen by.
    pub seed: u64,
    /// For how long.
    pub took: Duration,
    /// What was counted.
    pub tally: Tally,
    /// Names that could not be searched at the end, or not be deleted.
    pub unchecked: usize,
}

impl Report {
    /// Refused when something was told that must not be; unknown when that could not be found out.
    pub fn exit(&self) -> Exit {
        let is_wrong = self.load.as_ref().is_some_and(|load| !load.tally.wrong.is_empty());
        match &self.verdict {
            Ok(Verdict::Violated(_)) => Exit::Refused,
            Ok(Verdict::Linearizable(_) | Verdict::GaveUp { .. }) if is_wrong => Exit::Refused,
            Ok(Verdict::GaveUp { .. }) | Err(_) => Exit::Unknown,
            Ok(Verdict::Linearizable(_)) => match &self.load {
                Some(load) if load.tally.answered == 0 || load.unchecked > 0 => Exit::Unknown,
                Some(_) | None => Exit::Done,
            },
        }
    }

    /// One object; times in milliseconds.
    pub fn json(&self) -> Value {
        let result = match self.exit() {
            Exit::Done => "done",
            Exit::Refused => "violated",
            Exit::Unknown | Exit::Usage | Exit::NotAllowed => "incomplete",
        };
        let mut object = json!({
            "command": "chaos", "result": result, "calls": self.calls, "verdict": self.words(),
        });
        if let Some(Load { clients, names, seed, took, tally, unchecked }) = &self.load {
            let more = json!({
                "clients": clients, "names": names, "seed": seed, "seconds": took.as_secs_f64(),
                "answered": tally.answered, "retried": tally.retried, "unknown": tally.unknown,
                "not_executed": tally.not_executed, "wrong": tally.wrong, "unchecked": unchecked,
                "longest_ms": tally.longest.as_secs_f64() * 1000.0, "gap_ms": tally.gap.as_secs_f64() * 1000.0,
            });
            let (Value::Object(all), Value::Object(more)) = (&mut object, more) else {
                unreachable!("both are objects")
            };
            all.extend(more);
        }
        object
    }

    fn words(&self) -> String {
        match &self.verdict {
            Ok(Verdict::Linearizable(_)) => "one server could have told all of it".to_owned(),
            Ok(Verdict::Violated(violation)) => violation.to_string(),
            Ok(Verdict::GaveUp { event, configurations }) => format!(
                "not judged: the calls of {event:?} can be ordered in too many ways ({configurations} were looked at)"
            ),
            Err(error) => format!("not judged: {error}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Load { clients, names, seed, took, tally, unchecked }) = &self.load {
            writeln!(f, "{clients} clients, {names} names, seed {seed}, {:.1} s", took.as_secs_f64())?;
            writeln!(f, "answered  {}, {} of them after another try", tally.answered, tally.retried)?;
            writeln!(f, "errors    {} not executed, {} unknown", tally.not_executed, tally.unknown)?;
            writeln!(
                f,
                "longest   wait of one request {:.2?}, time without any answer {:.2?}",
                tally.longest, tally.gap
            )?;
            for words in tally.wrong.iter().take(WRONG_TOLD_MAX) {
                writeln!(f, "wrong     {words}")?;
            }
            if *unchecked > 0 {
                writeln!(f, "unchecked {unchecked} names at the end: no server answered")?;
            }
        }
        let verdict = match self.exit() {
            Exit::Done => "passed",
            Exit::Refused => "FAILED",
            Exit::Unknown | Exit::Usage | Exit::NotAllowed => "incomplete",
        };
        write!(f, "check     {verdict}: {} calls: {}", self.calls, self.words())
    }
}
