//! What a holder of an older view executes is what newer views hold at that position.

use boxoffice::protocol::types::{Member, Position, Request, ViewId};

/// A request of an older view than the newest one that is used stands before that one's beginning.
pub fn check(
    newest: Option<&(ViewId, Vec<Member>, Position)>,
    position: Position,
    request: &Request,
) -> Result<(), String> {
    match newest {
        Some((view, _, begins)) if request.view < *view && position > *begins => Err(format!(
            "invariant 5: {} of view {} is executed at {position}, but view {view} began at {begins}",
            request.timestamp, request.view
        )),
        Some(_) | None => Ok(()),
    }
}
