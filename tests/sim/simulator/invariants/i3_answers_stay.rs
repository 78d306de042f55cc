//! An outcome told to a client is executed or durably queued at every member of that view, and of every later one.

use super::Judge;
use crate::simulator::node::{Node, Running};
use boxoffice::protocol::types::{Member, Position, ViewId};

impl Judge {
    /// A server tells a client of the execution at `position`: every other member that is up has it.
    pub(super) fn is_everywhere(
        &self,
        running: &Running,
        nodes: &[Node],
        position: Position,
    ) -> Result<(), String> {
        let engine = running.engine();
        let members = match engine.active_view() {
            Some(view) => view.members.clone(),
            // It answers, and leaves in the same step.
            None => engine.status().members,
        };
        let Some(request) = engine.request_at(position) else { return Ok(()) };
        for member in members.iter().filter(|member| **member != running.life) {
            let node = &nodes[usize::from(member.server.0) - 1];
            let Some(other) = node.running.as_ref().filter(|other| other.life == *member) else { continue };
            let logged = other.logged.get(&(request.view, request.timestamp));
            let has =
                other.engine().position() >= position || logged.is_some_and(|lsn| *lsn <= other.durable);
            if !has && self.is_one_history() {
                return Err(format!(
                    "invariant 3: server {} answers position {position} ({} of view {}), which is not on the disk of {member}, which has {:?} up to {} at {}",
                    running.life,
                    request.timestamp,
                    request.view,
                    other.logged,
                    other.durable,
                    other.engine().position()
                ));
            }
        }
        Ok(())
    }

    /// A server uses a view: it has all that was ever answered.
    pub fn on_activated(
        &mut self,
        life: Member,
        view: ViewId,
        members: &[Member],
        position: Position,
    ) -> Result<(), String> {
        if self.is_one_history()
            && position < self.answered
            && self.newest_view().is_none_or(|newest| view >= newest)
        {
            return Err(format!(
                "invariant 3: view {view} begins at {position} (server {life}), but {} was answered",
                self.answered
            ));
        }
        if self.newest_view().is_none_or(|newest| newest < view) {
            self.newest = Some((view, members.to_vec(), position));
        }
        Ok(())
    }
}
