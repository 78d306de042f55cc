//! Who holds which seats, and what each operation does about it.
//!
//! Memory of a reservation with one run of seats: an entry of 49 bytes in a vector that is nearly full (`piece`). A name of
//! more than 22 bytes has its text beside it, in an allocation of 16 bytes and the text.
//!
//! There is no way from a seat to its holder, because no operation needs one: that a seat is taken is known
//! from the bitmap.

use super::command::Operation;
use super::ids::{Name, SEATS_MAX, Seat};
use super::image::ReadError;
use super::kept::Kept;
use super::runs::SeatRuns;
use super::seats::SeatSet;
use super::shards::{Filling, Shards, Vacancy};

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

    /// Some operations are about to be executed: what they will look for is asked for, all at once.
    pub(super) fn approach<'a>(&self, operations: impl Iterator<Item = &'a Operation>) {
        self.by_name.approach(operations.filter_map(Operation::name));
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

    /// Puts back the reservations of a snapshot, in the order of their map; each must be made at a position from 1 to
    /// `position`.
    pub(super) fn admit(
        &mut self,
        position: u64,
        reservations: impl Iterator<Item = Result<(Name, Reservation), ReadError>>,
    ) -> Result<(), ReadError> {
        let mut by_name = Filling::new(self.by_name.clone());
        for reservation in reservations {
            let (name, reservation) = reservation?;
            if !(1..=position).contains(&reservation.made_at) {
                return Err(ReadError::Damaged("a reservation was made at a position that was not executed"));
            }
            let mut runs = reservation.seats.runs().iter();
            runs.try_for_each(|run| self.seats.admit(*run)).map_err(ReadError::Damaged)?;
            by_name.push(name, reservation)?;
        }
        self.seats.admitted();
        self.by_name = by_name.finish();
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
        match self.by_name.vacancy(name) {
            Ok(vacancy) => self.hold(position, name, seats, vacancy),
            Err(held) => Kept::AlreadyBooked(held.seats.clone()),
        }
    }

    fn reserve_seats(&mut self, position: u64, name: &Name, seats: &[Seat]) -> Kept {
        let Some(seats) = SeatRuns::from_seats(seats) else { return Kept::Malformed };
        if let Some(outside) = self.seats.nonexistent(&seats) {
            return Kept::NoSuchSeats(outside);
        }
        let vacancy = match self.by_name.vacancy(name) {
            Ok(vacancy) => vacancy,
            Err(held) => return Kept::AlreadyBooked(held.seats.clone()),
        };
        match self.seats.clashes(&seats) {
            Some(taken) => Kept::Taken(taken),
            None => self.hold(position, name, seats, vacancy),
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
    fn hold(&mut self, position: u64, name: &Name, seats: SeatRuns, vacancy: Vacancy) -> Kept {
        self.seats.take(&seats);
        let reservation = Reservation { made_at: position, seats: seats.clone() };
        self.by_name.fill(vacancy, name.clone(), reservation);
        Kept::Reserved(seats)
    }
}
