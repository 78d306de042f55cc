//! What clients asked and were told, for checkers that know nothing of servers.

use super::client::{Found, OpKind};
use super::profile::CAPACITY;
use boxoffice::domain::ids::Seat;
use boxoffice::domain::outcome::Outcome;
use boxoffice::verify::check::{Limits, Verdict, check};
use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT, End, RecordError, Reply};
use boxoffice::verify::line::write_line;

/// What a history is worth: many commands whose session was forgotten stay open to its end.
const CONFIGURATIONS_MAX: usize = 100_000;

/// Calls of all clients in the order of their first sending.
#[derive(Default)]
pub struct History {
    calls: Vec<Call>,
}

impl History {
    /// A client asks; the answer names the call by the number that comes back. None if it is about an event.
    pub fn ask(&mut self, client: usize, kind: &OpKind, now_us: u64) -> Option<usize> {
        let ask = match kind {
            OpKind::Command(command, _) => match Ask::operation(&command.operation) {
                Ok(ask) => ask,
                // Events are the oracle's to judge: it knows what each command must come to.
                Err(_) => return None,
            },
            OpKind::ReadFree => Ask::Seats,
            OpKind::ReadName(name) => Ask::Search { name: name.clone() },
        };
        let event = DEFAULT_EVENT.to_owned();
        self.calls.push(Call { client: client as u64, event, ask, call_ns: now_us * 1_000, end: None });
        Some(self.calls.len() - 1)
    }

    pub fn outcome(&mut self, call: usize, outcome: &Outcome, now_us: u64) -> Result<(), String> {
        match Reply::outcome(&self.calls[call].ask, outcome) {
            Ok(reply) => self.end(call, reply, now_us),
            // Nobody knows, so it stays open.
            Err(RecordError::Unknown(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    pub fn found(&mut self, call: usize, found: &Found, now_us: u64) {
        let reply = match found {
            Found::Free(bits) => {
                let taken = (1..=CAPACITY).filter(|seat| bits >> (seat - 1) & 1 == 0);
                Reply::Map { taken: taken.map(Seat).collect(), left: bits.count_ones() }
            }
            Found::Held(seats) if seats.is_empty() => Reply::NoReservation,
            Found::Held(seats) => Reply::Found(seats.clone()),
        };
        self.end(call, reply, now_us);
    }

    fn end(&mut self, call: usize, reply: Reply, now_us: u64) {
        self.calls[call].end = Some(End { return_ns: now_us * 1_000, reply });
    }

    /// A line of JSON for each call.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.calls.iter().map(write_line)
    }

    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Invariant 6, judged from outside. False where too much is unknown to say.
    pub fn check(&self) -> Result<bool, String> {
        let limits = Limits { configurations_max: CONFIGURATIONS_MAX, ..Limits::default() };
        match check(&self.calls, Some(CAPACITY), limits) {
            Ok(Verdict::Linearizable(_)) => Ok(true),
            Ok(Verdict::Violated(violation)) => {
                Err(format!("invariant 6: the history cannot be: {violation}"))
            }
            Ok(Verdict::GaveUp { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }
}
