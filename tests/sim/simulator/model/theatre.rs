//! Seats as a plain list of who holds which.

use boxoffice::domain::command::Operation;
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::Outcome;
use boxoffice::protocol::types::Position;

#[derive(Clone)]
struct Holder {
    name: Name,
    since: Position,
}

#[derive(Clone)]
pub struct Theatre {
    seats: Vec<Option<Holder>>,
}

impl Theatre {
    pub fn new(capacity: u32) -> Self {
        Theatre { seats: vec![None; capacity as usize] }
    }

    pub fn held_by(&self, name: &Name) -> Vec<Seat> {
        let held = |seat: &Option<Holder>| seat.as_ref().is_some_and(|holder| holder.name == *name);
        (1..).zip(&self.seats).filter(|(_, seat)| held(seat)).map(|(number, _)| Seat(number)).collect()
    }

    fn free(&self) -> Vec<u32> {
        (1..).zip(&self.seats).filter(|(_, seat)| seat.is_none()).map(|(number, _)| number).collect()
    }

    /// Free seats, a bit each from seat 1 on.
    pub fn free_bits(&self) -> u64 {
        self.seats.iter().enumerate().filter(|(_, seat)| seat.is_none()).map(|(bit, _)| 1 << bit).sum()
    }

    pub fn operate(&mut self, operation: &Operation, position: Position) -> Outcome {
        match operation {
            Operation::Reserve { name, count } => self.reserve(name, *count, position),
            Operation::ReserveSeats { name, seats } => self.reserve_seats(name, seats, position),
            Operation::Restore { name, seats } => {
                let held = self.held_by(name);
                if held == *seats {
                    return Outcome::Reserved { name: name.clone(), seats: held };
                }
                self.reserve_seats(name, seats, position)
            }
            Operation::Delete { name } => self.delete(name, Position::MAX),
            Operation::Withdraw { name, made_until } => self.delete(name, *made_until),
            Operation::Events(_) | Operation::Expire | Operation::Offer(_) => {
                unreachable!("events have a model of their own")
            }
        }
    }

    fn reserve(&mut self, name: &Name, count: u32, position: Position) -> Outcome {
        let free = self.free();
        let wanted = count as usize;
        if free.len() < wanted {
            return Outcome::NotEnough { left: free.len() as u32, count };
        }
        let held = self.held_by(name);
        if !held.is_empty() {
            return Outcome::AlreadyBooked { name: name.clone(), seats: held };
        }
        let adjacent = |row: &&[u32]| row[wanted - 1] - row[0] == count - 1;
        let chosen = free.windows(wanted).find(adjacent).unwrap_or(&free[..wanted]).to_vec();
        self.take(name, &chosen, position)
    }

    fn reserve_seats(&mut self, name: &Name, seats: &[Seat], position: Position) -> Outcome {
        let capacity = self.seats.len() as u32;
        let outside: Vec<_> = seats.iter().copied().filter(|seat| seat.0 > capacity).collect();
        if !outside.is_empty() {
            return Outcome::NoSuchSeats { seats: outside, capacity };
        }
        let held = self.held_by(name);
        if !held.is_empty() {
            return Outcome::AlreadyBooked { name: name.clone(), seats: held };
        }
        let is_taken = |seat: &Seat| self.seats[seat.0 as usize - 1].is_some();
        let taken: Vec<_> = seats.iter().copied().filter(is_taken).collect();
        if !taken.is_empty() {
            return Outcome::Taken { seats: taken };
        }
        let numbers: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
        self.take(name, &numbers, position)
    }

    fn take(&mut self, name: &Name, numbers: &[u32], position: Position) -> Outcome {
        for &number in numbers {
            self.seats[number as usize - 1] = Some(Holder { name: name.clone(), since: position });
        }
        let seats = numbers.iter().map(|&number| Seat(number)).collect();
        Outcome::Reserved { name: name.clone(), seats }
    }

    fn delete(&mut self, name: &Name, made_until: Position) -> Outcome {
        let mut count = 0;
        for seat in &mut self.seats {
            if seat.as_ref().is_some_and(|holder| holder.name == *name && holder.since <= made_until) {
                *seat = None;
                count += 1;
            }
        }
        if count == 0 {
            return Outcome::NoReservation { name: name.clone() };
        }
        Outcome::Released { count, left: self.free().len() as u32 }
    }
}
