//! One side of the ordered, exactly-once stream of messages between two lives, across broken connections.
//!
//! Pure: whoever owns a connection asks for the [`Hello`] to send on it, hands in the one that came back, and
//! passes each frame's numbers through. The simulator runs the same code.
//!
//! A session is one run of numbered messages in both directions. Its number is part of the hello: both sides
//! go on with a session only when both name the same one between the same lives, so two hellos give both sides
//! the same verdict, also when one of them never saw the hellos of an earlier attempt. Otherwise both start
//! the next session, whose number follows from the two hellos, and what was under way is lost, visibly
//! (`resumed: false`).
//!
//! What is sent is kept until the other side has acknowledged it. A peer that does not take as many bytes as
//! may be kept breaks the session: the next hello knows no peer.

use crate::protocol::types::Incarnation;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What each side says of the session when a connection is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's life.
    pub incarnation: Incarnation,
    /// The receiver's life that the sender has an unbroken session with.
    pub peer: Option<Incarnation>,
    /// The number of the last session that the sender began; 0 before the first.
    pub session: u64,
    /// The last message of it that the sender received.
    pub received: u64,
}

/// What two hellos come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The life at the other end.
    pub peer: Incarnation,
    /// The session goes on: nothing was lost and nothing will come twice.
    pub resumed: bool,
    /// What the other side has not received, to be sent before anything new. Empty unless resumed.
    pub resend: Vec<(u64, Bytes)>,
}

/// Why a connection cannot be used. Another one may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A newer life of that server has been seen: this one is over.
    #[error("it speaks for life {} of its server, but life {} was seen already", .theirs.0, .known.0)]
    OldPeer {
        /// The hello's.
        theirs: Incarnation,
        /// The newest that was seen.
        known: Incarnation,
    },
    /// The other side has seen a later life of ours.
    #[error("it knows life {} of this server, which is in life {}", .known.0, .me.0)]
    OldSelf {
        /// Ours.
        me: Incarnation,
        /// What the other side has seen.
        known: Incarnation,
    },
    /// Another connection has changed the session since the hello was sent on this one.
    #[error("another connection was quicker")]
    Overtaken,
    /// Its hello names the last session that there can be. Nobody has begun that many.
    #[error("it names a session that has no successor")]
    LastSession,
    /// A number that cannot be: a message is missing, or one that was never sent is acknowledged.
    #[error("message {found} came where {expected} was expected")]
    Gap {
        /// What was expected.
        expected: u64,
        /// What came.
        found: u64,
    },
}

/// What to do with a message that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is the next one.
    Deliver,
    /// It was delivered before.
    Duplicate,
}

/// One side of the stream. See the module.
#[derive(Debug)]
pub struct Session {
    me: Incarnation,
    /// The newest life of the other server that was ever met, whether or not the session holds.
    peer: Option<Incarnation>,
    number: u64,
    broken: bool,
    sent: u64,
    received: u64,
    unacked: VecDeque<(u64, Bytes)>,
    unacked_bytes: usize,
    unacked_bytes_max: usize,
}

impl Session {
    /// The side of a server in this life. Sending breaks the session when more than `unacked_bytes_max` bytes
    /// would be kept; a single message beyond that is taken when nothing else is kept.
    pub fn new(me: Incarnation, unacked_bytes_max: usize) -> Session {
        Session {
            me,
            peer: None,
            number: 0,
            broken: true,
            sent: 0,
            received: 0,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            unacked_bytes_max,
        }
    }

    /// What to say first on a new connection.
    pub fn hello(&self) -> Hello {
        Hello {
            incarnation: self.me,
            peer: self.peer.filter(|_| !self.broken),
            session: self.number,
            received: self.received,
        }
    }

    /// The life at the other end, while the session holds.
    pub fn peer(&self) -> Option<Incarnation> {
        self.peer.filter(|_| !self.broken)
    }

    /// What to acknowledge on each frame that goes out.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether the connection must be closed, so that the next one begins a new session.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Breaks the session: what is under way may be lost, and both sides start anew.
    pub fn give_up(&mut self) {
        self.break_off();
    }

    /// How many bytes may wait for an acknowledgement.
    pub fn unacked_bytes_max(&self) -> usize {
        self.unacked_bytes_max
    }

    /// Bytes that wait for an acknowledgement.
    pub fn unacked_bytes(&self) -> usize {
        self.unacked_bytes
    }

    /// Judges a new connection by the hello that was `sent` on it and the one that came back.
    ///
    /// # Errors
    /// The connection is to be closed; the session is as before, but for a gap, which breaks it.
    pub fn on_hello(&mut self, sent: &Hello, theirs: &Hello) -> Result<Verdict, SessionError> {
        if let Some(known) = self.peer.filter(|&known| theirs.incarnation < known) {
            return Err(SessionError::OldPeer { theirs: theirs.incarnation, known });
        }
        if let Some(known) = theirs.peer.filter(|&known| known > self.me) {
            return Err(SessionError::OldSelf { me: self.me, known });
        }
        let now = self.hello();
        if (sent.peer, sent.session) != (now.peer, now.session) {
            // They decide by what we said, which is not true any more.
            return Err(SessionError::Overtaken);
        }
        let resumed = sent.peer == Some(theirs.incarnation)
            && theirs.peer == Some(self.me)
            && sent.session == theirs.session;
        if resumed {
            self.on_ack(theirs.received)?;
        } else {
            let last = sent.session.max(theirs.session);
            let next = last.checked_add(1).ok_or(SessionError::LastSession)?;
            self.begin(theirs.incarnation, next);
        }
        let resend = self.unacked.iter().cloned().collect();
        Ok(Verdict { peer: theirs.incarnation, resumed, resend })
    }

    /// Numbers a message and keeps it until it is acknowledged, whether or not a connection stands.
    pub fn send(&mut self, message: Bytes) -> u64 {
        self.sent += 1;
        if self.broken {
            return self.sent;
        }
        let bytes = self.unacked_bytes + message.len();
        if bytes > self.unacked_bytes_max && !self.unacked.is_empty() {
            self.break_off();
            return self.sent;
        }
        self.unacked_bytes = bytes;
        self.unacked.push_back((self.sent, message));
        self.sent
    }

    /// Takes the numbers of a sequenced message that came in: its own, and what it acknowledges.
    ///
    /// # Errors
    /// The connection is to be closed.
    pub fn on_sequenced(&mut self, seq: u64, ack: u64) -> Result<Arrival, SessionError> {
        self.on_ack(ack)?;
        if seq <= self.received {
            return Ok(Arrival::Duplicate);
        }
        if seq != self.received + 1 {
            return Err(SessionError::Gap { expected: self.received + 1, found: seq });
        }
        self.received = seq;
        Ok(Arrival::Deliver)
    }

    /// Takes what any other frame acknowledges.
    ///
    /// # Errors
    /// The connection is to be closed.
    pub fn on_ack(&mut self, ack: u64) -> Result<(), SessionError> {
        if ack > self.sent {
            let expected = self.sent;
            self.break_off();
            return Err(SessionError::Gap { expected, found: ack });
        }
        while let Some((_, message)) = self.unacked.pop_front_if(|(seq, _)| *seq <= ack) {
            self.unacked_bytes -= message.len();
        }
        Ok(())
    }

    fn begin(&mut self, peer: Incarnation, number: u64) {
        self.break_off();
        (self.peer, self.number, self.broken) = (Some(peer), number, false);
        (self.sent, self.received) = (0, 0);
    }

    fn break_off(&mut self) {
        self.broken = true;
        self.unacked = VecDeque::new();
        self.unacked_bytes = 0;
    }
}

#[cfg(test)]
mod tests;
