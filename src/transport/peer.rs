//! What one server says to another around the messages: the hello on a new connection, and the numbers on
//! each frame.
//!
//! Both sides send a [`PeerHello`], the dialling one first. After that a frame's body is
//!
//! ```text
//! +------------------+------------------+--------------------+
//! | number u64 LE    | ack u64 LE       | message, postcard  |
//! +------------------+------------------+--------------------+
//! ```
//!
//! Number 0 means that the message is not sequenced. Every frame acknowledges what was received so far; one
//! without a message does nothing else.

use super::frame::{self, DecodeError};
use super::session::Hello;
use crate::protocol::message::Message;
use crate::protocol::types::ServerId;
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// Version of the protocol between servers. Another version is refused in the hello.
pub const PEER_PROTOCOL_VERSION: u16 = 2;
/// First field of a server's hello, so that a stranger's bytes are told from an old server's.
pub const PEER_MAGIC: [u8; 4] = *b"BOXP";
/// Largest frame before both hellos are done, in bytes of body.
pub const HELLO_BYTES_MAX: usize = 64 << 10;
/// Largest frame between servers, in bytes of body: a promise with all that may be outstanding fits.
pub const PEER_FRAME_BYTES_MAX: usize = 64 << 20;
/// Bytes of a frame's body before the message.
pub const NUMBERS_BYTES: usize = 16;

/// What begins every version's hello.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Preamble {
    magic: [u8; 4],
    version: u16,
}

/// First frame of each side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHello {
    /// The cluster's name.
    pub cluster: String,
    /// Who speaks.
    pub from: ServerId,
    /// Whom it means to speak to.
    pub to: ServerId,
    /// What must be equal on all servers (`ClusterConfig::shared_text`), so that the difference can be named.
    pub settings: String,
    /// The state of the session.
    pub session: Hello,
}

/// Why a connection is dropped: a stranger's, or one that is configured otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// Not one of our servers' first bytes.
    #[error("it does not speak the protocol between servers")]
    Stranger,
    /// Another version of it.
    #[error(
        "it speaks version {theirs} of the protocol between servers, this one speaks {PEER_PROTOCOL_VERSION}"
    )]
    Version {
        /// What was said.
        theirs: u16,
    },
    /// The rest is not what this version says.
    #[error("its hello cannot be read: {0}")]
    Undecodable(DecodeError),
    /// Of another cluster.
    #[error("it belongs to cluster {theirs:?}, this server to {ours:?}")]
    Cluster {
        /// Theirs.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// Not configured here, or not the one that was dialled.
    #[error("it is server {found}, which {expected}")]
    Server {
        /// What was said.
        found: ServerId,
        /// The rest of the sentence.
        expected: String,
    },
    /// It was looking for another one.
    #[error("it wants server {wanted}, this is server {me}: is an address given twice?")]
    Misdirected {
        /// Whom it wants.
        wanted: ServerId,
        /// Who this is.
        me: ServerId,
    },
    /// The configuration differs.
    #[error("it is configured differently: {0}")]
    Settings(String),
}

impl PeerHello {
    /// The frame that carries it.
    pub fn encode(&self) -> Bytes {
        let preamble = Preamble { magic: PEER_MAGIC, version: PEER_PROTOCOL_VERSION };
        let mut out = BytesMut::new();
        frame::encode_message(&mut out, &(preamble, self), HELLO_BYTES_MAX)
            .expect("a cluster's configuration is far below the limit");
        out.freeze()
    }

    /// Reads the body of a first frame.
    ///
    /// # Errors
    /// Whoever speaks is a stranger or of another version.
    pub fn decode(body: &[u8]) -> Result<PeerHello, HelloError> {
        match postcard::take_from_bytes::<Preamble>(body) {
            Ok((Preamble { magic: PEER_MAGIC, version: PEER_PROTOCOL_VERSION }, rest)) => {
                frame::decode_message(rest).map_err(HelloError::Undecodable)
            }
            Ok((Preamble { magic: PEER_MAGIC, version: theirs }, _)) => Err(HelloError::Version { theirs }),
            Ok(_) | Err(_) => Err(HelloError::Stranger),
        }
    }
}

/// The first setting that two servers' lines of `key: value` do not share, in words: `seats is 100 here and 120 there`.
pub fn settings_difference(ours: &str, theirs: &str) -> Option<String> {
    let (mut here, mut there) = (ours.lines(), theirs.lines());
    loop {
        return match (here.next(), there.next()) {
            (None, None) => None,
            (Some(a), Some(b)) if a == b => continue,
            (Some(a), Some(b)) => Some(match (a.split_once(": "), b.split_once(": ")) {
                (Some((key, x)), Some((other, y))) if key == other => {
                    // Theirs goes into the log, and may be a stranger's.
                    format!("{key} is {} here and {} there", x.escape_debug(), y.escape_debug())
                }
                _ => format!("{a:?} here, {b:?} there"),
            }),
            (Some(a), None) => Some(format!("{a:?} here, nothing there")),
            (None, Some(b)) => Some(format!("nothing here, {b:?} there")),
        };
    }
}

/// Appends a frame with a message that was encoded before.
pub fn encode_frame(out: &mut BytesMut, number: u64, ack: u64, message: &[u8]) {
    frame::encode_parts_into(out, &[&number.to_le_bytes(), &ack.to_le_bytes(), message]);
}

/// The numbers and the message, if there is one, of a frame's body.
///
/// # Errors
/// No server of ours sends this.
pub fn decode_frame(body: &[u8]) -> Result<(u64, u64, Option<Message>), DecodeError> {
    let short = || DecodeError::Postcard(postcard::Error::DeserializeUnexpectedEnd);
    let (number, rest) = body.split_first_chunk::<8>().ok_or_else(short)?;
    let (ack, message) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (number, ack) = (u64::from_le_bytes(*number), u64::from_le_bytes(*ack));
    let message =
        if message.is_empty() && number == 0 { None } else { Some(frame::decode_message(message)?) };
    Ok((number, ack, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::Incarnation;
    use proptest::prelude::*;

    fn hello() -> PeerHello {
        let session = Hello { incarnation: Incarnation(3), peer: None, session: 0, received: 0 };
        let (cluster, settings) = ("boxoffice".to_owned(), "seats: 100\n".to_owned());
        PeerHello { cluster, from: ServerId(2), to: ServerId(1), settings, session }
    }

    fn body(frame: &Bytes) -> &[u8] {
        &frame[frame::HEADER_BYTES..]
    }

    #[test]
    fn a_hello_is_read_as_it_was_written() {
        assert_eq!(PeerHello::decode(body(&hello().encode())), Ok(hello()));
    }

    #[test]
    fn strangers_and_other_versions_are_told_apart() {
        let mut other = body(&hello().encode()).to_vec();
        other[4] = 9;
        assert_eq!(PeerHello::decode(&other), Err(HelloError::Version { theirs: 9 }));
        assert_eq!(PeerHello::decode(b"GET / HTTP/1.1"), Err(HelloError::Stranger));
        assert_eq!(PeerHello::decode(b""), Err(HelloError::Stranger));
    }

    #[test]
    fn servers_that_must_agree_find_the_setting_in_which_they_do_not() {
        let ours = "cluster: boxoffice\nseats: 100\n";
        let difference = |theirs| settings_difference(ours, theirs);
        assert_eq!(difference(ours), None);
        let words = difference("cluster: boxoffice\nseats: 120\n");
        assert_eq!(words.as_deref(), Some("seats is 100 here and 120 there"));
        assert_eq!(difference("cluster: boxoffice\n").as_deref(), Some("\"seats: 100\" here, nothing there"));
        assert!(difference("cluster: boxoffice\nservers: 1\n").is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = PeerHello::decode(&bytes);
            let _ = decode_frame(&bytes);
        }
    }
}
