//! The last executed requests, kept in memory for servers that catch up.

use crate::domain::digest::Digest;
use crate::protocol::types::{Entry, Position, Request};
use std::collections::VecDeque;
use std::sync::Arc;

/// A run of executed requests without a gap, each with the digest after it.
#[derive(Clone, Debug)]
pub struct Tail {
    start: Position,
    start_digest: Digest,
    entries: VecDeque<(Arc<Request>, Digest)>,
    bytes: usize,
    bytes_max: usize,
}

impl Tail {
    /// Empty, after `start`.
    pub fn new(start: Position, start_digest: Digest, bytes_max: usize) -> Self {
        Tail { start, start_digest, entries: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds the next executed request. The oldest ones go when the limit is passed.
    pub fn push(&mut self, request: Arc<Request>, digest: Digest) {
        self.bytes += request.weight();
        self.entries.push_back((request, digest));
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            if let Some((request, digest)) = self.entries.pop_front() {
                self.bytes -= request.weight();
                self.start += 1;
                self.start_digest = digest;
            }
        }
    }

    /// The position before the first kept request.
    pub fn start(&self) -> Position {
        self.start
    }

    /// The position of the last kept request.
    pub fn end(&self) -> Position {
        self.start + self.entries.len() as u64
    }

    /// The digest at a position, if it is that recent.
    pub fn digest_at(&self, position: Position) -> Option<Digest> {
        if position == self.start {
            return Some(self.start_digest);
        }
        let index = position.checked_sub(self.start + 1)?;
        self.entries.get(index as usize).map(|(_, digest)| *digest)
    }

    /// The digests at the last positions, at most `count_max` of them, the last one at the end.
    pub fn last_digests(&self, count_max: u64) -> Vec<Digest> {
        let first = self.start.max((self.end() + 1).saturating_sub(count_max));
        (first..=self.end()).filter_map(|position| self.digest_at(position)).collect()
    }

    /// Compares with the digests of another server, the last of them at `position`: the last position at which they
    /// are the same, and the first at which they are not. A digest covers everything before it.
    pub fn compare(&self, position: Position, digests: &[Digest]) -> (Option<Position>, Option<Position>) {
        let first = (position + 1).saturating_sub(digests.len() as u64);
        let alike =
            (first..).zip(digests).filter_map(|(at, &theirs)| Some((at, self.digest_at(at)? == theirs)));
        let last_same = alike.clone().filter(|(_, same)| *same).map(|(at, _)| at).last();
        (last_same, alike.filter(|(_, same)| !same).map(|(at, _)| at).next())
    }

    /// The request executed at a position, if it is that recent.
    pub fn get(&self, position: Position) -> Option<&Arc<Request>> {
        let index = position.checked_sub(self.start + 1)?;
        self.entries.get(index as usize).map(|(request, _)| request)
    }

    /// Whether all requests after `position` are at hand and together weigh at most so much.
    pub fn weighs_at_most(&self, position: Position, bytes_max: usize) -> bool {
        let Some(skip) = position.checked_sub(self.start) else { return false };
        let mut bytes = 0;
        self.entries.iter().skip(skip as usize).all(|(request, _)| {
            bytes += request.weight();
            bytes <= bytes_max
        })
    }

    /// Requests after `position`, up to `bytes_max` of them but at least one; `None` when they are gone.
    pub fn after(&self, position: Position, bytes_max: usize) -> Option<Vec<Entry>> {
        let skip = position.checked_sub(self.start)? as usize;
        let mut bytes = 0;
        let mut entries = Vec::new();
        for (offset, (request, _)) in self.entries.iter().enumerate().skip(skip) {
            bytes += request.weight();
            if bytes > bytes_max && !entries.is_empty() {
                break;
            }
            let position = self.start + offset as u64 + 1;
            entries.push(Entry { position, request: request.clone() });
        }
        Some(entries)
    }
}
