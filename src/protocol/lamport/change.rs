//! The coordinator's part in a change of view: when to propose, whom, and how far the proposal is.

use super::choose::{Choice, Lack, Present, Question, choose, lists, outage_lacks};
use super::{Fx, Lamport, Owed, Phase};
use crate::protocol::engine::{Availability, Machine, Note, Restart};
use crate::protocol::message::{History, Message, Promise, Proposal, Standing};
use crate::protocol::record::Record;
use crate::protocol::types::{Member, Position, ServerId, ViewId};
use crate::protocol::view::Install;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A view that this server has proposed.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) view: ViewId,
    pub(super) members: Vec<Member>,
    promises: BTreeMap<ServerId, Arc<Promise>>,
    installing: Option<Arc<Install>>,
    installed: BTreeSet<ServerId>,
    lease_wait_ms: u64,
    waited_ms: u64,
    overridden: bool,
}

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

    /// The members of the view that this server should propose now, if it should propose one.
    fn next_members(&mut self, fx: &mut Fx<M>) -> Option<Vec<Member>> {
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
                Relation::Suspected => cut_off.push(life),
            }
        }
        members.sort_by_key(|m| m.server);
        let unchanged = self.phase == Phase::Active && members == self.members() && !self.someone_is_stuck();
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

    /// How long a promise may stay without a view before the promiser pushes for another one.
    fn patience_ms(&self) -> u64 {
        self.settings.limits.probe_ms
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

    /// A member of the view tells of being between views for so long that somebody must push.
    fn someone_is_stuck(&self) -> bool {
        let patience_ms = self.patience_ms();
        self.others().iter().any(|m| self.peers[&m.server].stuck_ms >= patience_ms)
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

    /// After an outage: all servers that are present, if they suffice and this one has the most to go on from.
    fn outage_members(&mut self, fx: &mut Fx<M>) -> Option<Vec<Member>> {
        if self.peers.values().any(|p| self.is_ahead_of_us(p)) {
            self.catch_up.waiting_for = None;
            return None;
        }
        // Whoever could be reached has been heard by then: one that is active decides, not this server.
        let all_heard = self.peers.values().all(|p| p.linked && p.news.is_some());
        if !all_heard && self.recovering_ms < self.settings.limits.probe_ms {
            return None;
        }
        let mut members = vec![self.me()];
        let mut present = BTreeMap::from([(self.me().server, self.presence())]);
        for peer in self.peers.values() {
            let (Some(life), Some(news)) = (peer.linked_life(), peer.news.as_deref()) else { continue };
            if news.standing != Standing::Recovering || self.is_suspected(life) || peer.joiner_pause_ms > 0 {
                continue;
            }
            members.push(life);
            present.insert(
                peer.server,
                Present {
                    accepted: news.view,
                    members: &news.members,
                    promised: &news.promised_since,
                    history: news.history,
                    position: news.position,
                },
            );
        }
        let rank = |server: ServerId, p: &Present<'_>| (p.accepted, p.position, std::cmp::Reverse(server));
        let best = present.iter().map(|(&server, p)| rank(server, p)).max()?;
        if best != rank(self.me().server, &self.presence()) {
            return None;
        }
        let lacks = outage_lacks(self.settings.availability, &self.settings.servers, &present);
        let allowed =
            lacks.is_none() || self.override_wanted || (self.settings.bootstrap && best.0 == ViewId::ZERO);
        members.sort_by_key(|m| m.server);
        if lacks != self.catch_up.waiting_for
            && let Some(what) = &lacks
        {
            self.note(Note::Waiting { what: what.clone() }, fx);
        }
        self.catch_up.waiting_for = lacks;
        allowed.then_some(members)
    }

    /// A peer that is active, or between views: it decides, not the recovering ones.
    fn is_ahead_of_us(&self, peer: &super::detector::Peer) -> bool {
        peer.linked
            && peer.news.as_ref().is_some_and(|n| {
                matches!(n.standing, Standing::Active | Standing::Leaving | Standing::Changing)
            })
    }

    /// Whether an operator's override would do anything: nobody is at work whom this server hears of.
    pub fn can_be_overridden(&self) -> bool {
        self.phase == Phase::Recovering && !self.peers.values().any(|p| self.is_ahead_of_us(p))
    }

    fn presence(&self) -> Present<'_> {
        Present {
            accepted: self.accepted_view(),
            members: self.members(),
            promised: &self.promised_since,
            history: self.history,
            position: self.position,
        }
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
                self.asked_for = missing;
                self.back_off(self.settings.limits.probe_ms);
                self.abandon(why, fx);
            }
        }
    }

    fn install(&mut self, install: Install, fx: &mut Fx<M>) {
        let install = Arc::new(install);
        let may_live = self.excluded(&install.members).into_iter().any(|life| !self.is_certainly_dead(life));
        let Some(attempt) = &mut self.attempt else { return };
        if may_live {
            // A tenth for clocks that do not run alike (rule 17).
            attempt.lease_wait_ms = self.settings.limits.lease_ms * 11 / 10 + self.settings.limits.tick_ms;
        }
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

    /// Members of any view that a promiser has accepted, and that the next one leaves out, unless a newer life of
    /// the same server takes part.
    fn excluded(&self, members: &[Member]) -> BTreeSet<Member> {
        let promises = self.attempt.iter().flat_map(|a| a.promises.values());
        let accepted = promises.filter_map(|p| p.accepted.as_ref()).flat_map(|install| &install.members);
        accepted.copied().filter(|m| !lists(members, m.server)).collect()
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
