//! From the promises to the next view: which requests are kept, and whether the view may be at all.
//!
//! A pure function, because everything that was ever lost or doubled in a change of view was lost or doubled
//! here. The rules are numbered as in `docs/protocol.md`.

use super::tail::Tail;
use crate::protocol::engine::Availability;
use crate::protocol::message::{History, Promise, incarnation_in};
use crate::protocol::types::{Entry, Member, Position, Request, ServerId, Timestamp, ViewId};
use crate::protocol::view::{Install, Kinship, Lineage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything the choice depends on.
pub struct Question<'a> {
    /// The coordinator.
    pub me: Member,
    /// The view that was prepared.
    pub view: ViewId,
    /// Its proposed members, all of whom have promised.
    pub members: &'a [Member],
    /// All configured servers.
    pub configured: &'a [ServerId],
    /// How few may go on.
    pub availability: Availability,
    /// What was promised, by server.
    pub promises: &'a BTreeMap<ServerId, Arc<Promise>>,
    /// Lives that are known to be dead.
    pub dead: &'a dyn Fn(Member) -> bool,
    /// The coordinator's executed requests.
    pub tail: &'a Tail,
    /// How much executed work a member may lack, in bytes of requests.
    pub install_bytes_max: usize,
    /// The operator has overridden the outage rule, or allowed blank servers to begin.
    pub overridden: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// Install this.
    Install(Install),
    /// The coordinator is no member of the highest accepted view.
    Excluded(ViewId),
    /// The coordinator, or one that accepted the highest view, executed something else (rule 18).
    Forked(Vec<ServerId>),
    /// The coordinator itself must catch up first.
    Behind,
    /// The view may not be without others.
    NotEnough(Lack),
}

/// Why a view may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// A sentence.
    pub why: String,
    /// Lives whose promise would settle it.
    pub missing: Vec<Member>,
}

/// Decides.
///
/// A promiser whose state has forked, or is too far behind, is only a witness: what it accepted and promised counts, it
/// can do nothing in an older view any more, and it is left out of the new one until it has caught up.
pub fn choose(question: &Question<'_>) -> Choice {
    let promises = question.promises;
    let star = promises.values().map(|p| p.accepted_view()).max().unwrap_or(ViewId::ZERO);
    // Who has fetched what a later view executed has gone over to another side of a partition, of which nobody is here.
    // It could only be half of that side, or half of this one.
    let counts = question.availability == Availability::Any && !question.overridden;
    let gone_over: BTreeMap<ServerId, ViewId> = promises
        .iter()
        .filter_map(|(&server, p)| Some((server, p.lineage.last()?.view)))
        .filter(|&(_, view)| counts && view > star)
        .collect();
    if let Some(view) = gone_over.get(&question.me.server) {
        let why =
            format!("view {view} went on without the servers that are here: one of it must be back first");
        return Choice::NotEnough(lack(why));
    }
    let acceptors: BTreeMap<ServerId, &Promise> = promises
        .iter()
        .filter(|(server, p)| p.accepted_view() == star && !gone_over.contains_key(server))
        .map(|(&server, p)| (server, &**p))
        .collect();
    // Who activated the view has dropped what it kept; who did not has it all.
    let star_install =
        acceptors.values().filter_map(|p| p.accepted.clone()).min_by_key(|install| install.base);
    if let Some(install) = &star_install
        && !acceptors.contains_key(&question.me.server)
        && !install.has(question.me)
    {
        return Choice::Excluded(star);
    }
    let mut forked = forked(question, star, &acceptors);
    forked.retain(|server| !gone_over.contains_key(server));
    if forked.iter().any(|server| *server == question.me.server || acceptors.contains_key(server)) {
        return Choice::Forked(forked);
    }
    let Some(mine) = promises.get(&question.me.server) else { return Choice::Behind };
    if star_install.as_ref().is_some_and(|install| install.base > mine.position) {
        return Choice::Behind;
    }
    let going_on = going_on(mine, star_install.as_deref(), &acceptors);
    let top = mine.position + going_on.len() as u64;
    // What was executed beyond what the highest view and its log hold was executed by a side that did not know of
    // that view, unless one that accepted it has executed what nobody else of it has.
    let beyond = promises.iter().filter(|(server, p)| p.position > top && !gone_over.contains_key(server));
    let beyond: Vec<ServerId> = beyond.map(|(&server, _)| server).collect();
    let is_one_side = question.availability == Availability::Majority;
    if beyond.iter().any(|server| is_one_side || acceptors.contains_key(server)) {
        return Choice::Forked(beyond);
    }
    let past = Past { tail: question.tail, star: star_install.as_deref() };
    let joining: BTreeMap<ServerId, &Promise> = promises
        .iter()
        .filter(|(server, p)| {
            let parted = forked.contains(server) || beyond.contains(server) || gone_over.contains_key(server);
            !parted && past.leads_on_from(p, question.install_bytes_max)
        })
        .map(|(&server, p)| (server, &**p))
        .collect();
    if !joining.contains_key(&question.me.server) {
        return Choice::Behind;
    }
    if let Err(why) = may_be_without_the_others(question, star_install.as_deref(), &acceptors, &joining) {
        return Choice::NotEnough(why);
    }
    install(question, &past, &acceptors, &joining, &going_on)
}

/// What is known of requests that the coordinator has executed: its tail, and before that what the highest view kept.
struct Past<'a> {
    tail: &'a Tail,
    star: Option<&'a Install>,
}

impl Past<'_> {
    /// Whether everything that this promiser lacks of the coordinator's state is at hand and weighs at most so much.
    ///
    /// A tail that begins at a snapshot may begin too late for a member that accepted the highest view and has not
    /// executed what it keeps. That one does not fetch, so what the view keeps must do.
    fn leads_on_from(&self, promise: &Promise, bytes_max: usize) -> bool {
        let (from, start) = (promise.position, self.tail.start());
        if from >= start {
            return self.tail.weighs_at_most(from, bytes_max);
        }
        let Some(star) = self.star.filter(|star| from >= star.base && start <= star.top()) else {
            return false;
        };
        let is_known =
            promise.accepted_view() == star.view || (from, promise.digest) == (star.base, star.base_digest);
        let kept = star.kept.iter().filter(|e| from < e.position && e.position <= start);
        let bytes: usize = kept.map(|e| e.request.weight()).sum();
        is_known && bytes <= bytes_max && self.tail.weighs_at_most(start, bytes_max - bytes)
    }

    fn get(&self, position: Position) -> Option<&Arc<Request>> {
        let in_star = || {
            let star = self.star?;
            let index = position.checked_sub(star.base + 1)?;
            star.kept.get(index as usize).map(|entry| &entry.request)
        };
        self.tail.get(position).or_else(in_star)
    }
}

/// Of those who accepted the highest view, the one that has executed most.
fn reference<'a>(acceptors: &BTreeMap<ServerId, &'a Promise>) -> Option<&'a Promise> {
    acceptors.values().copied().max_by_key(|p| p.position)
}

/// Rule 18, before anything else: a prefix is only behind, anything else is a fork.
fn forked(question: &Question<'_>, star: ViewId, acceptors: &BTreeMap<ServerId, &Promise>) -> Vec<ServerId> {
    let Some(reference) = reference(acceptors) else { return Vec::new() };
    let ancestors = reference.accepted.as_ref().map(|install| &install.lineage);
    let forked = question.promises.iter().filter(|(_, p)| {
        let kinship = p.lineage.kinship(p.position, &reference.lineage, reference.position);
        let digest = question.tail.digest_at(p.position);
        let forked = match kinship {
            Kinship::Behind => false,
            Kinship::Forked { .. } => true,
            // It executed before a crash, or before the highest view was made, what that keeps, unless it did so in a
            // view of its own. Who accepted the highest view and executed none of it knows its ancestors from it.
            Kinship::Ahead => p.lineage.last().is_some_and(|last| {
                let is_ancestor = ancestors.is_some_and(|lineage| lineage.knows(last.view, star));
                !is_ancestor && !reference.lineage.knows(last.view, star)
            }),
        };
        forked || digest.is_some_and(|digest| digest != p.digest)
    });
    forked.map(|(&server, _)| server).collect()
}

/// Rules 1, 2, 3 and 9: who may be left out.
fn may_be_without_the_others(
    question: &Question<'_>,
    star: Option<&Install>,
    acceptors: &BTreeMap<ServerId, &Promise>,
    joining: &BTreeMap<ServerId, &Promise>,
) -> Result<(), Lack> {
    if question.overridden {
        return Ok(());
    }
    let present: BTreeSet<ServerId> = question.members.iter().map(|m| m.server).collect();
    let Some(star) = star else {
        // Nobody has accepted anything: the very first start, which takes all configured servers, blank.
        let missing: Vec<_> = question.configured.iter().filter(|s| !present.contains(s)).collect();
        let lost = question.promises.values().any(|p| p.history == History::Lost);
        return match (missing.is_empty(), lost) {
            (true, false) => Ok(()),
            (false, _) => {
                Err(lack(format!("the first start needs all configured servers, {} missing", list(&missing))))
            }
            (true, true) => Err(lack("no server has accepted anything, and one has lost its log".to_owned())),
        };
    };
    let outage = acceptors.values().all(|p| p.recovering);
    match question.availability {
        Availability::Majority => {
            let votes = joining.values().filter(|p| p.history == History::Kept).count();
            if votes * 2 <= question.configured.len() {
                return Err(lack(format!(
                    "{votes} of {} servers are no majority",
                    question.configured.len()
                )));
            }
        }
        Availability::Any => {
            let since = question.promises.values().flat_map(|p| &p.promised).filter(|p| p.view > star.view);
            let required: BTreeSet<Member> =
                since.flat_map(|p| &p.members).chain(&star.members).copied().collect();
            let vouches = |m: Member| {
                question.promises.get(&m.server).is_some_and(|p| !outage || p.history == History::Kept)
            };
            let lacks = |&m: &Member| !vouches(m) && (outage || !(question.dead)(m));
            let missing: Vec<Member> = required.into_iter().filter(lacks).collect();
            if !missing.is_empty() {
                let why = format!("servers {} may have gone on alone and must be back first", list(&missing));
                return Err(Lack { why, missing });
            }
        }
    }
    Ok(())
}

fn lack(why: String) -> Lack {
    Lack { why, missing: Vec::new() }
}

pub(super) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// What is kept, in which order.
fn install(
    question: &Question<'_>,
    past: &Past<'_>,
    acceptors: &BTreeMap<ServerId, &Promise>,
    joining: &BTreeMap<ServerId, &Promise>,
    going_on: &[Arc<Request>],
) -> Choice {
    let mine = joining[&question.me.server];
    let (base, base_digest) =
        joining.values().map(|p| (p.position, p.digest)).min().unwrap_or((mine.position, mine.digest));
    let mut kept: Vec<Entry> = Vec::new();
    let mut push = |request: &Arc<Request>| {
        let position = base + kept.len() as u64 + 1;
        kept.push(Entry { position, request: request.clone() });
    };
    for position in base + 1..=mine.position {
        push(past.get(position).expect("the past begins at or before the base and ends at our position"));
    }
    going_on.iter().for_each(push);
    let clock = question.promises.values().map(|p| p.clock).max().unwrap_or(0);
    let reference = reference(acceptors);
    let decided = reference.map_or(0, |promise| promise.position);
    let lineage = match (past.star, reference) {
        // It may also have fetched what came after the highest view that it accepted.
        (Some(star), Some(promise)) if promise.lineage.last().is_some_and(|last| last.view >= star.view) => {
            promise.lineage.clone()
        }
        (Some(star), _) => Lineage::with(star),
        (None, _) => Lineage::default(),
    };
    let members = question.members.iter().copied().filter(|m| joining.contains_key(&m.server)).collect();
    Choice::Install(Install {
        view: question.view,
        members,
        base,
        base_digest,
        decided,
        lineage,
        kept,
        clock,
        left_out: Vec::new(),
    })
}

/// What is kept beyond what the coordinator has executed, in order.
fn going_on(
    mine: &Promise,
    star: Option<&Install>,
    acceptors: &BTreeMap<ServerId, &Promise>,
) -> Vec<Arc<Request>> {
    let in_star = star.map_or(&[][..], |install| &install.kept).iter();
    let in_star = in_star.filter(|e| e.position > mine.position).map(|e| e.request.clone());
    let accepted = star.map_or(ViewId::ZERO, |install| install.view);
    let executed_here = if mine.accepted_view() == accepted { mine.executed } else { None };
    let logged = logged_and_kept(acceptors).into_iter().filter(|r| Some(r.timestamp) > executed_here);
    in_star.chain(logged).collect()
}

/// Requests of the highest accepted view after its kept ones, by timestamp (rule 7). One is kept if any acceptor
/// executed or released it, or every acceptor has it. Any other was not replied to by all, so nobody was
/// answered.
fn logged_and_kept(acceptors: &BTreeMap<ServerId, &Promise>) -> Vec<Arc<Request>> {
    let mut all: BTreeMap<Timestamp, (Arc<Request>, usize, bool)> = BTreeMap::new();
    for promise in acceptors.values() {
        for (request, released) in &promise.logged {
            let entry = all.entry(request.timestamp).or_insert_with(|| (request.clone(), 0, false));
            entry.1 += 1;
            entry.2 |= released;
        }
    }
    all.into_iter()
        .filter(|&(timestamp, (_, having, released))| {
            let executed = acceptors.values().any(|p| p.executed >= Some(timestamp));
            executed || released || having == acceptors.len()
        })
        .map(|(_, (request, _, _))| request)
        .collect()
}

/// Whether the view lists another life of the server, or this one.
pub fn lists(members: &[Member], server: ServerId) -> bool {
    incarnation_in(members, server).is_some()
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
