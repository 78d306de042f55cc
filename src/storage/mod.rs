#![doc = include_str!("../docs/storage.md")]

mod checked_text;
mod disk;
mod error;
mod frame;
mod identity;
mod log;
mod meta;
mod open;
mod real_disk;
mod receive;
mod scan;
mod segment;
mod sim_disk;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

pub use disk::Disk;
pub use error::{OpenError, StorageError};
pub use identity::Identity;
pub use open::{History, LogPart, Recovered, TornTail};
pub use real_disk::RealDisk;
pub use receive::{ReceivedSnapshot, SnapshotReceiver};
pub use segment::Start;
pub use sim_disk::SimDisk;
pub use snapshot::{FinishedSnapshot, SnapshotContent, SnapshotReader, SnapshotWriter};
pub use store::Store;

/// Version of every file format here. Another version is refused when a directory is opened.
pub const FORMAT_VERSION: u32 = 2;
/// Largest record that the log takes.
pub const RECORD_BYTES_MAX: usize = 64 << 20;
/// Smallest [`Options::segment_bytes`].
pub const SEGMENT_BYTES_MIN: u64 = 8 << 10;
/// How many segments must fit in [`Options::disk_bytes_max`] at least: one in use, one prepared, and those
/// between the two snapshots that are kept.
pub const SEGMENTS_MIN: u64 = 4;

/// Counts the records appended since the store was opened: the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// Bounds of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of one preallocated log file. One that must hold a longer record is made longer.
    pub segment_bytes: u64,
    /// Bound on preallocated log files and snapshots together, those being written or received included;
    /// `damaged/` and some 1 KiB of small files are not counted. Records are refused at the bound. A snapshot
    /// and the page of log that begins it are not, since they make room: leave room for three of them.
    pub disk_bytes_max: u64,
    /// The incarnation is at least this. A server whose directory is not kept (`durability: memory`, a wiped
    /// disk) passes the wall clock's seconds, so that its incarnation grows all the same; others pass 0.
    pub incarnation_min: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: 16 << 20, disk_bytes_max: 4 << 30, incarnation_min: 0 }
    }
}

impl Options {
    /// Refuses bounds that leave no room to work.
    fn check(&self) -> Result<(), OpenError> {
        let refuse = |reason| Err(OpenError::Limits { reason });
        if self.segment_bytes < SEGMENT_BYTES_MIN {
            return refuse(format!("segments of {} bytes are under {SEGMENT_BYTES_MIN}", self.segment_bytes));
        }
        if self.disk_bytes_max / SEGMENTS_MIN < self.segment_bytes {
            return refuse(format!(
                "{} bytes of disk do not hold {SEGMENTS_MIN} segments of {} bytes",
                self.disk_bytes_max, self.segment_bytes
            ));
        }
        Ok(())
    }
}
