//! What a system looks like to the clients: a connection that takes operations and yields replies.

use crate::error::LoadError;

/// Seats of every reservation.
pub const SEATS: usize = 2;
/// Seat numbers of one reservation.
pub type Seats = [u32; SEATS];

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// [`SEATS`] free seats for a name that nobody has used.
    Reserve,
    /// The seats of a name that has some.
    Search,
    /// To give the seats of a name back.
    Delete,
}

/// One operation of one client.
#[derive(Clone, Copy, Debug)]
pub struct Op<'a> {
    /// What is wanted.
    pub action: Action,
    /// For whom.
    pub name: &'a str,
    /// Of which event, where there are several.
    pub event: u32,
    /// The seats that the name has, as the client knows. Not for the system: for a client that must say them.
    pub seats: Seats,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// These seats are the name's now.
    Reserved(Seats),
    /// These seats are the name's.
    Found(Seats),
    /// The seats are free again.
    Deleted,
    /// There are not enough seats.
    SoldOut,
    /// Anything else; in words.
    Refused(String),
}

/// One connection, with room for several clients, which it knows by their slot.
pub trait Backend: 'static {
    /// Takes an operation that goes out with the next exchange. A slot has one at a time.
    fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError>;

    /// Sends what was taken, waits until something is answered, and adds all replies that are there.
    async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError>;

    /// How often an operation was tried again because others were faster.
    fn retries(&self) -> u64 {
        0
    }
}
