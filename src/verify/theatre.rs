//! The naive theatre: what each call comes to when calls are carried out one after the other.
//!
//! Written for being obviously right: seats are looked at one by one. It shares no code with
//! [`crate::domain::state`], which it judges.

use super::history::{Ask, Reply};
use crate::domain::ids::{Name, Seat};
use std::collections::BTreeMap;

/// Who holds which seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theatre {
    /// Whether seat `i + 1` is taken.
    taken: Vec<bool>,
    held: BTreeMap<Name, Vec<Seat>>,
}

/// What a call changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was a query, or it was refused.
    Nothing,
    /// The name has taken these seats.
    Took(Name, Vec<Seat>),
    /// The name has given these seats back.
    Gave(Name, Vec<Seat>),
}

impl Theatre {
    /// All seats are free.
    pub fn new(capacity: u32) -> Theatre {
        Theatre { taken: vec![false; capacity as usize], held: BTreeMap::new() }
    }

    /// How many seats there are.
    pub fn capacity(&self) -> u32 {
        self.taken.len() as u32
    }

    /// How many seats are free.
    pub fn left(&self) -> u32 {
        self.taken.iter().filter(|&&is_taken| !is_taken).count() as u32
    }

    /// The seats of a name.
    pub fn held_by(&self, name: &Name) -> Option<&[Seat]> {
        self.held.get(name).map(Vec::as_slice)
    }

    /// What a call would be told now, and what it would change.
    pub fn consider(&self, ask: &Ask) -> (Reply, Change) {
        match ask {
            Ask::Reserve { name, count } => self.reserve(name, *count),
            Ask::Pick { name, seats } => self.pick(name, seats),
            Ask::Delete { name } => match self.held_by(name) {
                None => (Reply::NoReservation, Change::Nothing),
                Some(seats) => {
                    let count = seats.len() as u32;
                    let reply = Reply::Released { count, left: self.left() + count };
                    (reply, Change::Gave(name.clone(), seats.to_vec()))
                }
            },
            Ask::Search { name } => {
                let found = self.held_by(name).map(|seats| Reply::Found(seats.to_vec()));
                (found.unwrap_or(Reply::NoReservation), Change::Nothing)
            }
            Ask::Seats => {
                let taken = self.numbered().filter(|&(_, is_taken)| is_taken).map(|(seat, _)| seat).collect();
                (Reply::Map { taken, left: self.left() }, Change::Nothing)
            }
        }
    }

    /// Carries a change out.
    ///
    /// # Panics
    /// If it is not one that [`consider`](Self::consider) gave for the theatre as it is.
    pub fn carry_out(&mut self, change: &Change) {
        match change {
            Change::Nothing => {}
            Change::Took(name, seats) => self.take(name, seats),
            Change::Gave(name, seats) => self.give(name, seats),
        }
    }

    /// Takes a change back.
    ///
    /// # Panics
    /// If it is not the last one that was carried out and not taken back.
    pub fn take_back(&mut self, change: &Change) {
        match change {
            Change::Nothing => {}
            Change::Took(name, seats) => self.give(name, seats),
            Change::Gave(name, seats) => self.take(name, seats),
        }
    }

    fn reserve(&self, name: &Name, count: u32) -> (Reply, Change) {
        // The order of these checks is part of the answer.
        let left = self.left();
        if left < count {
            return (Reply::NotEnough { left }, Change::Nothing);
        }
        if let Some(seats) = self.held_by(name) {
            return (Reply::AlreadyBooked(seats.to_vec()), Change::Nothing);
        }
        let seats = self.lowest_run(count).unwrap_or_else(|| self.lowest_free(count));
        (Reply::Reserved(seats.clone()), Change::Took(name.clone(), seats))
    }

    fn pick(&self, name: &Name, picked: &[Seat]) -> (Reply, Change) {
        let capacity = self.capacity();
        let missing: Vec<Seat> = picked.iter().copied().filter(|seat| seat.0 > capacity).collect();
        if !missing.is_empty() {
            return (Reply::NoSuchSeats { seats: missing, capacity }, Change::Nothing);
        }
        if let Some(seats) = self.held_by(name) {
            return (Reply::AlreadyBooked(seats.to_vec()), Change::Nothing);
        }
        let clashes: Vec<Seat> = picked.iter().copied().filter(|&seat| self.is_taken(seat)).collect();
        if !clashes.is_empty() {
            return (Reply::Taken(clashes), Change::Nothing);
        }
        (Reply::Reserved(picked.to_vec()), Change::Took(name.clone(), picked.to_vec()))
    }

    /// The lowest `count` adjacent seats that are all free.
    fn lowest_run(&self, count: u32) -> Option<Vec<Seat>> {
        let mut run = Vec::new();
        for (seat, is_taken) in self.numbered() {
            if is_taken {
                run.clear();
            } else {
                run.push(seat);
            }
            if run.len() == count as usize {
                return Some(run);
            }
        }
        None
    }

    fn lowest_free(&self, count: u32) -> Vec<Seat> {
        let free = self.numbered().filter(|&(_, is_taken)| !is_taken);
        free.take(count as usize).map(|(seat, _)| seat).collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (Seat, bool)> {
        (1..).map(Seat).zip(self.taken.iter().copied())
    }

    fn is_taken(&self, seat: Seat) -> bool {
        self.taken[seat.0 as usize - 1]
    }

    fn take(&mut self, name: &Name, seats: &[Seat]) {
        for &seat in seats {
            assert!(!self.is_taken(seat), "seat {seat} is taken twice");
            self.taken[seat.0 as usize - 1] = true;
        }
        let before = self.held.insert(name.clone(), seats.to_vec());
        assert_eq!(before, None, "{name} holds seats already");
    }

    fn give(&mut self, name: &Name, seats: &[Seat]) {
        for &seat in seats {
            assert!(self.is_taken(seat), "seat {seat} is given back twice");
            self.taken[seat.0 as usize - 1] = false;
        }
        let before = self.held.remove(name);
        assert_eq!(before.as_deref(), Some(seats), "{name} gives back what it holds");
    }
}
