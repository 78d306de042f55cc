//! After an outage: who must be back before anybody sells, and who proposes the first view.

use super::choose::list;
use super::{Fx, Lamport, Phase, detector};
use crate::protocol::engine::{Availability, Machine, Note};
use crate::protocol::message::{History, Proposal, Standing};
use crate::protocol::types::{Member, Position, ServerId, ViewId};
use std::collections::{BTreeMap, BTreeSet};

impl<M: Machine> Lamport<M> {
    /// After an outage: all servers that are present, if they suffice and this one has the most to go on from.
    pub(super) fn outage_members(&mut self, fx: &mut Fx<M>) -> Option<Vec<Member>> {
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
    fn is_ahead_of_us(&self, peer: &detector::Peer) -> bool {
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
}

/// Whether servers that have only heard of each other so far may try: the same rules as for the promises,
/// so that nobody is disturbed by an attempt that cannot succeed (rule 16).
fn outage_lacks(
    availability: Availability,
    configured: &[ServerId],
    present: &BTreeMap<ServerId, Present<'_>>,
) -> Option<String> {
    let star = present.values().map(|p| p.accepted).max().unwrap_or(ViewId::ZERO);
    if star == ViewId::ZERO {
        let missing: Vec<_> = configured.iter().filter(|s| !present.contains_key(s)).collect();
        if !missing.is_empty() {
            return Some(format!("server {} for the first start", list(&missing)));
        }
        let lost: Vec<_> =
            present.iter().filter(|(_, p)| p.history == History::Lost).map(|(s, _)| s).collect();
        return (!lost.is_empty()).then(|| format!("an operator: server {} lost its log", list(&lost)));
    }
    match availability {
        Availability::Majority => {
            let votes = present.values().filter(|p| p.history == History::Kept).count();
            let needed = configured.len() / 2 + 1;
            (votes < needed).then(|| format!("{} more servers for a majority", needed - votes))
        }
        Availability::Any => {
            let members = present.values().filter(|p| p.accepted == star).flat_map(|p| p.members);
            let since = present.values().flat_map(|p| p.promised).filter(|p| p.view > star);
            let required: BTreeSet<ServerId> =
                members.chain(since.flat_map(|p| &p.members)).map(|m| m.server).collect();
            let missing: Vec<_> = required
                .iter()
                .filter(|s| present.get(s).is_none_or(|p| p.history != History::Kept))
                .collect();
            (!missing.is_empty()).then(|| format!("server {}, which may have gone on alone", list(&missing)))
        }
    }
}

/// What is known of a server that is present in an outage.
#[derive(Clone, Copy)]
struct Present<'a> {
    /// The highest view it accepted.
    accepted: ViewId,
    /// Its members.
    members: &'a [Member],
    /// What it promised since.
    promised: &'a [Proposal],
    /// What its log can vouch for.
    history: History,
    /// Where its state is.
    position: Position,
}
