//! What clients asked and were told, and whether that can be true: `boxoffice::verify` judges. Pure, but for the file.

use boxoffice::client::chaos::worker::{Fate, Record};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::verify::check::{Limits, Verdict, check as judge};
use boxoffice::verify::history::{Ask, Call, Reply};
use boxoffice::verify::line::write_line;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the shipped client goes on trying, unless told otherwise: one that is used at the keyboard would
/// have failed later.
const PATIENCE: Duration = Duration::from_secs(30);
/// Fewer calls of a kind than this show nothing.
const USEFUL: usize = 30;
/// Seats of the shipped theatre.
pub const CAPACITY: u32 = 100;

/// Every call was answered, in time, and one server could have told all of it.
pub fn check(name: &str, records: &[Record]) {
    check_but_late(name, records);
    let late: Vec<&Record> = records.iter().filter(|record| record.took() > PATIENCE).collect();
    assert!(late.is_empty(), "the shipped client would have given up: {late:#?}");
}

/// The same, however long it took: for outages, in which nobody can answer.
pub fn check_but_late(name: &str, records: &[Record]) {
    let unanswered: Vec<&Record> =
        records.iter().filter(|record| record.fate != Fate::Answered).take(5).collect();
    assert!(unanswered.is_empty(), "calls without a right answer: {unanswered:#?}");
    assert_eq!(too_few(records), None);
    is_linearizable(name, &calls(records));
}

/// What was asked too seldom to show anything.
pub fn too_few(records: &[Record]) -> Option<String> {
    let (kind, count) = counts(records).into_iter().find(|(_, count)| *count < USEFUL)?;
    Some(format!("only {count} times {kind}: too few to show anything"))
}

/// Writes the history where a person can look at it, and panics if no order explains it.
pub fn is_linearizable(name: &str, history: &[Call]) {
    let file = write(name, history);
    match judge(history, Some(CAPACITY), Limits::default()) {
        Ok(Verdict::Linearizable(_)) => {}
        Ok(Verdict::Violated(violation)) => panic!("{}: {violation}", file.display()),
        Ok(Verdict::GaveUp { configurations, .. }) => {
            panic!("{}: not judged: {configurations} configurations", file.display())
        }
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

/// Where reports go.
pub fn report_dir() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/chaos");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Writes a history there.
pub fn write(name: &str, history: &[Call]) -> PathBuf {
    let file = report_dir().join(format!("{name}.jsonl"));
    let lines: String = history.iter().map(|call| write_line(call) + "\n").collect();
    fs::write(&file, lines).unwrap();
    file
}

/// What belongs into the history.
pub fn calls(records: &[Record]) -> Vec<Call> {
    records.iter().filter(|record| record.is_history()).map(|record| record.call.clone()).collect()
}

/// What every name that was ever used holds at the end, where each is used by one client alone.
pub fn held_at_the_end(records: &[Record]) -> BTreeMap<Name, Option<Vec<Seat>>> {
    let mut held = BTreeMap::new();
    // A client does one thing after the other, and its records are in that order.
    for call in records.iter().map(|record| &record.call) {
        let Some(name) = call.ask.name() else { continue };
        match call.end.as_ref().map(|end| &end.reply) {
            Some(Reply::Reserved(seats)) => held.insert(name.clone(), Some(seats.clone())),
            Some(Reply::Released { .. }) => held.insert(name.clone(), None),
            _ => None,
        };
    }
    held
}

fn counts(records: &[Record]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::from([("reserve", 0), ("delete", 0), ("search", 0)]);
    for record in records.iter().filter(|record| record.fate == Fate::Answered) {
        let kind = match record.call.ask {
            Ask::Reserve { .. } | Ask::Pick { .. } => "reserve",
            Ask::Delete { .. } => "delete",
            Ask::Search { .. } | Ask::Seats => "search",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// The longest time between two answers, all clients together.
pub fn longest_silence(records: &[Record], from_ns: u64, until_ns: u64) -> Duration {
    let answered = records.iter().filter(|record| record.fate == Fate::Answered);
    let mut ends: Vec<u64> =
        answered.map(|record| record.ended_ns).filter(|&at| at > from_ns && at < until_ns).collect();
    ends.extend([from_ns, until_ns]);
    ends.sort_unstable();
    let longest = ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    Duration::from_nanos(longest)
}

/// How many of what, and who waited how long.
pub fn summary(records: &[Record]) -> String {
    let retried = records.iter().filter(|record| record.tries > 1).count();
    let counts: Vec<String> = counts(records).iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut answers: BTreeMap<u8, usize> = BTreeMap::new();
    for record in records.iter().filter(|record| record.fate == Fate::Answered) {
        *answers.entry(record.server).or_default() += 1;
    }
    let mut waits: Vec<Duration> = records.iter().map(Record::took).collect();
    waits.sort();
    let ends = || records.iter().map(|record| record.ended_ns);
    let silence =
        longest_silence(records, ends().min().unwrap_or_default(), ends().max().unwrap_or_default());
    format!(
        "{}; answers by server {answers:?}; {retried} tried again; median {:.1?}, longest wait of a client {:.2?}, longest time without any \
         answer {silence:.2?}",
        counts.join(", "),
        waits.get(waits.len() / 2).copied().unwrap_or_default(),
        waits.last().copied().unwrap_or_default(),
    )
}
