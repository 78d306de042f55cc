//! What happened while the nemesis was at work, and what came of it, in words.

use super::plan::Fault;
use crate::history::longest_silence;
use boxoffice::client::chaos::worker::{Fate, Record};
use std::fmt::Write as _;
use std::time::Duration;

/// A fault as it came about. Times are those of the history.
#[derive(Clone, Debug)]
pub struct Happened {
    pub server: u8,
    pub fault: Fault,
    pub from_ns: u64,
    /// `None`: the run ended before.
    pub until_ns: Option<u64>,
}

/// How a server looked from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    pub server: u8,
    pub at_ns: u64,
    /// What it said of itself; `None`: nothing.
    pub said: Option<Said>,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub is_ready: bool,
    pub state: String,
    pub view: String,
}

/// All of a run.
pub struct Run {
    /// Seed, servers and so on, for the head line.
    pub title: String,
    pub servers: u8,
    pub happened: Vec<Happened>,
    pub sights: Vec<Sight>,
    pub records: Vec<Record>,
    /// The verdict on the history, and how the servers were at the end.
    pub findings: Vec<String>,
}

/// What a fault did to clients, until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// The longest time in which nobody got an answer.
    pub gap: Duration,
    /// The longest wait of one call that was open meanwhile.
    pub wait: Duration,
}

impl Run {
    /// When the last thing happened.
    pub fn end_ns(&self) -> u64 {
        let records = self.records.iter().map(|record| record.ended_ns);
        let faults = self.happened.iter().map(|happened| happened.until_ns.unwrap_or(happened.from_ns));
        records.chain(faults).chain(self.sights.iter().map(|sight| sight.at_ns)).max().unwrap_or(1).max(1)
    }

    /// What the `n`-th fault did.
    pub fn effect(&self, n: usize) -> Effect {
        let from_ns = self.happened[n].from_ns;
        let later = self.happened.iter().map(|other| other.from_ns).filter(|&other| other > from_ns);
        let until_ns = later.min().unwrap_or(self.end_ns());
        let open = self.records.iter().filter(|r| r.ended_ns > from_ns && r.call.call_ns < until_ns);
        Effect {
            gap: longest_silence(&self.records, from_ns, until_ns),
            wait: open.map(Record::took).max().unwrap_or_default(),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for (n, happened) in self.happened.iter().enumerate() {
            let Effect { gap, wait } = self.effect(n);
            let seconds = |ns: u64| ns as f64 / 1e9;
            let lasted = match happened.until_ns {
                Some(until_ns) => format!("for {:.1} s", seconds(until_ns - happened.from_ns)),
                None => "to the end".to_owned(),
            };
            let what = format!("{} server {} {lasted}", happened.fault.name(), happened.server);
            let from = seconds(happened.from_ns);
            let _ =
                writeln!(text, "{from:8.2} s  {what:<28} no answer for {gap:.2?}, longest wait {wait:.2?}");
        }
        for finding in &self.findings {
            let _ = writeln!(text, "{finding}");
        }
        text
    }

    /// Calls that ended without an answer.
    pub fn unanswered(&self) -> Vec<&Record> {
        self.records.iter().filter(|record| record.fate != Fate::Answered).collect()
    }
}
