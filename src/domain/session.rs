#![doc = include_str!("../docs/sessions.md")]

use super::command::Command;
use super::ids::SessionId;
use super::kept::Kept;
use super::outcome::Outcome;
use super::shards::Shards;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most sessions that one request forgets because of their age. The others wait for the next request.
const FORGOTTEN_FOR_AGE_MAX: usize = 256;
/// Sessions in one shard of a full table, unless it is very large.
const SHARD_LEN: usize = 64;

/// What a record counts for, beside its outcome. Fixed: how much fits must not depend on who built the program.
const RECORD_BYTES: usize = 40;

/// The limits of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Sessions, at least 1.
    pub(super) sessions_max: usize,
    /// Outcomes of one session, at least 1.
    pub(super) outcomes_max: usize,
    /// Bytes of all outcomes together, about. The session of the newest outcome may be over it alone.
    pub(super) bytes_max: usize,
    /// How long a session is kept without a command.
    pub(super) age_ms: u64,
}

/// One client's recent outcomes.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Nothing up to this number is executed (again): its outcome was received, or is forgotten.
    pub(super) answered_until: u64,
    pub(super) last_used_ms: u64,
    /// Orders sessions by their last command; its key in `by_use`.
    pub(super) use_number: u64,
    /// Ascending in sequence, all above `answered_until`.
    pub(super) records: Vec<Record>,
}

/// A command that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) sequence: u64,
    /// xxh3-64 of the operation's encoding.
    pub(super) operation_hash: u64,
    pub(super) kept: Kept,
}

impl Record {
    fn bytes(&self) -> usize {
        RECORD_BYTES + self.kept.heap_bytes()
    }
}

/// What is to be done with a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Execute it, and [`record`](Sessions::record) what comes of it.
    Execute,
    /// It was executed before, with this outcome.
    Known(Kept),
    /// Do not execute it.
    Refused(Outcome),
}

/// All sessions that are remembered.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    limits: Limits,
    by_id: Shards<SessionId, Session>,
    /// The session whose last command is the longest ago comes first. Follows from `by_id`.
    by_use: BTreeMap<u64, SessionId>,
    /// Greater than every key of `by_use`.
    next_use: u64,
    /// Bytes of all records. Follows from `by_id`.
    bytes: usize,
    /// The earliest birth that a session not in the table may have: every forgotten one was born before.
    horizon_ms: u64,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Sessions {
        assert!(limits.sessions_max > 0 && limits.outcomes_max > 0, "a command's own session must fit");
        Sessions {
            limits,
            by_id: Shards::new(limits.sessions_max, SHARD_LEN),
            by_use: BTreeMap::new(),
            next_use: 0,
            bytes: 0,
            horizon_ms: 0,
        }
    }

    pub(super) fn by_id(&self) -> &Shards<SessionId, Session> {
        &self.by_id
    }

    pub(super) fn horizon_ms(&self) -> u64 {
        self.horizon_ms
    }

    /// Decides about a command at the state's time `now_ms`, and notes that its session is in use.
    pub(super) fn admit(&mut self, command: &Command, operation_hash: u64, now_ms: u64) -> Admission {
        if command.sequence == 0 {
            return Admission::Refused(Outcome::Malformed);
        }
        let id = command.session;
        let session = match self.by_id.get_mut(&id) {
            Some(session) => session,
            None if id.birth_ms < self.horizon_ms || id.birth_ms > now_ms => {
                return Admission::Refused(Outcome::SessionExpired);
            }
            None => {
                self.begin(id, now_ms);
                self.by_id.get_mut(&id).expect("it was begun just before")
            }
        };
        session.last_used_ms = now_ms;
        // It is the last one in use now. Pipelined commands come in rows: most often it was so already.
        if session.use_number + 1 != self.next_use {
            self.by_use.remove(&session.use_number);
            session.use_number = self.next_use;
            self.by_use.insert(self.next_use, id);
            self.next_use += 1;
        }
        self.bytes -= session.forget_until(command.answered_until);
        if command.sequence <= session.answered_until {
            return Admission::Refused(Outcome::SequenceForgotten);
        }
        match session.find(command.sequence) {
            Ok(at) if session.records[at].operation_hash == operation_hash => {
                Admission::Known(session.records[at].kept.clone())
            }
            Ok(_) => Admission::Refused(Outcome::SequenceReused),
            Err(_) => Admission::Execute,
        }
    }

    /// Keeps the outcome of a command that was admitted for execution just before.
    pub(super) fn record(&mut self, id: SessionId, record: Record) {
        let outcomes_max = self.limits.outcomes_max;
        self.bytes += record.bytes();
        let session = self.by_id.get_mut(&id).expect("its command was admitted just before");
        let at = session.find(record.sequence).expect_err("no number is executed twice");
        session.insert(at, record);
        if session.records.len() > outcomes_max {
            let lowest = session.records[0].sequence;
            self.bytes -= session.forget_until(lowest);
        }
        // The session itself is the last one in use and stays, however much it holds.
        while self.bytes > self.limits.bytes_max && self.by_id.len() > 1 {
            self.forget_first();
        }
    }

    /// Forgets sessions without a command for longer than the age, a bounded number of them.
    pub(super) fn forget_old(&mut self, now_ms: u64) {
        for _ in 0..FORGOTTEN_FOR_AGE_MAX {
            let Some(id) = self.by_use.values().next() else { return };
            let session = self.by_id.get(id).expect("every entry of by_use is a session");
            if now_ms.saturating_sub(session.last_used_ms) <= self.limits.age_ms {
                return;
            }
            self.forget_first();
        }
    }

    /// Puts back the next session of a snapshot; they come in the order of their last commands.
    ///
    /// # Errors
    /// A text that says why there can be no such session beside the ones before it.
    pub(super) fn restore(&mut self, id: SessionId, mut session: Session) -> Result<(), &'static str> {
        if self.by_id.get(&id).is_some() {
            return Err("a session twice");
        }
        if self.by_id.len() >= self.limits.sessions_max || session.records.len() > self.limits.outcomes_max {
            return Err("more sessions or outcomes than are kept");
        }
        if !session.is_sound(id) {
            return Err("a session that contradicts itself");
        }
        session.use_number = self.next_use;
        self.by_use.insert(self.next_use, id);
        self.next_use += 1;
        self.bytes += session.bytes();
        self.by_id.insert(id, session);
        Ok(())
    }

    /// Sets what a snapshot says of forgotten sessions.
    pub(super) fn restore_horizon(&mut self, horizon_ms: u64) {
        self.horizon_ms = horizon_ms;
    }

    /// Looks at every session: limits, order, and that whatever follows from the table does follow.
    pub(super) fn check(&self, now_ms: u64) -> Result<(), String> {
        self.by_id.check()?;
        if self.by_id.len() > self.limits.sessions_max || self.by_id.len() != self.by_use.len() {
            return Err("there are too many sessions, or some have no place in the order of use".into());
        }
        if self.horizon_ms > now_ms {
            return Err("sessions were forgotten that are not born yet".into());
        }
        let mut before_ms = 0;
        for (&use_number, id) in &self.by_use {
            let session =
                self.by_id.get(id).ok_or_else(|| format!("session {id} is in use and not there"))?;
            let in_order = session.use_number == use_number && use_number < self.next_use;
            let in_time = before_ms <= session.last_used_ms && session.last_used_ms <= now_ms;
            if !in_order || !in_time || !session.is_sound(*id) {
                return Err(format!("session {id} contradicts itself or the order of use"));
            }
            if session.records.len() > self.limits.outcomes_max {
                return Err(format!("session {id} keeps too many outcomes"));
            }
            before_ms = session.last_used_ms;
        }
        let bytes: usize = self.by_id.iter().map(|(_, session)| session.bytes()).sum();
        if bytes != self.bytes { Err("the outcomes' bytes are counted wrong".into()) } else { Ok(()) }
    }

    /// Makes room for a session and adds it.
    fn begin(&mut self, id: SessionId, now_ms: u64) {
        // Before it is there, so that it cannot be the one that goes.
        while self.by_id.len() >= self.limits.sessions_max {
            self.forget_first();
        }
        let use_number = self.next_use;
        self.next_use += 1;
        self.by_use.insert(use_number, id);
        let session = Session { answered_until: 0, last_used_ms: now_ms, use_number, records: Vec::new() };
        self.by_id.insert(id, session);
    }

    /// Forgets the session whose last command is the longest ago, and for ever refuses those born with it or
    /// before it that are not in the table.
    fn forget_first(&mut self) {
        let (_, id) = self.by_use.pop_first().expect("there is a session to forget");
        let session = self.by_id.remove(&id).expect("every entry of by_use is a session");
        self.bytes -= session.bytes();
        self.horizon_ms = self.horizon_ms.max(id.birth_ms + 1);
    }
}

impl Session {
    fn bytes(&self) -> usize {
        self.records.iter().map(Record::bytes).sum()
    }

    /// Where the record of this number is, or belongs.
    fn find(&self, sequence: u64) -> Result<usize, usize> {
        match self.records.last() {
            // Almost every command is the newest.
            Some(last) if last.sequence < sequence => Err(self.records.len()),
            Some(_) | None => self.records.binary_search_by_key(&sequence, |record| record.sequence),
        }
    }

    /// Adds a record. Room grows from one: most sessions have one command on its way.
    fn insert(&mut self, at: usize, record: Record) {
        if self.records.len() == self.records.capacity() {
            self.records.reserve_exact(self.records.len().max(1));
        }
        self.records.insert(at, record);
    }

    /// Forgets all numbers up to this one; tells how many bytes their outcomes had.
    fn forget_until(&mut self, sequence: u64) -> usize {
        if sequence <= self.answered_until {
            return 0;
        }
        self.answered_until = sequence;
        let end = self.records.partition_point(|record| record.sequence <= sequence);
        let bytes = self.records.drain(..end).map(|record| record.bytes()).sum();
        if self.records.capacity() > 4 * self.records.len().max(1) {
            // A burst is over; its room goes back, but not all, lest the next command ask for it again.
            self.records.shrink_to(2 * self.records.len().max(1));
        }
        bytes
    }

    /// Whether this can be a session with that id, leaving others aside.
    fn is_sound(&self, id: SessionId) -> bool {
        id.birth_ms <= self.last_used_ms
            && self.records.is_sorted_by(|a, b| a.sequence < b.sequence)
            && self.records.first().is_none_or(|first| first.sequence > self.answered_until)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
