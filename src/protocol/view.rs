//! Views as they are installed, and the lineage of a state.

use super::types::{Entry, Incarnation, Member, Position, ServerId, ViewId};
use crate::domain::digest::Digest;
use serde::{Deserialize, Serialize};

/// What a coordinator tells the members to accept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Install {
    /// The view's name.
    pub view: ViewId,
    /// Who takes part, in id order.
    pub members: Vec<Member>,
    /// Every member is at or beyond this position.
    pub base: Position,
    /// The digest at `base`.
    pub base_digest: Digest,
    /// The furthest position that a member had executed when it promised: decided before this view.
    pub decided: Position,
    /// The lineage of a state at `decided`, with the view before this one in any case: every member's from here on.
    /// Servers can come to the same state on different ways, by executing a request in its view or as one that a
    /// later view kept.
    pub lineage: Lineage,
    /// Requests executed before anything of the new view, at `base + 1` and on without a gap.
    pub kept: Vec<Entry>,
    /// Greatest clock of all promises: everything stamped in the new view is later.
    pub clock: u64,
    /// Lives of earlier views that take no part and may live: each may hold a lease until this view is active (rule
    /// 17). Whoever makes the next view before that must wait for them too.
    pub left_out: Vec<Member>,
}

impl Install {
    /// The position of the last kept request: the new view's own requests come after it.
    pub fn top(&self) -> Position {
        self.base + self.kept.len() as u64
    }

    /// The incarnation of a server in this view, if it is a member.
    pub fn incarnation_of(&self, server: ServerId) -> Option<Incarnation> {
        self.members.iter().find(|m| m.server == server).map(|m| m.incarnation)
    }

    /// Whether exactly this life of the server takes part.
    pub fn has(&self, member: Member) -> bool {
        self.members.contains(&member)
    }
}

/// A view in the lineage of a state: what it kept of its predecessor's requests, and where its own begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Descent {
    /// The view.
    pub view: ViewId,
    /// Up to here its members had executed when it was made: the same everywhere, also on a side that does not know
    /// of this view.
    pub decided: Position,
    /// Up to here go the requests that it kept of its predecessor; its own come after.
    pub top: Position,
    /// The digests after `decided`, up to `top`, as far as they are executed.
    pub kept: Vec<Digest>,
}

/// Which views produced a state. Tells "behind" from "forked" (rule 18).
///
/// Two sides of a partition may keep different requests of the view that they share, so a position and a view do not
/// say which request was executed there. Each view therefore tells up to where everything was executed before it,
/// and the digests of what it kept beyond that.
///
/// Only views that executed something are listed. At most [`LINEAGE_LEN_MAX`] are kept, the oldest go
/// first; `dropped` counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lineage {
    dropped: u64,
    views: Vec<Descent>,
}

/// Longest lineage that is kept, in views.
pub const LINEAGE_LEN_MAX: usize = 1024;

/// How one server's state stands to another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// The first state is a prefix of the second (or equal to it).
    Behind,
    /// The second state is a prefix of the first, which is longer.
    Ahead,
    /// Each executed something after `shared` that the other did not.
    Forked {
        /// The last position at which both are known to have executed the same.
        shared: Position,
    },
}

impl Lineage {
    /// The lineage of a view that was accepted, itself included, although nothing may have been executed in it.
    pub fn with(install: &Install) -> Lineage {
        let mut lineage = install.lineage.clone();
        let (view, decided, top) = (install.view, install.decided, install.top());
        lineage.push(Descent { view, decided, top, kept: Vec::new() });
        lineage
    }

    /// Notes that `position` was executed with this digest in (or kept by) the accepted view. `earlier` knows the
    /// digests of recent positions.
    pub fn executed(
        &mut self,
        install: &Install,
        position: Position,
        digest: Digest,
        earlier: impl Fn(Position) -> Option<Digest>,
    ) {
        if position <= install.decided {
            *self = install.lineage.at(position);
            return;
        }
        if self.views.last().is_none_or(|last| last.view != install.view) {
            let known = install.decided + 1..position.min(install.top() + 1);
            let kept = known.map(|p| earlier(p).unwrap_or_default()).collect();
            *self = install.lineage.clone();
            self.push(Descent { view: install.view, decided: install.decided, top: install.top(), kept });
        }
        if let Some(last) = self.views.last_mut()
            && position <= last.top
        {
            last.kept.push(digest);
        }
    }

    /// Adds a view.
    fn push(&mut self, descent: Descent) {
        self.views.push(descent);
        if self.views.len() > LINEAGE_LEN_MAX {
            self.views.remove(0);
            self.dropped += 1;
        }
    }

    /// The view of the last executed request.
    pub fn last(&self) -> Option<&Descent> {
        self.views.last()
    }

    /// The views, oldest first.
    pub fn views(&self) -> &[Descent] {
        &self.views
    }

    /// Whether something was executed in the view, or it is the one given besides.
    pub fn knows(&self, view: ViewId, besides: ViewId) -> bool {
        view == besides || self.views.iter().any(|d| d.view == view)
    }

    /// The lineage that the state had at an earlier position.
    pub fn at(&self, position: Position) -> Lineage {
        let mut views: Vec<Descent> = self.views.iter().filter(|d| d.decided < position).cloned().collect();
        if let Some(last) = views.last_mut() {
            last.kept.truncate(position.saturating_sub(last.decided) as usize);
        }
        Lineage { dropped: self.dropped, views }
    }

    /// How a state (`self` at `position`) stands to another (`other` at `other_position`).
    ///
    /// Views are compared by their number from the very first, so that lineages which dropped different
    /// amounts still line up. One that ended before everything the other remembers counts as behind: that
    /// far back nothing can be told, and a snapshot replaces it whole.
    pub fn kinship(&self, position: Position, other: &Lineage, other_position: Position) -> Kinship {
        let start = self.dropped.max(other.dropped);
        let mut index = start;
        let (mine, theirs) = loop {
            match (self.view(index), other.view(index)) {
                (Some(a), Some(b)) if a.view == b.view => index += 1,
                (mine, theirs) => break (mine, theirs),
            }
        };
        let shorter = position.min(other_position);
        let shared = match (mine, theirs) {
            _ if index == start && start > 0 => match (mine, theirs) {
                (None, _) => return Kinship::Behind,
                (Some(_), None) => return Kinship::Ahead,
                (Some(a), Some(b)) => a.decided.min(b.decided),
            },
            (None, None) => shorter,
            // Whatever one side executed before it knew of another view, every other side keeps.
            (None, Some(next)) => position.min(next.top),
            (Some(next), None) => other_position.min(next.top),
            (Some(_), Some(_)) => self.shared_from(other, index),
        };
        let shared = shared.min(shorter);
        if shared >= position {
            Kinship::Behind
        } else if shared >= other_position {
            Kinship::Ahead
        } else {
            Kinship::Forked { shared }
        }
    }

    fn view(&self, number: u64) -> Option<&Descent> {
        self.views.get(number.checked_sub(self.dropped)? as usize)
    }

    /// From this view on the two differ, both views made of the same one: what was executed before either, and of
    /// what they kept as much as is the same.
    fn shared_from(&self, other: &Lineage, number: u64) -> Position {
        let decided = |lineage: &Lineage| lineage.view(number).map_or(0, |descent| descent.decided);
        let mut shared = decided(self).max(decided(other));
        while let (Some(a), Some(b)) =
            (self.kept_digest(number, shared + 1), other.kept_digest(number, shared + 1))
        {
            if a != b {
                break;
            }
            shared += 1;
        }
        shared
    }

    /// The digest at a position that this view or a later one kept. A view that was accepted and never used has none
    /// of its own: what it kept was executed as kept by a later one.
    fn kept_digest(&self, number: u64, position: Position) -> Option<Digest> {
        let skipped = number.saturating_sub(self.dropped) as usize;
        self.views.iter().skip(skipped).find_map(|descent| {
            let index = position.checked_sub(descent.decided + 1)?;
            descent.kept.get(index as usize).copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Views as (number, decided, digests of what was kept).
    fn lineage(views: &[(u64, Position, &[u64])]) -> Lineage {
        let mut lineage = Lineage::default();
        for &(number, decided, kept) in views {
            let view = ViewId { number, ..ViewId::ZERO };
            let top = decided + kept.len() as u64;
            lineage.push(Descent { view, decided, top, kept: kept.iter().map(|&d| Digest(d)).collect() });
        }
        lineage
    }

    #[test]
    fn a_blank_state_is_behind_everything() {
        assert_eq!(lineage(&[]).kinship(0, &lineage(&[(1, 0, &[])]), 5), Kinship::Behind);
        assert_eq!(lineage(&[]).kinship(0, &lineage(&[]), 0), Kinship::Behind);
        assert_eq!(lineage(&[(1, 0, &[])]).kinship(5, &lineage(&[]), 0), Kinship::Ahead);
    }

    #[test]
    fn a_prefix_is_behind_and_a_continuation_is_ahead() {
        let long = lineage(&[(1, 0, &[]), (3, 9, &[]), (4, 19, &[])]);
        assert_eq!(lineage(&[(1, 0, &[])]).kinship(9, &long, 25), Kinship::Behind);
        assert_eq!(lineage(&[(1, 0, &[]), (3, 9, &[])]).kinship(12, &long, 25), Kinship::Behind);
        assert_eq!(long.kinship(25, &lineage(&[(1, 0, &[])]), 9), Kinship::Ahead);
        assert_eq!(long.kinship(25, &long, 25), Kinship::Behind);
    }

    #[test]
    fn what_a_view_that_was_never_used_kept_is_known_from_the_next_one() {
        let mut mine = lineage(&[(1, 0, &[]), (2, 0, &[7])]);
        let theirs = lineage(&[(1, 0, &[]), (4, 0, &[]), (5, 0, &[7, 8])]);
        assert_eq!(mine.kinship(9, &theirs, 9), Kinship::Forked { shared: 1 });
        assert_eq!(theirs.kinship(9, &mine, 9), Kinship::Forked { shared: 1 });
        mine = lineage(&[(1, 0, &[]), (2, 0, &[6])]);
        assert_eq!(mine.kinship(9, &theirs, 9), Kinship::Forked { shared: 0 });
    }

    #[test]
    fn what_was_executed_before_a_view_that_keeps_it_is_behind() {
        let theirs = lineage(&[(1, 0, &[]), (3, 9, &[7, 8])]);
        assert_eq!(lineage(&[(1, 0, &[])]).kinship(11, &theirs, 15), Kinship::Behind);
    }

    #[test]
    fn executing_on_after_the_others_changed_the_view_is_a_fork() {
        let theirs = lineage(&[(1, 0, &[]), (3, 9, &[])]);
        assert_eq!(lineage(&[(1, 0, &[])]).kinship(12, &theirs, 15), Kinship::Forked { shared: 9 });
        assert_eq!(
            lineage(&[(1, 0, &[]), (2, 8, &[])]).kinship(10, &theirs, 15),
            Kinship::Forked { shared: 9 }
        );
        assert_eq!(lineage(&[(2, 0, &[])]).kinship(1, &theirs, 15), Kinship::Forked { shared: 0 });
    }

    #[test]
    fn sides_that_kept_different_requests_forked_where_their_digests_part() {
        let mine = lineage(&[(1, 0, &[]), (2, 9, &[70, 80, 90])]);
        let theirs = lineage(&[(1, 0, &[]), (3, 9, &[70, 81])]);
        assert_eq!(mine.kinship(12, &theirs, 15), Kinship::Forked { shared: 10 });
        assert_eq!(mine.at(10).kinship(10, &theirs, 15), Kinship::Behind);
    }

    #[test]
    fn a_long_lineage_drops_its_oldest_views_and_still_lines_up() {
        let numbers: Vec<_> = (0..LINEAGE_LEN_MAX as u64 + 10).map(|n| (n, n * 10, &[][..])).collect();
        let long = lineage(&numbers);
        assert_eq!(long.views().len(), LINEAGE_LEN_MAX);
        let last = numbers.len() - 5;
        assert_eq!(lineage(&numbers[..last]).kinship(last as u64 * 10, &long, 99_999), Kinship::Behind);
        assert_eq!(lineage(&numbers[..2]).kinship(15, &long, 99_999), Kinship::Behind);
    }
}
