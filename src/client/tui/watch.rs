//! What the servers say to each other while somebody looks: a bounded part of it, and the part of that which is seen.

use super::super::diagram::{
    EVENTS_DRAWN, Event, Filter,
    order::order,
    rows::{Diagram, Row, Turn, rows},
    tail::Taken,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most events of one server that are kept; the oldest go first.
pub const KEPT_MAX: usize = 2_048;
/// What has come is laid out no more often than that, in milliseconds.
const LAY_OUT_MS: u64 = 200;

/// Why a server tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It may not be asked by this person, in its words.
    Denied(String),
    /// It does not answer, for this reason.
    NoAnswer(String),
}

/// What was seen, and what is seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Counts how often it was begun: what was asked before is not told to the next one.
    pub number: u64,
    events: BTreeMap<u8, VecDeque<Event>>,
    /// Servers that have told something, or that there is nothing to tell.
    pub heard: BTreeSet<u8>,
    /// Servers that tell nothing at present.
    pub silent: BTreeMap<u8, Silence>,
    /// What is drawn.
    pub diagram: Diagram,
    /// Where time begins: with the first event of all.
    pub base_us: u64,
    /// Which events are drawn.
    pub filter: Filter,
    /// Whether what comes is seen at once; nothing moves otherwise.
    pub is_paused: bool,
    /// Rows below what is seen.
    pub below: usize,
    /// Whether something has come that is not laid out yet.
    is_new: bool,
    laid_out_ms: u64,
    /// Who was in the critical section last, as far as it was seen; known also afterwards.
    pub last_turn: Option<Turn>,
}

impl Watch {
    /// Begins anew, with nothing seen.
    pub fn open(&mut self) {
        let Watch { number, filter, .. } = *self;
        *self = Watch { number: number + 1, filter, last_turn: self.last_turn.take(), ..Watch::default() };
    }

    /// Forgets all but whose turn it was.
    pub fn close(&mut self) {
        self.open();
    }

    /// A server has told something.
    pub fn take(&mut self, server: u8, taken: Taken) {
        self.silent.remove(&server);
        self.heard.insert(server);
        self.is_new |= !taken.events.is_empty();
        let kept = self.events.entry(server).or_default();
        kept.extend(taken.events);
        kept.drain(..kept.len().saturating_sub(KEPT_MAX));
    }

    /// A server tells nothing.
    pub fn silence(&mut self, server: u8, silence: Silence) {
        self.silent.insert(server, silence);
    }

    /// Lays out what has come, once in a while.
    pub fn tick(&mut self, now_ms: u64, height: usize) {
        if self.is_new && !self.is_paused && now_ms >= self.laid_out_ms + LAY_OUT_MS {
            self.laid_out_ms = now_ms;
            self.lay_out();
        }
        self.below = self.below.min(self.diagram.rows.len().saturating_sub(height));
    }

    fn lay_out(&mut self) {
        self.is_new = false;
        let events = self.events.values().flatten().cloned().collect();
        self.diagram = rows(&order(events), self.filter, EVENTS_DRAWN);
        let first = self.diagram.rows.first().map_or(0, |row| row.at_us);
        if self.base_us == 0 || first < self.base_us {
            self.base_us = first;
        }
        let is_later =
            |turn: &Turn| self.last_turn.as_ref().is_none_or(|last| last.position <= turn.position);
        if let Some(turn) = self.diagram.last_turn.clone().filter(is_later) {
            self.last_turn = Some(turn);
        }
    }

    /// The rows that are seen in so many.
    pub fn seen(&self, height: usize) -> &[Row] {
        let rows = &self.diagram.rows;
        let end = rows.len() - self.below.min(rows.len());
        &rows[end.saturating_sub(height)..end]
    }

    /// So many rows up, or down. Nothing moves while older rows are read; at the end it goes on.
    pub fn scroll(&mut self, up: isize, height: usize) {
        let most = self.diagram.rows.len().saturating_sub(height);
        self.below = self.below.saturating_add_signed(up).min(most);
        if up > 0 && most > 0 {
            self.is_paused = true;
        } else if self.below == 0 {
            self.pause(false);
        }
    }

    /// Nothing moves from now on, or what has come is seen.
    pub fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        if !is_paused {
            self.below = 0;
            self.lay_out();
        }
    }

    /// Draws other events, the newest ones.
    pub fn next_filter(&mut self) {
        self.filter = self.filter.next();
        self.pause(false);
    }

    /// Whether no server tells anything to this person.
    pub fn denied(&self) -> Option<&str> {
        let words = |silence: &'_ Silence| matches!(silence, Silence::Denied(_));
        match self.silent.values().find(|silence| words(silence)) {
            Some(Silence::Denied(words)) if self.heard.is_empty() => Some(words),
            Some(Silence::Denied(_) | Silence::NoAnswer(_)) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::diagram::What;

    fn taken(count: u64) -> Taken {
        let event = |at_us| Event { server: 1, at_us, what: What::StartedAgain };
        Taken { events: (1..=count).map(event).collect(), is_all: true }
    }

    #[test]
    fn a_bounded_part_is_kept_and_a_bounded_part_of_it_drawn() {
        let mut watch = Watch::default();
        for _ in 0..3 {
            watch.take(1, taken(KEPT_MAX as u64 / 2 + 7));
        }
        assert_eq!(watch.events[&1].len(), KEPT_MAX);
        watch.tick(LAY_OUT_MS, 20);
        assert_eq!(watch.diagram.rows.len(), EVENTS_DRAWN);
        assert_eq!(watch.diagram.left_out, KEPT_MAX - EVENTS_DRAWN);
        watch.close();
        assert!(watch.events.is_empty() && watch.diagram.rows.is_empty());
    }

    #[test]
    fn nothing_moves_while_it_is_paused_and_at_the_end_it_goes_on() {
        let mut watch = Watch::default();
        watch.take(1, taken(30));
        watch.tick(LAY_OUT_MS, 10);
        assert_eq!(watch.seen(10).last().unwrap().at_us, 30);
        watch.scroll(3, 10);
        assert_eq!(watch.seen(10).last().unwrap().at_us, 27);
        watch.take(
            1,
            Taken { events: vec![Event { server: 1, at_us: 31, what: What::StartedAgain }], is_all: true },
        );
        watch.tick(LAY_OUT_MS * 2, 10);
        assert_eq!((watch.is_paused, watch.seen(10).last().unwrap().at_us), (true, 27));
        watch.scroll(-3, 10);
        assert_eq!((watch.is_paused, watch.seen(10).last().unwrap().at_us), (false, 31));
        watch.pause(true);
        watch.scroll(isize::MAX, 10);
        assert_eq!(watch.seen(10)[0].at_us, 1);
    }
}
