//! The critical section of one view: Lamport's request queue, replies and releases (Lamport 1978, section 4).

use crate::protocol::types::{Lsn, Request, ServerId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The requests of one view that this server has logged and not executed, with who replied and released.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(super) me: ServerId,
    pub(super) others: Vec<ServerId>,
    pub(super) slots: BTreeMap<Timestamp, (Arc<Request>, Lsn)>,
    pub(super) replied: BTreeMap<ServerId, u64>,
    pub(super) released: BTreeMap<ServerId, u64>,
    pub(super) seen: BTreeMap<ServerId, u64>,
}

impl Queue {
    /// An empty queue for a view of `me` and `others`.
    pub fn new(me: ServerId, others: Vec<ServerId>) -> Self {
        Queue {
            me,
            others,
            slots: BTreeMap::new(),
            replied: BTreeMap::new(),
            released: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Queues a request that is record `lsn` of the own log. False when it does not come after its server's
    /// earlier ones: such a request is nonsense and is not queued.
    #[must_use]
    pub fn insert(&mut self, request: Arc<Request>, lsn: Lsn) -> bool {
        let timestamp = request.timestamp;
        let last = self.seen.entry(timestamp.server).or_default();
        if timestamp.clock <= *last {
            return false;
        }
        *last = timestamp.clock;
        self.slots.insert(timestamp, (request, lsn));
        true
    }

    /// A member replied to the own requests up to `until`.
    pub fn replied(&mut self, member: ServerId, until: Timestamp) {
        let last = self.replied.entry(member).or_default();
        *last = (*last).max(until.clock);
    }

    /// A member released its requests up to `until`. Releases of different members can overtake each
    /// other, so the mark is kept and execution goes by timestamp.
    pub fn released(&mut self, member: ServerId, until: Timestamp) {
        let last = self.released.entry(member).or_default();
        *last = (*last).max(until.clock);
    }

    /// Whether the member has replied to the own request.
    pub fn has_replied(&self, member: ServerId, timestamp: Timestamp) -> bool {
        self.replied.get(&member).is_some_and(|&clock| clock >= timestamp.clock)
    }

    /// Whether the request's own server says that it executed it.
    pub fn is_released(&self, timestamp: Timestamp) -> bool {
        self.released.get(&timestamp.server).is_some_and(|&clock| clock >= timestamp.clock)
    }

    /// Takes the earliest request out if it may be executed: an own one when every other member has replied
    /// and the own log is durable up to it, another's when it is released.
    pub fn take_executable(&mut self, durable: Lsn) -> Option<Arc<Request>> {
        let (&timestamp, &(_, lsn)) = self.slots.first_key_value()?;
        let executable = if timestamp.server == self.me {
            lsn <= durable && self.others.iter().all(|&other| self.has_replied(other, timestamp))
        } else {
            self.is_released(timestamp)
        };
        if !executable {
            return None;
        }
        self.slots.pop_first().map(|(_, (request, _))| request)
    }

    /// Takes a request out, wherever it stands.
    pub fn remove(&mut self, timestamp: Timestamp) -> Option<Arc<Request>> {
        self.slots.remove(&timestamp).map(|(request, _)| request)
    }

    /// The earliest request.
    pub fn first(&self) -> Option<Timestamp> {
        self.slots.first_key_value().map(|(&timestamp, _)| timestamp)
    }

    /// The latest own request that is not executed.
    pub fn last_own(&self) -> Option<Timestamp> {
        self.slots.keys().rev().find(|t| t.server == self.me).copied()
    }

    /// The latest request of another server.
    pub fn last_of_others(&self) -> Option<Timestamp> {
        self.slots.keys().rev().find(|t| t.server != self.me).copied()
    }

    /// How many own requests are not executed.
    pub fn own_len(&self) -> usize {
        self.slots.keys().filter(|t| t.server == self.me).count()
    }

    /// Requests in timestamp order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Request>> {
        self.slots.values().map(|(request, _)| request)
    }

    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no request waits.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
