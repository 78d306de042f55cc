//! A snapshot that comes from a peer in pieces.

use super::{
    checked_text::TEMPORARY,
    disk::Disk,
    error::StorageError,
    snapshot::{self, Counted, SnapshotReader},
};

/// Takes a peer's snapshot file, piece by piece and in order. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct SnapshotReceiver<D: Disk> {
    file: TemporaryFile<D>,
    cluster_hash: u64,
    position: u64,
    total_bytes: u64,
    received: u64,
    unsynced: u64,
}

/// A whole and verified snapshot of a peer, for [`Store::adopt_snapshot`](super::Store::adopt_snapshot).
/// Dropped without that, it leaves nothing.
#[derive(Debug)]
pub struct ReceivedSnapshot<D: Disk> {
    pub(super) file: TemporaryFile<D>,
    pub(super) position: u64,
    pub(super) bytes: u64,
}

impl<D: Disk> ReceivedSnapshot<D> {
    /// Position of the state it holds.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads it before it is adopted.
    pub fn reader(&self) -> SnapshotReader<D> {
        SnapshotReader::of_file(self.file.disk.clone(), self.file.name.clone(), self.position, self.bytes)
    }
}

#[derive(Debug)]
pub(super) struct TemporaryFile<D: Disk> {
    disk: D,
    pub(super) name: String,
    pub(super) renamed: bool,
    counted: Counted,
}

impl<D: Disk> Drop for TemporaryFile<D> {
    fn drop(&mut self) {
        if !self.renamed {
            self.disk.close(&self.name);
            // What cannot be removed now is removed when the directory is opened next.
            let _ = self.disk.remove(&self.name);
        }
    }
}

/// Synced after so much, so that the last sync does not hold up the log's.
const SYNC_BYTES: u64 = 4 << 20;

impl<D: Disk> SnapshotReceiver<D> {
    pub(super) fn new(
        disk: D,
        number: u64,
        cluster_hash: u64,
        (position, total_bytes): (u64, u64),
        counted: Counted,
    ) -> Result<Self, StorageError> {
        let name = format!("received-{position}-{number}{TEMPORARY}");
        disk.create(&name).map_err(|error| StorageError::making(&disk, "make", &name, error))?;
        let file = TemporaryFile { disk, name, renamed: false, counted };
        Ok(SnapshotReceiver { file, cluster_hash, position, total_bytes, received: 0, unsynced: 0 })
    }

    /// Position of the snapshot that is received.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Length of the whole file.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Where the next piece must start; after a broken link the peer goes on here.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes a piece. What was received before is skipped; a gap or a piece past the end is refused.
    pub fn write_chunk(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if offset > self.received || end > self.total_bytes {
            let (received, total) = (self.received, self.total_bytes);
            return Err(self.bad(format!("a piece {offset}..{end} came after {received} of {total} bytes")));
        }
        if end <= self.received {
            return Ok(());
        }
        let known = usize::try_from(self.received - offset).expect("it is less than the length of the piece");
        let file = &mut self.file;
        let fresh = &bytes[known..];
        let failed = |operation, error| StorageError::making(&file.disk, operation, &file.name, error);
        file.disk.write_at(&file.name, self.received, fresh).map_err(|error| failed("write", error))?;
        self.unsynced += fresh.len() as u64;
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            file.disk.sync(&file.name).map_err(|error| failed("sync", error))?;
        }
        file.counted.add(fresh.len() as u64);
        self.received = end;
        Ok(())
    }

    /// Makes what was received durable and verifies it whole.
    pub fn finish(self) -> Result<ReceivedSnapshot<D>, StorageError> {
        if self.received != self.total_bytes {
            return Err(self.bad(format!("{} of {} bytes were received", self.received, self.total_bytes)));
        }
        let file = &self.file;
        let failed = |operation, error| StorageError::making(&file.disk, operation, &file.name, error);
        file.disk.sync(&file.name).map_err(|error| failed("sync", error))?;
        let verified = snapshot::verify(&file.disk, &file.name, self.cluster_hash, self.position);
        match verified.map_err(|error| failed("read", error))? {
            Ok(bytes) => Ok(ReceivedSnapshot { file: self.file, position: self.position, bytes }),
            Err(reason) => Err(self.bad(reason)),
        }
    }

    fn bad(&self, reason: String) -> StorageError {
        StorageError::BadSnapshot { file: self.file.disk.path(&self.file.name), reason }
    }
}
