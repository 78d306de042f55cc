//! One log file: its name, its header, and reading it back.

use super::{
    FORMAT_VERSION,
    disk::Disk,
    frame::{self, Kind, u32_at, u64_at},
};
use bytes::Bytes;
use std::ops::Range;

/// The header fills a page of its own, so that writing records never rewrites it.
pub(super) const HEADER_BYTES: usize = 4096;
const HEADER_CRC_AT: usize = HEADER_BYTES - 4;
const MAGIC: [u8; 8] = *b"BOXLOG\r\n";

/// What a log file continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing: the log begins here, from the blank state.
    Blank,
    /// The log file before it, which was full.
    Continued,
    /// The snapshot of this position: its first records are the checkpoint given with it.
    Snapshot(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) cluster_hash: u64,
    pub(super) server: u8,
    pub(super) generation: u64,
    pub(super) number: u64,
    pub(super) length: u64,
    pub(super) first_sequence: u64,
    /// Checksum of the last record before this file.
    pub(super) previous_crc: u32,
    pub(super) start: Start,
}

impl Header {
    pub(super) fn name(&self) -> String {
        name(self.generation, self.number)
    }

    /// Start of every checksum in this file.
    pub(super) fn salt(&self) -> u32 {
        let mut bytes = Vec::with_capacity(25);
        bytes.extend_from_slice(&self.cluster_hash.to_le_bytes());
        bytes.push(self.server);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        crc32fast::hash(&bytes)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(HEADER_BYTES);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        page.extend_from_slice(&self.previous_crc.to_le_bytes());
        for field in [self.cluster_hash, self.generation, self.number, self.length, self.first_sequence] {
            page.extend_from_slice(&field.to_le_bytes());
        }
        let (start, position) = match self.start {
            Start::Blank => (0, 0),
            Start::Continued => (1, 0),
            Start::Snapshot(position) => (2, position),
        };
        page.extend_from_slice(&u64::to_le_bytes(position));
        page.extend_from_slice(&[start, self.server]);
        page.resize(HEADER_CRC_AT, 0);
        let crc = crc32fast::hash(&page);
        page.extend_from_slice(&crc.to_le_bytes());
        page
    }

    fn decode(page: &[u8]) -> Result<Header, String> {
        if page[..8] != MAGIC || crc32fast::hash(&page[..HEADER_CRC_AT]) != u32_at(page, HEADER_CRC_AT) {
            return Err("the header of the log file is not whole".to_owned());
        }
        let version = u32_at(page, 8);
        if version != FORMAT_VERSION {
            return Err(format!("the log file has format {version}, this program reads {FORMAT_VERSION}"));
        }
        let start = match page[64] {
            0 => Start::Blank,
            1 => Start::Continued,
            2 => Start::Snapshot(u64_at(page, 56)),
            other => return Err(format!("the log file has a start of unknown kind {other}")),
        };
        Ok(Header {
            previous_crc: u32_at(page, 12),
            cluster_hash: u64_at(page, 16),
            generation: u64_at(page, 24),
            number: u64_at(page, 32),
            length: u64_at(page, 40),
            first_sequence: u64_at(page, 48),
            start,
            server: page[65],
        })
    }
}

pub(super) fn name(generation: u64, number: u64) -> String {
    format!("log-{generation:06}-{number:010}")
}

/// Generation and number of a log file by its name, exactly as [`name()`] writes it.
pub(super) fn parse_name(text: &str) -> Option<(u64, u64)> {
    let (generation, number) = text.strip_prefix("log-")?.split_once('-')?;
    let (generation, number) = (generation.parse().ok()?, number.parse().ok()?);
    (name(generation, number) == text).then_some((generation, number))
}

/// What a log file holds.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) header: Header,
    pub(super) records: Vec<Bytes>,
    /// Where the next frame would be.
    pub(super) end: u64,
    pub(super) next_sequence: u64,
    pub(super) last_crc: u32,
    pub(super) sealed: bool,
    pub(super) rest: Rest,
    pub(super) bytes: Bytes,
}

/// What follows the last good frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Zeroes, as prepared.
    Clean,
    /// Something else, up to `until`: a write that was never finished, unless a later frame proves that it was.
    Bad { reason: &'static str, until: u64, proof: Option<(usize, u64)> },
}

/// Damage at a place in a file.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    pub(super) file: String,
    pub(super) offset: u64,
    pub(super) reason: String,
}

/// Reads a log file whole. `Ok(Err(_))` is damage that shows in this file alone.
pub(super) fn read<D: Disk>(
    disk: &D,
    (generation, number): (u64, u64),
    (cluster_hash, server): (u64, u8),
) -> std::io::Result<Result<Segment, Damage>> {
    let file = name(generation, number);
    let damage = |offset: u64, reason: String| Damage { file: file.clone(), offset, reason };
    let size = disk.size(&file)?;
    if size < HEADER_BYTES as u64 {
        return Ok(Err(damage(size, "the file ends inside its header".to_owned())));
    }
    let header = match Header::decode(&disk.read_at(&file, 0, HEADER_BYTES)?) {
        Ok(header) => header,
        Err(reason) => return Ok(Err(damage(0, reason))),
    };
    let ours = Header { cluster_hash, server, generation, number, ..header.clone() };
    if header != ours {
        return Ok(Err(damage(0, format!("the file is not what its name says: {header:?}"))));
    }
    if header.length != size {
        // It was durable at its full length before it was used, so no crash explains this.
        let reason = format!("the file is {size} bytes long and was made with {}", header.length);
        return Ok(Err(damage(size.min(header.length), reason)));
    }
    // Only now is it known that somebody wrote so much.
    let bytes = Bytes::from(disk.read(&file)?);
    Ok(Ok(frames(header, bytes)))
}

fn frames(header: Header, bytes: Bytes) -> Segment {
    let salt = header.salt();
    let (mut end, mut next_sequence, mut last_crc) =
        (HEADER_BYTES, header.first_sequence, header.previous_crc);
    let (mut records, mut sealed) = (Vec::new(), false);
    let problem = loop {
        if sealed {
            break "nothing follows the end of a log file";
        }
        let frame = match frame::read(&bytes, end, salt) {
            Ok(frame) => frame,
            Err(reason) => break reason,
        };
        if frame.sequence != next_sequence || frame.previous_crc != last_crc {
            break "the record does not follow the one before it";
        }
        end = frame.payload.end;
        match frame.kind {
            Kind::Record => {
                next_sequence += 1;
                last_crc = frame.crc;
                records.push(bytes.slice(frame.payload));
            }
            Kind::Seal => sealed = true,
        }
    };
    let rest = match last_not_zero(&bytes, end..bytes.len()) {
        None => Rest::Clean,
        Some(last) => Rest::Bad {
            reason: problem,
            until: last as u64 + 1,
            proof: frame::proof_of_damage(&bytes, end + 1, salt, next_sequence),
        },
    };
    Segment { header, records, end: end as u64, next_sequence, last_crc, sealed, rest, bytes }
}

fn last_not_zero(bytes: &[u8], range: Range<usize>) -> Option<usize> {
    let rest = &bytes[range.clone()];
    // Whole pages first: most of a young segment is zeroes.
    let zero_pages = rest.rchunks(4096).take_while(|page| page.iter().all(|byte| *byte == 0)).count();
    let searched = rest.len().saturating_sub(zero_pages * 4096);
    rest[..searched].iter().rposition(|byte| *byte != 0).map(|at| range.start + at)
}
