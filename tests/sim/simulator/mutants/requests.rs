//! Bugs of the critical section: requests, replies, releases.

use super::{Mutant, Mutation, heard};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Effect, Input};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Member, Now, Request, ServerId};
use bytes::Bytes;
use std::sync::Arc;

impl Mutation {
    pub(super) fn request_heard(
        &mut self,
        engine: &Lamport<State>,
        now: Now,
        input: Input<State>,
    ) -> Vec<Input<State>> {
        if let Input::LinkDown { peer } = input {
            return self.link_lost(peer);
        }
        let Input::Message { from, message } = input else { return vec![input] };
        if let Message::Request(request) = &message {
            self.last_of.insert(from, (request.view, request.timestamp));
        }
        let active = engine.active_view().map(|install| install.view);
        let own = self.newest.filter(|(view, _)| Some(*view) == active);
        match (self.mutant, message, own) {
            (Mutant::HeartbeatAsReply, message @ Message::Heartbeat(_), Some((view, until))) => {
                let reply = Message::Reply { view, until, clock: until.clock + 1 };
                vec![heard(from, message), heard(from, reply)]
            }
            (Mutant::OldReplyCounts, Message::Reply { clock, .. }, Some((view, until))) => {
                vec![heard(from, Message::Reply { view, until, clock })]
            }
            (Mutant::ExecuteBeforeRelease, Message::Request(request), _) => {
                let release = Message::Release { view: request.view, until: request.timestamp };
                vec![heard(from, Message::Request(request)), heard(from, release)]
            }
            (Mutant::TimeOfReceiver, Message::Request(request), _) => {
                let request = Request { time_ms: now.wall_ms, ..Arc::unwrap_or_clone(request) };
                vec![heard(from, Message::Request(request.into()))]
            }
            (Mutant::CommandsLost, Message::Request(request), _) if self.me.server == ServerId(2) => {
                let request = Request { batch: Bytes::new(), ..Arc::unwrap_or_clone(request) };
                vec![heard(from, Message::Request(request.into()))]
            }
            (Mutant::TieNotBroken, message, _) => self.own_goes_first(from, message).into_iter().collect(),
            (_, message, _) => vec![heard(from, message)],
        }
    }

    /// A link breaks; what the peer had under way is released before that is noticed.
    fn link_lost(&mut self, peer: Member) -> Vec<Input<State>> {
        let mut inputs = self.held.remove(&peer).unwrap_or_default();
        if let (Mutant::ReleaseForged, Some(&(view, until))) = (self.mutant, self.last_of.get(&peer)) {
            inputs.push(heard(peer, Message::Release { view, until }));
        }
        inputs.push(Input::LinkDown { peer });
        inputs
    }

    /// Keeps a request waiting that has the clock of an own one, and what its sender says after it.
    fn own_goes_first(&mut self, from: Member, message: Message) -> Option<Input<State>> {
        let is_tied = match &message {
            Message::Request(request) => {
                let clock = request.timestamp.clock;
                self.outstanding.iter().any(|own| own.clock == clock && request.timestamp < *own)
            }
            _ => false,
        };
        let follows = matches!(message, Message::Request(_) | Message::Release { .. });
        if is_tied || (follows && self.held.contains_key(&from)) {
            self.held.entry(from).or_default().push(heard(from, message));
            return None;
        }
        Some(heard(from, message))
    }

    /// What need not wait any longer.
    pub(super) fn released(&mut self) -> Vec<Input<State>> {
        let outstanding = &self.outstanding;
        let is_over = |inputs: &[Input<State>]| match inputs.first() {
            Some(Input::Message { message: Message::Request(request), .. }) => {
                !outstanding.iter().any(|own| own.clock == request.timestamp.clock)
            }
            _ => true,
        };
        let over: Vec<Member> =
            self.held.iter().filter(|(_, inputs)| is_over(inputs)).map(|(peer, _)| *peer).collect();
        over.into_iter().filter_map(|peer| self.held.remove(&peer)).flatten().collect()
    }

    /// An answer that was never given.
    pub(super) fn answer_forged(&mut self, effect: &Effect<State>) -> Option<Input<State>> {
        let Effect::Send { to, message } = effect else { return None };
        let answer = match (self.mutant, message) {
            (Mutant::OneReplySkipped, Message::Request(request)) => {
                let (view, until) = (request.view, request.timestamp);
                Message::Reply { view, until, clock: until.clock + 1 }
            }
            (Mutant::AcceptanceSkipped, Message::Install(install)) => {
                Message::Installed { view: install.view }
            }
            _ => return None,
        };
        // One other server is not waited for, the same one by all.
        let skipped = if self.me.server == ServerId(1) { ServerId(2) } else { ServerId(1) };
        (to.server == skipped).then(|| heard(*to, answer))
    }
}
