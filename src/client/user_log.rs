//! The client's own log of what its users asked: one file for each of them, and finding lines again.
#![expect(clippy::disallowed_methods, reason = "the place of the files is in the environment")]

use super::answers::Told;
use super::args::{AuditArgs, AuditResultArg};
use super::exchange::Wanted;
use super::exit::Exit;
use super::output::{Output, note};
use crate::audit::describe::{Answered, Asked};
use crate::audit::reader::{Filter, Found, read};
use crate::audit::record::{AuditRecord, AuditResult};
use crate::audit::writer::{AuditLog, Readers, Rotation};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// A user's log is renamed when it is larger; three older ones are kept. What people asked for is nobody else's business.
const ROTATION: Rotation = Rotation { file_bytes_max: 4 << 20, files_max: 3, readers: Readers::Owner };
/// Who asks without saying who.
const NOBODY: &str = "anyone";

/// The line that is begun by this request; none for what is no user's business.
pub(super) fn asked(wanted: &Wanted) -> Option<Asked> {
    match wanted {
        Wanted::Operation(operation) => Some(Asked::operation(operation)),
        Wanted::Query(query) => Some(Asked::query(query)),
        Wanted::Override => Some(Asked::overriding()),
    }
}

/// The line is complete, now: the time that it tells ends here.
pub(super) fn answered(asked: Asked, told: Told) -> Answered {
    let result = match told.exit {
        Exit::Done => AuditResult::Done,
        Exit::Refused | Exit::Usage | Exit::NotAllowed => AuditResult::Failed,
        Exit::Unknown => AuditResult::Unknown,
    };
    asked.answered(told.server, result, told.message)
}

/// Writes the line, if there is a place for it. A command is never refused because its line cannot be written.
pub(super) fn write(answered: Answered, verbose: bool) {
    let Some(dir) = directory() else { return };
    let record = answered.record();
    let file = dir.join(file_name(&record.who));
    match AuditLog::open(&file, ROTATION) {
        Ok(log) => log.write(record),
        Err(error) if verbose => note(format_args!("cannot write {}: {error}", file.display())),
        Err(_) => {}
    }
}

/// Prints the lines that are wanted.
pub(super) fn show(output: &mut Output, args: AuditArgs) -> Exit {
    let AuditArgs { file, who, request, result, from, until } = args;
    let files = match file {
        Some(file) => vec![file],
        None => match own_files(who.as_deref()) {
            Ok(files) => files,
            Err(words) => {
                note(words);
                return Exit::Usage;
            }
        },
    };
    let result = result.map(|result| match result {
        AuditResultArg::Done => AuditResult::Done,
        AuditResultArg::Failed => AuditResult::Failed,
        AuditResultArg::Unknown => AuditResult::Unknown,
    });
    let filter = Filter { who, request, result, from, until };
    let mut all = Found::default();
    for file in files {
        let found = read(&file, &filter, |record| {
            output.json(&serde_json::to_value(&record)?);
            output.text(line(&record));
            Ok(())
        });
        match found {
            Ok(found) => {
                all.records += found.records;
                all.unreadable += found.unreadable;
            }
            Err(error) => {
                note(format_args!("cannot read {}: {error}", file.display()));
                return Exit::Usage;
            }
        }
    }
    if all.unreadable > 0 {
        note(format_args!("{} lines cannot be read: they were cut short", all.unreadable));
    }
    if all.records == 0 { Exit::Refused } else { Exit::Done }
}

/// The last lines of one person's log; none when nothing was asked yet.
pub(super) fn tail(who: &str, lines_max: usize) -> Result<Vec<AuditRecord>, String> {
    let dir = directory().ok_or("there is no home directory, so no log of what you ask is kept")?;
    let file = dir.join(file_name(who));
    if !file.exists() {
        return Ok(Vec::new());
    }
    let mut last = VecDeque::new();
    let keep = |record| {
        if last.len() == lines_max {
            last.pop_front();
        }
        last.push_back(record);
        Ok(())
    };
    read(&file, &Filter::default(), keep)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(last.into())
}

/// A line for people.
fn line(record: &AuditRecord) -> String {
    let AuditRecord { at, who, request, parameters, answer, result, .. } = record;
    let result = match result {
        AuditResult::Done => "done",
        AuditResult::Failed => "failed",
        AuditResult::Unknown => "unknown",
    };
    let who = if who.is_empty() { NOBODY } else { who };
    format!("{at}  {result:<7}  {who}  {request} {parameters}  {}", answer.replace('\n', "; "))
}

/// The files of one user, or of all.
fn own_files(who: Option<&str>) -> Result<Vec<PathBuf>, String> {
    let dir = directory().ok_or("there is no home directory; name the log")?;
    if let Some(who) = who {
        return Ok(vec![dir.join(file_name(who))]);
    }
    let list = || -> io::Result<Vec<PathBuf>> {
        let files: Vec<PathBuf> = std::fs::read_dir(&dir)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        Ok(files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "jsonl")).collect())
    };
    let mut files = list().map_err(|error| format!("cannot read {}: {error}", dir.display()))?;
    files.sort();
    Ok(files)
}

/// A name for a file that no name of a person can break out of.
fn file_name(who: &str) -> String {
    let who = if who.is_empty() { NOBODY } else { who };
    let mut name = String::new();
    for byte in who.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    // 64 characters of four bytes, each as three letters, are too long for a file's name.
    name.truncate(200);
    format!("{name}.jsonl")
}

/// `$XDG_STATE_HOME/boxoffice/users`, if there is a home at all.
fn directory() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join(Path::new("boxoffice/users")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_name_makes_one_file_in_the_directory_and_no_other() {
        assert_eq!(file_name("TORC2345"), "TORC2345.jsonl");
        assert_eq!(file_name(""), "anyone.jsonl");
        assert_eq!(file_name("../../etc"), "%2e%2e%2f%2e%2e%2fetc.jsonl");
        assert_ne!(file_name("Ann Lee"), file_name("Ann_Lee"));
        assert!(file_name(&"\u{1f3ad}".repeat(64)).len() < 255);
    }
}
