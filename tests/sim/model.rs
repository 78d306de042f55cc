//! The oracle: a naive theatre that shares no code with the state machine, fed with the commands in the order
//! in which the servers executed them.

use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::{Name, Seat, SessionId};
use boxoffice::domain::outcome::Outcome;
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub struct Model {
    seats: Vec<Option<(Name, u64)>>,
    pub outcomes: BTreeMap<(SessionId, u64), (Outcome, u64)>,
}

impl Model {
    pub fn new(capacity: usize) -> Self {
        Model { seats: vec![None; capacity], outcomes: BTreeMap::new() }
    }

    pub fn execute(&mut self, command: &Command, position: u64) {
        let key = (command.session, command.sequence);
        if self.outcomes.contains_key(&key) {
            return;
        }
        let outcome = self.operate(&command.operation, position);
        self.outcomes.insert(key, (outcome, position));
    }

    pub fn held_by(&self, name: &Name) -> Vec<Seat> {
        let held = |seat: &Option<(Name, u64)>| seat.as_ref().is_some_and(|(holder, _)| holder == name);
        (1..).zip(&self.seats).filter(|(_, seat)| held(seat)).map(|(number, _)| Seat(number)).collect()
    }

    pub fn free(&self) -> Vec<u32> {
        (1..).zip(&self.seats).filter(|(_, seat)| seat.is_none()).map(|(number, _)| number).collect()
    }

    fn operate(&mut self, operation: &Operation, position: u64) -> Outcome {
        match operation {
            Operation::Reserve { name, count } => {
                let free = self.free();
                if free.len() < *count as usize {
                    return Outcome::NotEnough { left: free.len() as u32, count: *count };
                }
                let seats = self.held_by(name);
                if !seats.is_empty() {
                    return Outcome::AlreadyBooked { name: name.clone(), seats };
                }
                let run = (0..free.len())
                    .find(|&i| free.get(i + *count as usize - 1) == Some(&(free[i] + count - 1)))
                    .unwrap_or(0);
                self.take(name, &free[run..run + *count as usize], position)
            }
            Operation::ReserveSeats { name, seats } => self.reserve_seats(name, seats, position, false),
            Operation::Restore { name, seats } => self.reserve_seats(name, seats, position, true),
            Operation::Delete { name } => self.delete(name, u64::MAX),
            Operation::Withdraw { name, made_until } => self.delete(name, *made_until),
        }
    }

    fn reserve_seats(&mut self, name: &Name, seats: &[Seat], position: u64, again: bool) -> Outcome {
        let unknown: Vec<_> = seats.iter().copied().filter(|s| s.0 as usize > self.seats.len()).collect();
        if !unknown.is_empty() {
            return Outcome::NoSuchSeats { seats: unknown, capacity: self.seats.len() as u32 };
        }
        let held = self.held_by(name);
        if again && held == seats {
            return Outcome::Reserved { name: name.clone(), seats: held };
        }
        if !held.is_empty() {
            return Outcome::AlreadyBooked { name: name.clone(), seats: held };
        }
        let taken: Vec<_> =
            seats.iter().copied().filter(|s| self.seats[s.0 as usize - 1].is_some()).collect();
        if !taken.is_empty() {
            return Outcome::Taken { seats: taken };
        }
        let numbers: Vec<u32> = seats.iter().map(|s| s.0).collect();
        self.take(name, &numbers, position)
    }

    fn take(&mut self, name: &Name, numbers: &[u32], position: u64) -> Outcome {
        for &number in numbers {
            self.seats[number as usize - 1] = Some((name.clone(), position));
        }
        Outcome::Reserved { name: name.clone(), seats: numbers.iter().map(|&n| Seat(n)).collect() }
    }

    fn delete(&mut self, name: &Name, made_until: u64) -> Outcome {
        let held = self.held_by(name);
        let old = held.first().is_some_and(|s| {
            self.seats[s.0 as usize - 1].as_ref().is_some_and(|(_, made)| *made <= made_until)
        });
        if !old {
            return Outcome::NoReservation { name: name.clone() };
        }
        for seat in &held {
            self.seats[seat.0 as usize - 1] = None;
        }
        Outcome::Released { count: held.len() as u32, left: self.free().len() as u32 }
    }
}
