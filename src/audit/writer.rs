//! Writes audit records beside the work: whoever answers a client never waits for this file.

use super::describe::{Answered, Texts};
use super::record::{AuditRecord, AuditResult};
use serde_json::json;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Records that may wait to be written. More than that are left out, and a line says how many.
const QUEUE_LEN_MAX: usize = 8_192;

/// How long lines collect before they are written: a wake-up of the thread for each would cost the server more than the
/// line itself. A crash loses at most so much more.
const COLLECT_FOR: Duration = Duration::from_millis(10);

/// How long whoever ends waits for the last lines to be written.
const END_FOR: Duration = Duration::from_secs(1);

/// Synced after so much. What the kernel keeps for later it writes at once, every few seconds, and a flush of the replicated
/// log on the same disk waits for all of it: 0.15 s, where 6 MB of lines came each second.
const SYNC_BYTES: u64 = 256 << 10;

/// How large files become, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A file is renamed when it is larger, in bytes.
    pub file_bytes_max: u64,
    /// Files with a number that are kept beside the one that is written.
    pub files_max: u32,
    /// Who may read what is made. What is there already stays as it is.
    pub readers: Readers,
}

/// Who may read files and directories that are made. On Unix; elsewhere the directory above decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whom the process's mask lets.
    Mask,
    /// The owner and nobody else.
    Owner,
}

impl Readers {
    fn make_dirs(self, dir: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if self == Readers::Owner {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(dir)
    }

    fn open(self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        if self == Readers::Owner {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(path)
    }
}

/// What becomes a line. Requests and answers are put into words by the thread that writes.
#[derive(Debug)]
pub enum Line {
    /// In words already.
    Record(AuditRecord),
    /// Not yet.
    Answered(Answered),
}

impl From<AuditRecord> for Line {
    fn from(record: AuditRecord) -> Line {
        Line::Record(record)
    }
}

impl From<Answered> for Line {
    fn from(answered: Answered) -> Line {
        Line::Answered(answered)
    }
}

/// Where records go. Dropped, it writes what waits and ends; a disk that does not answer is not waited for.
#[derive(Debug)]
pub struct AuditLog {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    /// Says nothing, and is closed when the thread ends. In a lock because it is shared otherwise.
    ended: Mutex<Receiver<()>>,
}

/// Lines on their way to the thread. It takes all of them at once, so they lie together in memory.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<Line>,
    left_out: u64,
    /// The thread has nothing to do and must be woken up.
    is_asleep: bool,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, and takes them and how many were left out; none when there will be no more.
    fn take(&self, room: Vec<Line>) -> Option<(Vec<Line>, u64)> {
        let mut waiting = self.lock();
        while waiting.lines.is_empty() && !waiting.closed {
            waiting.is_asleep = true;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_asleep = false;
        if waiting.lines.is_empty() {
            return None;
        }
        let lines = std::mem::replace(&mut waiting.lines, room);
        Some((lines, std::mem::take(&mut waiting.left_out)))
    }

    /// Lets lines collect for a while.
    fn pause(&self) {
        let paused = self.changed.wait_timeout_while(self.lock(), COLLECT_FOR, |waiting| !waiting.closed);
        drop(paused.unwrap_or_else(PoisonError::into_inner));
    }
}

impl AuditLog {
    /// Opens the file, to write behind what is in it.
    ///
    /// # Errors
    /// If it cannot be opened, or no thread can be started.
    pub fn open(file: &Path, rotation: Rotation) -> io::Result<AuditLog> {
        let writer = Rotating::open(file, rotation)?;
        let queue = Arc::<Queue>::default();
        let (ending, ended) = sync_channel(0);
        let taken = queue.clone();
        let work = move || {
            run(writer, &taken);
            drop(ending);
        };
        let thread = Builder::new().name("audit".to_owned()).spawn(work)?;
        Ok(AuditLog { queue, thread: Some(thread), ended: Mutex::new(ended) })
    }

    /// Hands a line over. Where too many wait, it is left out and counted.
    pub fn write(&self, line: impl Into<Line>) {
        let mut waiting = self.queue.lock();
        if waiting.lines.len() >= QUEUE_LEN_MAX {
            waiting.left_out += 1;
            return;
        }
        waiting.lines.push(line.into());
        if std::mem::take(&mut waiting.is_asleep) {
            drop(waiting);
            self.queue.changed.notify_one();
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A disk that hangs must not keep the process.
            let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Err(RecvTimeoutError::Disconnected) = ended.recv_timeout(END_FOR) {
                let _ = thread.join();
            }
        }
    }
}

fn run(mut writer: Rotating, queue: &Queue) {
    let mut is_failing = false;
    let mut room = Vec::new();
    while let Some((mut lines, left_out)) = queue.take(room) {
        let mut written = Ok(());
        for line in lines.drain(..) {
            written = written.and(writer.write(line));
        }
        room = lines;
        if left_out > 0 {
            let last = std::mem::take(&mut writer.texts.at);
            written = written.and(writer.write(gap(last, left_out)));
        }
        match written.and_then(|()| writer.flush()) {
            Ok(()) => is_failing = false,
            // Once, not for every line.
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::warn!(file = %writer.path.display(), %error, "the audit log cannot be written");
            }
            Err(_) => {}
        }
        queue.pause();
    }
}

/// A line that says that lines are missing.
fn gap(at: String, count: u64) -> AuditRecord {
    AuditRecord {
        at,
        took_us: 0,
        server: 0,
        who: String::new(),
        token: None,
        request: "left out".to_owned(),
        parameters: json!({ "records": count }),
        result: AuditResult::Unknown,
        answer: format!("{count} requests are not in this log: they came faster than it can be written"),
        id: None,
    }
}

/// A file of lines that is renamed when it is large.
#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    rotation: Rotation,
    file: BufWriter<File>,
    bytes: u64,
    /// Written since the last sync.
    unsynced: u64,
    /// The line at hand; its room is used again.
    line: Vec<u8>,
    texts: Texts,
}

impl Rotating {
    fn open(path: &Path, rotation: Rotation) -> io::Result<Rotating> {
        if let Some(dir) = path.parent() {
            rotation.readers.make_dirs(dir)?;
        }
        let file = rotation.readers.open(path)?;
        let bytes = file.metadata()?.len();
        let (path, file, unsynced) = (path.to_owned(), BufWriter::new(file), 0);
        let (line, texts) = (Vec::new(), Texts::default());
        let mut rotating = Rotating { path, rotation, file, bytes, unsynced, line, texts };
        // A crash may have cut the last line short: the next one begins on its own.
        if bytes > 0 && last_byte(&rotating.path)? != b'\n' {
            rotating.put(b"\n")?;
        }
        Ok(rotating)
    }

    fn write(&mut self, line: impl Into<Line>) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.line);
        text.clear();
        match line.into() {
            Line::Record(record) => {
                serde_json::to_writer(&mut text, &record)?;
                self.texts.at = record.at;
            }
            Line::Answered(answered) => answered.write(&mut self.texts, &mut text)?,
        }
        text.push(b'\n');
        if self.bytes > 0 && self.bytes + text.len() as u64 > self.rotation.file_bytes_max {
            self.rotate()?;
        }
        let put = self.put(&text);
        self.line = text;
        put
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        if self.unsynced < SYNC_BYTES {
            return Ok(());
        }
        self.unsynced = 0;
        match self.file.get_ref().sync_data() {
            // A pipe, say, has no disk.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    /// The highest number is the oldest; what is beyond goes.
    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        for number in (1..self.rotation.files_max).rev() {
            rename_if_there(&numbered(&self.path, number), &numbered(&self.path, number + 1))?;
        }
        if self.rotation.files_max > 0 {
            rename_if_there(&self.path, &numbered(&self.path, 1))?;
        } else {
            fs::remove_file(&self.path)?;
        }
        let file = self.rotation.readers.open(&self.path)?;
        (self.file, self.bytes) = (BufWriter::new(file), 0);
        Ok(())
    }
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// The name of an older file: `audit.jsonl.1`.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::reader::{Filter, read};
    use super::*;
    use tempfile::TempDir;

    fn rotation(file_bytes_max: u64, files_max: u32) -> Rotation {
        Rotation { file_bytes_max, files_max, readers: Readers::Mask }
    }

    fn record(at: u64, who: &str) -> AuditRecord {
        AuditRecord {
            at: at.to_string(),
            took_us: 7,
            server: 1,
            who: who.to_owned(),
            token: None,
            request: "reserve".to_owned(),
            parameters: json!({ "name": who, "count": 2 }),
            result: AuditResult::Done,
            answer: format!("The seats have been reserved for {who}: 1,2."),
            id: Some("1-2/3".to_owned()),
        }
    }

    fn all(path: &Path) -> Vec<u64> {
        let mut found = Vec::new();
        read(path, &Filter::default(), |record| {
            found.push(record.at.parse().unwrap());
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn what_was_written_is_read_in_order_over_all_files() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("audit.jsonl");
        let rotation = rotation(1_000, 50);
        for part in [0..60, 60..100] {
            let log = AuditLog::open(&path, rotation).unwrap();
            part.for_each(|at| log.write(record(at, "bob")));
        }
        assert!(numbered(&path, 3).exists(), "it was renamed");
        assert!(fs::metadata(&path).unwrap().len() <= 1_000);
        assert_eq!(all(&path), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_files_go() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("audit.jsonl");
        let log = AuditLog::open(&path, rotation(500, 2)).unwrap();
        (0..100).for_each(|at| log.write(record(at, "bob")));
        drop(log);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        let left = all(&path);
        assert!(left.len() < 20 && left.last() == Some(&99) && left.is_sorted(), "{left:?}");
    }

    #[test]
    fn a_line_that_a_crash_cut_short_does_not_spoil_the_next_one() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, "{\"at\":\"1\",\"who").unwrap();
        let log = AuditLog::open(&path, rotation(10_000, 2)).unwrap();
        log.write(record(2, "bob"));
        drop(log);
        assert_eq!(all(&path), [2]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_the_owners_is_made_so_that_nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("boxoffice").join("users").join("TORC2345.jsonl");
        let log = AuditLog::open(&path, Rotation { readers: Readers::Owner, ..rotation(500, 2) }).unwrap();
        (0..100).for_each(|at| log.write(record(at, "bob")));
        drop(log);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for path in [path.clone(), numbered(&path, 1), numbered(&path, 2)] {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        let users = path.parent().unwrap();
        assert_eq!([users, users.parent().unwrap()].map(mode), [0o700, 0o700]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let gap = gap(String::new(), 3);
        assert_eq!(gap.parameters["records"], 3);
        assert!(gap.answer.starts_with("3 requests are not in this log"));
    }
}
