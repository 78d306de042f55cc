//! Bugs of what is durable, and of what a start makes of it.

use super::{Mutant, Mutation};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Effect, Input};
use boxoffice::protocol::record::Record;
use boxoffice::protocol::types::{Incarnation, ViewId};
use boxoffice::protocol::view::Lineage;
use boxoffice::storage::{Disk as _, SimDisk};

/// As `docs/storage.md` describes it.
const PAGE_BYTES: usize = 4_096;
const FRAME_BYTES: usize = 32;
const RECORD_MAGIC: [u8; 4] = *b"BoRe";

impl Mutation {
    /// What is written instead, and whether it counts as durable at once.
    pub(super) fn logged(&mut self, effect: Effect<State>) -> (Option<Effect<State>>, Option<Input<State>>) {
        match effect {
            Effect::Append { lsn, record } => {
                let is_vow = matches!(record, Record::Promise(_) | Record::Install(_));
                let is_hasty = self.mutant == Mutant::SendBeforePersist
                    || (self.mutant == Mutant::PromiseBeforePersist && is_vow);
                let record = self.record(record);
                (Some(Effect::Append { lsn, record }), is_hasty.then_some(Input::Durable { lsn }))
            }
            Effect::Snapshot { header, image, lsn, checkpoint } => {
                let checkpoint = self.record(checkpoint);
                (Some(Effect::Snapshot { header, image, lsn, checkpoint }), None)
            }
            Effect::Adopt { position, lsn, checkpoint } => {
                let checkpoint = self.record(checkpoint);
                (Some(Effect::Adopt { position, lsn, checkpoint }), None)
            }
            effect => (Some(effect), None),
        }
    }

    fn record(&self, record: Record) -> Record {
        match (self.mutant, record) {
            (Mutant::ReplyWithoutLogging, Record::Request(request))
                if request.timestamp.server != self.me.server =>
            {
                nothing()
            }
            (Mutant::PromiseWithoutLogging, Record::Promise(_)) => nothing(),
            (Mutant::PromiseWithoutLogging, Record::Checkpoint(mut checkpoint)) => {
                checkpoint.promised =
                    checkpoint.accepted.as_ref().map_or(ViewId::ZERO, |install| install.view);
                checkpoint.promised_since.clear();
                Record::Checkpoint(checkpoint)
            }
            (Mutant::PromisedMembersForgotten, Record::Promise(mut proposal)) => {
                proposal.members.clear();
                Record::Promise(proposal)
            }
            (Mutant::PromisedMembersForgotten, Record::Checkpoint(mut checkpoint)) => {
                checkpoint.promised_since.clear();
                Record::Checkpoint(checkpoint)
            }
            (_, record) => record,
        }
    }
}

/// A record that says nothing.
fn nothing() -> Record {
    Record::Lineage { lineage: Lineage::default(), position: 0 }
}

impl Mutant {
    /// What a server finds on its disk instead of what is there.
    pub fn spoil(self, disk: &SimDisk) {
        let names = disk.list("").unwrap_or_default();
        let Some(name) = names.into_iter().rfind(|name| name.starts_with("log-")) else { return };
        let Ok(bytes) = disk.read(&name) else { return };
        if bytes.len() < PAGE_BYTES {
            return;
        }
        let (last, end) = frames(&bytes);
        match self {
            Mutant::DurableTailCut if last > PAGE_BYTES => disk.zero_from(&name, last as u64),
            Mutant::TornTailAccepted => {
                if let Some(crc) = torn_crc(&bytes, end) {
                    let _ = disk.write_at(&name, end as u64 + 28, &crc.to_le_bytes());
                }
            }
            _ => {}
        }
    }

    /// In which incarnation a server starts whose last one was `last`.
    pub fn incarnation(self, last: u64, next: Incarnation) -> Incarnation {
        if self == Mutant::IncarnationReused && last > 0 { Incarnation(last) } else { next }
    }
}

/// Where the last good frame begins, and where it ends.
fn frames(bytes: &[u8]) -> (usize, usize) {
    let (mut last, mut end) = (PAGE_BYTES, PAGE_BYTES);
    while let Some((len, crc)) = frame(bytes, end)
        && checksum(bytes, end, len) == crc
    {
        last = end;
        end += FRAME_BYTES + len;
    }
    (last, end)
}

/// Length and checksum of the frame that seems to begin here.
fn frame(bytes: &[u8], at: usize) -> Option<(usize, u32)> {
    let header = bytes.get(at..at + FRAME_BYTES)?;
    let number = |from: usize| {
        u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]])
    };
    let len = number(4) as usize;
    (header[..4] == RECORD_MAGIC && at + FRAME_BYTES + len <= bytes.len()).then_some((len, number(28)))
}

/// The checksum that a torn frame would need.
fn torn_crc(bytes: &[u8], at: usize) -> Option<u32> {
    let (len, crc) = frame(bytes, at)?;
    Some(checksum(bytes, at, len)).filter(|fits| *fits != crc)
}

fn checksum(bytes: &[u8], at: usize, len: usize) -> u32 {
    // Cluster, server, generation and number of the file.
    let salt = [&bytes[16..24], &bytes[65..66], &bytes[24..32], &bytes[32..40]].concat();
    let mut hasher = crc32fast::Hasher::new_with_initial(crc32fast::hash(&salt));
    hasher.update(&bytes[at..at + 28]);
    hasher.update(&bytes[at + FRAME_BYTES..at + FRAME_BYTES + len]);
    hasher.finalize()
}
