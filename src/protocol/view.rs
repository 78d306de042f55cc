//! Views as they are installed, and the lineage of a state.

use super::types::{Entry, Incarnation, Member, Position, ServerId, ViewId};
use crate::domain::digest::Digest;
use serde::{Deserialize, Serialize};

/// What a coordinator tells the members to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// The view's name.
    pub view: ViewId,
    /// Who takes part, in id order.
    pub members: Vec<Member>,
    /// Every member is at or beyond this position.
    pub base: Position,
    /// The digest at `base`.
    pub base_digest: Digest,
    /// Requests executed before anything of the new view, at `base + 1` and on without a gap.
    pub kept: Vec<Entry>,
    /// Greatest clock of all promises: everything stamped in the new view is later.
    pub clock: u64,
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

/// Where a view's own requests begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descent {
    /// The view.
    pub view: ViewId,
    /// The first position that it executed itself.
    pub first: Position,
    /// The digest just before that position.
    pub digest: Digest,
}

/// Which views produced a state. Tells "behind" from "forked" (rule 18).
///
/// It follows from the executed requests alone: each names the view it was made in. Two servers that executed the
/// same requests have the same lineage, whatever views they passed through idly. At most [`LINEAGE_LEN_MAX`] views are kept, the
/// oldest go first; `dropped` counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Adds a view that is about to execute its first own request.
    pub fn push(&mut self, descent: Descent) {
        debug_assert!(self.views.last().is_none_or(|last| last.first < descent.first));
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

    /// How a state (`self` at `position`) stands to another (`other` at `other_position`).
    ///
    /// Views are compared by their number from the very first, so that lineages which dropped different
    /// amounts still line up. One that ended before everything the other remembers counts as behind: that
    /// far back nothing can be told, and a snapshot replaces it whole.
    pub fn kinship(&self, position: Position, other: &Lineage, other_position: Position) -> Kinship {
        let start = self.dropped.max(other.dropped);
        let mut shared = 0;
        for index in start.. {
            let (mine, theirs) = (self.interval(index, position), other.interval(index, other_position));
            match (mine, theirs) {
                (Some((a, my_end)), Some((b, their_end))) if a == b => {
                    shared = my_end.min(their_end);
                    if my_end != their_end {
                        break;
                    }
                }
                (Some((a, _)), Some((b, _))) if index == start && start > 0 => {
                    shared = a.first.min(b.first) - 1;
                    break;
                }
                (None, Some(_)) if index == start => return Kinship::Behind,
                (Some(_), None) if index == start => return Kinship::Ahead,
                _ => break,
            }
        }
        if shared >= position {
            Kinship::Behind
        } else if shared >= other_position {
            Kinship::Ahead
        } else {
            Kinship::Forked { shared }
        }
    }

    /// The view of that number and the last position that it executed itself.
    fn interval(&self, number: u64, position: Position) -> Option<(Descent, Position)> {
        let index = number.checked_sub(self.dropped)? as usize;
        let descent = *self.views.get(index)?;
        Some((descent, self.views.get(index + 1).map_or(position, |next| next.first - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage(views: &[(u64, Position)]) -> Lineage {
        let mut lineage = Lineage::default();
        for &(number, first) in views {
            let view = ViewId { number, ..ViewId::ZERO };
            lineage.push(Descent { view, first, digest: Digest::default() });
        }
        lineage
    }

    #[test]
    fn a_blank_state_is_behind_everything() {
        assert_eq!(lineage(&[]).kinship(0, &lineage(&[(1, 1)]), 5), Kinship::Behind);
        assert_eq!(lineage(&[]).kinship(0, &lineage(&[]), 0), Kinship::Behind);
        assert_eq!(lineage(&[(1, 1)]).kinship(5, &lineage(&[]), 0), Kinship::Ahead);
    }

    #[test]
    fn a_prefix_is_behind_and_a_continuation_is_ahead() {
        let long = lineage(&[(1, 1), (3, 10), (4, 20)]);
        assert_eq!(lineage(&[(1, 1)]).kinship(9, &long, 25), Kinship::Behind);
        assert_eq!(lineage(&[(1, 1), (3, 10)]).kinship(12, &long, 25), Kinship::Behind);
        assert_eq!(long.kinship(25, &lineage(&[(1, 1)]), 9), Kinship::Ahead);
        assert_eq!(long.kinship(25, &long, 25), Kinship::Behind);
    }

    #[test]
    fn executing_on_after_the_others_changed_the_view_is_a_fork() {
        let theirs = lineage(&[(1, 1), (3, 10)]);
        assert_eq!(lineage(&[(1, 1)]).kinship(12, &theirs, 15), Kinship::Forked { shared: 9 });
        assert_eq!(lineage(&[(1, 1), (2, 8)]).kinship(9, &theirs, 15), Kinship::Forked { shared: 7 });
        assert_eq!(lineage(&[(2, 1)]).kinship(1, &theirs, 15), Kinship::Forked { shared: 0 });
    }

    #[test]
    fn a_long_lineage_drops_its_oldest_views_and_still_lines_up() {
        let numbers: Vec<_> = (0..LINEAGE_LEN_MAX as u64 + 10).map(|n| (n, n * 10 + 1)).collect();
        let long = lineage(&numbers);
        assert_eq!(long.views().len(), LINEAGE_LEN_MAX);
        let last = numbers.len() - 5;
        assert_eq!(lineage(&numbers[..last]).kinship(last as u64 * 10, &long, 99_999), Kinship::Behind);
        assert_eq!(lineage(&numbers[..2]).kinship(15, &long, 99_999), Kinship::Behind);
    }
}
