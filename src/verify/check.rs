//! The verdict on a whole history.

use super::history::{Call, Reply};
use super::line::{LineError, sense};
use super::schedule::Schedule;
use super::search::{self, End};
use super::violation::Violation;
use crate::domain::ids::SEATS_MAX;
use std::collections::BTreeMap;

pub use super::search::Limits;

/// What a history shows.
#[derive(Debug)]
pub enum Verdict {
    /// Of each event's calls there is an order that explains every answer.
    Linearizable(Vec<Order>),
    /// No order explains every answer.
    Violated(Box<Violation>),
    /// The search took too much. That is **not** a good history; fewer unknown outcomes, or calls at a time, help.
    GaveUp {
        /// Of which event.
        event: String,
        /// How many configurations were looked at.
        configurations: usize,
    },
}

/// How the calls of an event can have been carried out, one after the other.
#[derive(Debug)]
pub struct Order {
    /// Which one.
    pub event: String,
    /// Seats of the event.
    pub capacity: u32,
    /// Places in the history. Calls without an answer that need not have been carried out are left out.
    pub places: Vec<usize>,
    /// What the search took.
    pub configurations: usize,
}

/// Why a history cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A call that makes no sense.
    #[error("call {}: {reason}", place + 1)]
    Call {
        /// Its place in the history, from 0.
        place: usize,
        /// What is wrong.
        reason: LineError,
    },
    /// Nothing says how many seats there are.
    #[error("how many seats {event:?} has is not known: no call got its seat map")]
    NoCapacity {
        /// Which event.
        event: String,
    },
    /// More seats than there can be.
    #[error("{event:?} has {capacity} seats, at most {SEATS_MAX} are possible")]
    TooManySeats {
        /// Which event.
        event: String,
        /// How many seats the history says it has.
        capacity: u64,
    },
}

/// Judges a history, event by event. It begins with all seats free. Without a `capacity` each event has as
/// many seats as the first seat map in the history shows.
///
/// # Errors
/// When there is nothing to hold the answers against.
pub fn check(history: &[Call], capacity: Option<u32>, limits: Limits) -> Result<Verdict, CheckError> {
    let mut events: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, call) in history.iter().enumerate() {
        sense(call).map_err(|reason| CheckError::Call { place, reason })?;
        events.entry(&call.event).or_default().push(place);
    }
    let mut orders = Vec::new();
    let mut gave_up = None;
    for (event, places) in events {
        let capacity = match capacity {
            Some(capacity) => u64::from(capacity),
            None => {
                seats_shown(history, &places).ok_or(CheckError::NoCapacity { event: event.to_owned() })?
            }
        };
        let capacity = u32::try_from(capacity)
            .ok()
            .filter(|&capacity| capacity <= SEATS_MAX)
            .ok_or(CheckError::TooManySeats { event: event.to_owned(), capacity })?;
        let schedule = Schedule::new(history, &places);
        let found = search::search(&schedule, capacity, limits);
        let place = |task: usize| schedule.tasks[task].index;
        match found.end {
            End::Ordered(tasks) => orders.push(Order {
                event: event.to_owned(),
                capacity,
                places: tasks.into_iter().map(place).collect(),
                configurations: found.configurations,
            }),
            End::Stuck { task, alternatives } => {
                let violation = Violation::new(history, &places, place(task), alternatives);
                return Ok(Verdict::Violated(Box::new(violation)));
            }
            // Another event may still show a violation, which is worth more.
            End::GaveUp => gave_up = Some((event.to_owned(), found.configurations)),
        }
    }
    Ok(match gave_up {
        Some((event, configurations)) => Verdict::GaveUp { event, configurations },
        None => Verdict::Linearizable(orders),
    })
}

fn seats_shown(history: &[Call], places: &[usize]) -> Option<u64> {
    places.iter().find_map(|&place| match history[place].end.as_ref().map(|end| &end.reply) {
        Some(Reply::Map { taken, left }) => Some(taken.len() as u64 + u64::from(*left)),
        Some(
            Reply::Reserved(_)
            | Reply::NotEnough { .. }
            | Reply::AlreadyBooked(_)
            | Reply::Taken(_)
            | Reply::NoSuchSeats { .. }
            | Reply::Found(_)
            | Reply::Released { .. }
            | Reply::NoReservation,
        )
        | None => None,
    })
}
