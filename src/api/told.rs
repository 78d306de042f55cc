//! What the audit log says of an answer to a question.

use crate::audit::describe::brief;
use crate::audit::record::AuditResult;
use crate::domain::events::answer::EventAnswer;
use crate::domain::outcome::{Answer, Outcome, SeatList};

/// Whether something was found, and what, in words.
pub(super) fn told(answer: &Answer) -> (AuditResult, String) {
    match answer {
        Answer::Events(answer) => match &**answer {
            EventAnswer::Refused(refusal) => (AuditResult::Failed, brief(refusal)),
            answer => (AuditResult::Done, brief(answer)),
        },
        Answer::Search { seats: Some(seats), .. } => (AuditResult::Done, brief(&SeatList(seats))),
        Answer::Search { name, seats: None } => {
            (AuditResult::Failed, Outcome::NoReservation { name: name.clone() }.to_string())
        }
        Answer::Seats(map) => (AuditResult::Done, format!("{} of {} seats are free", map.left, map.capacity)),
    }
}
