//! Everyone's part in a change of view: promise, accept, activate.

use super::choose::lists;
use super::queue::Queue;
use super::{Fx, Lamport, Owed, Phase};
use crate::protocol::engine::{Machine, Note};
use crate::protocol::message::{History, Message, Promise, Proposal};
use crate::protocol::record::Record;
use crate::protocol::types::{Member, Timestamp, ViewId};
use crate::protocol::view::Install;
use std::sync::Arc;

/// Proposals that are remembered one by one; older ones are merged, which only makes the outage rule
/// stricter.
const PROPOSALS_MAX: usize = 16;

impl<M: Machine> Lamport<M> {
    pub(super) fn on_prepare(&mut self, from: Member, view: ViewId, members: Vec<Member>, fx: &mut Fx<M>) {
        self.seen = self.seen.max(view);
        if !members.contains(&self.me()) || !members.contains(&from) || view.coordinator != from.server {
            return self.note(Note::Nonsense { from, what: "a proposal that is not for this server" }, fx);
        }
        if view <= self.promised || self.phase == Phase::Diverged {
            let highest = self.promised;
            return self.send(from, Message::Refused { view, highest }, fx);
        }
        self.abandon(format!("server {} proposes view {view}", from.server), fx);
        let lsn = self.promise(view, members, fx);
        self.owed.push_back((lsn, Owed::Promise { to: from, view }));
    }

    pub(super) fn send_promise(&mut self, to: Member, view: ViewId, fx: &mut Fx<M>) {
        if view != self.promised {
            // A higher view overtook it on the way to the disk: its coordinator need not wait and blame this server.
            let highest = self.promised;
            return self.send(to, Message::Refused { view, highest }, fx);
        }
        let promise = Arc::new(self.promise_content());
        self.send(to, Message::Promise { view, promise }, fx);
    }

    /// Everything the coordinator must know. It does not change while the promise stands.
    pub(super) fn promise_content(&self) -> Promise {
        let logged = self.queue.iter().map(|r| (r.clone(), self.queue.is_released(r.timestamp))).collect();
        Promise {
            accepted: self.accepted.clone(),
            promised: self.promised_since.clone(),
            recovering: !self.accepted_here,
            history: self.history,
            lineage: self.lineage.clone(),
            position: self.position,
            digest: self.digest,
            clock: self.clock,
            executed: self.executed(),
            logged,
        }
    }

    /// Keeps a proposal until the next accepted view. Beyond a bound the two oldest become one, under the
    /// later name, which asks for more servers after an outage and never for fewer.
    pub(super) fn remember_proposal(&mut self, proposal: Proposal) {
        self.promised_since.push(proposal);
        if self.promised_since.len() > PROPOSALS_MAX {
            let oldest = self.promised_since.remove(0);
            let next = &mut self.promised_since[0].members;
            next.extend(
                oldest.members.iter().filter(|m| !lists(next, m.server)).copied().collect::<Vec<_>>(),
            );
        }
    }

    pub(super) fn on_install(&mut self, from: Member, install: Arc<Install>, fx: &mut Fx<M>) {
        let view = install.view;
        if view != self.promised || self.accepted_view() >= view {
            let highest = self.promised;
            return self.send(from, Message::Refused { view, highest }, fx);
        }
        if !install.has(self.me()) || view.coordinator != from.server {
            return self.note(Note::Nonsense { from, what: "a view that is not for this server" }, fx);
        }
        if !self.fits(&install) {
            // Given up by its coordinator long ago, when it was on its way: this server has caught up beyond it.
            let highest = self.promised;
            return self.send(from, Message::Refused { view, highest }, fx);
        }
        self.accept(install, fx);
    }

    /// The own state is at or beyond the base with its digest, and what is executed beyond it is what the
    /// view keeps at those positions.
    fn fits(&self, install: &Install) -> bool {
        self.position >= install.base
            && self.position <= install.top()
            && self.tail.digest_at(install.base).is_none_or(|digest| digest == install.base_digest)
            && install.kept.iter().take_while(|e| e.position <= self.position).all(|entry| {
                self.tail.get(entry.position).is_none_or(|ours| {
                    (ours.view, ours.timestamp) == (entry.request.view, entry.request.timestamp)
                })
            })
    }

    /// Accepts a view: its kept requests replace everything unexecuted, and nothing of an older view counts any
    /// more (rule 5).
    pub(super) fn accept(&mut self, install: Arc<Install>, fx: &mut Fx<M>) {
        let view = install.view;
        let lsn = self.append(Record::Install(install.clone()), fx);
        self.take_over(install);
        self.accepted_here = true;
        if self.phase == Phase::Recovering {
            // As good as any member now: it has everything that the view starts from.
            self.phase = Phase::Changing;
            self.catch_up = Default::default();
        }
        self.owed.push_back((lsn, Owed::Installed { view }));
    }

    /// What accepting means for the own state, also when the log is read again.
    pub(super) fn take_over(&mut self, install: Arc<Install>) {
        let kept: Vec<Timestamp> = install.kept.iter().map(|e| e.request.timestamp).collect();
        self.propose_again(&kept);
        self.clock = self.clock.max(install.clock) + 1;
        self.promised = self.promised.max(install.view);
        self.promised_since.retain(|p| p.view > install.view);
        self.history = History::Kept;
        self.lineage = install.lineage.at(self.position);
        let others = install.members.iter().map(|m| m.server).filter(|&s| s != self.me().server).collect();
        self.queue = Queue::new(self.me().server, others);
        self.broken.clear();
        self.accepted = Some(install);
    }

    /// The acceptance is durable. It is told once links to exactly the listed lives stand (rule 11).
    pub(super) fn on_accept_durable(&mut self, view: ViewId, fx: &mut Fx<M>) {
        if view == self.accepted_view() && view == self.promised {
            self.installed_owed = Some(view);
            return self.installed_if_linked(fx);
        }
        let coordinator = self.others().into_iter().find(|m| m.server == view.coordinator);
        if let Some(coordinator) = coordinator.filter(|m| m.incarnation == view.incarnation) {
            self.send(coordinator, Message::Refused { view, highest: self.promised }, fx);
        }
    }

    pub(super) fn installed_if_linked(&mut self, fx: &mut Fx<M>) {
        let Some(view) = self.installed_owed else { return };
        if view != self.accepted_view() || view != self.promised {
            self.installed_owed = None;
            return;
        }
        let linked = |m: &Member| self.peers.get(&m.server).and_then(|p| p.linked_life()) == Some(*m);
        if !self.others().iter().all(linked) {
            return;
        }
        self.installed_owed = None;
        if view.coordinator == self.me().server {
            return self.on_installed(self.me().server, view, fx);
        }
        let coordinator = self.others().into_iter().find(|m| m.server == view.coordinator);
        if let Some(coordinator) = coordinator {
            self.send(coordinator, Message::Installed { view }, fx);
        }
    }

    pub(super) fn on_activate(&mut self, from: Member, view: ViewId, fx: &mut Fx<M>) {
        if view.coordinator == from.server && view == self.accepted_view() && view == self.promised {
            self.activate(fx);
        }
    }

    /// Every member has accepted: execute what the view keeps, then use it.
    pub(super) fn activate(&mut self, fx: &mut Fx<M>) {
        let Some(install) = self.accepted.clone() else { return };
        if self.phase == Phase::Active || self.phase == Phase::Diverged || !self.accepted_here {
            return;
        }
        self.attempt = None;
        self.override_wanted = false;
        self.asked_for.clear();
        let executed = self.position.saturating_sub(install.base) as usize;
        for entry in install.kept.iter().skip(executed) {
            self.apply(entry.request.clone(), fx);
        }
        assert_eq!(self.position, install.top(), "a view begins where its kept requests end");
        // Every member has the kept requests on its disk: nobody will ask for them again. The leases of those who
        // were left out have ended.
        let base = self.position;
        let (kept, left_out) = (Vec::new(), Vec::new());
        let trimmed = Install { base, base_digest: self.digest, kept, left_out, ..(*install).clone() };
        let (view, members) = (trimmed.view, trimmed.members.clone());
        self.accepted = Some(Arc::new(trimmed));
        self.phase = Phase::Active;
        self.reads.new_view();
        self.forgive_members();
        if !self.offers_submitted {
            self.submit_offers();
        }
        self.note(Note::Activated { view, members, position: base }, fx);
        self.send_heartbeats(fx);
        self.on_drained(fx);
    }
}
