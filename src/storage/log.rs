//! The log files of a store: appending, group commit, and going on to the next file.

use super::{
    checked_text::TEMPORARY,
    disk::Disk,
    error::StorageError,
    frame::{self, FRAME_HEADER_BYTES, Kind, Place},
    segment::{self, HEADER_BYTES, Header, Segment, Start},
};

/// Zeroed and synced at once while the next file is prepared: about a millisecond, for which a record may have to wait.
const SLICE_BYTES: u64 = 256 << 10;
/// The same where the next file is needed now and is not ready: every record waits until all of it is, so fewer syncs.
const REST_SLICE_BYTES: u64 = 4 << 20;
/// Lengths are multiples of this, and zeroes are written so many at once: what is written in one piece the kernel may keep in one
/// (a large folio), and goes through all of it for each record that comes to lie in it.
const PAGE_BYTES: u64 = 4096;
/// A page of a file that is made.
const ZEROES: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];
/// A buffer that grew beyond this for one large commit is given back.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

/// How much the log may grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// In use by snapshots.
    pub(super) outside_bytes: u64,
    pub(super) max_bytes: u64,
}

/// A log file in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) generation: u64,
    pub(super) number: u64,
    pub(super) length: u64,
    /// Where its records end.
    pub(super) end: u64,
}

/// A file of zeroes that becomes the next log file.
#[derive(Clone, Copy, Debug)]
struct Spare {
    length: u64,
    zeroed: u64,
}

#[derive(Debug)]
pub(super) struct Log<D: Disk> {
    disk: D,
    cluster_hash: u64,
    server: u8,
    segment_bytes: u64,
    /// Oldest first; records go to the last.
    extents: Vec<Extent>,
    /// Of the last extent.
    salt: u32,
    /// Frames that are not written yet.
    buffer: Vec<u8>,
    next_sequence: u64,
    durable_sequence: u64,
    last_crc: u32,
    spare: Option<Spare>,
}

fn spare_name() -> String {
    format!("spare{TEMPORARY}")
}

impl<D: Disk> Log<D> {
    /// A log with no file yet: [`Log::begin`] must follow.
    pub(super) fn blank(disk: D, cluster_hash: u64, server: u8, segment_bytes: u64) -> Self {
        Log {
            disk,
            cluster_hash,
            server,
            segment_bytes,
            extents: Vec::new(),
            salt: 0,
            buffer: Vec::new(),
            next_sequence: 1,
            durable_sequence: 0,
            last_crc: 0,
            spare: None,
        }
    }

    /// Goes on behind the segments that were read, whose tail the caller has made clean and durable.
    pub(super) fn resume(mut self, segments: &[Segment]) -> Self {
        for segment in segments {
            let Header { generation, number, length, .. } = segment.header;
            self.extents.push(Extent { generation, number, length, end: segment.end });
            self.salt = segment.header.salt();
            self.next_sequence = segment.next_sequence;
            self.last_crc = segment.last_crc;
        }
        self.durable_sequence = self.next_sequence - 1;
        self
    }

    pub(super) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    pub(super) fn durable_sequence(&self) -> u64 {
        self.durable_sequence
    }

    /// Log files at their full length, and the spare as far as it is made.
    pub(super) fn bytes(&self) -> u64 {
        let extents: u64 = self.extents.iter().map(|extent| extent.length).sum();
        extents + self.spare.map_or(0, |spare| spare.zeroed)
    }

    /// Bytes of records from a log file on.
    pub(super) fn bytes_since(&self, number: u64) -> u64 {
        let since = self.extents.iter().filter(|extent| extent.number >= number);
        since.map(|extent| extent.end - HEADER_BYTES as u64).sum::<u64>() + self.buffer.len() as u64
    }

    /// Takes a record into the buffer and returns its sequence. Going on to the next file, where this one is
    /// full, writes what was buffered before.
    pub(super) fn append(&mut self, record: &[u8], budget: Budget) -> Result<u64, StorageError> {
        if record.len() > super::RECORD_BYTES_MAX {
            return Err(StorageError::RecordTooLarge { bytes: record.len() });
        }
        let needed = (record.len() + FRAME_HEADER_BYTES) as u64;
        let current = self.current();
        // Room for the seal is always left.
        if current.end + self.buffer.len() as u64 + needed + FRAME_HEADER_BYTES as u64 > current.length {
            self.begin(current.generation, Start::Continued, &[], needed, budget)?;
        }
        let place = Place {
            salt: self.salt,
            sequence: self.next_sequence,
            durable: self.durable_sequence,
            previous_crc: self.last_crc,
        };
        self.last_crc = frame::put(&mut self.buffer, Kind::Record, place, record);
        self.next_sequence += 1;
        Ok(place.sequence)
    }

    /// One write and one sync for all that is buffered.
    pub(super) fn sync(&mut self) -> Result<u64, StorageError> {
        if !self.buffer.is_empty() {
            let current = self.current();
            let name = segment::name(current.generation, current.number);
            self.write(&name, current.end, &self.buffer)?;
            self.sync_file(&name)?;
            let last = self.extents.last_mut().expect("a log has a file");
            last.end += self.buffer.len() as u64;
            self.durable_sequence = self.next_sequence - 1;
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        }
        Ok(self.durable_sequence)
    }

    /// Goes on in a new file, which holds `checkpoint` from its first moment and has room for `needed` bytes more.
    pub(super) fn begin(
        &mut self,
        generation: u64,
        start: Start,
        checkpoint: &[&[u8]],
        needed: u64,
        budget: Budget,
    ) -> Result<(), StorageError> {
        self.sync()?;
        if let Some(record) = checkpoint.iter().find(|record| record.len() > super::RECORD_BYTES_MAX) {
            return Err(StorageError::RecordTooLarge { bytes: record.len() });
        }
        let frames: u64 = checkpoint.iter().map(|record| (record.len() + FRAME_HEADER_BYTES) as u64).sum();
        let least = HEADER_BYTES as u64 + frames + needed + FRAME_HEADER_BYTES as u64;
        let length = self.length(least.next_multiple_of(PAGE_BYTES), start, budget)?;
        while self.prepare_slice(length, REST_SLICE_BYTES)? {}
        let header = Header {
            cluster_hash: self.cluster_hash,
            server: self.server,
            generation,
            number: self.extents.last().map_or(1, |extent| extent.number + 1),
            length,
            first_sequence: self.next_sequence,
            previous_crc: self.last_crc,
            start,
        };
        let (sequence, durable, previous_crc) = (self.next_sequence, self.durable_sequence, self.last_crc);
        let seal = Place { salt: self.salt, sequence, durable, previous_crc };
        let end = self.write_first(&header, checkpoint)?;
        let full = self.extents.last().copied().filter(|extent| extent.generation == generation);
        if let Some(extent) = full {
            self.seal(extent, seal)?;
        }
        self.salt = header.salt();
        self.extents.push(Extent { generation, number: header.number, length, end });
        Ok(())
    }

    /// Turns the spare into a log file. Its name appears after its content is durable, so a log file with a
    /// bad header is damage, never a crash.
    fn write_first(&mut self, header: &Header, checkpoint: &[&[u8]]) -> Result<u64, StorageError> {
        let mut bytes = header.encode();
        let (mut sequence, mut previous_crc) = (self.next_sequence, self.last_crc);
        for record in checkpoint {
            let durable = self.durable_sequence;
            let place = Place { salt: header.salt(), sequence, durable, previous_crc };
            previous_crc = frame::put(&mut bytes, Kind::Record, place, record);
            sequence += 1;
        }
        let (spare, name) = (spare_name(), header.name());
        self.write(&spare, 0, &bytes)?;
        self.sync_file(&spare)?;
        let failed = |operation, error| StorageError::io(&self.disk, operation, &name, error);
        self.disk.rename(&spare, &name).map_err(|error| failed("rename to", error))?;
        self.disk.sync_dir("").map_err(|error| failed("sync the directory of", error))?;
        self.spare = None;
        (self.next_sequence, self.durable_sequence, self.last_crc) = (sequence, sequence - 1, previous_crc);
        Ok(bytes.len() as u64)
    }

    /// Marks a file as one that has a successor, so that the loss of the newest file is noticed.
    fn seal(&self, extent: Extent, place: Place) -> Result<(), StorageError> {
        let mut bytes = Vec::new();
        frame::put(&mut bytes, Kind::Seal, place, &[]);
        let name = segment::name(extent.generation, extent.number);
        self.write(&name, extent.end, &bytes)?;
        self.sync_file(&name)?;
        self.disk.close(&name);
        Ok(())
    }

    /// Does a small part of making the next log file, if that is due; whether there is more to do.
    pub(super) fn prepare(&mut self, budget: Budget) -> Result<bool, StorageError> {
        let current = self.current();
        let early = current.end < current.length / 4;
        if early || !self.awaits_next(budget) {
            return Ok(false);
        }
        let (_, length) = self.next_made();
        self.prepare_slice(length, SLICE_BYTES)
    }

    /// Whether the next log file is not ready, and there is room to make it.
    pub(super) fn awaits_next(&self, budget: Budget) -> bool {
        let (made, length) = self.next_made();
        made < length && self.bytes() + budget.outside_bytes + length - made <= budget.max_bytes
    }

    /// How much of the next log file is made, and how long it is to be.
    fn next_made(&self) -> (u64, u64) {
        match self.spare {
            Some(spare) => (spare.zeroed, spare.length),
            None => (0, self.segment_bytes.next_multiple_of(PAGE_BYTES)),
        }
    }

    /// How long the next file is to be. A file that a snapshot begins is never refused, since snapshots make
    /// room: at the bound it is as short as can be.
    fn length(&self, least: u64, start: Start, budget: Budget) -> Result<u64, StorageError> {
        let (made, planned) = self.spare.map_or((0, 0), |spare| (spare.zeroed, spare.length));
        let wanted = least.max(planned).max(self.segment_bytes.next_multiple_of(PAGE_BYTES));
        let used_bytes = self.bytes() + budget.outside_bytes;
        let (wanted_bytes, room) = (wanted - made, budget.max_bytes.saturating_sub(used_bytes));
        match start {
            _ if wanted_bytes <= room => Ok(wanted),
            Start::Snapshot(_) => Ok(least.max(made)),
            Start::Blank | Start::Continued => {
                Err(StorageError::Full { used_bytes, wanted_bytes, max_bytes: budget.max_bytes })
            }
        }
    }

    fn prepare_slice(&mut self, length: u64, slice_max: u64) -> Result<bool, StorageError> {
        let name = spare_name();
        let failed = |operation, error| StorageError::making(&self.disk, operation, &name, error);
        let zeroed = match self.spare {
            Some(spare) => spare.zeroed,
            None => {
                self.disk.create(&name).map_err(|error| failed("make", error))?;
                0
            }
        };
        // Remembered before it is written: what a failed write left is overwritten by the next attempt.
        self.spare = Some(Spare { length, zeroed });
        let slice = slice_max.min(length - zeroed);
        if slice > 0 {
            for page in (zeroed..zeroed + slice).step_by(ZEROES.len()) {
                self.disk.write_at(&name, page, &ZEROES).map_err(|error| failed("write", error))?;
            }
            self.disk.sync(&name).map_err(|error| failed("sync", error))?;
        }
        self.spare = Some(Spare { length, zeroed: zeroed + slice });
        Ok(zeroed + slice < length)
    }

    /// Deletes the log files before `number` and of other generations than `generation`.
    pub(super) fn drop_before(&mut self, generation: u64, number: u64) -> Result<(), StorageError> {
        let old = |extent: &Extent| extent.generation != generation || extent.number < number;
        for extent in self.extents.iter().filter(|extent| old(extent)) {
            let name = segment::name(extent.generation, extent.number);
            let removed = self.disk.remove(&name);
            removed.map_err(|error| StorageError::io(&self.disk, "remove", &name, error))?;
        }
        self.extents.retain(|extent| !old(extent));
        Ok(())
    }

    fn current(&self) -> Extent {
        *self.extents.last().expect("a log has a file")
    }

    fn write(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let written = self.disk.write_at(name, offset, bytes);
        written.map_err(|error| StorageError::io(&self.disk, "write", name, error))
    }

    fn sync_file(&self, name: &str) -> Result<(), StorageError> {
        self.disk.sync(name).map_err(|error| StorageError::io(&self.disk, "sync", name, error))
    }
}
