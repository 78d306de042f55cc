//! The questions of one client that are not answered yet, and how many there may be.

use super::wire::ClientRequest;
use crate::audit::describe::Asked;
use crate::domain::command::{Operation, Query};
use crate::domain::events::command::Seating;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// A question whose answer may hold so many seats counts as one more.
const SEATS_PER_PERMIT: u32 = 1_024;
/// Questions about seats that one connection may have open.
const QUERIES_MAX: u32 = 8;

/// Questions that are not answered yet: what the client calls them, and their permits.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) permits: Semaphore,
    permits_max: u32,
    asked: Mutex<BTreeMap<u64, Question>>,
}

/// A question that is not answered yet.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) id: u64,
    pub(super) weight: u32,
    pub(super) audit: Option<Asked>,
}

impl Open {
    /// None yet; at most so many permits' worth.
    pub(super) fn new(max: usize) -> Open {
        Open { permits: Semaphore::new(max), permits_max: max as u32, asked: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Question>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for an answer. The permits come back when it is written.
    pub(super) async fn take(&self, number: u64, id: u64, weight: u32, audit: Option<Asked>) {
        if let Ok(permits) = self.permits.acquire_many(weight).await {
            permits.forget();
        }
        self.lock().insert(number, Question { id, weight, audit });
    }

    /// How many permits the answer takes.
    pub(super) fn weight(&self, request: &ClientRequest) -> u32 {
        let weight = match request {
            ClientRequest::Command(command) => match &command.operation {
                Operation::Reserve { count, .. } => 1 + count / SEATS_PER_PERMIT,
                Operation::ReserveSeats { seats, .. } | Operation::Restore { seats, .. } => {
                    1 + seats.len() as u32 / SEATS_PER_PERMIT
                }
                Operation::Delete { .. } | Operation::Withdraw { .. } => 1,
                // Seats come back as runs: as many as were named, or a few.
                Operation::Events(operation) => {
                    1 + operation.action.seating().map_or(0, Seating::runs_len) as u32 / SEATS_PER_PERMIT
                }
                Operation::Expire | Operation::Offer(_) => 1,
            },
            ClientRequest::Query {
                query: Query::Search { .. } | Query::Seats | Query::Events(_), ..
            } => self.permits_max / QUERIES_MAX,
            ClientRequest::Trace { .. } => self.permits_max / QUERIES_MAX,
            ClientRequest::Status | ClientRequest::Override => 1,
        };
        weight.clamp(1, self.permits_max)
    }
}
