//! What must hold in every state: the invariants of `docs/protocol.md`, by number.

use crate::cluster::{Cluster, Stop};
use crate::node::Executed;
use crate::space::{Memory, Space};
use std::collections::BTreeSet;

impl Memory {
    /// After a server executed and answered something more.
    ///
    /// 2: whoever executes a position executes the same there, whoever did it first, and whether or not that server
    /// still lives. Nothing forks in these models, so there is one lineage. 4: a command has one outcome, and 1: no two
    /// clients are told of the same seat.
    pub fn with(
        mut self,
        server: usize,
        executed: &[Executed],
        answered: &[(u8, String)],
    ) -> Result<Memory, Stop> {
        for new in executed {
            let place = new.position as usize - 1;
            match self.executed.get(place) {
                Some(old) if old.digest == new.digest && old.request == new.request => {}
                Some(old) => {
                    return Err(Stop::Violation(format!(
                        "2: server {} executes {:?} at {}, where {:?} was executed before",
                        server + 1,
                        new.request,
                        new.position,
                        old.request
                    )));
                }
                None if place == self.executed.len() => self.executed.push(new.clone()),
                None => {
                    let why = format!("2: server {} skips to position {}", server + 1, new.position);
                    return Err(Stop::Violation(why));
                }
            }
        }
        for (client, outcome) in answered {
            if let Some(before) = self.answered.insert(*client, outcome.clone()).filter(|b| b != outcome) {
                let why = format!("4: client {client} is told {outcome:?}, and was told {before:?} before");
                return Err(Stop::Violation(why));
            }
        }
        let told: BTreeSet<&str> = self.answered.values().map(|outcome| seats(outcome)).collect();
        if told.len() < self.answered.len() {
            return Err(Stop::Violation(format!("1: a seat has two holders: {:?}", self.answered)));
        }
        Ok(self)
    }
}

/// "The seats have been reserved for bob: 1." is about seat 1.
fn seats(outcome: &str) -> &str {
    outcome.rsplit_once(": ").map_or(outcome, |(_, seats)| seats)
}

/// 3 and 5: what was executed in a view is executed, queued or kept by every server that has accepted that view or a
/// later one, at the same position. (That implies that of two members only one can be inside the critical section: the
/// other has the first one's request before its own, or executed it.) Held against every executed request, whether or
/// not a client was told.
pub fn check(space: &Space, cluster: &Cluster) -> Result<(), String> {
    let memory = space.memory(cluster.memory);
    for &node in &cluster.nodes {
        let facts = space.facts(node);
        let owed = memory.executed.iter().filter(|executed| facts.running && facts.view >= executed.view);
        for executed in owed {
            if !facts.has(executed) {
                return Err(format!(
                    "3: server {} is in view {} without {:?}, which was executed at {} in view {}",
                    facts.life, facts.view, executed.request, executed.position, executed.view
                ));
            }
        }
    }
    Ok(())
}
