//! Whom a coordinator proposes, and who coordinates.

use super::choose::lists;
use super::{Fx, Lamport, Phase};
use crate::protocol::engine::{Availability, Machine};
use crate::protocol::message::{History, Standing};
use crate::protocol::types::{Member, Position, ServerId};

/// How one server stands to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// Linked, and nobody suspects anybody.
    Good,
    /// Not linked to one of them.
    Unlinked,
    /// One of them suspects it, or it suspects one of them.
    Suspected,
}

impl<M: Machine> Lamport<M> {
    /// The members of the view that this server should propose now, if it should propose one.
    pub(super) fn next_members(&mut self, fx: &mut Fx<M>) -> Option<Vec<Member>> {
        if self.coordinator() != self.me().server {
            return None;
        }
        let mut members = vec![self.me()];
        let (mut unsettled, mut cut_off) = (false, Vec::new());
        // Members first: one that comes must be linked to them all, not they to it.
        let (old, new): (Vec<ServerId>, Vec<ServerId>) =
            self.settings.servers.iter().partition(|&&s| lists(self.members(), s));
        for server in old.into_iter().chain(new) {
            let Some(peer) = self.peers.get(&server) else { continue };
            let expected: Vec<Member> = self.expected().filter(|m| m.server == server).collect();
            let candidate = match peer.linked_life() {
                Some(life) if self.members().contains(&life) || self.may_join(server) => Some(life),
                // It has promised a view that may be at work for all we know: its promise tells.
                Some(life)
                    if self.phase == Phase::Changing
                        && (expected.contains(&life) || self.asked_for.contains(&life)) =>
                {
                    Some(life)
                }
                Some(_) => None,
                None => {
                    // In its probe period: whether it belongs to the next view is not known yet.
                    unsettled |= expected.iter().any(|&life| !self.is_suspected(life));
                    None
                }
            };
            let Some(life) = candidate.filter(|&life| !self.is_suspected(life)) else { continue };
            match self.relation(life, &members) {
                Relation::Good => members.push(life),
                Relation::Unlinked => unsettled |= expected.contains(&life),
                Relation::Suspected if self.has_lasted(life, &members) => cut_off.push(life),
                Relation::Suspected => unsettled = true,
            }
        }
        members.sort_by_key(|m| m.server);
        let goes_on = !self.someone_is_stuck() && !self.a_link_is_broken();
        let unchanged = self.phase == Phase::Active && members == self.members() && goes_on;
        if unsettled || unchanged || !self.is_enough(&members) {
            return None;
        }
        let waits_for_coordinator = self.phase == Phase::Changing
            && members == self.members()
            && self.changing_ms < self.patience_ms();
        if waits_for_coordinator {
            return None;
        }
        for life in cut_off {
            // It lives, so its lease is waited out.
            self.suspect(life, "another member cannot reach it", false, fx);
        }
        Some(members)
    }

    /// Lives that are members of the accepted view or of one promised since: none may be left out lightly.
    pub(super) fn expected(&self) -> impl Iterator<Item = Member> + '_ {
        let since = self.promised_since.iter().flat_map(|p| &p.members);
        self.members().iter().chain(since).copied()
    }

    /// The lowest server that is or was active in this life, belongs to the accepted view and is heard of.
    fn coordinator(&self) -> ServerId {
        let fit = |server: &ServerId| {
            let life = self.peers.get(server).and_then(|p| p.linked_life());
            life.is_some_and(|life| self.members().contains(&life) && self.could_coordinate(life))
        };
        let lower = self.settings.servers.iter().copied().take_while(|&s| s < self.me().server);
        lower.into_iter().find(fit).unwrap_or(self.me().server)
    }

    /// A recovering server that is close behind may be taken in. Between views nothing is held up by asking, so
    /// there anyone may who is near enough: the promises tell whether it belongs.
    fn may_join(&self, server: ServerId) -> bool {
        let Some(peer) = self.peers.get(&server).filter(|peer| peer.joiner_pause_ms == 0) else {
            return false;
        };
        let Some(news) = &peer.news else { return false };
        let willing = match news.standing {
            Standing::Recovering => news.caught_up || self.phase == Phase::Changing,
            Standing::Changing => self.phase == Phase::Changing,
            Standing::Active | Standing::Leaving | Standing::Diverged => false,
        };
        willing && self.is_near(news.position)
    }

    /// Whether what a server at this position lacks fits into an INSTALL.
    fn is_near(&self, position: Position) -> bool {
        self.tail.weighs_at_most(position, self.settings.limits.install_bytes_max)
    }

    /// How this life stands to those chosen so far. A joiner, or anyone while no view is at work, must be linked to each
    /// of them, else it could not accept. Of two that cannot hear each other the one with the lower id is
    /// chosen first (rule 15).
    fn relation(&self, life: Member, chosen: &[Member]) -> Relation {
        let news = |of: Member| self.peers.get(&of.server).and_then(|p| p.news.as_deref());
        let joins = |m: &Member| !self.members().contains(m);
        let mut relation = Relation::Good;
        for &other in chosen {
            let pairs = [(life, other), (other, life)];
            let told = pairs.into_iter().filter_map(|(teller, about)| Some((news(teller)?, about)));
            if told.clone().any(|(news, about)| news.suspects.contains(&about)) {
                return Relation::Suspected;
            }
            let tellers = if other == self.me() { 1 } else { 2 };
            let must_be_linked = joins(&life) || joins(&other) || self.phase == Phase::Changing;
            if must_be_linked && told.filter(|(news, about)| news.links.contains(about)).count() < tellers {
                relation = Relation::Unlinked;
            }
        }
        relation
    }

    /// Whether one of two that blame each other has told so for so long that, were the other dead, this server would have
    /// found out itself. Before that, who says so may be right, and leaving out a life that may live
    /// needs better reasons where one survivor may go on (rule 2). While one of them is silent it may be dead, whatever it
    /// said before: to go on with it and without the one that lives would leave each of the two that live alone.
    fn has_lasted(&self, life: Member, chosen: &[Member]) -> bool {
        if self.settings.availability == Availability::Majority {
            return true;
        }
        let suspect_ms = self.settings.limits.suspect_ms;
        let tells = |teller: Member, about: Member| {
            let news = self.peers.get(&teller.server).and_then(|p| p.news.as_deref());
            news.is_some_and(|news| news.suspects.contains(&about))
        };
        let concerned = chosen.iter().copied().filter(|&other| tells(other, life) || tells(life, other));
        let mut peers = concerned.chain([life]).filter_map(|m| self.peers.get(&m.server));
        peers.clone().all(|p| self.is_heard(p)) && peers.any(|p| p.suspecting_ms > suspect_ms)
    }

    /// A member of the view tells of being between views for so long that somebody must push.
    fn someone_is_stuck(&self) -> bool {
        let patience_ms = self.patience_ms();
        self.others().iter().any(|m| self.peers[&m.server].stuck_ms >= patience_ms)
    }

    /// A link of the view has lost something, here or between others: what it carries counts no more in this view.
    fn a_link_is_broken(&self) -> bool {
        let told = |m: &Member| {
            let news = self.peers[&m.server].news.as_ref();
            news.is_some_and(|n| n.needs_view && n.view == self.accepted_view())
        };
        !self.broken.is_empty() || self.others().iter().any(told)
    }

    /// Too few members are heard of for this server to be in a view again soon: it is on the small side of a
    /// partition, or the others are down.
    pub(super) fn is_cut_off(&self) -> bool {
        let heard = self.members().iter().filter(|&&m| !self.is_suspected(m)).count();
        match self.settings.availability {
            Availability::Any => false,
            Availability::Majority => heard * 2 <= self.settings.servers.len(),
        }
    }

    /// No PREPARE without enough members in reach: it would stop those that get it (rule 16).
    fn is_enough(&self, members: &[Member]) -> bool {
        match self.settings.availability {
            Availability::Any => true,
            Availability::Majority => {
                let votes = members.iter().filter(|m| {
                    let history = match self.peers.get(&m.server) {
                        Some(peer) => peer.news.as_ref().map(|n| n.history),
                        None => Some(self.history),
                    };
                    history == Some(History::Kept)
                });
                votes.count() * 2 > self.settings.servers.len()
            }
        }
    }
}
