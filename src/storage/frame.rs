//! How a record lies in the log: pure functions over bytes.
//!
//! ```text
//! magic 4 | length 4 | sequence 8 | durable 8 | previous crc 4 | crc 4 | payload
//! ```
//! `durable` is the last sequence that was on the medium when this frame was written. It tells damage from a
//! torn write: one group commit writes several frames at once, and a power cut may keep a later one of them
//! and lose an earlier one. Only a frame that was written *after* a bad one was synced proves damage.
//! `crc` covers all before it and the payload, and starts from a salt of the segment, so that a frame copied
//! from elsewhere is not taken for one of its own.

use std::ops::Range;

pub(super) const FRAME_HEADER_BYTES: usize = 32;
const CRC_AT: usize = 28;
const RECORD_MAGIC: [u8; 4] = *b"BoRe";
const SEAL_MAGIC: [u8; 4] = *b"BoSe";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record of the caller.
    Record,
    /// Nothing follows in this segment, and the next segment exists.
    Seal,
}

impl Kind {
    fn magic(self) -> [u8; 4] {
        match self {
            Kind::Record => RECORD_MAGIC,
            Kind::Seal => SEAL_MAGIC,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) sequence: u64,
    pub(super) previous_crc: u32,
    pub(super) crc: u32,
    pub(super) payload: Range<usize>,
}

/// What a frame says of its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) salt: u32,
    pub(super) sequence: u64,
    pub(super) durable: u64,
    pub(super) previous_crc: u32,
}

/// Appends a frame and returns its checksum, which the next one repeats.
pub(super) fn put(buffer: &mut Vec<u8>, kind: Kind, place: Place, payload: &[u8]) -> u32 {
    let start = buffer.len();
    let length = u32::try_from(payload.len()).expect("records are bounded by RECORD_BYTES_MAX");
    buffer.extend_from_slice(&kind.magic());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&place.sequence.to_le_bytes());
    buffer.extend_from_slice(&place.durable.to_le_bytes());
    buffer.extend_from_slice(&place.previous_crc.to_le_bytes());
    let crc = checksum(place.salt, &buffer[start..], payload);
    buffer.extend_from_slice(&crc.to_le_bytes());
    buffer.extend_from_slice(payload);
    crc
}

/// The frame at `offset`, or what is wrong with it.
pub(super) fn read(bytes: &[u8], offset: usize, salt: u32) -> Result<Frame, &'static str> {
    let rest = bytes.get(offset..).unwrap_or_default();
    let Some(header) = rest.get(..FRAME_HEADER_BYTES) else { return Err("the file ends inside a record") };
    let kind = match header[..4] {
        _ if header[..4] == RECORD_MAGIC => Kind::Record,
        _ if header[..4] == SEAL_MAGIC => Kind::Seal,
        _ => return Err("no record starts here"),
    };
    let length = u32_at(header, 4) as usize;
    let Some(payload) = rest.get(FRAME_HEADER_BYTES..).and_then(|rest| rest.get(..length)) else {
        return Err("the length of the record passes the end of the file");
    };
    let crc = u32_at(header, CRC_AT);
    if checksum(salt, &header[..CRC_AT], payload) != crc {
        return Err("the checksum of the record does not match");
    }
    let start = offset + FRAME_HEADER_BYTES;
    Ok(Frame {
        kind,
        sequence: u64_at(header, 8),
        previous_crc: u32_at(header, 24),
        crc,
        payload: start..start + length,
    })
}

/// Looks behind a bad frame for one that proves it was durable once: where, and its sequence.
///
/// `expected` is the sequence of the bad frame. Sequences that cannot be here are skipped before their checksum is
/// computed, so bytes that look like frames cost little.
pub(super) fn proof_of_damage(bytes: &[u8], from: usize, salt: u32, expected: u64) -> Option<(usize, u64)> {
    let mut offset = from;
    loop {
        offset += bytes.get(offset..)?.iter().position(|byte| *byte == RECORD_MAGIC[0])?;
        let header = bytes.get(offset..offset + FRAME_HEADER_BYTES)?;
        let (sequence, durable) = (u64_at(header, 8), u64_at(header, 16));
        let possible = expected..expected.saturating_add(bytes.len() as u64);
        if possible.contains(&durable) && possible.contains(&sequence) && read(bytes, offset, salt).is_ok() {
            return Some((offset, sequence));
        }
        offset += 1;
    }
}

fn checksum(salt: u32, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
