//! A message becomes bytes once, to however many servers it goes.

use crate::protocol::message::Message;
use crate::transport::links;
use bytes::Bytes;
use std::sync::Arc;

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
        let bytes = links::encode(&message);
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
