//! Where all clients of a load write what they asked and were told: a file, line by line, and memory.

use super::worker::{Fate, Record};
use crate::{
    domain::ids::{Name, Seat},
    verify::{
        history::{Ask, Call, DEFAULT_EVENT, End, Reply},
        line::write_line,
    },
};
use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    time::Duration,
};

/// All records of a load, in the order of their ends.
#[derive(Debug, Default)]
pub struct Journal {
    file: Option<BufWriter<File>>,
    error: Option<io::Error>,
    history: Vec<Call>,
    tally: Tally,
    last_answer_ns: u64,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Calls with an answer.
    pub answered: u64,
    /// Of these, sent more than once.
    pub retried: u64,
    /// Calls of which nobody knows what came of them.
    pub unknown: u64,
    /// Calls that certainly were not executed.
    pub not_executed: u64,
    /// Answers that no server may give.
    pub wrong: Vec<String>,
    /// The longest wait of one call.
    pub longest: Duration,
    /// The longest time in which nobody got an answer.
    pub gap: Duration,
}

impl Journal {
    /// Writes into this file, too; it is made anew.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Self { file, ..Self::default() })
    }

    /// Notes what was taken before the recording began, as a reservation that nobody else touches.
    pub fn taken_before(&mut self, holder: Name, taken: Vec<Seat>) {
        let reply = Reply::Reserved(taken.clone());
        let ask = Ask::Pick { name: holder, seats: taken };
        let end = Some(End { return_ns: 0, reply });
        self.write(Call { client: 0, event: DEFAULT_EVENT.to_owned(), ask, call_ns: 0, end });
    }

    /// Notes a call that has ended.
    pub fn note(&mut self, record: Record) {
        match &record.fate {
            Fate::Answered => {
                self.tally.answered += 1;
                self.tally.retried += u64::from(record.tries > 1);
                let gap_ns = record.ended_ns.saturating_sub(self.last_answer_ns);
                self.tally.gap = self.tally.gap.max(Duration::from_nanos(gap_ns));
                self.last_answer_ns = record.ended_ns;
            }
            Fate::Unknown => self.tally.unknown += 1,
            Fate::NotExecuted => self.tally.not_executed += 1,
            Fate::Wrong(words) => self.tally.wrong.push(words.clone()),
        }
        self.tally.longest = self.tally.longest.max(record.took());
        if record.is_history() {
            self.write(record.call);
        }
    }

    /// What was counted so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All calls so far.
    pub fn history(&self) -> &[Call] {
        &self.history
    }

    /// Everything is in the file.
    ///
    /// # Errors
    /// The first error of writing it.
    pub fn close(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file
            && let Err(error) = file.flush()
        {
            self.error.get_or_insert(error);
        }
        self.error.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, call: Call) {
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{}", write_line(&call))
        {
            self.error.get_or_insert(error);
        }
        self.history.push(call);
    }
}
