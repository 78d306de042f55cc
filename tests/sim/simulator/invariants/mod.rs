//! What must hold after every step: a file for each invariant of `src/docs/protocol.md`, by its number there.
//!
//! | file | invariant |
//! |---|---|
//! | `i1_seats` | no seat has two holders; taken and free seats together are all seats |
//! | `i2_one_history` | at each position all servers execute the same, with the same outcomes |
//! | `i3_answers_stay` | what a client is told is at every member of that view, and of every later one |
//! | `i4_executed_once` | a command is executed once, and its client is told that execution's outcome |
//! | `i5_old_holders` | what is executed in an older view is what newer ones hold |
//! | `i6_linearizable` | answers and reads take effect between call and return |
//! | `i7_alike_in_the_end` | after the faults everything is answered (the world's bound) and alike |
//! | `promises` | after a partition nothing is lost silently |

mod i1_seats;
mod i2_one_history;
mod i3_answers_stay;
mod i4_executed_once;
mod i5_old_holders;
mod i6_linearizable;
mod i7_alike_in_the_end;
mod promises;

use super::executions::Executions;
use super::world::WorldKind;
use boxoffice::domain::state::Config;
use boxoffice::protocol::types::{Member, Position, ViewId};

/// Everything that is needed to judge a step, kept up to date step by step.
pub struct Judge {
    kind: WorldKind,
    executions: Executions,
    /// The newest view that anybody has used, its members, and where it began.
    newest: Option<(ViewId, Vec<Member>, Position)>,
    /// The last position that any server has told a client of.
    answered: Position,
    /// The last position that any client has heard of.
    heard: Position,
    steps: u64,
    pub promises: promises::Promises,
}

impl Judge {
    pub fn new(kind: WorldKind, config: Config) -> Self {
        Judge {
            kind,
            executions: Executions::new(config),
            newest: None,
            answered: 0,
            heard: 0,
            steps: 0,
            promises: promises::Promises::default(),
        }
    }

    /// Whether there can be one history only.
    fn is_one_history(&self) -> bool {
        match self.kind {
            WorldKind::Any | WorldKind::Majority => true,
            WorldKind::Partition => false,
        }
    }

    /// Where whatever is asked now must take effect, or later.
    pub fn floor(&self) -> Position {
        self.heard
    }

    pub fn newest_view(&self) -> Option<ViewId> {
        self.newest.as_ref().map(|(view, ..)| *view)
    }

    pub fn newest_view_lists(&self, server: u8) -> bool {
        self.newest.as_ref().is_some_and(|(_, members, _)| members.iter().any(|m| m.server.0 == server))
    }
}
