//! Snapshots: a file with a header, the caller's bytes, and a checksum over the whole.
//!
//! ```text
//! magic 8 | format 4 | 0 4 | cluster 8 | position 8 | content | magic 8 | content length 8 | xxh3 8 | 0 4 | crc 4
//! ```
//! The file says nothing of the server that wrote it, so a peer stores what it receives byte for byte. Where
//! the log continues a snapshot is this server's affair and stands in the file's name.

use super::{
    FORMAT_VERSION,
    checked_text::TEMPORARY,
    disk::Disk,
    error::StorageError,
    frame::{u32_at, u64_at},
};
use std::{
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use xxhash_rust::xxh3::Xxh3;

const MAGIC: [u8; 8] = *b"BOXSNAP\n";
const TRAILER_MAGIC: [u8; 8] = *b"BOXSEND\n";
const HEADER_BYTES: usize = 32;
const TRAILER_BYTES: usize = 32;
/// How much is written and synced, read, and hashed at once. The log's own syncs wait for those of a snapshot: a
/// millisecond each, where 4 MiB made every one of them take ten.
const CHUNK_BYTES: usize = 256 << 10;

/// Which snapshot, by its file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) generation: u64,
    pub(super) position: u64,
    /// The log file that continues it.
    pub(super) segment: u64,
}

impl Id {
    pub(super) fn name(&self) -> String {
        format!("snapshot-{:06}-{:020}-{:010}", self.generation, self.position, self.segment)
    }

    pub(super) fn parse(name: &str) -> Option<Id> {
        let mut numbers = name.strip_prefix("snapshot-")?.split('-').map(|number| number.parse().ok());
        let (generation, position, segment) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let id = Id { generation, position, segment };
        // Any other spelling is not a name that this program gave.
        (numbers.next().is_none() && id.name() == name).then_some(id)
    }
}

/// Bytes of files that are not finished, counted towards the bound from whichever thread makes them.
#[derive(Debug)]
pub(super) struct Counted {
    total: Arc<AtomicU64>,
    own: u64,
}

impl Counted {
    pub(super) fn new(total: Arc<AtomicU64>) -> Counted {
        Counted { total, own: 0 }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.own += bytes;
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.total.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// Writes a snapshot, on any thread, beside the log. Dropped unfinished, it leaves nothing.
pub struct SnapshotWriter<D: Disk> {
    disk: D,
    id: Id,
    temporary: String,
    buffer: Vec<u8>,
    offset: u64,
    hasher: Box<Xxh3>,
    counted: Counted,
    finished: bool,
}

/// A durable snapshot, for [`Store::snapshot_done`](super::Store::snapshot_done).
#[derive(Debug)]
pub struct FinishedSnapshot {
    pub(super) id: Id,
    pub(super) bytes: u64,
    /// Counts the file until the store does.
    pub(super) _counted: Counted,
}

impl FinishedSnapshot {
    /// Position of the state it holds.
    pub fn position(&self) -> u64 {
        self.id.position
    }
}

impl<D: Disk> SnapshotWriter<D> {
    pub(super) fn new(disk: D, id: Id, cluster_hash: u64, counted: Counted) -> Result<Self, StorageError> {
        let temporary = format!("{}{TEMPORARY}", id.name());
        disk.create(&temporary).map_err(|error| StorageError::making(&disk, "make", &temporary, error))?;
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + HEADER_BYTES);
        buffer.extend_from_slice(&MAGIC);
        buffer.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        buffer.extend_from_slice(&[0; 4]);
        buffer.extend_from_slice(&cluster_hash.to_le_bytes());
        buffer.extend_from_slice(&id.position.to_le_bytes());
        let (offset, hasher) = (0, Box::new(Xxh3::new()));
        Ok(SnapshotWriter { disk, id, temporary, buffer, offset, hasher, counted, finished: false })
    }

    /// Position of the state that is written.
    pub fn position(&self) -> u64 {
        self.id.position
    }

    /// What an error of [`Write`] means; the writer is of no use after one.
    pub fn failed(&self, error: io::Error) -> StorageError {
        StorageError::making(&self.disk, "write", &self.temporary, error)
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.put_out()
    }

    fn put_out(&mut self) -> io::Result<()> {
        self.disk.write_at(&self.temporary, self.offset, &self.buffer)?;
        let written = self.buffer.len() as u64;
        self.buffer.clear();
        self.offset += written;
        self.counted.add(written);
        self.disk.sync(&self.temporary)
    }

    /// Makes the snapshot durable under its name. It counts as soon as this returns, but the log is only cut
    /// behind it by [`Store::snapshot_done`](super::Store::snapshot_done).
    pub fn finish(mut self) -> Result<FinishedSnapshot, StorageError> {
        let name = self.id.name();
        self.close().map_err(|error| StorageError::making(&self.disk, "write", &self.temporary, error))?;
        let renamed = self.disk.rename(&self.temporary, &name);
        renamed.map_err(|error| StorageError::making(&self.disk, "rename to", &name, error))?;
        self.finished = true;
        let synced = self.disk.sync_dir("");
        synced.map_err(|error| StorageError::making(&self.disk, "sync the directory of", &name, error))?;
        let mut counted = Counted::new(self.counted.total.clone());
        counted.add(self.offset);
        Ok(FinishedSnapshot { id: self.id, bytes: self.offset, _counted: counted })
    }

    fn close(&mut self) -> io::Result<()> {
        self.write_out()?;
        let content = self.offset - HEADER_BYTES as u64;
        self.buffer.extend_from_slice(&TRAILER_MAGIC);
        self.buffer.extend_from_slice(&content.to_le_bytes());
        self.buffer.extend_from_slice(&self.hasher.digest().to_le_bytes());
        self.buffer.extend_from_slice(&[0; 4]);
        let crc = crc32fast::hash(&self.buffer);
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.put_out()?;
        self.disk.close(&self.temporary);
        Ok(())
    }
}

impl<D: Disk> Write for SnapshotWriter<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.write_out()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<D: Disk> Drop for SnapshotWriter<D> {
    fn drop(&mut self) {
        if !self.finished {
            self.disk.close(&self.temporary);
            // What cannot be removed now is removed when the directory is opened next.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}

/// Reads a snapshot: its content, or the file as it is for a peer. Independent of the store's thread.
#[derive(Clone, Debug)]
pub struct SnapshotReader<D: Disk> {
    disk: D,
    name: String,
    position: u64,
    total_bytes: u64,
}

impl<D: Disk> SnapshotReader<D> {
    pub(super) fn new(disk: D, id: Id, total_bytes: u64) -> Self {
        SnapshotReader { disk, name: id.name(), position: id.position, total_bytes }
    }

    /// The same for a file that has another name yet.
    pub(super) fn of_file(disk: D, name: String, position: u64, total_bytes: u64) -> Self {
        SnapshotReader { disk, name, position, total_bytes }
    }

    /// Position of the state it holds.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Length of the file, which is what a peer receives.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// A piece of the file for a peer: up to `len` bytes, fewer at the end.
    pub fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, StorageError> {
        let left = usize::try_from(self.total_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        match self.disk.read_at(&self.name, offset, len.min(left)) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StorageError::SnapshotGone { position: self.position })
            }
            Err(error) => Err(StorageError::io(&self.disk, "read", &self.name, error)),
        }
    }

    /// The caller's bytes. The checksum is compared before the last of them are handed out; if it does not
    /// match, that read fails with `InvalidData`.
    pub fn content(&self) -> io::Result<SnapshotContent<D>> {
        let trailer_at = self.total_bytes - TRAILER_BYTES as u64;
        let trailer = self.disk.read_at(&self.name, trailer_at, TRAILER_BYTES)?;
        let header = self.disk.read_at(&self.name, 0, HEADER_BYTES)?;
        let mut hasher = Box::new(Xxh3::new());
        hasher.update(&header);
        Ok(SnapshotContent {
            disk: self.disk.clone(),
            name: self.name.clone(),
            offset: HEADER_BYTES as u64,
            end: trailer_at,
            chunk: Vec::new(),
            taken: 0,
            hasher,
            expected: u64_at(&trailer, 16),
        })
    }
}

/// The content of a snapshot, in order.
pub struct SnapshotContent<D: Disk> {
    disk: D,
    name: String,
    offset: u64,
    end: u64,
    chunk: Vec<u8>,
    taken: usize,
    hasher: Box<Xxh3>,
    expected: u64,
}

impl<D: Disk> SnapshotContent<D> {
    fn load(&mut self) -> io::Result<()> {
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        self.chunk = self.disk.read_at(&self.name, self.offset, left.min(CHUNK_BYTES))?;
        self.taken = 0;
        self.offset += self.chunk.len() as u64;
        self.hasher.update(&self.chunk);
        if self.offset == self.end && self.hasher.digest() != self.expected {
            self.chunk.clear();
            let reason = format!("the checksum of {} does not match", self.disk.path(&self.name));
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(())
    }
}

impl<D: Disk> Read for SnapshotContent<D> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() && self.offset < self.end {
            self.load()?;
        }
        let bytes = &self.chunk[self.taken..];
        let len = bytes.len().min(out.len());
        out[..len].copy_from_slice(&bytes[..len]);
        self.taken += len;
        Ok(len)
    }
}

/// Reads the file `name` whole: its length if it is a snapshot of this cluster and position, else what is wrong.
pub(super) fn verify<D: Disk>(
    disk: &D,
    name: &str,
    cluster_hash: u64,
    position: u64,
) -> io::Result<Result<u64, String>> {
    let size = disk.size(name)?;
    if size < (HEADER_BYTES + TRAILER_BYTES) as u64 {
        return Ok(Err(format!("{size} bytes are too few for a snapshot")));
    }
    let header = disk.read_at(name, 0, HEADER_BYTES)?;
    let content_end = size - TRAILER_BYTES as u64;
    let trailer = disk.read_at(name, content_end, TRAILER_BYTES)?;
    if trailer[..8] != TRAILER_MAGIC || crc32fast::hash(&trailer[..28]) != u32_at(&trailer, 28) {
        return Ok(Err("it has no whole end".to_owned()));
    }
    if u64_at(&trailer, 8) != content_end - HEADER_BYTES as u64 {
        return Ok(Err(format!("its length of {size} bytes is not what its end says")));
    }
    let mut hasher = Xxh3::new();
    let mut offset = 0;
    while offset < content_end {
        let len = usize::try_from(content_end - offset).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        hasher.update(&disk.read_at(name, offset, len)?);
        offset += len as u64;
    }
    if hasher.digest() != u64_at(&trailer, 16) {
        return Ok(Err("its checksum does not match".to_owned()));
    }
    Ok(match () {
        () if header[..8] != MAGIC => Err("it does not begin like a snapshot".to_owned()),
        () if u32_at(&header, 8) != FORMAT_VERSION => {
            Err(format!("it has format {}, this program reads {FORMAT_VERSION}", u32_at(&header, 8)))
        }
        () if u64_at(&header, 16) != cluster_hash => Err("it belongs to another cluster".to_owned()),
        () if u64_at(&header, 24) != position => {
            Err(format!("it holds position {}, not {position}", u64_at(&header, 24)))
        }
        () => Ok(size),
    })
}
