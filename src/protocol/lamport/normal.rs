//! One view at work: batches go out, requests come in, and everything is executed in timestamp order.

use super::{Fx, Lamport, Owed, Phase};
use crate::protocol::engine::{Effect, Machine, Note, Refusal};
use crate::protocol::message::Message;
use crate::protocol::record::Record;
use crate::protocol::types::{Member, Request, Timestamp, Token, ViewId};
use bytes::Bytes;
use std::sync::Arc;

/// From so many commands in the last own request on, the next ones collect while requests of others are queued.
const COLLECT_FROM_LEN: usize = 4;

/// What brings a request to execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The accepted view.
    View,
    /// A donor, which tells the lineage too.
    Donor,
}

impl<M: Machine> Lamport<M> {
    pub(super) fn on_submit(&mut self, token: Token, command: Bytes, fx: &mut Fx<M>) {
        let refusal = match self.phase {
            _ if self.leaving => Refusal::Leaving,
            Phase::Recovering | Phase::Diverged => Refusal::NotReady,
            Phase::Active | Phase::Changing if self.is_cut_off() => Refusal::NotReady,
            Phase::Active | Phase::Changing
                if self.pending.len() >= self.settings.limits.pending_commands_max =>
            {
                Refusal::Overloaded { pending: self.pending.len() as u32 }
            }
            Phase::Active | Phase::Changing => {
                if self.pending.is_empty() {
                    self.collect_until = self.worth_waiting_for();
                }
                self.pending.push_back((Some(token), command));
                return;
            }
        };
        fx.push(Effect::Refuse { token, refusal });
    }

    /// What has collected becomes the next batch, if it is worth a request: no timer, and a lone command leaves at once.
    pub(super) fn on_drained(&mut self, fx: &mut Fx<M>) {
        if self.phase != Phase::Active {
            return;
        }
        let is_collecting = self.queue.first().is_some_and(|first| Some(first) <= self.collect_until);
        while !is_collecting && self.is_worth_a_request() {
            self.propose(fx);
        }
        self.execute(fx);
    }

    /// Whether what has collected becomes a request now: at once when none of the own is on its way, and otherwise when it is as
    /// many commands as all of those together. As a request of its own it costs every member's disk a flush, and each member
    /// several wake-ups, and it is executed after those on their way in any case. The price: a few commands behind many begin their
    /// way when those have ended theirs.
    fn is_worth_a_request(&self) -> bool {
        let in_flight_len: usize = self.in_flight.values().map(Vec::len).sum();
        !self.pending.is_empty()
            && self.pending.len() >= in_flight_len.min(self.settings.limits.pending_commands_max)
            && self.queue.own_len() < self.settings.limits.requests_outstanding_max
    }

    /// The request of another server whose execution ends the collecting of commands that begins now, if any.
    ///
    /// Where several servers are busy, a request can only be executed after those of the others that are queued already.
    /// Until then it may as well collect: fewer and larger requests pass the critical section to one another. The
    /// size of the last one tells whether there is something to collect; alone, a command leaves at once.
    fn worth_waiting_for(&self) -> Option<Timestamp> {
        if self.last_batch_len < COLLECT_FROM_LEN { None } else { self.queue.last_of_others() }
    }

    /// Stamps a request and puts it on all links and into the own log in one step (rule 7).
    fn propose(&mut self, fx: &mut Fx<M>) {
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        while let Some((token, command)) = self.pending.pop_front() {
            bytes += command.len();
            if bytes > self.settings.limits.batch_bytes_max && !waiting.is_empty() {
                self.pending.push_front((token, command));
                break;
            }
            waiting.push((token, command));
        }
        self.clock += 1;
        let timestamp = Timestamp { clock: self.clock, server: self.me().server };
        let view = self.accepted_view();
        let commands: Vec<&Bytes> = waiting.iter().map(|(_, command)| command).collect();
        let batch = M::batch(&commands);
        let request = Arc::new(Request { view, timestamp, time_ms: self.now.wall_ms, batch });
        for other in self.others() {
            self.send(other, Message::Request(request.clone()), fx);
        }
        let lsn = self.append(Record::Request(request.clone()), fx);
        assert!(self.queue.insert(request, lsn), "the own clock only grows");
        self.last_batch_len = waiting.len();
        self.in_flight.insert(timestamp, waiting);
    }

    pub(super) fn on_request(&mut self, from: Member, request: Arc<Request>, fx: &mut Fx<M>) {
        if !self.is_at_work(from, request.view, fx) {
            return;
        }
        let (view, until) = (request.view, request.timestamp);
        if until.server != from.server {
            return self.note(Note::Nonsense { from, what: "a request stamped by another server" }, fx);
        }
        self.clock = self.clock.max(until.clock) + 1;
        if !self.queue.insert(request.clone(), self.last_lsn + 1) {
            return self.note(Note::Nonsense { from, what: "a request out of order" }, fx);
        }
        let lsn = self.append(Record::Request(request), fx);
        self.owed.push_back((lsn, Owed::Reply { to: from, view, until }));
    }

    pub(super) fn on_reply(
        &mut self,
        from: Member,
        view: ViewId,
        until: Timestamp,
        clock: u64,
        fx: &mut Fx<M>,
    ) {
        // Only a REPLY of this view counts; no other, later message stands in for it (rule 4).
        if self.phase != Phase::Active || view != self.accepted_view() || !self.is_heard_in_view(from) {
            return;
        }
        self.clock = self.clock.max(clock);
        self.queue.replied(from.server, until);
        self.execute(fx);
    }

    pub(super) fn on_release(&mut self, from: Member, view: ViewId, until: Timestamp, fx: &mut Fx<M>) {
        if !self.is_at_work(from, view, fx) {
            return;
        }
        self.queue.released(from.server, until);
        self.execute(fx);
    }

    /// Whether a message of a view's work may be acted on now. In a view that was accepted in this life and not
    /// seen activated it stands for the ACTIVATE: its sender has seen that all have accepted (rule 10).
    fn is_at_work(&mut self, from: Member, view: ViewId, fx: &mut Fx<M>) -> bool {
        let Some(install) = &self.accepted else { return false };
        if install.view != view
            || !self.is_heard_in_view(from)
            || !self.accepted_here
            || self.promised != view
        {
            return false;
        }
        if self.phase == Phase::Changing {
            self.activate(fx);
        }
        self.phase == Phase::Active
    }

    /// Whether this life is a member whose link has kept everything in order since the view was accepted.
    fn is_heard_in_view(&self, from: Member) -> bool {
        self.members().contains(&from) && !self.broken.contains(&from)
    }

    /// Executes what may be executed, in timestamp order, and lets go of what waited for it.
    pub(super) fn execute(&mut self, fx: &mut Fx<M>) {
        if self.phase != Phase::Active {
            return;
        }
        let mut released = None;
        while let Some(request) = self.queue.take_executable(self.durable) {
            let timestamp = request.timestamp;
            self.apply(request, fx);
            if timestamp.server == self.me().server {
                released = Some(timestamp);
            }
        }
        if let Some(until) = released {
            let view = self.accepted_view();
            for other in self.others() {
                self.send(other, Message::Release { view, until }, fx);
            }
        }
        self.serve_reads(fx);
        self.leave_when_done(fx);
    }

    /// Executes one request at the next position, marks it in the log and answers its clients if they are ours.
    pub(super) fn apply(&mut self, request: Arc<Request>, fx: &mut Fx<M>) {
        let (view, timestamp) = (request.view, request.timestamp);
        let outcomes = self.apply_quietly(request, Origin::View);
        let (position, digest) = (self.position, self.digest);
        self.append(Record::Executed { position, view, timestamp, digest }, fx);
        self.answer(timestamp, outcomes, fx);
    }

    /// Executes one request at the next position: state, digest, tail, and lineage unless that comes from a donor.
    pub(super) fn apply_quietly(&mut self, request: Arc<Request>, lineage: Origin) -> Vec<M::Outcome> {
        let position = self.position + 1;
        self.last = Some((request.view, request.timestamp));
        let mut outcomes = Vec::new();
        let hash = self.machine.apply(position, &request, &mut outcomes);
        let Timestamp { clock, server } = request.timestamp;
        self.digest = self.digest.extend(position, clock, server.0, &request.batch, hash);
        self.position = position;
        if lineage == Origin::View
            && let Some(install) = &self.accepted
        {
            self.lineage.executed(install, position, self.digest, |position| self.tail.digest_at(position));
        }
        self.tail.push(request, self.digest);
        outcomes
    }

    fn answer(&mut self, timestamp: Timestamp, outcomes: Vec<M::Outcome>, fx: &mut Fx<M>) {
        if timestamp.server != self.me().server {
            return;
        }
        let Some(waiting) = self.in_flight.remove(&timestamp) else { return };
        for ((token, command), outcome) in waiting.into_iter().zip(outcomes) {
            match token {
                Some(token) => fx.push(Effect::Answer { token, outcome }),
                None => self.on_offer_outcome(&command, outcome, fx),
            }
        }
    }

    /// Own commands that a change of view dropped go to the front of the queue, in their old order. The ones that
    /// it kept stay where they are: only what is absent is proposed again (rule 19).
    pub(super) fn propose_again(&mut self, kept: &[Timestamp]) {
        let dropped: Vec<_> = self.in_flight.keys().filter(|t| !kept.contains(t)).copied().collect();
        for timestamp in dropped.into_iter().rev() {
            for waiting in self.in_flight.remove(&timestamp).into_iter().flatten().rev() {
                self.pending.push_front(waiting);
            }
        }
    }

    pub(super) fn on_leave(&mut self, fx: &mut Fx<M>) {
        self.leaving = true;
        self.leave_when_done(fx);
    }

    /// Leaves once nothing of its own is in flight any more.
    pub(super) fn leave_when_done(&mut self, fx: &mut Fx<M>) {
        if !self.leaving || self.stopped {
            return;
        }
        let done = match self.phase {
            Phase::Recovering | Phase::Diverged => true,
            Phase::Changing => self.pending.is_empty() && self.in_flight.is_empty(),
            Phase::Active => self.pending.is_empty() && self.in_flight.is_empty() && self.reads.is_empty(),
        };
        if !done {
            return;
        }
        let linked: Vec<Member> = self.peers.values().filter_map(|p| p.linked_life()).collect();
        for peer in linked {
            self.send(peer, Message::Leave, fx);
        }
        self.stopped = true;
        fx.push(Effect::Exit);
    }

    /// Offers left over from a merge go through the normal order like any command.
    pub(super) fn submit_offers(&mut self) {
        self.offers_submitted = true;
        for offer in &self.offers {
            self.pending.push_back((None, offer.clone()));
        }
    }

    fn on_offer_outcome(&mut self, offer: &Bytes, outcome: M::Outcome, fx: &mut Fx<M>) {
        self.offers.retain(|other| other != offer);
        fx.push(Effect::ReportOutcome { offer: offer.clone(), outcome });
        if self.offers.is_empty() {
            self.append(Record::Offers(Vec::new()), fx);
        }
    }
}
