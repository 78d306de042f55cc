//! Links that a test works by hand: a queue in each direction, delivered, held back, broken and set up again.

use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::Member;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Unordered pair of servers.
pub type Pair = (u8, u8);

pub fn pair(a: u8, b: u8) -> Pair {
    (a.min(b), a.max(b))
}

#[derive(Default)]
pub struct Links {
    /// Links that stand.
    up: BTreeSet<Pair>,
    /// Pairs that cannot be linked until a test links them.
    cut: BTreeSet<Pair>,
    /// The lives that were last linked, the lower server's first.
    lives: BTreeMap<Pair, (Member, Member)>,
    /// What was sent and not delivered, by direction.
    queues: BTreeMap<(u8, u8), VecDeque<Message>>,
    /// Directions in which nothing comes through for the time being.
    held: BTreeSet<(u8, u8)>,
}

impl Links {
    pub fn is_up(&self, a: u8, b: u8) -> bool {
        self.up.contains(&pair(a, b))
    }

    pub fn is_cut(&self, a: u8, b: u8) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// Breaks the link for longer.
    pub fn cut(&mut self, a: u8, b: u8) -> bool {
        self.cut.insert(pair(a, b));
        self.break_up(a, b)
    }

    /// Breaks the link. What was sent in order waits to be sent again; the rest is lost.
    pub fn break_up(&mut self, a: u8, b: u8) -> bool {
        for direction in [(a, b), (b, a)] {
            if let Some(queue) = self.queues.get_mut(&direction) {
                queue.retain(Message::is_sequenced);
            }
        }
        self.up.remove(&pair(a, b))
    }

    /// Sets a link up between two lives; whether it resumes the one that they had before.
    pub fn connect(&mut self, a: Member, b: Member) -> bool {
        let lives = if a.server < b.server { (a, b) } else { (b, a) };
        let pair = (lives.0.server.0, lives.1.server.0);
        self.cut.remove(&pair);
        self.up.insert(pair);
        let resumed = self.lives.insert(pair, lives) == Some(lives);
        if !resumed {
            self.forget(pair.0, pair.1);
        }
        resumed
    }

    /// Drops what is on its way, in both directions.
    pub fn forget(&mut self, a: u8, b: u8) {
        self.queues.remove(&(a, b));
        self.queues.remove(&(b, a));
    }

    pub fn hold(&mut self, from: u8, to: u8) {
        self.held.insert((from, to));
    }

    pub fn flow(&mut self, from: u8, to: u8) {
        self.held.remove(&(from, to));
    }

    pub fn is_held(&self, from: u8, to: u8) -> bool {
        self.held.contains(&(from, to))
    }

    /// Dropped when the two lives are not the ones that were last linked.
    pub fn send(&mut self, from: Member, to: Member, message: Message) {
        let (a, b) = (from.server.0, to.server.0);
        let lives = if a < b { (from, to) } else { (to, from) };
        if self.lives.get(&pair(a, b)) != Some(&lives) || !(self.is_up(a, b) || message.is_sequenced()) {
            return;
        }
        self.queues.entry((a, b)).or_default().push_back(message);
    }

    /// The next message of a direction, if the link stands.
    pub fn peek(&self, from: u8, to: u8) -> Option<&Message> {
        self.queues.get(&(from, to)).filter(|_| self.is_up(from, to))?.front()
    }

    /// Takes the next message, with the lives that sent it and that it is for.
    pub fn take(&mut self, from: u8, to: u8) -> Option<(Member, Member, Message)> {
        self.peek(from, to)?;
        let message = self.queues.get_mut(&(from, to))?.pop_front()?;
        let (low, high) = self.lives[&pair(from, to)];
        let (from, to) = if from < to { (low, high) } else { (high, low) };
        Some((from, to, message))
    }

    /// What is on its way in a direction, the next one first.
    pub fn queue(&self, from: u8, to: u8) -> impl Iterator<Item = &Message> {
        self.queues.get(&(from, to)).into_iter().flatten()
    }
}
