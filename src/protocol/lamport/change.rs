//! The coordinator's part in a change of view: when to propose, and how far the proposal is.

use super::choose::{Choice, Lack, Question, choose, lists};
use super::{Fx, Lamport, Owed, Phase};
use crate::protocol::engine::{Machine, Note, Restart};
use crate::protocol::message::{Message, Promise, Proposal};
use crate::protocol::record::Record;
use crate::protocol::types::{Member, ServerId, ViewId};
use crate::protocol::view::Install;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A view that this server has proposed.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) view: ViewId,
    pub(super) members: Vec<Member>,
    pub(super) promises: BTreeMap<ServerId, Arc<Promise>>,
    pub(super) installing: Option<Arc<Install>>,
    pub(super) installed: BTreeSet<ServerId>,
    pub(super) lease_wait_ms: u64,
    pub(super) waited_ms: u64,
    pub(super) overridden: bool,
}

impl<M: Machine> Lamport<M> {
    /// Looks whether a change of view is wanted and this server is the one to coordinate it.
    pub(super) fn change_tick(&mut self, gap_ms: u64, fx: &mut Fx<M>) {
        if self.stopped || self.phase == Phase::Diverged {
            return;
        }
        self.backoff_ms = self.backoff_ms.saturating_sub(gap_ms);
        self.recovering_ms += gap_ms;
        self.changing_ms = if self.phase == Phase::Changing { self.changing_ms + gap_ms } else { 0 };
        if self.attempt.is_some() {
            self.watch_attempt(gap_ms, fx);
        }
        if self.attempt.is_some() || self.backoff_ms > 0 {
            return;
        }
        let members = match self.phase {
            Phase::Recovering => self.outage_members(fx),
            Phase::Active | Phase::Changing => self.next_members(fx),
            Phase::Diverged => None,
        };
        if let Some(members) = members {
            self.start_attempt(members, fx);
        }
    }

    /// How long a promise may stay without a view before the promiser pushes for another one. A coordinator that
    /// waits a lease out needs that long and some more.
    pub(super) fn patience_ms(&self) -> u64 {
        self.lease_wait_ms() + self.settings.limits.probe_ms
    }

    /// How long a lease of a life that is left out may last from now on: a tenth more, for clocks that do not run
    /// alike (rule 17).
    fn lease_wait_ms(&self) -> u64 {
        self.settings.limits.lease_ms * 11 / 10 + self.settings.limits.tick_ms
    }

    fn start_attempt(&mut self, members: Vec<Member>, fx: &mut Fx<M>) {
        let highest = self.highest_seen();
        let overridden = self.override_wanted && self.phase == Phase::Recovering;
        let view = ViewId {
            epoch: highest.epoch + u32::from(overridden),
            number: highest.number + 1,
            coordinator: self.me().server,
            incarnation: self.me().incarnation,
        };
        if overridden {
            self.note(Note::Overridden { view }, fx);
        }
        self.note(Note::Proposing { view, members: members.clone() }, fx);
        self.attempt = Some(Attempt {
            view,
            members: members.clone(),
            promises: BTreeMap::new(),
            installing: None,
            installed: BTreeSet::new(),
            lease_wait_ms: 0,
            waited_ms: 0,
            overridden: overridden || (self.settings.bootstrap && self.accepted_view() == ViewId::ZERO),
        });
        // The own promise is durable before anybody is asked for theirs (rule 6).
        let lsn = self.promise(view, members, fx);
        self.owed.push_back((lsn, Owed::OwnPromise { view }));
    }

    /// Promises a view: from here on nothing of an older one is answered, executed or entered.
    pub(super) fn promise(&mut self, view: ViewId, members: Vec<Member>, fx: &mut Fx<M>) -> u64 {
        assert!(view > self.promised, "a promise is never for an older view");
        self.promised = view;
        let proposal = Proposal { view, members };
        self.remember_proposal(proposal.clone());
        if self.phase == Phase::Active {
            self.phase = Phase::Changing;
            self.changing_ms = 0;
        }
        self.append(Record::Promise(proposal), fx)
    }

    pub(super) fn on_own_promise(&mut self, view: ViewId, fx: &mut Fx<M>) {
        let Some(attempt) = self.attempt.as_ref().filter(|a| a.view == view) else { return };
        let members = attempt.members.clone();
        for &member in members.iter().filter(|m| m.server != self.me().server) {
            self.send(member, Message::Prepare { view, members: members.clone() }, fx);
        }
        let own = Arc::new(self.promise_content());
        self.on_promise(self.me(), view, own, fx);
    }

    pub(super) fn on_promise(&mut self, from: Member, view: ViewId, promise: Arc<Promise>, fx: &mut Fx<M>) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.view == view && a.installing.is_none()) else {
            return;
        };
        if !attempt.members.contains(&from) {
            return;
        }
        attempt.promises.insert(from.server, promise);
        attempt.waited_ms = 0;
        if attempt.promises.len() == attempt.members.len() {
            self.decide(fx);
        }
    }

    /// All have promised: choose what is kept and have it accepted, or give the attempt up.
    fn decide(&mut self, fx: &mut Fx<M>) {
        let Some(attempt) = &self.attempt else { return };
        let dead = |life: Member| self.is_suspected(life);
        let choice = choose(&Question {
            me: self.me(),
            view: attempt.view,
            members: &attempt.members,
            configured: &self.settings.servers,
            availability: self.settings.availability,
            promises: &attempt.promises,
            dead: &dead,
            tail: &self.tail,
            install_bytes_max: self.settings.limits.install_bytes_max,
            overridden: attempt.overridden,
        });
        match choice {
            Choice::Install(install) => self.install(install, fx),
            Choice::Excluded(by) if self.phase == Phase::Recovering => {
                self.abandon(format!("view {by} is without this server"), fx);
            }
            Choice::Excluded(by) => self.restart(Restart::Excluded { by }, fx),
            Choice::Forked(servers) => {
                self.back_off(self.settings.limits.probe_ms);
                self.abandon(format!("servers {servers:?} have executed something else"), fx);
            }
            Choice::Behind => {
                self.back_off(self.settings.limits.probe_ms);
                self.abandon("this server must catch up first".to_owned(), fx);
            }
            Choice::NotEnough(Lack { why, missing }) => {
                // Who was asked before stays asked: else two that are both needed would take turns for ever.
                if missing.is_empty() {
                    self.asked_for.clear();
                }
                for life in missing {
                    if !self.asked_for.contains(&life) {
                        self.asked_for.push(life);
                    }
                }
                self.back_off(self.settings.limits.probe_ms);
                self.abandon(why, fx);
            }
        }
    }

    fn install(&mut self, mut install: Install, fx: &mut Fx<M>) {
        install.left_out = self.left_out(&install.members);
        let install = Arc::new(install);
        let lease_wait_ms = if install.left_out.is_empty() { 0 } else { self.lease_wait_ms() };
        let Some(attempt) = &mut self.attempt else { return };
        // Who was only a witness must catch up before it is asked again.
        for witness in attempt.members.iter().filter(|m| !install.members.contains(m)) {
            if let Some(peer) = self.peers.get_mut(&witness.server) {
                peer.joiner_pause_ms = self.settings.limits.probe_ms;
            }
        }
        attempt.lease_wait_ms = lease_wait_ms;
        attempt.members = install.members.clone();
        attempt.installing = Some(install.clone());
        attempt.waited_ms = 0;
        for member in install.members.clone() {
            if member.server != self.me().server {
                self.send(member, Message::Install(install.clone()), fx);
            }
        }
        self.accept(install, fx);
    }

    /// Members of any view that a promiser has accepted, and those that it left out itself if it was never active,
    /// who take no part in the next one and may live. Who takes part has promised, or a newer life of its server has.
    fn left_out(&self, members: &[Member]) -> Vec<Member> {
        let promises = self.attempt.iter().flat_map(|a| a.promises.values());
        let accepted = promises.filter_map(|p| p.accepted.as_ref());
        let lives: BTreeSet<Member> =
            accepted.flat_map(|install| install.members.iter().chain(&install.left_out)).copied().collect();
        let may_live = |life: &Member| !lists(members, life.server) && !self.is_certainly_dead(*life);
        lives.into_iter().filter(may_live).collect()
    }

    pub(super) fn on_installed(&mut self, from: ServerId, view: ViewId, fx: &mut Fx<M>) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.view == view) else { return };
        if lists(&attempt.members, from) {
            attempt.installed.insert(from);
            attempt.waited_ms = 0;
        }
        self.activate_when_installed(fx);
    }

    fn activate_when_installed(&mut self, fx: &mut Fx<M>) {
        let Some(attempt) = &self.attempt else { return };
        if attempt.installed.len() < attempt.members.len() || attempt.lease_wait_ms > 0 {
            return;
        }
        let (view, members) = (attempt.view, attempt.members.clone());
        for &member in members.iter().filter(|m| m.server != self.me().server) {
            self.send(member, Message::Activate { view }, fx);
        }
        self.activate(fx);
    }

    /// A member that breaks away, or does not answer, ends the attempt.
    fn watch_attempt(&mut self, gap_ms: u64, fx: &mut Fx<M>) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.waited_ms += gap_ms;
        if attempt.installing.is_some() {
            attempt.lease_wait_ms = attempt.lease_wait_ms.saturating_sub(gap_ms);
        }
        let complete = attempt.installed.len() == attempt.members.len();
        let others = attempt.members.clone().into_iter().filter(|m| m.server != self.settings.me.server);
        let lost = others.into_iter().find(|&m| {
            self.is_suspected(m) || self.peers.get(&m.server).is_none_or(|p| p.life != Some(m.incarnation))
        });
        if let Some(lost) = lost {
            return self.abandon(format!("server {lost} is gone"), fx);
        }
        if complete {
            return self.activate_when_installed(fx);
        }
        self.blame_the_silent(fx);
    }

    /// Who owes a promise or an acceptance for too long counts as crashed, or may not join for a while.
    fn blame_the_silent(&mut self, fx: &mut Fx<M>) {
        let Some(attempt) = &self.attempt else { return };
        if attempt.waited_ms < self.settings.limits.suspect_ms {
            return;
        }
        let answered = |s: ServerId| match attempt.installing {
            Some(_) => attempt.installed.contains(&s),
            None => attempt.promises.contains_key(&s),
        };
        let me = self.me();
        let members = attempt.members.clone();
        let silent: Vec<Member> =
            members.iter().copied().filter(|&m| m != me && !answered(m.server)).collect();
        for life in silent {
            if self.lacks_a_link(life, &members) {
                continue;
            }
            if self.members().contains(&life) && self.phase != Phase::Recovering {
                self.suspect(life, "it does not answer in a change of view", false, fx);
            } else if let Some(peer) = self.peers.get_mut(&life.server) {
                peer.joiner_pause_ms = self.settings.limits.suspect_ms;
            }
        }
        self.abandon("not all members answered in time".to_owned(), fx);
    }

    /// Who cannot reach another member cannot accept: that is not its fault, and the next proposal is without one
    /// of the two.
    fn lacks_a_link(&self, life: Member, members: &[Member]) -> bool {
        let news = self.peers.get(&life.server).and_then(|p| p.news.as_ref());
        news.is_none_or(|n| {
            members.iter().any(|m| *m != life && (!n.links.contains(m) || n.suspects.contains(m)))
        })
    }

    pub(super) fn on_refused(&mut self, view: ViewId, highest: ViewId, fx: &mut Fx<M>) {
        self.seen = self.seen.max(highest);
        if self.attempt.as_ref().is_some_and(|a| a.view == view) {
            // A random pause, lest two coordinators refuse each other for ever.
            let pause_ms = self.rng.u64(0..=2 * self.settings.limits.heartbeat_ms);
            self.back_off(pause_ms);
            self.abandon(format!("view {highest} was promised already"), fx);
        }
    }

    /// The link to a member was set up anew: what it was sent may be lost.
    pub(super) fn attempt_lost(&mut self, life: Member, fx: &mut Fx<M>) {
        if self.attempt.as_ref().is_some_and(|a| a.members.contains(&life)) {
            self.abandon(format!("the link to server {life} was set up anew"), fx);
        }
    }

    fn back_off(&mut self, pause_ms: u64) {
        self.backoff_ms = self.backoff_ms.max(pause_ms);
    }

    pub(super) fn abandon(&mut self, why: String, fx: &mut Fx<M>) {
        if let Some(attempt) = self.attempt.take() {
            if attempt.installing.is_none() {
                // Nobody was asked to accept it, so nobody can have gone on in it.
                self.promised_since.retain(|p| p.view != attempt.view);
            }
            self.note(Note::Abandoned { view: attempt.view, why }, fx);
        }
    }
}
