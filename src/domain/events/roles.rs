//! Who may do what. Decided where an operation is executed, from replicated data, so that every server decides alike.
//!
//! | who | may |
//! |---|---|
//! | a manager | add branches and kinds; everything with events and theatres of the own branch; whatever a customer may, for themselves and for customers of the own branch |
//! | a customer | book, hold, wait, and look at what is theirs, for themselves |
//! | a guest | the same, but by name: no branch, no count of months, no notice when an event is removed |

use super::Events;
use super::ids::{Actor, BranchCode, Role, UserId};
use super::outcome::{Denied, Refusal};

fn not_allowed<T>(denied: Denied) -> Result<T, Refusal> {
    Err(Refusal::NotAllowed(denied))
}

impl Events {
    /// Somebody who may do managers' operations that are about no branch.
    pub(super) fn must_manage(&self, actor: &Actor) -> Result<UserId, Refusal> {
        match actor {
            Actor::User(user) if user.role == Role::Manager => {
                self.must_exist(user.branch)?;
                Ok(*user)
            }
            Actor::User(_) | Actor::Guest(_) => not_allowed(Denied::ManagersOnly { actor: actor.clone() }),
        }
    }

    /// Somebody who may manage events of this branch.
    pub(super) fn must_manage_branch(&self, actor: &Actor, branch: BranchCode) -> Result<(), Refusal> {
        let manager = self.must_manage(actor)?;
        if manager.branch == branch {
            return Ok(());
        }
        not_allowed(Denied::OtherBranch { actor: actor.clone(), branch })
    }

    /// Somebody who may do a customer's operations for this holder.
    pub(super) fn must_act_for(&self, actor: &Actor, holder: &Actor) -> Result<(), Refusal> {
        for branch in [actor, holder].into_iter().filter_map(Actor::branch) {
            self.must_exist(branch)?;
        }
        if actor == holder {
            return Ok(());
        }
        match (actor, holder) {
            (Actor::User(manager), Actor::User(customer))
                if manager.role == Role::Manager
                    && customer.role == Role::Customer
                    && manager.branch == customer.branch =>
            {
                Ok(())
            }
            _ => not_allowed(Denied::ForSomebodyElse { actor: actor.clone(), holder: holder.clone() }),
        }
    }

    pub(super) fn must_exist(&self, branch: BranchCode) -> Result<(), Refusal> {
        if self.branches.contains_key(&branch) { Ok(()) } else { Err(Refusal::NoSuchBranch { branch }) }
    }
}
