//! The exact words for what operations on events come to, in the manner of the classic ones.

use super::ids::{EventKey, Kind};
use super::outcome::{Denied, EventOutcome, Limit, Refusal};
use crate::domain::runs::SeatRuns;
use std::fmt;

/// Seats as people read them: `1,2,5`.
pub struct Runs<'a>(pub &'a SeatRuns);

impl fmt::Display for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for seat in self.0.seats() {
            write!(f, "{comma}{seat}")?;
            comma = ",";
        }
        Ok(())
    }
}

/// Values with a comma between them.
pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A time of the state as people read it: `2019-05-10 09:30:00 UTC`.
pub struct Time(pub u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hours, minutes, seconds] = self.civil();
        write!(f, "{year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02} UTC")
    }
}

impl Time {
    /// Year, month, day, hours, minutes and seconds in UTC.
    pub fn civil(&self) -> [u64; 6] {
        // Civil date of a day number, after Howard Hinnant's `civil_from_days`; days count from 1 March of year 0.
        let (days, seconds) = (self.0 / 86_400_000 + 719_468, self.0 / 1_000 % 86_400);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        [year, month, day, seconds / 3_600, seconds / 60 % 60, seconds % 60]
    }
}

impl fmt::Display for EventOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventOutcome::BranchAdded { branch } => write!(f, "Branch {branch} has been added."),
            EventOutcome::TheatreAdded { branch, theatre } => {
                write!(f, "Theatre {theatre} of {branch} has been added.")
            }
            EventOutcome::KindAdded { kind } => write!(f, "Kind {kind} has been added."),
            EventOutcome::EventAdded { event, capacity } => {
                write!(f, "{event} has been added with {capacity} seats.")
            }
            EventOutcome::CapacityChanged { event, capacity, before } => {
                write!(f, "{event} has {capacity} seats now; it had {before}.")
            }
            EventOutcome::EventRemoved { event, bookings, seats, affected } => {
                removed(f, event, *bookings, *seats, affected)
            }
            EventOutcome::Booked { holder, event, seats, stem: _ } => {
                write!(f, "The seats have been reserved for {holder} at {event}: {}.", Runs(seats))
            }
            EventOutcome::Cancelled { holder: _, event, count, left }
            | EventOutcome::HoldReleased { holder: _, event, count, left } => {
                write!(f, "{count} seats of {event} have been released. {left} seats are now available.")
            }
            EventOutcome::Exchanged { holder, from, to, seats, stem: _ } => write!(
                f,
                "The seats at {from} have been exchanged. The seats have been reserved for {holder} at {to}: {}.",
                Runs(seats)
            ),
            EventOutcome::TicketDeleted { ticket, event, seat, left } => write!(
                f,
                "Ticket {ticket} has been deleted: seat {seat} of {event} has been released. {left} seats are now available."
            ),
            EventOutcome::Held { holder, event, seats, until_ms } => write!(
                f,
                "The seats are held for {holder} at {event} until {}: {}.",
                Time(*until_ms),
                Runs(seats)
            ),
            EventOutcome::Extended { holder, event, until_ms } => {
                write!(f, "The seats are held for {holder} at {event} until {}.", Time(*until_ms))
            }
            EventOutcome::Joined { holder, event, count, place } => {
                write!(f, "{holder} waits for {count} seats at {event}, at place {place}.")
            }
            EventOutcome::Left { holder, event } => write!(f, "{holder} no longer waits for {event}."),
            EventOutcome::Expired { holds } => write!(f, "{holds} holds have expired."),
            EventOutcome::Settled => f.write_str("Nothing was left to do."),
            EventOutcome::Refused(refusal) => refusal.fmt(f),
        }
    }
}

fn removed(
    f: &mut fmt::Formatter<'_>,
    event: &EventKey,
    bookings: u32,
    seats: u32,
    affected: &[super::ids::Actor],
) -> fmt::Result {
    write!(f, "{event} has been removed. ")?;
    if affected.is_empty() {
        return f.write_str("Nobody had booked it.");
    }
    write!(f, "{bookings} bookings with {seats} seats have been cancelled: {}", List(affected))?;
    match bookings as usize - affected.len().min(bookings as usize) {
        0 => f.write_str("."),
        more => write!(f, " and {more} more."),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failed: ")?;
        match self {
            Refusal::NotAllowed(denied) => denied.fmt(f),
            Refusal::NoSuchBranch { branch } => write!(f, "there is no branch {branch}."),
            Refusal::BranchExists { branch } => write!(f, "branch {branch} exists already."),
            Refusal::NoSuchTheatre { branch, theatre } => {
                write!(f, "{branch} has no theatre {theatre}.")
            }
            Refusal::TheatreExists { branch, theatre } => {
                write!(f, "{branch} has theatre {theatre} already.")
            }
            Refusal::NoSuchKind { kind } => write!(f, "there is no kind {kind}."),
            Refusal::KindExists { kind } => write!(f, "kind {kind} exists already."),
            Refusal::NoSuchEvent { event } => write!(f, "there is no event {event}."),
            Refusal::OtherPlace { id } => {
                write!(f, "an event {id} is in another branch or at another time.")
            }
            Refusal::CapacityOutOfRange { capacity } => {
                write!(f, "an event has 1 to {} seats, not {capacity}.", crate::domain::ids::SEATS_MAX)
            }
            Refusal::CapacityBelowSold { event, capacity, taken, highest } => write!(
                f,
                "{event} cannot have only {capacity} seats: {taken} are taken, up to seat {highest}."
            ),
            Refusal::Full(limit) => limit.fmt(f),
            Refusal::NoSuchSeats { seats, capacity } => {
                write!(f, "there are no seats {}; the seats are 1 to {capacity}.", Runs(seats))
            }
            Refusal::AlreadyBooked { holder, event, seats } => {
                write!(f, "{holder} has booked the following seats at {event}: {}.", Runs(seats))
            }
            Refusal::AlreadyHeld { holder, event, seats, until_ms } => write!(
                f,
                "the following seats at {event} are held for {holder} until {}: {}.",
                Time(*until_ms),
                Runs(seats)
            ),
            Refusal::QuotaReached { holder, month, max } => {
                let home = holder.branch().map_or_else(String::new, |branch| format!(" outside of {branch}"));
                write!(f, "{holder} has {max} bookings{home} in {month}, as many as there can be.")
            }
            Refusal::NotEnough { event, left, count } => {
                write!(f, "only {left} seats left at {event} but {count} seats are requested.")
            }
            Refusal::Taken { event, seats } => {
                write!(f, "the following seats at {event} are taken already: {}.", Runs(seats))
            }
            Refusal::NotBooked { holder, id, kind } => {
                let kind = kind.as_ref().map_or_else(String::new, |kind: &Kind| format!(" ({kind})"));
                write!(f, "no reservation is made by {holder} at {id}{kind}.")
            }
            Refusal::WhichKind { holder, id, kinds } => {
                write!(f, "{holder} has several reservations at {id}; say which kind: {}.", List(kinds))
            }
            Refusal::NoSuchTicket { ticket } => write!(f, "there is no ticket {ticket}."),
            Refusal::NotHeld { holder, event } => write!(f, "no seats are held for {holder} at {event}."),
            Refusal::ExtendedAlready { holder, event, until_ms } => write!(
                f,
                "the hold for {holder} at {event} was extended already; it ends at {}.",
                Time(*until_ms)
            ),
            Refusal::SeatsAreFree { event, left } => {
                write!(f, "{left} seats are free at {event}; there is no need to wait.")
            }
            Refusal::MoreThanAll { event, capacity, count } => {
                write!(f, "{event} has {capacity} seats; {count} will never be free.")
            }
            Refusal::AlreadyWaiting { holder, event, place } => {
                write!(f, "{holder} waits for {event} already, at place {place}.")
            }
            Refusal::NotWaiting { holder, event } => write!(f, "{holder} does not wait for {event}."),
            Refusal::BookedSince { event } => {
                write!(f, "{event} was removed on one side of a partition and booked on the other; it stays.")
            }
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::ManagersOnly { actor } => write!(f, "{actor} is no manager; only managers may do that."),
            Denied::OtherBranch { actor, branch } => {
                write!(f, "{actor} does not manage {branch}; only managers of {branch} may do that.")
            }
            Denied::ForSomebodyElse { actor, holder } => write!(f, "{actor} may not act for {holder}."),
            Denied::WhoAreYou => f.write_str("that is not told to everybody; say who you are."),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Branches(max) => write!(f, "there are {max} branches already, no more can be added."),
            Limit::Theatres(max) => write!(f, "the branch has {max} theatres already, no more can be added."),
            Limit::Kinds(max) => write!(f, "there are {max} kinds already, no more can be added."),
            Limit::Events(max) => write!(f, "there are {max} events already, no more can be added."),
            Limit::Seats(max) => write!(f, "all events together can have {max} seats, this would be more."),
            Limit::Bookings(max) => write!(f, "there are {max} bookings already, no more can be made."),
            Limit::Holds(max) => write!(f, "{max} holds are open already, no more can be made now."),
            Limit::HoldsOfOne(max) => {
                write!(f, "nobody can have more than {max} holds at a time.")
            }
            Limit::WaitingList(max) => write!(f, "{max} wait already, the waiting list is full."),
            Limit::WaitsOfOne(max) => write!(f, "nobody can be on more than {max} waiting lists."),
            Limit::Waiting(max) => {
                write!(f, "{max} wait for seats or hold some already, nobody else can wait now.")
            }
        }
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
