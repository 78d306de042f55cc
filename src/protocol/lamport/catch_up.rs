//! A recovering server's way back.
//!
//! It asks: every step is a question of the server that lacks something, so what is lost is asked for again,
//! the pace is its own, and who helps (`donor`) keeps no state.

use super::choose::lists;
use super::normal::Origin;
use super::tail::Tail;
use super::{Fx, Lamport, Phase};
use crate::domain::digest::Digest;
use crate::protocol::engine::{Availability, Effect, Machine, Note, Restart};
use crate::protocol::message::{Heartbeat, History, Message, Standing, incarnation_in};
use crate::protocol::record::{Checkpoint, Record, SnapshotHeader};
use crate::protocol::types::{Entry, Member, Position, ViewId};
use crate::protocol::view::Lineage;
use bytes::Bytes;
use std::cmp::Reverse;

/// Digests that a question carries at most: more than a side can have executed of what the others dropped.
const DIGESTS_MAX: u64 = 1024;

/// How far a recovering server is.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUp {
    pub(super) donor: Option<Member>,
    pub(super) asked: bool,
    pub(super) waited_ms: u64,
    pub(super) download: Option<Download>,
    /// The last answer held everything that the donor had.
    pub(super) caught_up: bool,
    /// What is missing after an outage, for people.
    pub(super) waiting_for: Option<String>,
}

#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Download {
    position: Position,
    total: u64,
    stored: u64,
    forked_after: Option<Position>,
}

impl<M: Machine> Lamport<M> {
    pub(super) fn catch_up_tick(&mut self, gap_ms: u64, fx: &mut Fx<M>) {
        let donor = self.pick_donor();
        if donor != self.catch_up.donor {
            let waiting_for = self.catch_up.waiting_for.take();
            self.catch_up = CatchUp { donor, waiting_for, ..CatchUp::default() };
            if let Some(donor) = donor {
                let tip = self.peers[&donor.server].news.as_ref().map_or(0, |n| n.position);
                self.note(Note::CatchingUp { from: donor.server, position: self.position, tip }, fx);
            }
        }
        if donor.is_none() {
            return;
        }
        self.catch_up.waited_ms += gap_ms;
        if !self.catch_up.asked || self.catch_up.waited_ms >= self.settings.limits.probe_ms {
            self.ask(fx);
        }
    }

    /// The active server of the side that goes on, or, where none is active, one that has executed more.
    fn pick_donor(&self) -> Option<Member> {
        let linked = self.peers.values().filter_map(|p| {
            let life = p.linked_life().filter(|&life| !self.is_suspected(life))?;
            Some((life, p.news.as_deref()?))
        });
        let active = linked.clone().filter(|(_, news)| {
            matches!(news.standing, Standing::Active | Standing::Leaving)
                && !news.members.contains(&self.me())
                && !self.has_moved_on_from(news)
        });
        let size = |news: &Heartbeat| match self.settings.availability {
            Availability::Any => news.members.len(),
            Availability::Majority => 0,
        };
        let best = active.max_by_key(|(life, news)| (size(news), news.view, Reverse(life.server)));
        if let Some((life, _)) = best {
            return Some(life);
        }
        let idle = linked.filter(|(_, news)| {
            matches!(news.standing, Standing::Recovering | Standing::Changing)
                && news.position > self.position
        });
        idle.max_by_key(|(life, news)| (news.view, news.position, Reverse(life.server))).map(|(life, _)| life)
    }

    /// Whether the own state or the accepted view came after the peer's view: the peer does not know yet that the
    /// others went on, and is no one to go back to. Where one survivor may go on, a side that this server never belonged to is another
    /// matter: there two sides have met.
    fn has_moved_on_from(&self, news: &Heartbeat) -> bool {
        let own = self.lineage.last().map_or(ViewId::ZERO, |last| last.view).max(self.accepted_view());
        news.view < own
            && match self.settings.availability {
                Availability::Any => incarnation_in(&news.members, self.me().server).is_some(),
                Availability::Majority => true,
            }
    }

    fn ask(&mut self, fx: &mut Fx<M>) {
        let Some(donor) = self.catch_up.donor else { return };
        self.catch_up.asked = true;
        self.catch_up.waited_ms = 0;
        let message = match self.catch_up.download {
            Some(download) => Message::FetchSnapshot { position: download.position, offset: download.stored },
            None => Message::Fetch {
                question: self.questions,
                position: self.position,
                lineage: self.lineage.clone(),
                digests: self.tail.last_digests(DIGESTS_MAX),
            },
        };
        self.send(donor, message, fx);
    }

    /// Whether this answers what was asked last. An answer that comes twice, or long after the question, from a donor that
    /// was paused, say, would take this server back to where it was.
    pub(super) fn takes_answer(&mut self, from: Member, question: u64) -> bool {
        let awaited = self.phase == Phase::Recovering
            && self.catch_up.donor == Some(from)
            && self.questions == question;
        self.questions += u64::from(awaited);
        awaited
    }

    pub(super) fn on_entries(
        &mut self,
        lineage: &Lineage,
        tip: Position,
        entries: Vec<Entry>,
        digest: Digest,
        fx: &mut Fx<M>,
    ) {
        if self.executes_what_its_side_answered(lineage, fx) {
            return;
        }
        self.come_over_if_needed(false, fx);
        let Some(last) = entries.last().map(|e| e.position) else {
            self.catch_up.asked = false;
            self.catch_up.caught_up = self.position >= tip;
            return;
        };
        if self.history == History::First {
            // A new server among old ones, or one whose disk was wiped: no vote until a view has it (rule 9), also
            // when it restarts with what it fetches now.
            self.history = History::Lost;
            let checkpoint = Record::Checkpoint(Box::new(self.checkpoint()));
            self.append(checkpoint, fx);
        }
        if last > self.position {
            self.lineage = lineage.at(last);
            self.append(Record::Lineage { lineage: self.lineage.clone(), position: last }, fx);
        }
        for entry in entries {
            if entry.position == self.position + 1 {
                self.apply_fetched(entry, fx);
            }
        }
        if self.tail.digest_at(last).is_some_and(|ours| ours != digest) {
            return self.restart(Restart::Diverged { position: last }, fx);
        }
        self.catch_up.asked = false;
        self.catch_up.caught_up = self.position >= tip;
        if !self.catch_up.caught_up {
            self.ask(fx);
        }
    }

    fn apply_fetched(&mut self, entry: Entry, fx: &mut Fx<M>) {
        self.queue.remove(entry.request.timestamp);
        self.clock = self.clock.max(entry.request.timestamp.clock);
        self.apply_quietly(entry.request.clone(), Origin::Donor);
        let digest = self.digest;
        self.append(Record::Fetched { entry, digest }, fx);
    }

    pub(super) fn on_offer(
        &mut self,
        position: Position,
        total: u64,
        forked_after: Option<Position>,
        lineage: &Lineage,
        fx: &mut Fx<M>,
    ) {
        if self.executes_what_its_side_answered(lineage, fx) {
            return;
        }
        if forked_after.is_some() {
            self.execute_unexecuted(fx);
        }
        self.catch_up.download = Some(Download { position, total, stored: 0, forked_after });
        self.ask(fx);
    }

    pub(super) fn on_chunk(
        &mut self,
        from: Member,
        position: Position,
        offset: u64,
        total: u64,
        bytes: Bytes,
        fx: &mut Fx<M>,
    ) {
        let Some(download) = self.catch_up.download.filter(|_| self.catch_up.donor == Some(from)) else {
            return;
        };
        if download.position != position || download.stored != offset {
            return;
        }
        if bytes.is_empty() || total != download.total || offset + bytes.len() as u64 > total {
            // It is gone, a newer one took its place: start over.
            self.catch_up.download = None;
            return self.ask(fx);
        }
        self.catch_up.waited_ms = 0;
        fx.push(Effect::StoreChunk { position, offset, total, bytes });
    }

    pub(super) fn on_chunk_stored(&mut self, position: Position, bytes: u64, fx: &mut Fx<M>) {
        let Some(download) = self.catch_up.download.as_mut().filter(|d| d.position == position) else {
            return;
        };
        download.stored = bytes;
        self.catch_up.waited_ms = 0;
        if download.stored < download.total {
            self.ask(fx);
        }
    }

    pub(super) fn on_snapshot_rejected(&mut self, position: Position) {
        if self.catch_up.download.is_some_and(|d| d.position == position) {
            self.catch_up.download = None;
            self.catch_up.asked = false;
        }
    }

    /// Takes the donor's state. What the own one has and the other lacks is reported first, and offered again
    /// once this server is active: nothing is dropped silently.
    pub(super) fn on_snapshot_received(&mut self, header: SnapshotHeader, machine: M, fx: &mut Fx<M>) {
        let Some(download) = self.catch_up.download.filter(|d| d.position == header.position) else { return };
        if self.phase != Phase::Recovering {
            return;
        }
        if download.forked_after.is_none() && header.position <= self.position {
            return self.on_snapshot_rejected(header.position);
        }
        if let Some(shared) = download.forked_after {
            let lost_view = self.lineage.last().map_or(ViewId::ZERO, |d| d.view);
            let seed = lost_view.number
                ^ (u64::from(self.me().server.0) << 56)
                ^ self.me().incarnation.0.rotate_left(32);
            let offers = self.machine.divergence(&machine, shared, seed);
            fx.push(Effect::Report { shared, lost_view, offers: offers.clone() });
            self.offers.extend(offers);
        }
        self.come_over_if_needed(download.forked_after.is_some(), fx);
        self.machine = machine;
        self.position = header.position;
        self.digest = header.digest;
        self.lineage = header.lineage;
        self.last = header.last;
        self.clock = self.clock.max(header.clock);
        self.tail = Tail::new(self.position, self.digest, self.settings.limits.tail_bytes_max);
        self.drop_executed();
        self.snapshot = Some((download.position, download.total));
        self.snapshot_overtaken = self.snapshot_pending;
        self.catch_up.download = None;
        self.catch_up.asked = false;
        self.last_lsn += 1;
        let checkpoint = Record::Checkpoint(Box::new(self.checkpoint()));
        fx.push(Effect::Adopt { position: self.position, lsn: self.last_lsn, checkpoint });
    }

    /// Requests of the accepted view that the new state has executed are not unexecuted any more.
    pub(super) fn drop_executed(&mut self) {
        let Some(executed) = self.executed() else { return };
        let done: Vec<_> = self.queue.iter().map(|r| r.timestamp).filter(|&t| t <= executed).collect();
        for timestamp in done {
            self.queue.remove(timestamp);
        }
    }

    /// Executes what was logged in the own accepted view, for the report of a side that is given up: the marks of
    /// its last executions may have been lost in a crash, after clients were answered. True if there was any.
    fn execute_unexecuted(&mut self, fx: &mut Fx<M>) -> bool {
        let before = self.position;
        let kept: Vec<_> = self.accepted.iter().flat_map(|install| install.kept.clone()).collect();
        for entry in kept {
            if entry.position == self.position + 1 {
                self.apply(entry.request, fx);
            }
        }
        while let Some(request) = self.queue.first().and_then(|first| self.queue.remove(first)) {
            self.apply(request, fx);
        }
        self.position > before
    }

    /// A side that is given up may have answered, before a crash, what is not marked as executed in its log. True if
    /// there was any: now it is executed, and shows as the fork that it is when the donor is asked again.
    fn executes_what_its_side_answered(&mut self, theirs: &Lineage, fx: &mut Fx<M>) -> bool {
        let gives_up = self.comes_over(false) || self.was_at_work_aside(theirs);
        let executed = gives_up && self.execute_unexecuted(fx);
        if executed {
            self.catch_up.asked = false;
        }
        executed
    }

    /// Whether the own accepted view was one of a side that the donor's knows nothing of. Where another member of it
    /// is on the donor's side now, either not all had accepted it, so that it never was at work, or that
    /// member has come over, and has reported what was answered in it.
    fn was_at_work_aside(&self, theirs: &Lineage) -> bool {
        let Some(accepted) = self.accepted.as_ref() else { return false };
        let donor = self.catch_up.donor.and_then(|d| self.peers[&d.server].news.as_deref());
        donor.is_some_and(|news| {
            let over_there = |m: &Member| m.server != self.me().server && lists(&news.members, m.server);
            self.settings.availability == Availability::Any
                && matches!(news.standing, Standing::Active | Standing::Leaving)
                && !theirs.knows(accepted.view, news.view)
                && !accepted.members.iter().any(over_there)
        })
    }

    /// Gives the own side up for the donor's.
    fn come_over_if_needed(&mut self, forked: bool, fx: &mut Fx<M>) {
        if self.comes_over(forked) {
            self.append(Record::Rejoin, fx);
            self.rejoin();
        }
    }

    /// Whether the own side is to be given up for the donor's: after a fork, or, where one survivor may go on,
    /// when the own accepted view is one that the donor's side never took part in.
    fn comes_over(&self, forked: bool) -> bool {
        let donor = self.catch_up.donor.and_then(|d| self.peers[&d.server].news.as_deref());
        let donor_active = donor.is_some_and(|n| matches!(n.standing, Standing::Active | Standing::Leaving));
        let beside = donor.is_some_and(|n| n.view < self.accepted_view())
            && self.settings.availability == Availability::Any;
        (forked || donor_active && beside) && self.accepted.is_some()
    }

    /// What coming over means for the own state, also when the log is read again.
    pub(super) fn rejoin(&mut self) {
        self.accepted = None;
        self.promised_since.clear();
        self.queue = super::Queue::new(self.me().server, Vec::new());
    }

    pub(super) fn snapshot_header(&self) -> SnapshotHeader {
        SnapshotHeader {
            position: self.position,
            digest: self.digest,
            last: self.last,
            lineage: self.lineage.clone(),
            clock: self.clock,
        }
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            accepted: self.accepted.clone(),
            promised: self.promised,
            promised_since: self.promised_since.clone(),
            logged: self.queue.iter().cloned().collect(),
            last: self.last,
            clock: self.clock,
            offers: self.offers.clone(),
            history: self.history,
            position: self.position,
        }
    }
}
