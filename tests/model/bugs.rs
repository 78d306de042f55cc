//! Bugs that are put in on purpose, at the place where a server steps its engine: a search that does not find them is
//! no evidence. The simulation has many more (`docs/mutants.md`); these say that the search, with all that it leaves out,
//! still sees.

use boxoffice::protocol::engine::{Effect, Input};
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::Member;
use std::sync::Arc;

/// What is wrong with every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A promise does not tell the requests that were logged.
    LoggedForgotten,
    /// Members are not told what a view keeps.
    KeptForgotten,
    /// Of the others' replies the last one is not waited for.
    ReplySkipped,
    /// A crash takes a record that was durable.
    DiskLies,
}

impl Bug {
    /// A message as a server with this bug sends it.
    pub fn sent(self, mut message: Message) -> Message {
        match (self, &mut message) {
            (Bug::LoggedForgotten, Message::Promise { promise, .. }) => {
                Arc::make_mut(promise).logged.clear();
            }
            (Bug::KeptForgotten, Message::Install(install)) => Arc::make_mut(install).kept.clear(),
            _ => {}
        }
        message
    }

    /// What its engine hears besides, after it wanted these effects.
    pub fn forged<M>(self, effects: &[Effect<M>]) -> Option<Input<M>>
    where
        M: boxoffice::protocol::engine::Machine,
    {
        let requests = effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, message: Message::Request(request) } => Some((*to, request)),
            _ => None,
        });
        let (from, request): (Member, _) = requests.last().filter(|_| self == Bug::ReplySkipped)?;
        let (view, until) = (request.view, request.timestamp);
        Some(Input::Message { from, message: Message::Reply { view, until, clock: until.clock } })
    }
}
