//! What the scenarios ask of a world.

use crate::script;
use crate::world::World;
use boxoffice::domain::command::Query;
use boxoffice::domain::ids::Seat;
use boxoffice::domain::outcome::{Answer, Outcome};
use std::collections::BTreeMap;

/// A cluster at work in its first view.
pub fn story(first_line: &str) -> World {
    let mut world = script::world(first_line);
    world.play("form");
    world
}

/// Asserts that a line with this text is among what happened.
#[track_caller]
pub fn assert_has(happened: &[String], text: &str) {
    assert!(has(happened, text), "{text:?} did not happen, but\n{}", happened.join("\n"));
}

#[track_caller]
pub fn assert_has_not(happened: &[String], text: &str) {
    assert!(!has(happened, text), "{text:?} happened:\n{}", happened.join("\n"));
}

pub fn has(happened: &[String], text: &str) -> bool {
    happened.iter().any(|line| line.contains(text))
}

impl World {
    /// The seats that a name holds, as one server knows it.
    pub fn seats_of(&self, id: u8, name: &str) -> Option<Vec<u32>> {
        let name = name.parse().expect("a name");
        let answer = self.engine(id).machine().query(&Query::Search { name });
        let Answer::Search { seats, .. } = answer else { unreachable!("a name was searched for") };
        seats.map(|seats| seats.into_iter().map(|Seat(number)| number).collect())
    }

    /// What the client of this name was told, first to last.
    pub fn told(&self, name: &str) -> Vec<&Outcome> {
        self.answers.iter().filter(|(label, _)| label == name).map(|(_, outcome)| outcome).collect()
    }

    #[track_caller]
    pub fn assert_not_told(&self, name: &str) {
        assert!(self.told(name).is_empty(), "{name} was told {:?}", self.told(name));
    }

    #[track_caller]
    pub fn assert_reserved(&self, name: &str) {
        let told = self.told(name);
        assert!(matches!(told.last(), Some(Outcome::Reserved { .. })), "{name} was told {told:?}");
    }

    /// Whoever was last told of seats has them, at every server that takes commands.
    #[track_caller]
    pub fn assert_answers_hold(&self) {
        let last: BTreeMap<_, _> = self.answers.iter().map(|(label, outcome)| (label, outcome)).collect();
        for (label, outcome) in last {
            let Outcome::Reserved { name, seats } = outcome else { continue };
            let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
            for id in self.active() {
                let held = self.seats_of(id, name.as_str());
                assert_eq!(held.as_ref(), Some(&seats), "what server {id} knows of {label}");
            }
        }
    }

    /// Exactly these servers are in a view before long, agree, keep what clients were told, and each sells a seat.
    #[track_caller]
    pub fn assert_goes_on(&mut self, ids: &[u8]) {
        self.run_until("a view of those who are there", |w| w.are_together(ids));
        for &id in ids {
            let name = format!("c{}-{id}", self.commands.len());
            self.play(&format!("submit {id} reserve {name} 1"));
            self.run(1000);
            assert!(!self.told(&name).is_empty(), "server {id} does not answer\n{}", self.picture());
        }
        assert!(self.are_together(ids), "{}", self.picture());
        self.assert_answers_hold();
    }
}
