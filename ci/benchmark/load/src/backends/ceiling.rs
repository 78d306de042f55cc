//! The bare replicator of this program, over its own small frames.

use super::stream::Stream;
use crate::args::LoadArgs;
use crate::backend::{Action, Backend, Op, Reply, SEATS};
use crate::ceiling_node::wire::{Answer, Request, Status, Verb, parse_answer};
use crate::drive::{self, Site};
use crate::error::LoadError;
use bytes::Buf as _;

/// One run.
pub async fn run(load: &LoadArgs, leader: &str, seats: u32) -> Result<String, LoadError> {
    let mut connections = Vec::new();
    for _ in 0..load.connections() {
        connections.push(Connection { stream: Stream::connect(leader).await?, sent: Vec::new() });
    }
    drive::run(load, Site { seats_per_event: Some(seats), events: 1 }, connections).await
}

struct Connection {
    stream: Stream,
    /// What each slot has asked: an answer does not say.
    sent: Vec<Action>,
}

impl Backend for Connection {
    fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
        let (verb, seats) = match op.action {
            Action::Reserve => (Verb::Reserve, SEATS as u8),
            Action::Search => (Verb::Search, 0),
            Action::Delete => (Verb::Delete, 0),
        };
        Request { id: slot as u32, verb, seats, name: op.name.as_bytes() }.write(&mut self.stream.out);
        if self.sent.len() <= slot {
            self.sent.resize(slot + 1, op.action);
        }
        self.sent[slot] = op.action;
        Ok(())
    }

    async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
        self.stream.send().await?;
        while replies.is_empty() {
            self.stream.receive().await?;
            while let Some((bytes, answer)) = parse_answer(&self.stream.input) {
                let slot = answer.id as usize;
                let Some(&action) = self.sent.get(slot) else {
                    return Err(self.stream.protocol(format!("{answer:?} to nothing")));
                };
                replies.push((slot, reply(action, &answer)));
                self.stream.input.advance(bytes);
            }
        }
        Ok(())
    }
}

fn reply(action: Action, answer: &Answer) -> Reply {
    match (answer.status, action, answer.seats) {
        (Status::Done, Action::Reserve, Some(seats)) => Reply::Reserved(seats),
        (Status::Done, Action::Search, Some(seats)) => Reply::Found(seats),
        (Status::Done, Action::Delete, Some(_)) => Reply::Deleted,
        (Status::SoldOut, _, _) => Reply::SoldOut,
        (Status::Done | Status::NameTaken | Status::NoName, _, _) => Reply::Refused(format!("{answer:?}")),
    }
}
