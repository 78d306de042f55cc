//! What can go wrong, in words that name the file and what to try.

use super::disk::Disk;
use std::io;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error(
        "the data directory {dir} is in use by another server process: stop that one, or give this one a \
         directory of its own"
    )]
    InUse {
        /// The directory.
        dir: String,
    },
    /// The directory belongs to another cluster, server or theatre.
    #[error(
        "{file} was written for {what} {found}, but the configuration says {expected}: give this server its \
         own data directory, or correct the configuration"
    )]
    Identity {
        /// The identity file.
        file: String,
        /// What differs: `cluster`, `server` or `seats`.
        what: &'static str,
        /// What the file says.
        found: String,
        /// What the configuration says.
        expected: String,
    },
    /// Written by another version of this program.
    #[error("{file} has format {found}, this program reads format {expected}: use the version that wrote it")]
    Format {
        /// The file.
        file: String,
        /// Its format version.
        found: u32,
        /// The one this program knows.
        expected: u32,
    },
    /// Bytes that were once durable are not what they were. Never served: set aside and repaired from peers.
    #[error("{file} is damaged at byte {offset}: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The bounds in the options leave no room to work.
    #[error("the storage limits cannot work: {reason}")]
    Limits {
        /// Which one and why.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {operation} {file}: {source}{}", advice(.source))]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        file: String,
        /// The system's word.
        source: io::Error,
    },
}

/// Why an open store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The bound on disk use is reached. Nothing was written; a snapshot makes room.
    #[error(
        "storage is full: {wanted_bytes} more bytes would pass the limit of {max_bytes} (in use: \
         {used_bytes}); raise the limit, or wait for the next snapshot to free old log"
    )]
    Full {
        /// Log and snapshots now.
        used_bytes: u64,
        /// What the refused step needed.
        wanted_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The device has no room for the next log file or snapshot. Nothing that was durable is affected.
    #[error("no space left for {file}: {source}; free some disk space")]
    NoSpace {
        /// The file that was to be made.
        file: String,
        /// The system's word.
        source: io::Error,
    },
    /// A record over [`RECORD_BYTES_MAX`](super::RECORD_BYTES_MAX). Nothing was written.
    #[error("a record of {bytes} bytes is over the limit of {} bytes", super::RECORD_BYTES_MAX)]
    RecordTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The snapshot was replaced by newer ones; ask for the newest and start again.
    #[error("the snapshot of position {position} is gone, a newer one replaces it")]
    SnapshotGone {
        /// Its position.
        position: u64,
    },
    /// What a peer sent, or the medium gave back, is not a whole snapshot of this cluster and position.
    #[error("{file} is not a usable snapshot: {reason}")]
    BadSnapshot {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A write or sync failed. What is on the medium is unknown from here on: the process must end.
    #[error("cannot {operation} {file}: {source}{}", advice(.source))]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        file: String,
        /// The system's word.
        source: io::Error,
    },
    /// An earlier [`StorageError::Io`] of this store; it does nothing any more.
    #[error("storage stopped at an earlier error ({first}): end this process and start it again")]
    Stopped {
        /// The earlier error.
        first: String,
    },
}

impl StorageError {
    /// Whether the process must end: after such an error nobody knows what is durable, and a second sync that
    /// succeeds proves nothing (the kernel may have dropped the pages).
    pub fn is_fatal(&self) -> bool {
        match self {
            StorageError::Io { .. } | StorageError::Stopped { .. } => true,
            StorageError::Full { .. }
            | StorageError::NoSpace { .. }
            | StorageError::RecordTooLarge { .. }
            | StorageError::SnapshotGone { .. }
            | StorageError::BadSnapshot { .. } => false,
        }
    }

    /// A failed operation on a file of the data directory.
    pub(crate) fn io<D: Disk>(disk: &D, operation: &'static str, name: &str, source: io::Error) -> Self {
        StorageError::Io { operation, file: disk.path(name), source }
    }

    /// An error while making a file that nothing depends on yet: a full device is then no reason to end.
    pub(super) fn making<D: Disk>(disk: &D, operation: &'static str, name: &str, source: io::Error) -> Self {
        if out_of_space(&source) {
            StorageError::NoSpace { file: disk.path(name), source }
        } else {
            StorageError::io(disk, operation, name, source)
        }
    }
}

impl OpenError {
    pub(super) fn io<D: Disk>(disk: &D, operation: &'static str, name: &str, source: io::Error) -> Self {
        OpenError::Io { operation, file: disk.path(name), source }
    }

    pub(super) fn damaged<D: Disk>(disk: &D, name: &str, offset: u64, reason: impl Into<String>) -> Self {
        OpenError::Damaged { file: disk.path(name), offset, reason: reason.into() }
    }
}

/// An error of a step that both opening and running take.
impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io { operation, file, source } => OpenError::Io { operation, file, source },
            StorageError::NoSpace { file, source } => OpenError::Io { operation: "write", file, source },
            StorageError::Full { .. }
            | StorageError::RecordTooLarge { .. }
            | StorageError::SnapshotGone { .. }
            | StorageError::BadSnapshot { .. }
            | StorageError::Stopped { .. } => OpenError::Limits { reason: error.to_string() },
        }
    }
}

fn out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What a person can do about it, as the end of a sentence.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if out_of_space(error) => "; free some disk space",
        io::ErrorKind::PermissionDenied => "; give the server's user the right to write there",
        io::ErrorKind::ReadOnlyFilesystem => "; the file system is read-only: mount it for writing",
        io::ErrorKind::NotFound => "; is the volume mounted, and was nothing removed by hand?",
        _ => "; look at the disk and the system's log before starting again",
    }
}
