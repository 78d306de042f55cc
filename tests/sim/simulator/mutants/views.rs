//! Bugs of a change of view, and of the way back into one.

use super::{Mutant, Mutation, heard};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::Input;
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::{Heartbeat, Message, Promise};
use boxoffice::protocol::view::Install;
use std::sync::Arc;

impl Mutation {
    pub(super) fn view_heard(&mut self, engine: &Lamport<State>, input: Input<State>) -> Input<State> {
        let Input::Message { from, message } = input else { return input };
        let message = match (self.mutant, message) {
            (Mutant::DropsWhatAllHave, Message::Promise { view, promise }) => {
                let promise = Promise { logged: Vec::new(), ..Arc::unwrap_or_clone(promise) };
                Message::Promise { view, promise: promise.into() }
            }
            (Mutant::KeepsWhatOneLacks, Message::Promise { view, promise }) => {
                let mut promise = Arc::unwrap_or_clone(promise);
                promise.logged.iter_mut().for_each(|(_, is_released)| *is_released = true);
                Message::Promise { view, promise: promise.into() }
            }
            (Mutant::PromisedMembersForgotten, Message::Promise { view, promise }) => {
                let promise = Promise { promised: Vec::new(), ..Arc::unwrap_or_clone(promise) };
                Message::Promise { view, promise: promise.into() }
            }
            (Mutant::PromisedMembersForgotten, Message::Heartbeat(heartbeat)) => {
                let heartbeat = Heartbeat { promised_since: Vec::new(), ..Arc::unwrap_or_clone(heartbeat) };
                Message::Heartbeat(heartbeat.into())
            }
            (Mutant::KeptForgotten, Message::Install(install)) => {
                let install = Install { kept: Vec::new(), ..Arc::unwrap_or_clone(install) };
                Message::Install(install.into())
            }
            (Mutant::JoinWithoutTail, Message::Entries { lineage, digest, question, .. }) => {
                Message::Entries { lineage, tip: engine.position(), entries: Vec::new(), digest, question }
            }
            (_, message) => message,
        };
        heard(from, message)
    }
}
