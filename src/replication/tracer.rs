//! Records what this server sees of the algorithm, while somebody watches.
//!
//! Nobody watches most of the time: then it is one load of a number for each step of the engine. Whoever asks for what
//! was recorded watches for [`WATCHED_MS`] more; when that is over everything is forgotten.

use super::clock;
use crate::protocol::engine::{Effect, Input, Machine, Note};
use crate::protocol::trace::{Said, TraceEvent, TracePage, Traced};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Events that are kept for whoever watches; the oldest go, and their numbers show that they are missing.
pub const TRACE_EVENTS_MAX: usize = 16_384;
/// Most events in one answer: it fits into a frame.
pub const TRACE_PAGE_MAX: usize = 4_096;
/// How long recording goes on after somebody asked last.
pub const WATCHED_MS: u64 = 10_000;

/// Both ends in one; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// On the clock of [`clock::now`]; 0 while nobody watches.
    watched_until_ms: AtomicU64,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    /// Of the last event that was ever recorded.
    last: u64,
    events: VecDeque<TraceEvent>,
}

impl Tracer {
    /// Whether somebody watches.
    pub(super) fn is_on(&self) -> bool {
        self.shared.watched_until_ms.load(Ordering::Relaxed) != 0
    }

    /// Records something that was seen just now.
    pub(super) fn record(&self, traced: Traced) {
        let mut ring = self.lock();
        ring.push(clock::wall_us(), traced);
    }

    /// Records what comes to the engine.
    pub(super) fn see_input<M: Machine>(&self, now_ms: u64, input: &Input<M>) {
        match input {
            Input::Tick => self.tick(now_ms),
            Input::Message { from, message } => {
                if let Some(said) = Said::of(message) {
                    self.record(Traced::Received { from: from.server, said });
                }
            }
            _ => {}
        }
    }

    /// Records what comes of it.
    pub(super) fn see_effect<M: Machine>(&self, effect: &Effect<M>) {
        self.record(match effect {
            Effect::Send { to, message } => match Said::of(message) {
                Some(said) => Traced::Sent { to: to.server, said },
                None => return,
            },
            Effect::Note(Note::Activated { view, members, .. }) => Traced::Activated {
                view: view.to_string(),
                members: members.iter().map(|member| member.server).collect(),
            },
            Effect::Note(Note::Suspected { member, .. }) => Traced::Suspected { server: member.server },
            Effect::Exit => Traced::Left,
            _ => return,
        });
    }

    /// Forgets everything when nobody has asked for long enough.
    fn tick(&self, now_ms: u64) {
        let until_ms = self.shared.watched_until_ms.load(Ordering::Relaxed);
        if until_ms != 0 && until_ms < now_ms {
            self.shared.watched_until_ms.store(0, Ordering::Relaxed);
            self.lock().events = VecDeque::new();
        }
    }

    /// What was recorded after this event, at most [`TRACE_PAGE_MAX`] of it; and watches.
    pub fn watch(&self, after: u64) -> TracePage {
        self.shared.watched_until_ms.store(clock::now().tick_ms + WATCHED_MS, Ordering::Relaxed);
        let ring = self.lock();
        // One that knows of more than there was asks another process than before.
        let after = if after > ring.last { 0 } else { after };
        let from = ring.events.partition_point(|event| event.number <= after);
        let events = ring.events.iter().skip(from).take(TRACE_PAGE_MAX).cloned().collect();
        TracePage { last: ring.last, events }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, at_us: u64, traced: Traced) {
        self.last += 1;
        if self.events.len() == TRACE_EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(TraceEvent { number: self.last, at_us, traced });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::ServerId;

    fn suspected() -> Traced {
        Traced::Suspected { server: ServerId(1) }
    }

    #[test]
    fn it_is_off_until_somebody_watches_and_again_afterwards() {
        let tracer = Tracer::default();
        assert!(!tracer.is_on());
        assert_eq!(tracer.watch(0).events, []);
        assert!(tracer.is_on());
        tracer.record(suspected());
        assert_eq!(tracer.watch(0).events.len(), 1);
        let until_ms = tracer.shared.watched_until_ms.load(Ordering::Relaxed);
        tracer.tick(until_ms);
        assert!(tracer.is_on());
        tracer.tick(until_ms + 1);
        assert!(!tracer.is_on());
        assert_eq!(tracer.watch(0).events, [], "it is forgotten");
        tracer.record(suspected());
        assert_eq!(tracer.watch(9).events[0].number, 2, "numbers are never used twice");
    }

    #[test]
    fn the_oldest_events_go_and_pages_are_bounded() {
        let tracer = Tracer::default();
        for _ in 0..TRACE_EVENTS_MAX + 5 {
            tracer.record(suspected());
        }
        let page = tracer.watch(0).events;
        assert_eq!((page.len(), page[0].number), (TRACE_PAGE_MAX, 6));
        let last = (TRACE_EVENTS_MAX + 5) as u64;
        let numbers: Vec<u64> = tracer.watch(last - 2).events.iter().map(|event| event.number).collect();
        assert_eq!(numbers, [last - 1, last]);
    }
}
