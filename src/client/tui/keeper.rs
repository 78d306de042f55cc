//! Writes the user's own log beside the screen: a slow disk must not hold up a key, nor the terminal.

use super::super::{
    answers::{Told, outcome_exit},
    exchange::{Failure, Wanted},
    exit::Exit,
    output::note,
    user_log,
};
use super::update::Answered;
use crate::{
    api::wire::ServerReply,
    audit::describe::{Answered as Line, Asked},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
    time::timeout,
};

/// Lines that may wait for the disk. One more is not written, and that is said at the end.
const LINES_MAX: usize = 256;
/// Longest wait for the disk at the end; what is not written then never is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Knows which commands have no line yet. Has to be told to [`finish`](Keeper::finish).
pub struct Keeper {
    unlogged: BTreeMap<u64, Asked>,
    lines: Sender<Line>,
    writer: JoinHandle<()>,
    /// Lines for which there was no room.
    lost: u64,
}

impl Keeper {
    /// Begins; within a runtime.
    pub fn new() -> Keeper {
        Keeper::with(write)
    }

    fn with(write: impl FnOnce(Receiver<Line>) + Send + 'static) -> Keeper {
        let (lines, waiting) = mpsc::channel(LINES_MAX);
        let writer = tokio::task::spawn_blocking(move || write(waiting));
        Keeper { unlogged: BTreeMap::new(), lines, writer, lost: 0 }
    }

    /// This was asked; only commands have lines.
    pub fn asked(&mut self, number: u64, wanted: &Wanted) {
        if matches!(wanted, Wanted::Operation(_)) {
            self.unlogged.extend(user_log::asked(wanted).map(|asked| (number, asked)));
        }
    }

    /// This became of it: a line as any other sub-command writes it.
    pub fn answered(&mut self, number: u64, answered: &Answered) {
        let Some(asked) = self.unlogged.remove(&number) else { return };
        let (exit, message) = match &answered.result {
            Ok(ServerReply::Outcome(outcome)) => (outcome_exit(outcome), outcome.to_string()),
            Ok(_) => return,
            Err(failure) => {
                let exit = match failure {
                    Failure::NotExecuted | Failure::Unknown => Exit::Unknown,
                    Failure::NotAllowed(_) => Exit::NotAllowed,
                    Failure::Rejected(_) => Exit::Usage,
                };
                (exit, failure.to_string())
            }
        };
        self.write(asked, Told { exit, server: answered.server, message });
    }

    /// The time ends before the disk is waited for; what the line says is put into words after that.
    fn write(&mut self, asked: Asked, told: Told) {
        if self.lines.try_send(user_log::answered(asked, told)).is_err() {
            self.lost += 1;
        }
    }

    /// What was left without an answer may have been executed. Waits for the disk, but not for ever: the terminal is
    /// given back before.
    pub async fn finish(mut self) {
        for asked in std::mem::take(&mut self.unlogged).into_values() {
            let message = Failure::Unknown.to_string();
            self.write(asked, Told { exit: Exit::Unknown, server: 0, message });
        }
        let Keeper { lines, writer, lost, .. } = self;
        drop(lines);
        if lost > 0 || timeout(PATIENCE, writer).await.is_err() {
            note("some lines could not be written to your log: the disk is too slow");
        }
    }
}

/// Writes until nobody has lines any more.
fn write(mut waiting: Receiver<Line>) {
    while let Some(line) = waiting.blocking_recv() {
        user_log::write(line, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::record::AuditResult, domain::command::Operation};
    use std::{sync::mpsc::sync_channel, time::Instant};

    fn command() -> Wanted {
        Wanted::Operation(Operation::Delete { name: "bob".parse().unwrap() })
    }

    fn failed() -> Answered {
        Answered { result: Err(Failure::NotExecuted), server: 2, took_ms: 1, tries: 1 }
    }

    #[tokio::test]
    async fn a_disk_that_hangs_holds_up_nothing_and_lines_stay_bounded() {
        let (go, may_go) = sync_channel::<()>(1);
        let mut keeper = Keeper::with(move |waiting| {
            let _ = may_go.recv();
            drop(waiting);
        });
        for number in 0..LINES_MAX as u64 + 3 {
            keeper.asked(number, &command());
            keeper.answered(number, &failed());
        }
        assert_eq!((keeper.lost, keeper.unlogged.len()), (3, 0));
        drop(go);
        keeper.finish().await;
    }

    #[tokio::test]
    async fn every_command_has_one_line_in_order_also_without_an_answer() {
        let (seen, lines) = sync_channel(LINES_MAX);
        let mut keeper = Keeper::with(move |mut waiting| {
            while let Some(line) = waiting.blocking_recv() {
                let record = line.record();
                seen.send((record.result, record.server)).unwrap();
            }
        });
        keeper.asked(1, &command());
        keeper.asked(2, &command());
        keeper.answered(1, &failed());
        keeper.answered(1, &failed());
        keeper.answered(7, &failed());
        keeper.finish().await;
        assert_eq!(lines.iter().collect::<Vec<_>>(), [(AuditResult::Unknown, 2), (AuditResult::Unknown, 0)]);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the fact is about the clock")]
    async fn a_line_tells_how_long_the_answer_took_and_not_the_disk() {
        let (go, may_go) = sync_channel::<()>(1);
        let (seen, lines) = sync_channel(1);
        let mut keeper = Keeper::with(move |mut waiting| {
            may_go.recv().unwrap();
            while let Some(line) = waiting.blocking_recv() {
                seen.send(line.record().took_us).unwrap();
            }
        });
        let began = Instant::now();
        keeper.asked(1, &command());
        keeper.answered(1, &failed());
        let longest_us = began.elapsed().as_micros() as u64;
        while began.elapsed().as_micros() as u64 <= 2 * longest_us {
            std::hint::spin_loop();
        }
        go.send(()).unwrap();
        keeper.finish().await;
        let took_us = lines.recv().unwrap();
        assert!(took_us <= longest_us, "{took_us} us, and it were {longest_us} us at the most");
    }
}
