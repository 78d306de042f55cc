//! A message becomes bytes once, to however many servers it goes.

use crate::domain::pack;
use crate::protocol::message::Message;
use bytes::Bytes;
use std::sync::Arc;

/// Room for a message without its batch: most need no more.
const HEAD_BYTES: usize = 64;

/// The last large message, encoded: the same one usually goes to every peer.
#[derive(Debug, Default)]
pub struct Encoded {
    last: Option<(Message, Bytes)>,
}

impl Encoded {
    /// The bytes of a message.
    pub fn get(&mut self, message: Message) -> Bytes {
        if let Some((last, bytes)) = &self.last
            && is_same(last, &message)
        {
            return bytes.clone();
        }
        let batch_bytes = match &message {
            Message::Request(request) => request.batch.len(),
            _ => 0,
        };
        let bytes = Bytes::from(pack::with_room(HEAD_BYTES + batch_bytes, &message));
        // Holding the message keeps its address from being given to another one.
        self.last = Some((message, bytes.clone()));
        bytes
    }
}

fn is_same(a: &Message, b: &Message) -> bool {
    match (a, b) {
        (Message::Request(a), Message::Request(b)) => Arc::ptr_eq(a, b),
        (Message::Install(a), Message::Install(b)) => Arc::ptr_eq(a, b),
        (Message::Heartbeat(a), Message::Heartbeat(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}
