//! Frames of `ceiling`, all numbers little-endian.
//!
//! ```text
//! request   length u16 | id u32 | verb u8 | seats u8 | name
//! answer    length u16 | id u32 | status u8 | seats u8 | seat u32 ...
//! entries   length u32 | number of the last entry u64 | requests        (leader to follower)
//! flushed   number of the last entry u64                               (follower to leader)
//! ```
//!
//! Lengths count what follows them; that of entries counts the requests only.

use crate::backend::Seats;
use bytes::{BufMut as _, BytesMut};

/// Bytes of a request or an answer behind its length, without name or seats.
const HEAD_BYTES: usize = 6;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The lowest free seats for a new name.
    Reserve = 0,
    /// The seats of a name.
    Search = 1,
    /// The seats of a name are free again.
    Delete = 2,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Done = 0,
    /// The name has seats already.
    NameTaken = 1,
    /// Fewer seats are free.
    SoldOut = 2,
    /// The name has no seats.
    NoName = 3,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The client's; repeated in the answer.
    pub id: u32,
    /// What is asked.
    pub verb: Verb,
    /// How many seats.
    pub seats: u8,
    /// For whom.
    pub name: &'a [u8],
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The request's.
    pub id: u32,
    /// What came of it.
    pub status: Status,
    /// The seats, if it is two.
    pub seats: Option<Seats>,
}

impl Request<'_> {
    /// Appends the frame.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_u16_le((HEAD_BYTES + self.name.len()) as u16);
        out.put_u32_le(self.id);
        out.put_u8(self.verb as u8);
        out.put_u8(self.seats);
        out.put_slice(self.name);
    }
}

/// The first request of the input with the bytes that it takes, if all of it is there.
pub fn parse_request(input: &[u8]) -> Option<(usize, Request<'_>)> {
    let (bytes, id, verb, seats, name) = parse(input)?;
    let verb = match verb {
        0 => Verb::Reserve,
        1 => Verb::Search,
        _ => Verb::Delete,
    };
    Some((bytes, Request { id, verb, seats, name }))
}

/// Appends the frame of an answer.
pub fn write_answer(out: &mut BytesMut, id: u32, status: Status, seats: &[u32]) {
    out.put_u16_le((HEAD_BYTES + 4 * seats.len()) as u16);
    out.put_u32_le(id);
    out.put_u8(status as u8);
    out.put_u8(seats.len() as u8);
    seats.iter().for_each(|&seat| out.put_u32_le(seat));
}

/// The first answer of the input with the bytes that it takes, if all of it is there.
pub fn parse_answer(input: &[u8]) -> Option<(usize, Answer)> {
    let (bytes, id, status, _, list) = parse(input)?;
    let status = match status {
        0 => Status::Done,
        1 => Status::NameTaken,
        2 => Status::SoldOut,
        _ => Status::NoName,
    };
    let seats = match list.as_chunks::<4>() {
        (&[first, second], []) => Some([first, second].map(u32::from_le_bytes)),
        _ => None,
    };
    Some((bytes, Answer { id, status, seats }))
}

fn parse(input: &[u8]) -> Option<(usize, u32, u8, u8, &[u8])> {
    let bytes = 2 + usize::from(u16::from_le_bytes(*input.first_chunk()?));
    let frame = input.get(2..bytes)?;
    let (id, rest) = frame.split_first_chunk()?;
    let &[verb, seats, ref rest @ ..] = rest else { return None };
    Some((bytes, u32::from_le_bytes(*id), verb, seats, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_were_written_and_only_whole() {
        let request = Request { id: 7, verb: Verb::Delete, seats: 0, name: b"bob" };
        let mut out = BytesMut::new();
        request.write(&mut out);
        for cut in 0..out.len() {
            assert_eq!(parse_request(&out[..cut]), None);
        }
        out.put_slice(b"more");
        assert_eq!(parse_request(&out), Some((out.len() - 4, request)));
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        let mut out = BytesMut::new();
        write_answer(&mut out, 9, Status::Done, &[3, 70_000]);
        let length = out.len();
        write_answer(&mut out, 10, Status::NoName, &[]);
        let first = Answer { id: 9, status: Status::Done, seats: Some([3, 70_000]) };
        assert_eq!(parse_answer(&out), Some((length, first)));
        let second = Answer { id: 10, status: Status::NoName, seats: None };
        assert_eq!(parse_answer(&out[length..]), Some((out.len() - length, second)));
    }
}
