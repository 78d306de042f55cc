//! A log of fixed size whose space is there before the first write: such a flush moves data and nothing else.

use crate::error::LoadError;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Size of the file. What does not fit at its end is written at its beginning.
const LOG_BYTES: u64 = 64 << 20;
/// Written at a time when it is made.
const PIECE_BYTES: usize = 1 << 20;

pub(super) struct Log {
    path: PathBuf,
    file: File,
    at: u64,
}

impl Log {
    pub(super) fn create(path: &Path) -> Result<Log, LoadError> {
        let file = preallocated(path).map_err(LoadError::file(path))?;
        Ok(Log { path: path.to_owned(), file, at: 0 })
    }

    /// On the disk when it returns.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        if self.at + bytes.len() as u64 > LOG_BYTES {
            self.at = 0;
        }
        let written = self.file.write_all_at(bytes, self.at).and_then(|()| self.file.sync_data());
        written.map_err(LoadError::file(&self.path))?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

fn preallocated(path: &Path) -> std::io::Result<File> {
    let mut file = File::create(path)?;
    let zeroes = vec![0; PIECE_BYTES];
    for _ in 0..LOG_BYTES / PIECE_BYTES as u64 {
        file.write_all(&zeroes)?;
    }
    file.sync_all()?;
    Ok(file)
}
