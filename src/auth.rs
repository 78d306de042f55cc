//! Who somebody is: bearer tokens that the operator signs and every server checks.
//!
//! A token is a PASETO of version 4, public: signed with Ed25519, readable, and with nothing to choose in how it is
//! made. It names a user (`sub`), the cluster (`aud`) and when it ends (`exp`). Servers know the public key only, so
//! none of them, and nobody who reads their configuration, can make one.
//!
//! Absent on purpose: a list of tokens taken back. They end by themselves; a new key ends all of them at once.

use crate::domain::events::ids::UserId;
use pasetors::claims::{Claims, ClaimsValidationRules};
use pasetors::errors::{ClaimValidationError, Error};
use pasetors::keys::{AsymmetricKeyPair, AsymmetricPublicKey, AsymmetricSecretKey, Generate as _};
use pasetors::paserk::FormatAsPaserk as _;
use pasetors::token::UntrustedToken;
use pasetors::version4::V4;
use pasetors::{Public, public};
use std::time::Duration;

/// Longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 1 << 10;
/// How long a token may be good for.
pub const VALID_MAX: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Why a token says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no such thing.
    #[error("the token cannot be read; ask the operator for another one")]
    Malformed,
    /// Somebody else made it, or changed it.
    #[error("the token was not signed with this cluster's key")]
    Forged,
    /// Its time is over.
    #[error("the token has expired; ask the operator for another one")]
    Expired,
    /// Its time has not begun: the operator's clock is ahead of this server's.
    #[error("the token is not valid yet; are the clocks right?")]
    NotYet,
    /// It was made for other servers.
    #[error("the token is for another cluster")]
    OtherCluster,
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Of the operator.
    #[error("this is no secret key: one begins with k4.secret.")]
    Secret,
    /// Of the servers.
    #[error("this is no public key: one begins with k4.public.")]
    Public,
    /// The system gives no random numbers.
    #[error("a key cannot be made: the system has no random numbers")]
    Random,
}

/// A new secret key and its public one, as texts.
///
/// # Errors
/// [`KeyError::Random`].
pub fn new_key() -> Result<(String, String), KeyError> {
    let pair = AsymmetricKeyPair::<V4>::generate().map_err(|_| KeyError::Random)?;
    let mut texts = (String::new(), String::new());
    pair.secret.fmt(&mut texts.0).map_err(|_| KeyError::Random)?;
    pair.public.fmt(&mut texts.1).map_err(|_| KeyError::Random)?;
    Ok(texts)
}

/// Whom a token names, without a word on whether it is good: for a client that shows its own.
pub fn subject(token: &str) -> Option<UserId> {
    let untrusted = UntrustedToken::<Public, V4>::try_from(token).ok()?;
    let claims = Claims::from_bytes(untrusted.untrusted_payload()).ok()?;
    claims.get_claim("sub")?.as_str()?.parse().ok()
}

/// Makes tokens: the operator's part.
#[derive(Debug)]
pub struct Issuer {
    key: AsymmetricSecretKey<V4>,
}

impl Issuer {
    /// With the secret key in this text.
    ///
    /// # Errors
    /// [`KeyError::Secret`].
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        // A seed of nothing but zeros makes the library panic.
        let zeros = "A".repeat(42);
        if text.strip_prefix("k4.secret.").is_none_or(|seed| seed.starts_with(&zeros)) {
            return Err(KeyError::Secret);
        }
        AsymmetricSecretKey::try_from(text).map(|key| Issuer { key }).map_err(|_| KeyError::Secret)
    }

    /// A token for a user, good from now on and for so long, at most [`VALID_MAX`].
    ///
    /// # Errors
    /// If the clock or the random numbers of this machine cannot be used.
    pub fn issue(&self, cluster: &str, user: UserId, valid: Duration) -> Result<String, TokenError> {
        let signed = || {
            let mut claims = Claims::new_expires_in(&valid.min(VALID_MAX))?;
            claims.subject(&user.to_string())?;
            claims.audience(cluster)?;
            public::sign(&self.key, &claims, None, None)
        };
        signed().map_err(|_: Error| TokenError::Malformed)
    }
}

/// Checks tokens: a server's part.
#[derive(Debug, Clone)]
pub struct Verifier {
    key: AsymmetricPublicKey<V4>,
    cluster: String,
}

impl Verifier {
    /// With the public key in this text.
    ///
    /// # Errors
    /// [`KeyError::Public`].
    pub fn new(text: &str, cluster: &str) -> Result<Self, KeyError> {
        let key = AsymmetricPublicKey::try_from(text.trim()).map_err(|_| KeyError::Public)?;
        Ok(Verifier { key, cluster: cluster.to_owned() })
    }

    /// Who it is, if the token is good now, by this machine's clock.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn verify(&self, token: &str) -> Result<UserId, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let untrusted = UntrustedToken::<Public, V4>::try_from(token).map_err(|_| TokenError::Malformed)?;
        let mut rules = ClaimsValidationRules::new();
        rules.validate_audience_with(&self.cluster);
        let trusted =
            public::verify(&self.key, &untrusted, &rules, None, None).map_err(|error| match error {
                Error::TokenValidation => TokenError::Forged,
                Error::ClaimValidation(ClaimValidationError::Exp) => TokenError::Expired,
                Error::ClaimValidation(ClaimValidationError::Nbf | ClaimValidationError::Iat) => {
                    TokenError::NotYet
                }
                Error::ClaimValidation(ClaimValidationError::Aud) => TokenError::OtherCluster,
                _ => TokenError::Malformed,
            })?;
        let subject =
            trusted.payload_claims().and_then(|claims| claims.get_claim("sub")?.as_str()?.parse().ok());
        subject.ok_or(TokenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    fn both() -> (Issuer, Verifier) {
        let (secret, public) = new_key().unwrap();
        (Issuer::new(&secret).unwrap(), Verifier::new(&public, "boxoffice").unwrap())
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_token_says_who_it_was_made_for() {
        let (issuer, verifier) = both();
        for id in ["TORM2345", "MTLC0001"] {
            let token = issuer.issue("boxoffice", user(id), HOUR).unwrap();
            assert_eq!((verifier.verify(&token), subject(&token)), (Ok(user(id)), Some(user(id))));
        }
    }

    #[test]
    fn a_token_of_another_key_is_forged() {
        let ((issuer, _), (_, verifier)) = (both(), both());
        let token = issuer.issue("boxoffice", user("TORM2345"), HOUR).unwrap();
        assert_eq!(verifier.verify(&token), Err(TokenError::Forged));
    }

    #[test]
    fn a_changed_token_is_forged_or_malformed_at_every_letter() {
        let (issuer, verifier) = both();
        let token = issuer.issue("boxoffice", user("TORC2345"), HOUR).unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let refused = verifier.verify(&changed);
            assert!(matches!(refused, Err(TokenError::Forged | TokenError::Malformed)), "{at}: {refused:?}");
        }
    }

    #[test]
    fn a_token_ends_and_is_for_one_cluster() {
        let (issuer, verifier) = both();
        let token = issuer.issue("other", user("TORC2345"), HOUR).unwrap();
        assert_eq!(verifier.verify(&token), Err(TokenError::OtherCluster));
        let mut claims = Claims::new().unwrap();
        claims.subject("TORC2345").unwrap();
        claims.audience("boxoffice").unwrap();
        for (begins, ends, why) in [
            ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", TokenError::Expired),
            ("2120-01-01T00:00:00Z", "2120-01-02T00:00:00Z", TokenError::NotYet),
        ] {
            claims.issued_at(begins).unwrap();
            claims.not_before(begins).unwrap();
            claims.expiration(ends).unwrap();
            let token = public::sign(&issuer.key, &claims, None, None).unwrap();
            assert_eq!(verifier.verify(&token), Err(why));
        }
    }

    #[test]
    fn what_is_no_token_or_key_is_refused_with_words() {
        let (_, verifier) = both();
        for text in ["", "v4.public.", "TORM2345", "v4.local.AAAA", &"v4.public.".repeat(1_000)] {
            assert_eq!(verifier.verify(text), Err(TokenError::Malformed), "{text}");
        }
        let (secret, public) = new_key().unwrap();
        assert_eq!(Issuer::new(&public).unwrap_err(), KeyError::Secret);
        assert_eq!(Issuer::new(&format!("k4.secret.{}", "A".repeat(86))).unwrap_err(), KeyError::Secret);
        assert_eq!(Verifier::new(&secret, "boxoffice").unwrap_err(), KeyError::Public);
    }
}
