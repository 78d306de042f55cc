//! Finds lines of an audit log again.

use super::record::{AuditRecord, AuditResult};
use super::writer::numbered;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

/// Which records. What is not given is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this person.
    pub who: Option<String>,
    /// Of this sort.
    pub request: Option<String>,
    /// With this result.
    pub result: Option<AuditResult>,
    /// That came then or later: the beginning of a time as records have it, such as `2026-11-21` or `2026-11-21T17`.
    pub from: Option<String>,
    /// That came before.
    pub until: Option<String>,
}

impl Filter {
    /// Whether the record is wanted.
    pub fn takes(&self, record: &AuditRecord) -> bool {
        self.who.as_ref().is_none_or(|who| *who == record.who)
            && self.request.as_ref().is_none_or(|request| *request == record.request)
            && self.result.is_none_or(|result| result == record.result)
            // Times in UTC, written alike, are in the order of their letters.
            && self.from.as_ref().is_none_or(|from| record.at >= *from)
            && self.until.as_ref().is_none_or(|until| record.at < *until)
    }
}

/// What reading came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Records that were wanted.
    pub records: u64,
    /// Lines that are no records: cut short by a crash.
    pub unreadable: u64,
}

/// Hands over every wanted record of a log, the oldest first, from all its files.
///
/// # Errors
/// If a file cannot be read, or from `take`.
pub fn read(
    path: &Path,
    filter: &Filter,
    mut take: impl FnMut(AuditRecord) -> io::Result<()>,
) -> io::Result<Found> {
    let mut found = Found::default();
    let older: Vec<_> = (1..).map(|number| numbered(path, number)).take_while(|file| file.exists()).collect();
    for file in older.iter().rev().map(|file| file.as_path()).chain([path]) {
        let mut lines = BufReader::new(File::open(file)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            if !line.trim_ascii().is_empty() {
                match serde_json::from_slice::<AuditRecord>(&line) {
                    Ok(record) if filter.takes(&record) => {
                        found.records += 1;
                        take(record)?;
                    }
                    Ok(_) => {}
                    Err(_) => found.unreadable += 1,
                }
            }
            line.clear();
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_filter_takes_what_fits_all_its_parts() {
        let record = AuditRecord {
            at: "2026-11-21T17:00:00.123Z".to_owned(),
            took_us: 1,
            server: 1,
            who: "TORC2345".to_owned(),
            token: None,
            request: "book".to_owned(),
            parameters: json!({}),
            result: AuditResult::Failed,
            answer: "Failed: ...".to_owned(),
            id: None,
        };
        let fits = Filter {
            who: Some("TORC2345".to_owned()),
            request: Some("book".to_owned()),
            result: Some(AuditResult::Failed),
            from: Some("2026-11-21T17".to_owned()),
            until: Some("2026-11-22".to_owned()),
        };
        assert!(Filter::default().takes(&record) && fits.takes(&record));
        for other in [
            Filter { who: Some("bob".to_owned()), ..fits.clone() },
            Filter { request: Some("cancel".to_owned()), ..fits.clone() },
            Filter { result: Some(AuditResult::Done), ..fits.clone() },
            Filter { from: Some("2026-11-22".to_owned()), ..fits.clone() },
            Filter { until: Some("2026-11-21T17".to_owned()), ..fits.clone() },
        ] {
            assert!(!other.takes(&record), "{other:?}");
        }
    }
}
