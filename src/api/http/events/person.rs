//! Who acts: the user of the token, or who the header `Boxoffice-As` says, where people are taken at their word.

use crate::api::gate::GateError;
use crate::api::http::app::App;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::query::{Asking, Who};
use crate::domain::events::ids::Actor;
use crate::domain::ids::NameError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The header that says who acts, as the client's `--as` does.
const AS: &str = "boxoffice-as";

/// Somebody, or nobody in particular.
pub(in crate::api::http) struct Person {
    pub(super) asking: Asking,
    pub(super) actor: Option<Actor>,
    is_token_needed: bool,
}

impl Person {
    /// Who acts, where somebody must.
    pub(super) fn needed(&self) -> Result<&Actor, Problem> {
        let nobody = || match self.is_token_needed {
            true => Problem::new(Code::TokenNeeded, GateError::TokenNeeded.to_string()),
            false => Problem::new(
                Code::ActorNeeded,
                "say who you are, with a token or with the header Boxoffice-As: TORC2345",
            ),
        };
        self.actor.as_ref().ok_or_else(nobody)
    }

    /// The same, or a guest where nobody must say who they are.
    pub(super) fn or_guest(mut self, guest: impl FnOnce() -> Actor) -> Person {
        if self.actor.is_none() && !self.is_token_needed {
            self.actor = Some(guest());
        }
        self
    }

    /// For whom: whoever is named, or else who acts.
    pub(super) fn holder(&self, named: Option<Actor>) -> Result<Actor, Problem> {
        named.map_or_else(|| self.needed().cloned(), Ok)
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Who(asking) = Who::from_request_parts(parts, app).await?;
        let mut values = parts.headers.get_all(AS).iter();
        let claimed = values.next().map(|value| claimed(value.as_bytes())).transpose()?;
        if values.next().is_some() {
            return Err(Problem::new(Code::InvalidParameter, "Boxoffice-As is given twice"));
        }
        let actor = match (asking.caller.user(), claimed) {
            (Some(user), Some(claimed)) if Actor::User(user) != claimed => {
                let error = GateError::SomebodyElse { user, claimed: claimed.to_string() };
                return Err(Problem::new(Code::NotAllowed, error.to_string()));
            }
            (user, claimed) => user.map(Actor::User).or(claimed),
        };
        Ok(Person { asking, actor, is_token_needed: app.config.auth.is_required })
    }
}

fn claimed(value: &[u8]) -> Result<Actor, Problem> {
    let wrong = |reason: String| Problem::new(Code::InvalidParameter, format!("Boxoffice-As: {reason}"));
    let text = std::str::from_utf8(value).map_err(|_| wrong("this is no UTF-8".to_owned()))?;
    text.parse().map_err(|error: NameError| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gate::Caller;

    fn person(actor: Option<&str>, is_token_needed: bool) -> Person {
        let asking = Asking { caller: Caller::Anyone, key: None };
        Person { asking, actor: actor.map(|id| id.parse().unwrap()), is_token_needed }
    }

    #[test]
    fn who_acts_must_be_said_where_somebody_must() {
        let code = |person: Person| person.needed().map(ToString::to_string).map_err(|problem| problem.code);
        assert_eq!(code(person(Some("TORC2345"), false)), Ok("TORC2345".to_owned()));
        assert_eq!(code(person(None, false)), Err(Code::ActorNeeded));
        assert_eq!(code(person(None, true)), Err(Code::TokenNeeded));
        let holder = person(None, false).holder(Some("bob".parse().unwrap()));
        assert_eq!(holder.unwrap().to_string(), "bob");
    }

    #[test]
    fn a_claim_is_an_id_or_a_name() {
        assert!(matches!(claimed(b"TORC2345"), Ok(Actor::User(_))));
        assert!(matches!(claimed("Zo\u{eb}".as_bytes()), Ok(Actor::Guest(_))));
        for wrong in [&b""[..], b" ", b"\xff", &[b'x'; 65]] {
            assert_eq!(claimed(wrong).unwrap_err().code, Code::InvalidParameter);
        }
    }
}
