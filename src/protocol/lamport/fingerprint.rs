//! What decides how an engine goes on, as one hash: for searches that must know whether they have been here before.
//!
//! Every struct is taken apart whole, so that a new field cannot be forgotten here. What is left out, and why two
//! engines that differ only in it go on alike:
//!
//! - The executed state and the last executed requests: the position and the digest tell them, where none were dropped.
//! - Times. A counter that has reached its limit counts no further, nor one that the next tick takes there: all but
//!   those of leases are read by ticks alone, after they have added theirs (and by a farewell, which adds nothing). Of
//!   those that go up to `suspect_ms` only that counts: exact where it is never reached, or where one that searches does
//!   not care when it will be.
//! - Numbers of records: only which of them are not durable yet, and their order.
//! - Whom the digests agree with, as long as they agree with everyone.
//! - How many questions to donors were answered: only whether an answer is to the last one.
//! - The generator: it draws how many ticks a pause takes, and the pause itself counts.
//! - What is only shown to people.
//! - Of what a peer last told, what was used when it came, and what only a recovering server reads, at one that is none
//!   any more: it never will be again in this life. Links to lives that are over, and suspicions of them. While the peer
//!   is not linked all but what still counts then: when the link is back, the first thing that comes on it is news.
//! - Of replies and releases, all but those of requests that wait: marks of earlier ones are for nothing that comes later.
//! - Whom this server suspects, where a newer life of it is known.
//! - Of reads, without any that waits: rounds and answers that only a lease could still use, exact without leases.

use super::catch_up::CatchUp;
use super::change::Attempt;
use super::detector::{Ends, Peer, Suspicion, Timers};
use super::queue::Queue;
use super::reads::{Read, Reads};
use super::{Lamport, Owed, Phase};
use crate::protocol::engine::Machine;
use crate::protocol::message::{Heartbeat, Message, Standing};
use crate::protocol::types::{Lsn, Member, ServerId, Timestamp};
use crate::protocol::view::Install;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

impl<M: Machine> Lamport<M> {
    /// Feeds a hash with all that decides what this engine does from here on.
    ///
    /// Until counters are read next at least `gap_ms` are added to them: the time between two ticks, or nothing where a
    /// farewell may come before.
    pub fn fingerprint(&self, gap_ms: u64, hash: &mut impl Hasher) {
        let Lamport {
            settings,
            now: _,
            rng: _,
            stopped,
            machine: _,
            position,
            digest,
            lineage,
            tail,
            last_lsn,
            durable,
            owed,
            snapshot,
            snapshot_pending,
            snapshot_overtaken,
            phase,
            history,
            clock,
            promised,
            promised_since,
            accepted,
            accepted_here,
            last,
            queue,
            installed_owed,
            broken,
            attempt,
            seen: _,
            backoff_ms,
            changing_ms,
            recovering_ms,
            override_wanted,
            asked_for,
            peers,
            timers,
            last_tick_ms,
            started_ms: _,
            catch_up,
            questions: _,
            pending,
            collect_until,
            last_batch_len,
            in_flight,
            reads,
            offers,
            offers_submitted,
            leaving,
        } = self;
        let limits = &settings.limits;
        (settings.me, stopped, position, digest, lineage, tail.start()).hash(hash);
        (last_lsn - durable, snapshot, snapshot_pending, snapshot_overtaken).hash(hash);
        owed.len().hash(hash);
        for (lsn, owed) in owed {
            let owed: &Owed = owed;
            (lsn.saturating_sub(*durable), owed).hash(hash);
        }
        (phase, history, clock, promised, promised_since, accepted, accepted_here, last).hash(hash);
        (installed_owed, broken, self.highest_seen(), override_wanted, asked_for).hash(hash);
        (pending, collect_until, last_batch_len, in_flight, offers, offers_submitted, leaving).hash(hash);
        (backoff_ms.saturating_sub(gap_ms).div_ceil(limits.heartbeat_ms)).hash(hash);
        let until = |limit_ms: u64| limit_ms.saturating_sub(gap_ms);
        (recovering_ms.min(&until(limits.probe_ms)), changing_ms.min(&until(self.patience_ms()))).hash(hash);
        last_tick_ms.map(|last_ms| self.now.tick_ms - last_ms).hash(hash);
        queue_fingerprint(queue, *durable, hash);
        attempt.is_some().hash(hash);
        if let Some(attempt) = attempt {
            self.attempt_fingerprint(attempt, hash);
        }
        for peer in peers.values() {
            self.peer_fingerprint(peer, gap_ms, hash);
        }
        self.timers_fingerprint(timers, hash);
        self.catch_up_fingerprint(catch_up, gap_ms, hash);
        self.reads_fingerprint(reads, hash);
    }

    /// The accepted view, whether or not it is used.
    pub fn accepted(&self) -> Option<&Install> {
        self.accepted.as_deref()
    }

    /// The number of the question to a donor that waits for its answer.
    pub fn question(&self) -> u64 {
        self.questions
    }

    /// Requests of the accepted view that are logged and not executed, in timestamp order.
    pub fn queued(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.queue.iter().map(|request| request.timestamp)
    }

    /// Whether something waits for records that are not durable yet: an answer, or an own request. Nothing else that this
    /// engine does depends on the disk.
    pub fn waits_for_disk(&self) -> bool {
        let me = self.me().server;
        let mut own = self.queue.slots.iter().filter(|(timestamp, _)| timestamp.server == me);
        !self.owed.is_empty() || own.any(|(_, (_, lsn))| *lsn > self.durable)
    }

    /// Whether this life will do nothing on this message, whenever it comes: it is of a view that is over here, or of an
    /// attempt. Promised views and own attempts only grow. (It is a sign of life, as all are.)
    pub fn is_past(&self, message: &Message) -> bool {
        let attempt = self.attempt.as_ref();
        match message {
            Message::Request(request) => request.view < self.promised,
            Message::Reply { view, .. } | Message::Release { view, .. } => *view < self.promised,
            Message::Promise { view, .. } => {
                attempt.is_none_or(|a| a.view != *view || a.installing.is_some())
            }
            Message::Installed { view } => attempt.is_none_or(|a| a.view != *view),
            Message::Refused { view, highest } => {
                attempt.is_none_or(|a| a.view != *view) && *highest <= self.highest_seen()
            }
            Message::Activate { view } => {
                *view < self.promised || (*view == self.accepted_view() && self.phase == Phase::Active)
            }
            Message::Prepare { .. }
            | Message::Install(_)
            | Message::Leave
            | Message::Heartbeat(_)
            | Message::HeartbeatAck { .. }
            | Message::Fetch { .. }
            | Message::Entries { .. }
            | Message::Offer { .. }
            | Message::FetchSnapshot { .. }
            | Message::SnapshotChunk { .. } => false,
        }
    }

    /// Whether this is an answer to the own attempt that is only counted: others are still missing after it.
    pub fn only_counts(&self, from: Member, message: &Message) -> bool {
        let Some(attempt) = &self.attempt else { return false };
        let missing = |answered: &dyn Fn(ServerId) -> bool| {
            attempt.members.iter().any(|m| m.server != from.server && !answered(m.server))
        };
        match message {
            Message::Promise { view, .. } => {
                *view == attempt.view && missing(&|server| attempt.promises.contains_key(&server))
            }
            Message::Installed { view } => {
                *view == attempt.view && missing(&|server| attempt.installed.contains(&server))
            }
            _ => false,
        }
    }

    fn attempt_fingerprint(&self, attempt: &Attempt, hash: &mut impl Hasher) {
        let Attempt { view, members, promises, installing, installed, lease_wait_ms, waited_ms, overridden } =
            attempt;
        let limits = &self.settings.limits;
        (view, members, promises, installing, installed, overridden).hash(hash);
        (lease_wait_ms.div_ceil(limits.heartbeat_ms), *waited_ms >= limits.suspect_ms).hash(hash);
    }

    fn peer_fingerprint(&self, peer: &Peer, gap_ms: u64, hash: &mut impl Hasher) {
        let Peer {
            server,
            life,
            linked,
            news,
            silent_ms,
            unlinked_ms,
            stuck_ms,
            suspecting_ms,
            joiner_pause_ms,
            agrees,
            reply,
        } = peer;
        let limits = &self.settings.limits;
        self.news_fingerprint(news.as_deref(), *linked, hash);
        let until = |limit_ms: u64| limit_ms.saturating_sub(gap_ms);
        (server, life, linked, *silent_ms >= limits.suspect_ms).hash(hash);
        (unlinked_ms.min(&until(limits.probe_ms)), stuck_ms.min(&until(self.patience_ms()))).hash(hash);
        (*joiner_pause_ms > 0, *agrees == Some(false)).hash(hash);
        // Whether it is heard is asked only of words that have lasted, which no search waits for.
        let has_lasted = *suspecting_ms > limits.suspect_ms;
        (has_lasted, has_lasted && self.is_heard(peer)).hash(hash);
        (reply.ms >= limits.suspect_ms).hash(hash);
    }

    fn news_fingerprint(&self, news: Option<&Heartbeat>, linked: bool, hash: &mut impl Hasher) {
        news.is_some().hash(hash);
        let Some(news) = news else { return };
        let Heartbeat {
            sequence: _,
            standing,
            view,
            members,
            promised: _,
            promised_since,
            history,
            position,
            digest: _,
            caught_up,
            links,
            suspects,
            needs_view,
            disk_stalled_ms,
            about: _,
        } = news;
        if !linked {
            let mends = *needs_view && *view == self.accepted_view();
            return (*standing == Standing::Changing, mends, suspects.is_empty()).hash(hash);
        }
        let may_live = |life: &&Member| match self.peers.get(&life.server) {
            Some(peer) => peer.life <= Some(life.incarnation),
            None => **life == self.me(),
        };
        let (links, suspecting): (Vec<_>, Vec<_>) =
            (links.iter().filter(may_live).collect(), suspects.iter().filter(may_live).collect());
        (standing, history, links, suspecting, suspects.is_empty(), disk_stalled_ms).hash(hash);
        let is_recovering = *standing == Standing::Recovering;
        (is_recovering && *caught_up).hash(hash);
        // It may come to be of the own view.
        (*needs_view && *view >= self.accepted_view()).then_some(view).hash(hash);
        if matches!(self.phase, Phase::Recovering | Phase::Diverged) {
            (view, members, position).hash(hash);
            is_recovering.then_some(promised_since).hash(hash);
        }
    }

    fn timers_fingerprint(&self, timers: &Timers, hash: &mut impl Hasher) {
        let Timers { heartbeat_ms, flush, head, suspects } = timers;
        let limits = &self.settings.limits;
        (heartbeat_ms, head.ms >= 2 * limits.suspect_ms).hash(hash);
        (flush.ms >= limits.suspect_ms / 2, flush.ms >= limits.suspect_ms).hash(hash);
        for (life, Suspicion { certain, ends }) in suspects {
            if self.peers.get(&life.server).is_some_and(|peer| peer.life > Some(life.incarnation)) {
                continue;
            }
            let ends = match ends {
                Ends::WhenHeard => 0u8,
                Ends::After { .. } => 1,
                Ends::Never => 2,
            };
            (life, certain, ends).hash(hash);
        }
    }

    fn catch_up_fingerprint(&self, catch_up: &CatchUp, gap_ms: u64, hash: &mut impl Hasher) {
        let CatchUp { donor, asked, waited_ms, download, caught_up, waiting_for: _ } = catch_up;
        // Not asked yet, or asked too long ago: the next tick asks.
        let rests = *asked && waited_ms + gap_ms < self.settings.limits.probe_ms;
        (donor, rests.then_some(waited_ms), download, caught_up).hash(hash);
    }

    fn reads_fingerprint(&self, reads: &Reads, hash: &mut impl Hasher) {
        let Reads { waiting, sequence, rounds, acked, proven_ms } = reads;
        waiting.len().hash(hash);
        let Some(oldest_ms) = waiting.iter().map(|read| read.arrived_ms).min() else { return };
        for Read { token, arrived_ms, barrier } in waiting {
            (token, self.now.tick_ms - arrived_ms, barrier).hash(hash);
        }
        // Rounds that began before the oldest read came prove nothing any more.
        let useful: Vec<u64> =
            rounds.iter().filter(|(_, sent_ms)| *sent_ms > oldest_ms).map(|(number, _)| *number).collect();
        let answered =
            |number: u64| acked.iter().filter(move |(_, last)| **last >= number).map(|(life, _)| *life);
        useful.len().hash(hash);
        for number in useful {
            let by: Vec<Member> = answered(number).collect();
            (sequence - number, by).hash(hash);
        }
        proven_ms.filter(|sent_ms| *sent_ms > oldest_ms).map(|sent_ms| self.now.tick_ms - sent_ms).hash(hash);
    }
}

fn queue_fingerprint(queue: &Queue, durable: Lsn, hash: &mut impl Hasher) {
    let Queue { me, others, slots, replied, released, seen } = queue;
    slots.len().hash(hash);
    // A mark beyond all requests that were seen would count for later ones.
    let early = |marks: &BTreeMap<ServerId, u64>,
                 of: &dyn Fn(ServerId) -> ServerId|
     -> Vec<(ServerId, u64)> {
        let seen = |server: ServerId| seen.get(&of(server)).copied().unwrap_or(0);
        marks.iter().map(|(&server, &clock)| (server, clock)).filter(|&(s, clock)| clock > seen(s)).collect()
    };
    (early(replied, &|_| *me), early(released, &|server| server)).hash(hash);
    for (timestamp, (request, lsn)) in slots {
        // An own request waits for its record; those of others were replied to by what is owed.
        let waits_for = if timestamp.server == *me { lsn.saturating_sub(durable) } else { 0 };
        (request, waits_for).hash(hash);
        if timestamp.server == *me {
            others.iter().for_each(|&other| queue.has_replied(other, *timestamp).hash(hash));
        } else {
            queue.is_released(*timestamp).hash(hash);
        }
    }
    (others, seen).hash(hash);
}
