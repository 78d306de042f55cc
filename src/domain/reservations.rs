//! Who holds which seats, and what each operation does about it.
//!
//! Memory of a reservation with a name of 10 bytes and one run of seats, measured (`benches/domain.rs`) when its text
//! lay beside it: 110 to 140 bytes. It is a map entry of 48 bytes in nodes half to three quarters full; only a name
//! of more than 22 bytes has its text beside it, in an allocation of 16 bytes and the text.
//!
//! There is no way from a seat to its holder, because no operation needs one: that a seat is taken is known
//! from the bitmap.

use super::command::Operation;
use super::ids::{Name, SEATS_MAX, Seat};
use super::kept::Kept;
use super::runs::SeatRuns;
use super::seats::SeatSet;
use super::shards::Shards;

/// Reservations in one shard of a full theatre, unless it is very large.
const SHARD_LEN: usize = 256;

/// What a name holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    /// Position of the request that made it.
    pub(super) made_at: u64,
    pub(super) seats: SeatRuns,
}

/// The reservations of a theatre. The copy-on-write map is what a snapshot is made of; the seats follow from it.
#[derive(Clone, Debug)]
pub(super) struct Reservations {
    seats: SeatSet,
    by_name: Shards<Name, Reservation>,
}

impl Reservations {
    pub(super) fn new(capacity: u32) -> Reservations {
        // A reservation has at least one seat, so there are never more of them than seats.
        Reservations { seats: SeatSet::new(capacity), by_name: Shards::new(capacity as usize, SHARD_LEN) }
    }

    pub(super) fn seats(&self) -> &SeatSet {
        &self.seats
    }

    /// A request begins: the seats that it changes are to be told apart.
    pub(super) fn forget_touched(&mut self) {
        self.seats.forget_touched();
    }

    pub(super) fn by_name(&self) -> &Shards<Name, Reservation> {
        &self.by_name
    }

    /// Executes an operation as part of the request at `position`.
    pub(super) fn execute(&mut self, position: u64, operation: &Operation) -> Kept {
        match operation {
            Operation::Reserve { name, count } => self.reserve(position, name, *count),
            Operation::ReserveSeats { name, seats } => self.reserve_seats(position, name, seats),
            Operation::Delete { name } => self.delete(name, u64::MAX),
            Operation::Restore { name, seats } => self.restore(position, name, seats),
            Operation::Withdraw { name, made_until } => self.delete(name, *made_until),
            Operation::Events(_) | Operation::Expire | Operation::Offer(_) => {
                unreachable!("what is about events is executed by them")
            }
        }
    }

    /// Adds a reservation that a snapshot says exists.
    ///
    /// # Errors
    /// A text that says why it cannot exist beside the ones before it.
    pub(super) fn admit(&mut self, name: Name, reservation: Reservation) -> Result<(), &'static str> {
        if self.seats.nonexistent(&reservation.seats).is_some() {
            return Err("a reservation of seats that do not exist");
        }
        if self.seats.clashes(&reservation.seats).is_some() {
            return Err("a seat with two holders");
        }
        if self.by_name.get(&name).is_some() {
            return Err("a name with two reservations");
        }
        self.seats.take(&reservation.seats);
        self.by_name.insert(name, reservation);
        Ok(())
    }

    /// Looks at every seat and every reservation: each taken seat has one holder, all sums are right.
    pub(super) fn check(&self) -> Result<(), String> {
        self.seats.check()?;
        self.by_name.check()?;
        let mut held = SeatSet::new(self.seats.capacity());
        for (name, reservation) in self.by_name.iter() {
            let seats = &reservation.seats;
            if held.nonexistent(seats).is_some() || held.clashes(seats).is_some() {
                return Err(format!("{name:?} holds seats of others or of no theatre: {seats:?}"));
            }
            held.take(seats);
        }
        if held != self.seats { Err("the taken seats are not those with a holder".into()) } else { Ok(()) }
    }

    fn reserve(&mut self, position: u64, name: &Name, count: u32) -> Kept {
        if count == 0 || count > SEATS_MAX {
            return Kept::Malformed;
        }
        let Some(seats) = self.seats.pick(count) else {
            return Kept::NotEnough { left: self.seats.left(), count };
        };
        if let Some(held) = self.by_name.get(name) {
            return Kept::AlreadyBooked(held.seats.clone());
        }
        self.hold(position, name, seats)
    }

    fn reserve_seats(&mut self, position: u64, name: &Name, seats: &[Seat]) -> Kept {
        let Some(seats) = SeatRuns::from_seats(seats) else { return Kept::Malformed };
        if let Some(outside) = self.seats.nonexistent(&seats) {
            return Kept::NoSuchSeats(outside);
        }
        if let Some(held) = self.by_name.get(name) {
            return Kept::AlreadyBooked(held.seats.clone());
        }
        match self.seats.clashes(&seats) {
            Some(taken) => Kept::Taken(taken),
            None => self.hold(position, name, seats),
        }
    }

    fn restore(&mut self, position: u64, name: &Name, seats: &[Seat]) -> Kept {
        match self.by_name.get(name) {
            Some(held) if held.seats.seats().eq(seats.iter().copied()) => Kept::Reserved(held.seats.clone()),
            Some(_) | None => self.reserve_seats(position, name, seats),
        }
    }

    /// Deletes the name's reservation if it was made at or before `made_until`.
    fn delete(&mut self, name: &Name, made_until: u64) -> Kept {
        let Some(held) = self.by_name.remove_if(name, |held| held.made_at <= made_until) else {
            return Kept::NoReservation;
        };
        self.seats.release(&held.seats);
        Kept::Released { count: held.seats.count(), left: self.seats.left() }
    }

    /// Gives free seats to a name that holds none.
    fn hold(&mut self, position: u64, name: &Name, seats: SeatRuns) -> Kept {
        self.seats.take(&seats);
        let reservation = Reservation { made_at: position, seats: seats.clone() };
        let before = self.by_name.insert(name.clone(), reservation);
        assert!(before.is_none(), "a name never has two reservations");
        Kept::Reserved(seats)
    }
}
