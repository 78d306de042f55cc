//! Linearizable reads without messages, under a lease; and the heartbeats that carry the lease.
//!
//! A command is answered only after every member has its request, so a member that executes all requests of others that
//! were queued when the read arrived has executed everything that was answered before. Its own ones nobody executes before
//! itself: no client was answered, and no reader has seen them. It must only be sure that no view was installed without it. Every heartbeat that all members of the view answered while active in it proves that for
//! the time from its sending; members stop answering when they promise, and a coordinator that excludes
//! a life that may be alive waits the lease out (rule 17).

use super::{Fx, Lamport, Phase};
use crate::protocol::engine::{Effect, Machine, Refusal};
use crate::protocol::types::{Member, Timestamp, Token, ViewId};
use std::collections::{BTreeMap, VecDeque};

/// Heartbeats whose answers are still counted.
const ROUNDS_MAX: usize = 16;

/// Waiting reads and the lease.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    pub(super) waiting: VecDeque<Read>,
    pub(super) sequence: u64,
    pub(super) rounds: VecDeque<(u64, u64)>,
    pub(super) acked: BTreeMap<Member, u64>,
    pub(super) proven_ms: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) token: Token,
    pub(super) arrived_ms: u64,
    pub(super) barrier: Option<Timestamp>,
}

impl Reads {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Numbers a heartbeat that is sent now.
    pub(super) fn next_round(&mut self, now_ms: u64) -> u64 {
        self.sequence += 1;
        self.rounds.push_back((self.sequence, now_ms));
        if self.rounds.len() > ROUNDS_MAX {
            self.rounds.pop_front();
        }
        self.sequence
    }

    /// A new view: no heartbeat of an earlier one counts, and what was queued is executed or dropped.
    pub(super) fn new_view(&mut self) {
        self.rounds.clear();
        self.acked.clear();
        self.proven_ms = None;
        for read in &mut self.waiting {
            read.barrier = None;
        }
    }
}

impl<M: Machine> Lamport<M> {
    pub(super) fn on_read(&mut self, token: Token, fx: &mut Fx<M>) {
        let refusal = match self.phase {
            _ if self.leaving => Refusal::Leaving,
            Phase::Recovering | Phase::Diverged => Refusal::NotReady,
            Phase::Active | Phase::Changing if self.is_cut_off() => Refusal::NotReady,
            Phase::Active | Phase::Changing
                if self.reads.waiting.len() >= self.settings.limits.pending_commands_max =>
            {
                Refusal::Overloaded { pending: self.reads.waiting.len() as u32 }
            }
            Phase::Active | Phase::Changing => {
                let is_active = self.phase == Phase::Active;
                let barrier = if is_active { self.queue.last_of_others() } else { None };
                self.reads.waiting.push_back(Read { token, arrived_ms: self.now.tick_ms, barrier });
                return self.serve_reads(fx);
            }
        };
        fx.push(Effect::Refuse { token, refusal });
    }

    /// Serves the reads whose turn has come, in the order of their arrival.
    pub(super) fn serve_reads(&mut self, fx: &mut Fx<M>) {
        if self.phase != Phase::Active {
            return;
        }
        let first = self.queue.first();
        let alone = self.members().len() == 1;
        let now_ms = self.now.tick_ms;
        let lease_ms = self.settings.limits.lease_ms;
        let proven_ms = self.reads.proven_ms;
        let leased = alone || proven_ms.is_some_and(|sent_ms| now_ms < sent_ms + lease_ms);
        while let Some(read) = self.reads.waiting.front() {
            let executed = read.barrier.is_none_or(|barrier| first.is_none_or(|first| first > barrier));
            // A round that started strictly after the read came proves as much as a lease does.
            let sure = leased || proven_ms.is_some_and(|sent_ms| sent_ms > read.arrived_ms);
            if !(executed && sure) {
                break;
            }
            if let Some(read) = self.reads.waiting.pop_front() {
                fx.push(Effect::ServeRead { token: read.token });
            }
        }
    }

    /// A server that cannot be in the next view serves no read that waits: the others answer them.
    pub(super) fn refuse_reads_when_cut_off(&mut self, fx: &mut Fx<M>) {
        if self.is_cut_off() {
            for read in std::mem::take(&mut self.reads.waiting) {
                fx.push(Effect::Refuse { token: read.token, refusal: Refusal::NotReady });
            }
        }
    }

    pub(super) fn on_heartbeat_ack(&mut self, from: Member, view: ViewId, sequence: u64, fx: &mut Fx<M>) {
        if self.phase != Phase::Active || view != self.accepted_view() || !self.members().contains(&from) {
            return;
        }
        let acked = self.reads.acked.entry(from).or_default();
        *acked = (*acked).max(sequence);
        let others = self.others();
        let by_all = others.iter().map(|m| self.reads.acked.get(m).copied().unwrap_or(0)).min().unwrap_or(0);
        if let Some(&(_, sent_ms)) = self.reads.rounds.iter().rev().find(|(sequence, _)| *sequence <= by_all)
        {
            self.reads.proven_ms = self.reads.proven_ms.max(Some(sent_ms));
        }
        self.serve_reads(fx);
    }
}
