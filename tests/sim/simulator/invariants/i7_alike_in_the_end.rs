//! Once faults stop and enough servers are up, every command is answered (that is the world's bound on time), and all
//! servers are alike, with everything that was ever executed.

use super::Judge;
use crate::simulator::model::Model;
use crate::simulator::node::Running;
use crate::simulator::world::free_bits;
use boxoffice::domain::command::Query;
use boxoffice::domain::events::answer::EventAnswer;
use boxoffice::domain::events::command::{EventQuery, Question};
use boxoffice::domain::outcome::Answer;
use boxoffice::domain::state::State;

impl Judge {
    pub fn at_the_end(&self, running: &Running) -> Result<(), String> {
        let (engine, life) = (running.engine(), running.life);
        let machine = engine.machine();
        machine.check().map_err(|why| format!("invariant 1: server {life}: {why}"))?;
        let Some(execution) = self.executions.get(engine.digest()) else {
            return Err(format!("invariant 7: server {life} has a state that nobody executed"));
        };
        if free_bits(machine) != execution.free {
            return Err(format!("invariant 7: the seat map of server {life} is not the oracle's"));
        }
        if let Some(model) = self.executions.model_at(engine.digest()) {
            events_are_alike(machine, model).map_err(|why| format!("invariant 7: server {life}: {why}"))?;
        }
        if self.is_one_history() && engine.position() != self.executions.tip() {
            return Err(format!(
                "invariant 7: server {life} is at {}, but {} was executed",
                engine.position(),
                self.executions.tip()
            ));
        }
        Ok(())
    }
}

/// Everybody has of every event what the oracle says.
fn events_are_alike(machine: &State, model: &Model) -> Result<(), String> {
    let events = model.events();
    let ask = |question| machine.query(&Query::Events(Box::new(EventQuery { actor: None, question })));
    let kinds = EventAnswer::Kinds(events.kinds().to_vec());
    if ask(Question::Kinds) != Answer::Events(Box::new(kinds)) {
        return Err("the kinds are not the oracle's".into());
    }
    let Answer::Events(answer) = ask(Question::Branches { after: None, limit: 1_000 }) else {
        return Err("an answer of the wrong kind".into());
    };
    let EventAnswer::Branches { branches, more: None } = *answer else {
        return Err(format!("no branches: {answer}"));
    };
    if !branches.iter().map(|(code, branch)| (*code, branch.theatres.clone())).eq(events.branches()) {
        return Err(format!("the branches are not the oracle's: {branches:?}"));
    }
    for holder in events.people() {
        let question = Question::Schedule { holder: holder.clone(), after: None, limit: 1_000 };
        let query = Query::Events(Box::new(EventQuery { actor: Some(holder.clone()), question }));
        let (claims, cancelled) = events.schedule(&holder);
        let expected = EventAnswer::Schedule { holder, claims, cancelled, more: None };
        let answer = machine.query(&query);
        if answer != Answer::Events(Box::new(expected.clone())) {
            return Err(format!("{answer:?} instead of {expected:?}"));
        }
    }
    for (event, free) in events.free() {
        let question = Question::SeatMap(event.clone());
        let Answer::Events(answer) = ask(question) else { return Err("an answer of the wrong kind".into()) };
        let EventAnswer::SeatMap { map, .. } = *answer else { return Err(format!("{event}: {answer}")) };
        let bits = (1..=map.capacity).filter(|seat| map.free[0] >> (seat - 1) & 1 == 1);
        if map.capacity > 64 || !bits.eq(free) {
            return Err(format!("the seat map of {event} is not the oracle's"));
        }
    }
    match machine.next_expiry_ms() == events.next_expiry_ms() {
        true => Ok(()),
        false => Err("a hold falls back at another time".into()),
    }
}
