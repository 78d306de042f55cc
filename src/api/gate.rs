//! Who is asking, and whether they may: decided at the edge, before anything is ordered.
//!
//! A caller shows a token once, when it connects or with each request, and what it says it is must agree with the
//! token. What somebody of that sort may do is decided by the replicated state (`domain::events::roles`). Where tokens
//! are optional and none is shown, callers are taken at their word.

use super::wire::ClientRequest;
use crate::auth::{TokenError, Verifier};
use crate::config::ClusterConfig;
use crate::domain::command::{Operation, Query};
use crate::domain::events::ids::{Actor, Role, UserId};
use crate::domain::ids::Name;
use crate::domain::keys::Key;

/// The server's rule for tokens.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Checks tokens; none where no key is configured.
    pub verifier: Option<Verifier>,
    /// Whether a caller without a token may do nothing but look.
    pub is_required: bool,
}

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Somebody who showed no token.
    Anyone,
    /// Somebody whose token was good.
    User(UserId),
}

impl Caller {
    /// Who it is, if a token says so.
    pub fn user(self) -> Option<UserId> {
        match self {
            Caller::Anyone => None,
            Caller::User(user) => Some(user),
        }
    }

    /// Whether a token says that it is a manager.
    pub fn is_manager(self) -> bool {
        self.user().is_some_and(|user| user.role == Role::Manager)
    }
}

/// Why a caller may not do something, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// No token, or none that is good.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// This cluster has no use for tokens.
    #[error("this cluster has no key to check tokens with; ask without one")]
    NoKey,
    /// A token is needed.
    #[error("this needs a token; ask the operator for one and give it with --token")]
    TokenNeeded,
    /// The token is somebody else's.
    #[error("the token is for {user}, not for {claimed}")]
    SomebodyElse {
        /// Whose the token is.
        user: UserId,
        /// Who the caller claims to be.
        claimed: String,
    },
    /// Only managers may.
    #[error("{user} is no manager; only managers may do that")]
    ManagersOnly {
        /// Who tried.
        user: UserId,
    },
}

impl Gate {
    /// The rule that is configured.
    ///
    /// # Panics
    /// If the key is none: a checked configuration has no such.
    pub fn new(config: &ClusterConfig) -> Gate {
        let key = config.auth.public_key.as_deref();
        let verifier = key.map(|key| Verifier::new(key, &config.cluster).expect("the key was checked"));
        Gate { verifier, is_required: config.auth.is_required }
    }

    /// Who it is that shows this token, or none.
    ///
    /// # Errors
    /// A token that is not good: it is better to know than to be taken for anyone.
    pub fn caller(&self, token: Option<&str>) -> Result<Caller, GateError> {
        match (token, &self.verifier) {
            (None, _) => Ok(Caller::Anyone),
            (Some(_), None) => Err(GateError::NoKey),
            (Some(token), Some(verifier)) => Ok(Caller::User(verifier.verify(token)?)),
        }
    }

    /// Whether the caller may ask that.
    ///
    /// # Errors
    /// Why not; nothing was ordered.
    pub fn check(&self, caller: Caller, request: &ClientRequest) -> Result<(), GateError> {
        match request {
            ClientRequest::Command(command) => {
                self.check_key(caller, command.key.as_ref())?;
                self.check_operation(caller, &command.operation)
            }
            ClientRequest::Query { query, .. } => self.check_query(caller, query),
            ClientRequest::Status => Ok(()),
            ClientRequest::Override | ClientRequest::Trace { .. } => self.is_manager(caller),
        }
    }

    /// Whether the caller may have that executed.
    ///
    /// # Errors
    /// Why not; nothing was ordered.
    pub fn check_operation(&self, caller: Caller, operation: &Operation) -> Result<(), GateError> {
        match operation {
            Operation::Events(operation) => self.is_actor(caller, &operation.actor),
            Operation::Reserve { name, .. }
            | Operation::ReserveSeats { name, .. }
            | Operation::Delete { name } => self.may_use_name(caller, name),
            // Refused for another reason: clients never send these.
            Operation::Restore { .. }
            | Operation::Withdraw { .. }
            | Operation::Expire
            | Operation::Offer(_) => Ok(()),
        }
    }

    /// A key is its owner's: nobody learns from it what somebody else did.
    fn check_key(&self, caller: Caller, key: Option<&Key>) -> Result<(), GateError> {
        match (key.and_then(|key| key.owner), caller) {
            (None, _) => Ok(()),
            (Some(owner), Caller::User(user)) if owner == user => Ok(()),
            (Some(owner), Caller::User(user)) => {
                Err(GateError::SomebodyElse { user, claimed: owner.to_string() })
            }
            (Some(_), Caller::Anyone) => Err(GateError::TokenNeeded),
        }
    }

    /// Whether the caller may know that.
    ///
    /// # Errors
    /// Why not.
    pub fn check_query(&self, caller: Caller, query: &Query) -> Result<(), GateError> {
        match query {
            Query::Events(query) => match &query.actor {
                Some(actor) => self.is_actor(caller, actor),
                // For anyone; what is not for anyone the state refuses.
                None => Ok(()),
            },
            Query::Search { name } => self.may_use_name(caller, name),
            Query::Seats => Ok(()),
        }
    }

    fn is_actor(&self, caller: Caller, actor: &Actor) -> Result<(), GateError> {
        match caller {
            Caller::User(user) if *actor == Actor::User(user) => Ok(()),
            Caller::User(user) => Err(GateError::SomebodyElse { user, claimed: actor.to_string() }),
            Caller::Anyone => self.is_optional(),
        }
    }

    /// Names on the theatre's seats are free to choose where tokens are optional. Where they are required, customers
    /// have their id for a name, and managers may use any.
    fn may_use_name(&self, caller: Caller, name: &Name) -> Result<(), GateError> {
        match caller {
            Caller::User(user) if self.is_required && user.role == Role::Customer => {
                if name.as_str() == user.to_string() {
                    return Ok(());
                }
                Err(GateError::SomebodyElse { user, claimed: name.to_string() })
            }
            Caller::User(_) => Ok(()),
            Caller::Anyone => self.is_optional(),
        }
    }

    fn is_manager(&self, caller: Caller) -> Result<(), GateError> {
        match caller {
            Caller::User(user) if self.is_required && user.role != Role::Manager => {
                Err(GateError::ManagersOnly { user })
            }
            Caller::User(_) => Ok(()),
            Caller::Anyone => self.is_optional(),
        }
    }

    fn is_optional(&self) -> Result<(), GateError> {
        if self.is_required { Err(GateError::TokenNeeded) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::Consistency;
    use crate::domain::command::Command;
    use crate::domain::events::command::{Action, EventOperation};
    use crate::domain::ids::SessionId;

    fn gate(is_required: bool) -> Gate {
        Gate { verifier: None, is_required }
    }

    fn user(id: &str) -> Caller {
        Caller::User(id.parse().unwrap())
    }

    fn command(operation: Operation) -> ClientRequest {
        let session = SessionId { birth_ms: 0, random: 1 };
        ClientRequest::Command(Command { session, sequence: 1, answered_until: 0, operation, key: None })
    }

    fn adds(actor: &str) -> ClientRequest {
        let actor = Actor::User(actor.parse().unwrap());
        let action = Action::AddKind { kind: "Seminars".parse().unwrap() };
        command(Operation::Events(Box::new(EventOperation { actor, action })))
    }

    fn reserves(name: &str) -> ClientRequest {
        command(Operation::Reserve { name: name.parse().unwrap(), count: 1 })
    }

    #[test]
    fn a_token_speaks_for_its_user_only() {
        for is_required in [false, true] {
            let gate = gate(is_required);
            assert_eq!(gate.check(user("TORM2345"), &adds("TORM2345")), Ok(()));
            let refused = gate.check(user("TORC0001"), &adds("TORM2345")).unwrap_err();
            assert_eq!(refused.to_string(), "the token is for TORC0001, not for TORM2345");
        }
    }

    #[test]
    fn without_a_token_people_are_taken_at_their_word_only_where_it_is_optional() {
        assert_eq!(gate(false).check(Caller::Anyone, &adds("TORM2345")), Ok(()));
        assert_eq!(gate(false).check(Caller::Anyone, &reserves("bob")), Ok(()));
        for request in [adds("TORM2345"), reserves("bob"), ClientRequest::Override] {
            assert_eq!(gate(true).check(Caller::Anyone, &request), Err(GateError::TokenNeeded));
        }
        let seats = ClientRequest::Query { query: Query::Seats, consistency: Consistency::Local };
        for request in [ClientRequest::Status, seats] {
            assert_eq!(gate(true).check(Caller::Anyone, &request), Ok(()), "anyone may look");
        }
    }

    #[test]
    fn where_tokens_are_required_customers_have_their_id_for_a_name() {
        let gate = gate(true);
        assert_eq!(gate.check(user("TORC0001"), &reserves("TORC0001")), Ok(()));
        assert!(gate.check(user("TORC0001"), &reserves("bob")).is_err());
        assert_eq!(gate.check(user("TORM0001"), &reserves("bob")), Ok(()));
        assert!(gate.check(user("TORC0001"), &ClientRequest::Override).is_err());
    }

    #[test]
    fn a_token_that_nobody_can_check_is_refused() {
        assert_eq!(gate(false).caller(Some("v4.public.x")), Err(GateError::NoKey));
        assert_eq!(gate(false).caller(None), Ok(Caller::Anyone));
    }
}
