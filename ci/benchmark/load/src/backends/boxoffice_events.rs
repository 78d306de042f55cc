//! Events of boxoffice: added before the run, then asked about like the theatre.

use super::boxoffice::{Link, two};
use crate::backend::{Reply, SEATS};
use crate::error::LoadError;
use boxoffice::api::wire::{ClientFrame, ClientRequest, ServerReply};
use boxoffice::domain::command::{Operation, Query};
use boxoffice::domain::events::answer::{Claimed, EventAnswer};
use boxoffice::domain::events::calendar::Date;
use boxoffice::domain::events::command::{
    Action, Count, EventOperation, EventQuery, MinuteOfDay, NewEvent, Place, Question, Seating,
};
use boxoffice::domain::events::ids::{Actor, BranchCode, EventId, EventKey, Kind, UserId, Uuid};
use boxoffice::domain::events::outcome::{EventOutcome, Refusal};
use boxoffice::domain::ids::Name;
use boxoffice::domain::outcome::Outcome;

/// Where all events are.
const BRANCH: &str = "TOR";
/// Who adds them.
const MANAGER: &str = "TORM0001";
/// What they are.
const KIND: &str = "Seminars";
/// Most events that are added at a time.
const ADDED_AT_A_TIME: usize = 256;

/// The events of a run, by their number.
pub struct Events {
    keys: Vec<EventKey>,
    count: Count,
}

impl Events {
    /// Adds so many events of so many seats.
    ///
    /// # Errors
    /// One of them is not there afterwards.
    pub async fn add(link: &mut Link, count: u32, seats: u32) -> Result<Events, LoadError> {
        let branch: BranchCode = BRANCH.parse().expect("a branch");
        let manager: UserId = MANAGER.parse().expect("a manager");
        let kind: Kind = KIND.parse().expect("a kind");
        let date = Date::new(2030, 6, 1).expect("a day");
        let minute = MinuteOfDay::new(20 * 60).expect("a time of day");
        let mut keys = Vec::with_capacity(count as usize);
        let mut commands = vec![None; ADDED_AT_A_TIME.min(link.in_flight_max)];
        while keys.len() < count as usize {
            let mut sent = 0;
            for slot in 0..commands.len().min(count as usize - keys.len()) {
                let id = uuid(keys.len());
                let place = Place::Free { id, branch, date, minute };
                let event = NewEvent { place, kind: kind.clone(), name: None, theatre: None };
                let action = Action::AddEvent { event, capacity: seats };
                let operation = EventOperation { actor: Actor::User(manager), action };
                let command = link.session.command(Operation::Events(Box::new(operation)));
                link.request(&ClientFrame {
                    id: slot as u64,
                    body: ClientRequest::Command(command.clone()),
                })?;
                commands[slot] = Some(command);
                keys.push(EventKey { id: EventId::Uuid(id), kind: kind.clone() });
                sent += 1;
            }
            let mut refusal = None;
            while sent > 0 {
                link.exchange(|session, frame| {
                    if let Some(command) = commands.get_mut(frame.id as usize).and_then(Option::take) {
                        session.close(&command);
                    }
                    sent -= 1;
                    let is_added = matches!(&frame.body, ServerReply::Outcome(Outcome::Events(outcome))
                        if matches!(**outcome, EventOutcome::EventAdded { .. }));
                    if !is_added {
                        refusal = Some(format!("an event was not added: {:?}", frame.body));
                    }
                })
                .await?;
            }
            if let Some(refusal) = refusal {
                return Err(LoadError::Preparation(refusal));
            }
        }
        Ok(Events { keys, count: Count::new(SEATS as u32).expect("a number of seats") })
    }

    /// Books seats of an event.
    pub fn book(&self, event: u32, name: Name) -> Operation {
        let (holder, event) = (Actor::Guest(name), self.key(event));
        let action = Action::Book { holder: holder.clone(), event, seating: Seating::Any(self.count) };
        Operation::Events(Box::new(EventOperation { actor: holder, action }))
    }

    /// Gives them back.
    pub fn cancel(&self, event: u32, name: Name) -> Operation {
        let (holder, EventKey { id, kind }) = (Actor::Guest(name), self.key(event));
        let action = Action::Cancel { holder: holder.clone(), event: id, kind: Some(kind) };
        Operation::Events(Box::new(EventOperation { actor: holder, action }))
    }

    /// Which ones somebody has.
    pub fn claim(&self, event: u32, name: Name) -> Query {
        let holder = Actor::Guest(name);
        let question = Question::Claim { holder: holder.clone(), event: self.key(event) };
        Query::Events(Box::new(EventQuery { actor: Some(holder), question }))
    }

    fn key(&self, event: u32) -> EventKey {
        self.keys[event as usize].clone()
    }
}

/// What an operation came to.
pub fn reply(outcome: &EventOutcome) -> Reply {
    match outcome {
        EventOutcome::Booked { seats, .. } => two(&seats.to_vec(), Reply::Reserved),
        EventOutcome::Cancelled { count, .. } if *count == SEATS as u32 => Reply::Deleted,
        EventOutcome::Refused(Refusal::NotEnough { .. }) => Reply::SoldOut,
        other => Reply::Refused(format!("{other:?}")),
    }
}

/// What a question found.
pub fn found(answer: &EventAnswer) -> Reply {
    match answer {
        EventAnswer::Claim(claim) => match &claim.what {
            Claimed::Booking { seats, .. } => two(&seats.to_vec(), Reply::Found),
            other => Reply::Refused(format!("{other:?}")),
        },
        other => Reply::Refused(format!("{other:?}")),
    }
}

/// Every event has another one.
fn uuid(number: usize) -> Uuid {
    format!("b0c0ffee-0000-4000-8000-{number:012x}").parse().expect("a UUID")
}
