//! What others do for a server that comes back.
//!
//! Requests come from the helper's memory; who is further behind than that, or forked, takes a snapshot first.

use super::{Fx, Lamport, Phase};
use crate::domain::digest::Digest;
use crate::protocol::engine::{Availability, Machine};
use crate::protocol::message::Message;
use crate::protocol::types::{Member, Position};
use crate::protocol::view::{Descent, Kinship, Lineage};

impl<M: Machine> Lamport<M> {
    /// A server that lacks something asks: requests if they are at hand, else a snapshot.
    pub(super) fn on_fetch(
        &mut self,
        from: Member,
        question: u64,
        position: Position,
        (lineage, digests): (&Lineage, &[Digest]),
        fx: &mut Fx<M>,
    ) {
        let forked_after = match self.kinship_of(position, lineage, digests) {
            Kinship::Behind => None,
            // It had executed before its crash what is queued here, unless it did so in a view of its own, or in an older
            // one: what this view kept of that is executed here.
            Kinship::Ahead => {
                let beside = |last: &Descent| match self.phase {
                    Phase::Active => last.view != self.accepted_view(),
                    Phase::Recovering | Phase::Changing | Phase::Diverged => {
                        !self.lineage.knows(last.view, self.accepted_view())
                    }
                };
                let forked =
                    self.settings.availability == Availability::Any && lineage.last().is_some_and(beside);
                forked.then_some(self.position)
            }
            Kinship::Forked { shared } => Some(shared),
        };
        if forked_after.is_some() {
            // Only a side that is at work can ask another to come over.
            if self.phase == Phase::Active {
                self.offer_snapshot(from, question, forked_after, fx);
            }
            return;
        }
        let Some(entries) =
            self.tail.after(position.min(self.position), self.settings.limits.entries_bytes_max)
        else {
            return self.offer_snapshot(from, question, None, fx);
        };
        let last = entries.last().map_or(self.position, |e| e.position);
        let digest = self.tail.digest_at(last).expect("the tail has a digest for each of its positions");
        let lineage = self.full_lineage();
        let tip = self.position;
        self.send(from, Message::Entries { question, lineage, tip, entries, digest }, fx);
    }

    /// How the asker's state stands to the own one. The lineage tells, and where a side has executed what others dropped,
    /// the digests know better. Where there is one side only, digests that differ are another matter.
    fn kinship_of(&self, position: Position, lineage: &Lineage, digests: &[Digest]) -> Kinship {
        if self.settings.availability == Availability::Majority {
            return lineage.kinship(position, &self.lineage, self.position);
        }
        // What was executed elsewhere after a view that is at work here was made parts the two, although nothing may
        // have been executed in that view.
        let own = if self.phase == Phase::Active { &self.full_lineage() } else { &self.lineage };
        let by_lineage = lineage.kinship(position, own, self.position);
        let shorter = position.min(self.position);
        match self.tail.compare(position, digests) {
            (Some(shared), Some(_)) => Kinship::Forked { shared },
            (None, Some(first)) => {
                let shared = match by_lineage {
                    Kinship::Forked { shared } => shared,
                    Kinship::Behind | Kinship::Ahead => shorter,
                };
                Kinship::Forked { shared: shared.min(first - 1) }
            }
            (Some(shared), None) if shared == shorter && position <= self.position => Kinship::Behind,
            (Some(shared), None) if shared == shorter => Kinship::Ahead,
            (_, None) => by_lineage,
        }
    }

    /// The lineage with all views before the accepted one, although nothing may have been executed in some. A
    /// recovering server may have fetched what came after its accepted view.
    fn full_lineage(&self) -> Lineage {
        match &self.accepted {
            Some(install)
                if self.phase != Phase::Recovering
                    && self.lineage.last().is_none_or(|last| last.view != install.view) =>
            {
                install.lineage.clone()
            }
            Some(_) | None => self.lineage.clone(),
        }
    }

    /// Offers the newest snapshot, or has one taken if it is too old to go on from: the asker asks again. After a fork
    /// it must hold all that was shared, else what the other side undid of that would be missing from its report.
    fn offer_snapshot(&mut self, to: Member, question: u64, forked_after: Option<Position>, fx: &mut Fx<M>) {
        match self.snapshot {
            Some((position, bytes))
                if position >= self.tail.start() && forked_after.is_none_or(|shared| position >= shared) =>
            {
                let lineage = self.full_lineage();
                self.send(to, Message::Offer { question, position, bytes, forked_after, lineage }, fx);
            }
            _ => self.on_snapshot_due(fx),
        }
    }
}
