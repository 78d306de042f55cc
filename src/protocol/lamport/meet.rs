//! What a heartbeat tells of the sender's state: the others went on, two sides have met, or a state has diverged.

use super::{Fx, Lamport, Phase};
use crate::protocol::engine::{Availability, Machine, Note, Restart};
use crate::protocol::message::{Heartbeat, Standing, incarnation_in};
use crate::protocol::types::Member;

impl<M: Machine> Lamport<M> {
    /// A peer has accepted a view without this life: either the others went on, or two sides have met.
    pub(super) fn meet(&mut self, from: Member, news: &Heartbeat, fx: &mut Fx<M>) {
        if news.members.is_empty() || news.members.contains(&self.me()) {
            return;
        }
        let at_work = matches!(news.standing, Standing::Active | Standing::Leaving);
        match self.phase {
            Phase::Diverged => {}
            Phase::Recovering if at_work => self.abandon(format!("server {} is active", from.server), fx),
            Phase::Recovering => {}
            Phase::Active | Phase::Changing if incarnation_in(self.members(), from.server).is_some() => {
                // A server of this view has accepted a later one, so this view can do nothing any more, and whoever
                // made the later one took this server for dead.
                if news.view > self.accepted_view() {
                    self.restart(Restart::Excluded { by: news.view }, fx);
                }
            }
            Phase::Active | Phase::Changing => {
                let alive = self.members().iter().filter(|&&m| !self.is_suspected(m)).count();
                let lost = match self.settings.availability {
                    Availability::Any => (news.members.len(), news.view) > (alive, self.accepted_view()),
                    Availability::Majority => news.view > self.accepted_view(),
                };
                // More than half have promised a later view that anybody accepted: nothing comes of this one any
                // more, and those that are between views cannot ask a server that is at work.
                let is_over =
                    self.settings.availability == Availability::Majority && self.phase == Phase::Active;
                if (at_work || is_over) && lost {
                    self.restart(Restart::LostMerge { to: news.view }, fx);
                }
            }
        }
    }

    /// Two members of one view that executed the same position must have the same digest.
    pub(super) fn compare_digests(&mut self, from: Member, news: &Heartbeat, fx: &mut Fx<M>) {
        let is_member = self.members().contains(&from);
        if self.phase != Phase::Active || news.view != self.accepted_view() || !is_member {
            return;
        }
        let (position, theirs) = (news.position, news.digest);
        let Some(ours) = self.tail.digest_at(position) else { return };
        let Some(peer) = self.peers.get_mut(&from.server) else { return };
        let before = peer.agrees.replace(ours == theirs);
        if ours != theirs && before != Some(false) {
            self.note(Note::DigestMismatch { peer: from.server, position, ours, theirs }, fx);
        }
        let members = self.members().len();
        let verdicts: Vec<bool> = self.others().iter().filter_map(|m| self.peers[&m.server].agrees).collect();
        let against = verdicts.iter().filter(|agrees| !**agrees).count();
        let with_us = 1 + verdicts.len() - against;
        if against == 0 || with_us * 2 > members {
            return;
        }
        if against * 2 > members {
            self.restart(Restart::Diverged { position }, fx);
        } else if verdicts.len() + 1 == members {
            self.phase = Phase::Diverged;
        }
    }
}
