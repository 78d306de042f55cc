//! Who is alive: silence, broken links, answers and flushes that are owed, new incarnations, farewells.
//!
//! Silence is counted in own ticks, each worth at most a heartbeat interval. A server that was itself stopped
//! for a minute has counted one tick, reads what has piled up, and suspects nobody on its own evidence.

use super::{Fx, Lamport, Phase};
use crate::protocol::engine::{Availability, Machine, Note, Restart};
use crate::protocol::message::{Heartbeat, Message, Standing, incarnation_in};
use crate::protocol::types::{Incarnation, Lsn, Member, ServerId, Timestamp, ViewId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of one other server.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) server: ServerId,
    /// The newest life that was ever linked.
    pub(super) life: Option<Incarnation>,
    /// Whether the link to that life stands.
    pub(super) linked: bool,
    /// What it last said of itself, in that life.
    pub(super) news: Option<Arc<Heartbeat>>,
    /// Time without a word, and without a link.
    pub(super) silent_ms: u64,
    pub(super) unlinked_ms: u64,
    /// For how long it has told of being between views.
    pub(super) stuck_ms: u64,
    /// For how long it has told that it suspects somebody; while it says nothing this stands still.
    pub(super) suspecting_ms: u64,
    /// Until when it is not proposed as a joiner after it let an attempt down.
    pub(super) joiner_pause_ms: u64,
    /// Whether it has executed the same as we, where that could be compared.
    pub(super) agrees: Option<bool>,
    pub(super) reply: Overdue<Timestamp>,
}

impl Peer {
    pub(super) fn new(server: ServerId) -> Self {
        Peer {
            server,
            life: None,
            linked: false,
            news: None,
            silent_ms: 0,
            unlinked_ms: 0,
            stuck_ms: 0,
            suspecting_ms: 0,
            joiner_pause_ms: 0,
            agrees: None,
            reply: Overdue::default(),
        }
    }

    /// The life that is linked now.
    pub(super) fn linked_life(&self) -> Option<Member> {
        let incarnation = self.life.filter(|_| self.linked)?;
        Some(Member { server: self.server, incarnation })
    }
}

/// How long the same thing has been owed.
#[derive(Clone, Debug)]
pub(super) struct Overdue<T> {
    mark: Option<T>,
    pub(super) ms: u64,
}

impl<T> Default for Overdue<T> {
    fn default() -> Self {
        Overdue { mark: None, ms: 0 }
    }
}

impl<T: PartialOrd + Copy> Overdue<T> {
    /// `settled` says whether the marked debt has been paid; `newest` is the latest one outstanding.
    fn tick(&mut self, settled: impl Fn(T) -> bool, newest: Option<T>, gap_ms: u64) -> u64 {
        match self.mark {
            Some(mark) if !settled(mark) => self.ms += gap_ms,
            _ => {
                self.mark = newest;
                self.ms = 0;
            }
        }
        self.ms
    }
}

/// Why a life is taken for crashed, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    /// Nothing can come of this life any more.
    pub(super) certain: bool,
    /// Ends when the life is heard of again, or else after this time. None: never.
    pub(super) ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// When the life is heard of.
    WhenHeard,
    /// After this time, or with the next view.
    After { ms: u64 },
    /// Never.
    Never,
}

/// Periods of this server's own, and whom it takes for crashed.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    pub(super) heartbeat_ms: u64,
    pub(super) flush: Overdue<Lsn>,
    pub(super) head: Overdue<Timestamp>,
    pub(super) suspects: BTreeMap<Member, Suspicion>,
}

impl Timers {
    /// How long the own disk has owed a flush.
    pub(super) fn disk_stalled_ms(&self) -> u64 {
        self.flush.ms
    }
}

const DISK_STALLED: &str = "its disk does not answer";

/// A life is forgotten as a suspect once this many newer ones were seen; keeps the table bounded.
const SUSPECTS_PER_SERVER_MAX: usize = 8;

impl<M: Machine> Lamport<M> {
    pub(super) fn on_tick(&mut self, fx: &mut Fx<M>) {
        let limits = &self.settings.limits;
        let since = self.last_tick_ms.map_or(0, |last| self.now.tick_ms.saturating_sub(last));
        let gap_ms = since.min(limits.heartbeat_ms);
        self.last_tick_ms = Some(self.now.tick_ms);
        if self.was_stopped_for(since) {
            return self.restart(Restart::Stopped { ms: since }, fx);
        }
        self.watch_peers(gap_ms, fx);
        self.watch_strangers(fx);
        self.watch_debts(gap_ms, fx);
        self.end_suspicions(gap_ms);
        self.timers.heartbeat_ms += gap_ms;
        if self.timers.heartbeat_ms >= self.settings.limits.heartbeat_ms {
            self.send_heartbeats(fx);
        }
        if self.phase == Phase::Recovering {
            self.catch_up_tick(gap_ms, fx);
        }
        self.change_tick(gap_ms, fx);
        self.serve_reads(fx);
        self.refuse_reads_when_cut_off(fx);
        self.leave_when_done(fx);
    }

    /// Whether this server itself stood still for so long that others will have taken it for crashed: what it heard of them
    /// before, also while it was recovering, tells nothing any more. A majority needs no such care: it cannot be formed
    /// without those who went on.
    fn was_stopped_for(&self, ms: u64) -> bool {
        let limits = &self.settings.limits;
        let others_suspect_ms = limits.suspect_ms.saturating_sub(2 * limits.heartbeat_ms);
        self.settings.availability == Availability::Any
            && matches!(self.phase, Phase::Active | Phase::Changing | Phase::Recovering)
            && !self.others().is_empty()
            && ms >= others_suspect_ms
    }

    /// Whether a server has just said something.
    pub(super) fn is_heard(&self, peer: &Peer) -> bool {
        peer.silent_ms <= self.settings.limits.heard_ms()
    }

    /// Silence and links that stay down.
    fn watch_peers(&mut self, gap_ms: u64, fx: &mut Fx<M>) {
        let (suspect_ms, probe_ms) = (self.settings.limits.suspect_ms, self.settings.limits.probe_ms);
        let heard_ms = self.settings.limits.heard_ms();
        let mut found = Vec::new();
        for peer in self.peers.values_mut() {
            peer.silent_ms += gap_ms;
            peer.joiner_pause_ms = peer.joiner_pause_ms.saturating_sub(gap_ms);
            peer.unlinked_ms = if peer.linked { 0 } else { peer.unlinked_ms + gap_ms };
            let between = peer.news.as_ref().is_some_and(|n| n.standing == Standing::Changing);
            peer.stuck_ms = if between { peer.stuck_ms + gap_ms } else { 0 };
            let suspects = peer.news.as_ref().is_some_and(|n| !n.suspects.is_empty());
            peer.suspecting_ms = match suspects {
                true if peer.silent_ms <= heard_ms => peer.suspecting_ms + gap_ms,
                true => peer.suspecting_ms,
                false => 0,
            };
            let Some(incarnation) = peer.life else { continue };
            let life = Member { server: peer.server, incarnation };
            if peer.silent_ms >= suspect_ms {
                found.push((life, "silent for too long"));
            } else if peer.unlinked_ms >= probe_ms {
                found.push((life, "its link is down"));
            } else if peer.news.as_ref().is_some_and(|n| n.disk_stalled_ms >= suspect_ms) {
                found.push((life, DISK_STALLED));
            }
        }
        for (life, why) in found {
            // Only a server that is heard of no more has surely stopped, and that only where it may be
            // assumed. One with a slow disk lives.
            let silent = why != DISK_STALLED;
            let certain = self.settings.availability == Availability::Any && silent;
            let ends = if silent { Ends::WhenHeard } else { Ends::After { ms: suspect_ms } };
            self.suspect_until(life, why, certain, ends, fx);
        }
    }

    /// Lives that an accepted or promised view lists and that this one was never linked to: nothing of theirs can fall
    /// silent or break. Once the view should have come, they count as crashed until they are heard of.
    fn watch_strangers(&mut self, fx: &mut Fx<M>) {
        if self.phase != Phase::Changing || self.changing_ms < self.patience_ms() {
            return;
        }
        let probe_ms = self.settings.limits.probe_ms;
        let is_stranger = |life: &Member| {
            let peer = self.peers.get(&life.server);
            peer.is_some_and(|p| p.life < Some(life.incarnation) && p.unlinked_ms >= probe_ms)
        };
        let strangers: Vec<Member> = self.expected().filter(is_stranger).collect();
        for life in strangers {
            self.suspect_until(life, "it was never linked", false, Ends::WhenHeard, fx);
        }
    }

    /// Whether those that are heard of could go on without this life. Where they cannot, blaming it only stops the one
    /// server that may act.
    fn can_do_without(&self, server: ServerId) -> bool {
        let is_heard = |s: &ServerId| {
            let life = self.peers.get(s).and_then(Peer::linked_life);
            *s == self.me().server || life.is_some_and(|life| !self.is_suspected(life))
        };
        match self.settings.availability {
            Availability::Any => true,
            Availability::Majority => {
                let rest = self.settings.servers.iter().filter(|s| **s != server && is_heard(s)).count();
                rest * 2 > self.settings.servers.len()
            }
        }
    }

    /// Replies, releases and flushes that are owed for too long (rule 14).
    fn watch_debts(&mut self, gap_ms: u64, fx: &mut Fx<M>) {
        let durable = self.durable;
        self.timers.flush.tick(|lsn| lsn <= durable, Some(self.last_lsn).filter(|&l| l > durable), gap_ms);
        if self.phase != Phase::Active {
            return;
        }
        let suspect_ms = self.settings.limits.suspect_ms;
        let head = self.queue.first();
        let waited_ms = self.timers.head.tick(|mark| head != Some(mark), head, gap_ms);
        let mut found = Vec::new();
        if let Some(head) = head
            && head.server != self.me().server
            && waited_ms >= 2 * suspect_ms
            // The reply of a member that is gone may be what it waits for.
            && !self.others().iter().any(|&m| m.server != head.server && self.is_suspected(m))
        {
            found.push((head.server, "it does not release its request"));
        }
        // While the own disk is late nobody can be blamed for what waits for it.
        let own_disk_ok = self.timers.flush.ms < suspect_ms / 2;
        let newest = self.queue.last_own();
        for peer in self.peers.values_mut() {
            let queue = &self.queue;
            let owed_ms = peer.reply.tick(|mark| queue.has_replied(peer.server, mark), newest, gap_ms);
            let at_work = peer.news.as_ref().is_none_or(|n| n.standing != Standing::Changing);
            if newest.is_some() && owed_ms >= suspect_ms && own_disk_ok && at_work {
                found.push((peer.server, "it does not reply"));
            }
        }
        found.retain(|&(server, _)| self.can_do_without(server));
        for (server, why) in found {
            if let Some(incarnation) = incarnation_in(self.members(), server) {
                self.suspect(Member { server, incarnation }, why, false, fx);
            }
        }
    }

    /// Takes a life for crashed.
    pub(super) fn suspect(&mut self, life: Member, why: &'static str, certain: bool, fx: &mut Fx<M>) {
        let ends = Ends::After { ms: 2 * self.settings.limits.suspect_ms };
        self.suspect_until(life, why, certain, ends, fx);
    }

    fn suspect_until(&mut self, life: Member, why: &'static str, certain: bool, ends: Ends, fx: &mut Fx<M>) {
        if life.server == self.me().server {
            return;
        }
        let before = self.timers.suspects.get(&life).copied();
        if before.is_none_or(|b| b.ends == Ends::WhenHeard || ends == Ends::Never) {
            let certain = certain || before.is_some_and(|b| b.certain);
            self.timers.suspects.insert(life, Suspicion { certain, ends });
        }
        let of_server: Vec<Member> =
            self.timers.suspects.keys().filter(|m| m.server == life.server).copied().collect();
        if of_server.len() > SUSPECTS_PER_SERVER_MAX {
            self.timers.suspects.remove(&of_server[0]);
        }
        if before.is_none() && self.members().contains(&life) {
            let left = ends == Ends::Never;
            let note = if left { Note::Left { member: life } } else { Note::Suspected { member: life, why } };
            self.note(note, fx);
        }
    }

    /// Suspicions that have lasted long enough end; whatever gave rise to them does so again if it is still there.
    fn end_suspicions(&mut self, gap_ms: u64) {
        self.timers.suspects.retain(|_, suspicion| match &mut suspicion.ends {
            Ends::After { ms } => {
                *ms = ms.saturating_sub(gap_ms);
                *ms > 0
            }
            Ends::WhenHeard | Ends::Never => true,
        });
    }

    /// A new view begins: what was held against its members belongs to the old one.
    pub(super) fn forgive_members(&mut self) {
        let members = self.members().to_vec();
        self.timers.suspects.retain(|life, _| !members.contains(life));
        self.timers.flush = Overdue::default();
        self.timers.head = Overdue::default();
        for peer in self.peers.values_mut() {
            peer.agrees = None;
            peer.stuck_ms = 0;
            peer.reply = Overdue::default();
        }
    }

    /// Whether this life could coordinate: it is heard of, and its disk answers. Suspicions on other grounds are
    /// its to settle, lest two that live leave each other out.
    pub(super) fn could_coordinate(&self, life: Member) -> bool {
        let gone = self.timers.suspects.get(&life).is_some_and(|s| !matches!(s.ends, Ends::After { .. }));
        let Some(peer) = self.peers.get(&life.server) else { return false };
        let Some(news) = &peer.news else { return false };
        let disk_ok = news.disk_stalled_ms < self.settings.limits.suspect_ms / 2;
        let active = matches!(news.standing, Standing::Active | Standing::Changing | Standing::Leaving);
        !gone && disk_ok && active
    }

    /// Whether this life is taken for crashed.
    pub(super) fn is_suspected(&self, life: Member) -> bool {
        self.timers.suspects.contains_key(&life) || self.is_replaced(life)
    }

    /// Whether nothing can come of this life any more, so that no lease of it need be waited out.
    pub(super) fn is_certainly_dead(&self, life: Member) -> bool {
        self.timers.suspects.get(&life).is_some_and(|s| s.certain) || self.is_replaced(life)
    }

    /// Whether a newer life of the same server has said hello.
    fn is_replaced(&self, life: Member) -> bool {
        self.peers.get(&life.server).is_some_and(|p| p.life > Some(life.incarnation))
    }

    pub(super) fn on_link_up(&mut self, life: Member, resumed: bool, fx: &mut Fx<M>) {
        let Some(peer) = self.peers.get_mut(&life.server) else { return };
        if peer.life > Some(life.incarnation) {
            return;
        }
        let renewed = peer.life == Some(life.incarnation);
        if !renewed {
            peer.news = None;
            peer.agrees = None;
        }
        peer.life = Some(life.incarnation);
        peer.linked = true;
        (peer.silent_ms, peer.unlinked_ms, peer.stuck_ms, peer.joiner_pause_ms) = (0, 0, 0, 0);
        if renewed && !resumed && self.members().contains(&life) {
            // What was on its way is lost, and with it the order on this link (rule 3): nothing that this life
            // says in this view can be taken in its place any more. It lives, so the next view is with it.
            self.broken.insert(life);
        }
        if renewed && !resumed {
            self.attempt_lost(life, fx);
        }
        if resumed || !renewed {
            self.trust_again(life);
        }
        self.send_heartbeat_to(life, fx);
        self.installed_if_linked(fx);
    }

    pub(super) fn on_link_down(&mut self, life: Member) {
        if let Some(peer) = self.peers.get_mut(&life.server)
            && peer.life == Some(life.incarnation)
        {
            peer.linked = false;
        }
    }

    /// Notes a life sign. False when it comes from a life that has been replaced.
    pub(super) fn hear(&mut self, from: Member) -> bool {
        let Some(peer) = self.peers.get_mut(&from.server) else { return false };
        if peer.life != Some(from.incarnation) {
            return false;
        }
        peer.silent_ms = 0;
        self.trust_again(from);
        true
    }

    /// Silence ends when it is broken. Other suspicions stay only where something was built on them: in the own view
    /// or in one that is proposed.
    fn trust_again(&mut self, life: Member) {
        let Some(suspicion) = self.timers.suspects.get(&life) else { return };
        let idle = self.phase == Phase::Recovering || !self.expected().any(|m| m == life);
        if suspicion.ends == Ends::WhenHeard || (idle && suspicion.ends != Ends::Never) {
            self.timers.suspects.remove(&life);
        }
    }

    pub(super) fn on_peer_leave(&mut self, from: Member, fx: &mut Fx<M>) {
        self.suspect_until(from, "it leaves", true, Ends::Never, fx);
        self.change_tick(0, fx);
    }

    pub(super) fn send_heartbeats(&mut self, fx: &mut Fx<M>) {
        self.timers.heartbeat_ms = 0;
        let heartbeat = self.heartbeat();
        let lives: Vec<Member> = self.peers.values().filter_map(Peer::linked_life).collect();
        for life in lives {
            self.send(life, Message::Heartbeat(heartbeat.clone()), fx);
        }
    }

    fn send_heartbeat_to(&mut self, life: Member, fx: &mut Fx<M>) {
        let heartbeat = self.heartbeat();
        self.send(life, Message::Heartbeat(heartbeat), fx);
    }

    fn heartbeat(&mut self) -> Arc<Heartbeat> {
        let sequence = self.reads.next_round(self.now.tick_ms);
        let links = self.peers.values().filter_map(Peer::linked_life);
        Arc::new(Heartbeat {
            sequence,
            standing: self.standing(),
            view: self.accepted_view(),
            members: self.members().to_vec(),
            promised: self.seen.max(self.promised),
            promised_since: self.promised_since.clone(),
            history: self.history,
            position: self.position,
            digest: self.digest,
            caught_up: self.phase == Phase::Recovering && self.catch_up.caught_up,
            links: links.collect(),
            suspects: self.others().into_iter().filter(|&life| self.is_suspected(life)).collect(),
            needs_view: !self.broken.is_empty(),
            disk_stalled_ms: self.timers.disk_stalled_ms(),
            about: self.about(),
        })
    }

    pub(super) fn on_heartbeat(&mut self, from: Member, news: Arc<Heartbeat>, fx: &mut Fx<M>) {
        self.seen = self.seen.max(news.promised).max(news.view);
        let at_work = matches!(news.standing, Standing::Active | Standing::Leaving);
        if self.phase == Phase::Active
            && at_work
            && news.view == self.accepted_view()
            && self.members().contains(&from)
        {
            let (view, sequence) = (news.view, news.sequence);
            self.send(from, Message::HeartbeatAck { view, sequence }, fx);
        }
        self.compare_digests(from, &news, fx);
        if !self.stopped {
            self.meet(from, &news, fx);
        }
        if let Some(peer) = self.peers.get_mut(&from.server) {
            peer.news = Some(news);
        }
    }

    /// The highest view anyone has told of.
    pub(super) fn highest_seen(&self) -> ViewId {
        self.seen.max(self.promised)
    }
}
