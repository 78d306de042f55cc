//! One line of an audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request with its answer, in the fields that seed 003 asks for. Whoever writes one need not own its texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord<T = String, P = Value> {
    /// When the request came, in UTC: `2026-11-21T17:00:00.123Z`.
    pub at: T,
    /// How long the answer took, in microseconds.
    pub took_us: u64,
    /// The server that answered; 0 where none did.
    pub server: u8,
    /// Who asked: an id, or the name on a reservation.
    pub who: T,
    /// Whose token was shown; none where none was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<T>,
    /// What was asked for, such as `book`.
    pub request: T,
    /// Its parameters.
    pub parameters: P,
    /// What came of it.
    pub result: AuditResult,
    /// The answer in words.
    pub answer: T,
    /// Session and number of the command, the same in every try and on every server; none for questions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<T>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditResult {
    /// It was carried out.
    Done,
    /// It was refused: nothing was changed.
    Failed,
    /// It is not known, or this server could not serve it.
    Unknown,
}
