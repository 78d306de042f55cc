//! Rules of events, a fact each.

mod aside;
mod ask;
mod book;
mod heal;
mod manage;

use super::answer::{Claimed, EventAnswer, PAGE_BYTES_MAX};
use super::command::{Action, EventOperation, Filter, MinuteOfDay, NewEvent, Offer, Place, Question};
use super::config::{Branch, EventsConfig, WAITING_LIST_MAX, WAITING_MAX};
use super::ids::{BranchCode, EventId};
use super::outcome::{EventOutcome, Limit, Refusal};
use super::testing::*;
use crate::domain::command::Operation;
use crate::domain::ids::{Name, Seat, SessionId};
use crate::domain::outcome::Outcome;

const JOE: &str = "TORC0001";
const SUE: &str = "TORC0002";
const MAX: &str = "MTLC0001";
const E: &str = "TORM100519";

fn tickets(outcome: &EventOutcome) -> Vec<super::tickets::TicketId> {
    let (EventOutcome::Booked { seats, stem, .. } | EventOutcome::Exchanged { seats, stem, .. }) = outcome
    else {
        panic!("{outcome}")
    };
    seats.seats().map(|seat| stem.ticket(seat)).collect()
}
