//! `/v1/events` and what belongs to them: the same operations and questions as the command-line client's, as resources.
//!
//! Every command goes through [`execute`], so that whatever is to hold for all of them has one place. Who acts is in
//! [`person`], what a refusal is called in [`refused`], how much of a long list is shown in [`show`].

mod bodies;
pub(super) mod bookings;
pub(super) mod catalogue;
pub(super) mod holds;
pub(super) mod lists;
mod paths;
mod person;
mod refused;
pub(super) mod shop;
mod show;
pub(super) mod waiting;

use super::app::App;
use super::problem::{Code, Problem};
use crate::domain::command::{Operation, Query};
use crate::domain::events::answer::EventAnswer;
use crate::domain::events::command::{Action, EventOperation, EventQuery, Question};
use crate::domain::events::outcome::EventOutcome;
use crate::domain::outcome::{Answer, Outcome};
use crate::replication::port::Freshness;
use person::Person;
use std::sync::Arc;

/// Executes any operation for somebody.
async fn operate(app: &App, person: &Person, operation: Operation) -> Result<Outcome, Problem> {
    app.asker.execute(person.asking.clone(), operation).await
}

/// Executes what somebody does about events. A refusal is a problem.
async fn execute(app: &App, person: &Person, action: Action) -> Result<Arc<EventOutcome>, Problem> {
    let actor = person.needed()?.clone();
    match operate(app, person, Operation::Events(Box::new(EventOperation { actor, action }))).await? {
        Outcome::Events(outcome) => match &*outcome {
            EventOutcome::Refused(refusal) => Err(refused::problem(refusal)),
            _ => Ok(outcome),
        },
        other => Err(Problem::new(Code::Internal, other.to_string())),
    }
}

/// Answers a question. A refusal is a problem.
async fn find(
    app: &App,
    person: &Person,
    question: Question,
    freshness: Freshness,
) -> Result<EventAnswer, Problem> {
    let query = Query::Events(Box::new(EventQuery { actor: person.actor.clone(), question }));
    match app.asker.find(person.asking.clone(), query, freshness).await? {
        Answer::Events(answer) => match *answer {
            EventAnswer::Refused(refusal) => Err(refused::problem(&refusal)),
            answer => Ok(answer),
        },
        Answer::Search { .. } | Answer::Seats(_) => Err(other_answer()),
    }
}

fn other_answer() -> Problem {
    Problem::new(Code::Internal, "an answer to another question")
}
