//! How long a server may owe an answer: long if it says that it lives, for it may be waiting for another one itself. Pure.
//!
//! While a server is paused, nobody gets an answer until the others take it for crashed. Its own clients must leave it by
//! then, the others' must stay where they are: leaving would bring some of them to the paused one. To both it looks the
//! same, so a client asks: [`ClientRequest::Status`] is answered at once in every state.

use super::types::Now;
use crate::{
    api::wire::{ClientFrame, ClientRequest},
    config::Timeouts,
};
use std::time::Duration;

/// What the question is called; requests count from 1.
const QUESTION: u64 = 0;

/// How long a server may owe an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// One that says nothing at all.
    pub silent: Duration,
    /// One that says that it lives.
    pub alive: Duration,
}

impl Patience {
    /// By its own timeouts a server knows in `suspect_ms` who has crashed, and may have to wait until a lease has run out.
    pub fn of(timeouts: &Timeouts) -> Self {
        let alive_ms = timeouts.suspect_ms + 2 * timeouts.lease_ms;
        Self {
            silent: Duration::from_millis(timeouts.client_ms),
            alive: Duration::from_millis(alive_ms.max(timeouts.client_ms)),
        }
    }
}

/// What is heard of the server on the link that is up.
#[derive(Debug)]
pub struct Silence {
    patience: Patience,
    heard: Now,
    is_asked: bool,
}

impl Silence {
    /// Nothing is heard yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, heard: Now::ZERO, is_asked: false }
    }

    /// One that says nothing at all may owe an answer for so long.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// There is another link.
    pub fn begins(&mut self) {
        self.is_asked = false;
    }

    /// A frame came in, whatever it says.
    pub fn is_broken(&mut self, now: Now) {
        self.heard = now;
        self.is_asked = false;
    }

    /// When the server is given up that owes an answer since then, with the words for it.
    pub fn ends(&self, owed_since: Now) -> (Now, String) {
        let Patience { silent, alive } = self.patience;
        let silent_until = owed_since.max(self.heard) + silent;
        let alive_until = owed_since + alive;
        if alive_until < silent_until && self.heard > owed_since {
            return (alive_until, format!("it lives, but gave no answer within {alive:?}"));
        }
        (silent_until, format!("no answer within {silent:?}"))
    }

    /// When it is asked whether it lives; none if it was asked and has not said.
    pub fn asks(&self, owed_since: Now) -> Option<Now> {
        (!self.is_asked).then(|| owed_since.max(self.heard) + self.patience.silent / 2)
    }

    /// The question, if it is time.
    pub fn question(&mut self, now: Now, owed_since: Now) -> Option<ClientFrame> {
        self.asks(owed_since).filter(|&at| now >= at)?;
        self.is_asked = true;
        Some(ClientFrame { id: QUESTION, body: ClientRequest::Status })
    }
}
