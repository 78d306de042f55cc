//! What an operation on events came to. The words for it are in `words`.

use super::calendar::Month;
use super::ids::{Actor, BranchCode, EventId, EventKey, Kind};
use super::tickets::{TicketId, TicketStem};
use crate::domain::ids::{Name, Seat};
use crate::domain::runs::SeatRuns;
use serde::{Deserialize, Serialize};

/// What executing an operation on events came to. Seats and tickets are as short as they are kept: a list of
/// runs, and what all tickets have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventOutcome {
    /// There is such a branch now.
    BranchAdded {
        /// Its code.
        branch: BranchCode,
    },
    /// There is such a theatre now.
    TheatreAdded {
        /// Where.
        branch: BranchCode,
        /// What it is called.
        theatre: Name,
    },
    /// There is such a kind now.
    KindAdded {
        /// Which.
        kind: Kind,
    },
    /// There is such an event now.
    EventAdded {
        /// Which.
        event: EventKey,
        /// With how many seats.
        capacity: u32,
    },
    /// The event was there, and has so many seats now.
    CapacityChanged {
        /// Which.
        event: EventKey,
        /// How many there are.
        capacity: u32,
        /// How many there were.
        before: u32,
    },
    /// There is no such event any more.
    EventRemoved {
        /// Which.
        event: EventKey,
        /// How many bookings were cancelled.
        bookings: u32,
        /// How many seats they had.
        seats: u32,
        /// Whose they were, as the state numbers them; at most
        /// [`AFFECTED_MAX`](super::config::AFFECTED_MAX) of them.
        affected: Vec<Actor>,
    },
    /// The seats are taken now.
    Booked {
        /// By whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which.
        seats: SeatRuns,
        /// Of their tickets.
        stem: TicketStem,
    },
    /// The seats are free again, or offered to those who wait.
    Cancelled {
        /// Whose they were.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// How many.
        count: u32,
        /// Free seats now.
        left: u32,
    },
    /// One booking was changed for another.
    Exchanged {
        /// Whose.
        holder: Actor,
        /// The event of the old one.
        from: EventKey,
        /// The event of the new one.
        to: EventKey,
        /// Of the new one.
        seats: SeatRuns,
        /// Of their tickets.
        stem: TicketStem,
    },
    /// The ticket's seat is free again, or offered to those who wait.
    TicketDeleted {
        /// Which.
        ticket: TicketId,
        /// Where.
        event: EventKey,
        /// Of which seat.
        seat: Seat,
        /// Free seats now.
        left: u32,
    },
    /// The seats are set aside.
    Held {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which.
        seats: SeatRuns,
        /// Until when, in the state's own time.
        until_ms: u64,
    },
    /// The seats stay set aside for longer.
    Extended {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Until when.
        until_ms: u64,
    },
    /// The seats are no longer set aside.
    HoldReleased {
        /// Whose they were.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// How many.
        count: u32,
        /// Free seats now.
        left: u32,
    },
    /// Waits now.
    Joined {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
        /// For how many seats.
        count: u32,
        /// How many are served first, plus one.
        place: u32,
    },
    /// Waits no longer.
    Left {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
    },
    /// Everything is free that was set aside for too long.
    Expired {
        /// How many holds and offers that were.
        holds: u32,
    },
    /// An offer of a lost side, and nothing was left to do.
    Settled,
    /// Nothing was changed.
    Refused(Refusal),
}

/// Why nothing was changed. An operation is held against these from top to bottom, but for the order in
/// which seats and quota are named in `book`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Somebody may not do that.
    NotAllowed(Denied),
    /// There is no such branch.
    NoSuchBranch {
        /// Which.
        branch: BranchCode,
    },
    /// The branch is there already.
    BranchExists {
        /// Which.
        branch: BranchCode,
    },
    /// The branch has no such theatre.
    NoSuchTheatre {
        /// The branch.
        branch: BranchCode,
        /// The theatre.
        theatre: Name,
    },
    /// The branch has that theatre already.
    TheatreExists {
        /// The branch.
        branch: BranchCode,
        /// The theatre.
        theatre: Name,
    },
    /// There is no such kind.
    NoSuchKind {
        /// Which.
        kind: Kind,
    },
    /// The kind is there already.
    KindExists {
        /// Which.
        kind: Kind,
    },
    /// There is no such event.
    NoSuchEvent {
        /// Which.
        event: EventKey,
    },
    /// An event of that id is in another branch or on another day.
    OtherPlace {
        /// Which.
        id: EventId,
    },
    /// No number of seats.
    CapacityOutOfRange {
        /// What was asked for.
        capacity: u32,
    },
    /// Seats are taken that the event would no longer have.
    CapacityBelowSold {
        /// Which event.
        event: EventKey,
        /// What was asked for.
        capacity: u32,
        /// How many seats are taken.
        taken: u32,
        /// The highest of them.
        highest: u32,
    },
    /// There is no room for more.
    Full(Limit),
    /// The event does not have such seats.
    NoSuchSeats {
        /// Which.
        seats: SeatRuns,
        /// How many it has.
        capacity: u32,
    },
    /// One booking of an event is all that anybody has.
    AlreadyBooked {
        /// Whose.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Its seats.
        seats: SeatRuns,
    },
    /// Seats of the event are set aside for them.
    AlreadyHeld {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Which.
        seats: SeatRuns,
        /// Until when.
        until_ms: u64,
    },
    /// No more bookings of that month outside of the own branch.
    QuotaReached {
        /// Whose.
        holder: Actor,
        /// When.
        month: Month,
        /// How many there can be.
        max: u8,
    },
    /// Fewer seats are free.
    NotEnough {
        /// Where.
        event: EventKey,
        /// Free seats.
        left: u32,
        /// Asked for.
        count: u32,
    },
    /// Some of the seats are taken.
    Taken {
        /// Where.
        event: EventKey,
        /// Every clash.
        seats: SeatRuns,
    },
    /// There is no such booking.
    NotBooked {
        /// Whose.
        holder: Actor,
        /// Where.
        id: EventId,
        /// Of which kind, if that was said.
        kind: Option<Kind>,
    },
    /// Several kinds are booked: which one?
    WhichKind {
        /// Whose.
        holder: Actor,
        /// Where.
        id: EventId,
        /// Every kind that is booked, ascending.
        kinds: Vec<Kind>,
    },
    /// There is no such ticket.
    NoSuchTicket {
        /// Which.
        ticket: TicketId,
    },
    /// Nothing is set aside.
    NotHeld {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
    },
    /// Once is all.
    ExtendedAlready {
        /// For whom.
        holder: Actor,
        /// Where.
        event: EventKey,
        /// Until when it is held.
        until_ms: u64,
    },
    /// As many seats are free as were asked for.
    SeatsAreFree {
        /// Where.
        event: EventKey,
        /// Free seats.
        left: u32,
    },
    /// More seats than there will ever be.
    MoreThanAll {
        /// Where.
        event: EventKey,
        /// How many there are.
        capacity: u32,
        /// Asked for.
        count: u32,
    },
    /// Waits already.
    AlreadyWaiting {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
        /// How many are served first, plus one.
        place: u32,
    },
    /// Does not wait.
    NotWaiting {
        /// Who.
        holder: Actor,
        /// For what.
        event: EventKey,
    },
    /// A lost side had removed it, and meanwhile it was booked.
    BookedSince {
        /// Which.
        event: EventKey,
    },
}

/// Why somebody may not do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denied {
    /// Only managers may.
    ManagersOnly {
        /// Who tried.
        actor: Actor,
    },
    /// Only managers of that branch may.
    OtherBranch {
        /// Who tried.
        actor: Actor,
        /// Whose event it is.
        branch: BranchCode,
    },
    /// It is somebody else's.
    ForSomebodyElse {
        /// Who tried.
        actor: Actor,
        /// Whose.
        holder: Actor,
    },
    /// Nobody in particular asked.
    WhoAreYou,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// Of the cluster.
    Branches(u32),
    /// Of one branch.
    Theatres(u32),
    /// Of the cluster.
    Kinds(u32),
    /// Of the cluster.
    Events(u32),
    /// Of all events together.
    Seats(u64),
    /// Of the cluster.
    Bookings(u32),
    /// Of the cluster.
    Holds(u32),
    /// Of one customer.
    HoldsOfOne(u32),
    /// Of one event.
    WaitingList(u32),
    /// Of one customer.
    WaitsOfOne(u32),
    /// Of the cluster, holds and offers counted in.
    Waiting(u32),
}

impl EventOutcome {
    /// Whether the users' exit code for this is "done" (0) and not "refused" (1).
    pub fn is_success(&self) -> bool {
        !matches!(self, EventOutcome::Refused(_))
    }
}
