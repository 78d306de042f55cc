//! Frames: how messages are told apart, and damage from data, on a stream of bytes.
//!
//! ```text
//! +----------------+----------------+---------------------+
//! | length u32 LE  | crc32 u32 LE   | body, length bytes  |
//! +----------------+----------------+---------------------+
//! ```
//!
//! The checksum covers the body. A body is one message in postcard; nothing may follow it. Pure: whoever owns
//! a socket feeds a [`FrameDecoder`] with what it read, in any slicing. After an error there is no way back
//! into the stream (where would the next frame start?): the connection is to be closed.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

/// Bytes before the body.
pub const HEADER_BYTES: usize = 8;
/// How much room a decoder makes for one read, at most. A frame that only claims to be large costs nothing.
pub const READ_BYTES: usize = 64 * 1024;

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The next frame is larger than allowed, or these are a stranger's bytes.
    #[error("a frame of {len} bytes was announced, at most {max} are allowed")]
    TooLarge {
        /// Announced length of the body.
        len: usize,
        /// Largest length that is taken.
        max: usize,
    },
    /// The body is not what was sent.
    #[error("the checksum of a frame is wrong")]
    Checksum,
}

/// Why a message was not put into a frame. The buffer is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The receiver would refuse it.
    #[error("the message is larger than {max} bytes")]
    TooLarge {
        /// Largest length that the receiver takes.
        max: usize,
    },
    /// The message contains what postcard cannot write; a fault of the program.
    #[error("the message cannot be encoded: {0}")]
    Postcard(postcard::Error),
}

/// Why a body is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a message of that type.
    #[error("the message cannot be decoded: {0}")]
    Postcard(postcard::Error),
    /// A message, and then something else.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
}

/// Appends a frame with this body. The body must be below 4 GiB (every limit in use is far below).
pub fn encode_into(out: &mut BytesMut, body: &[u8]) {
    encode_parts_into(out, &[body]);
}

/// Appends a frame whose body is these parts, one after the other.
pub fn encode_parts_into(out: &mut BytesMut, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    out.reserve(HEADER_BYTES + len);
    out.put_u32_le(u32::try_from(len).expect("frame limits are below 4 GiB"));
    out.put_u32_le(checksum.finalize());
    parts.iter().for_each(|part| out.put_slice(part));
}

/// The body that a message makes, without a frame.
pub fn encode_body<T: Serialize + ?Sized>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("our own types can be encoded")
}

/// Appends a frame with this message, written in place; refuses one whose body is larger than `max`.
pub fn encode_message<T: Serialize + ?Sized>(
    out: &mut BytesMut,
    message: &T,
    max: usize,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_bytes(0, HEADER_BYTES);
    let sink = Sink { out: &mut *out, end: start + HEADER_BYTES + max };
    if let Err(error) = postcard::serialize_with_flavor(message, sink) {
        out.truncate(start);
        return Err(match error {
            postcard::Error::SerializeBufferFull => EncodeError::TooLarge { max },
            other => EncodeError::Postcard(other),
        });
    }
    let (header, body) = out[start..].split_at_mut(HEADER_BYTES);
    let len = u32::try_from(body.len()).expect("frame limits are below 4 GiB");
    header[..4].copy_from_slice(&len.to_le_bytes());
    header[4..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    Ok(())
}

/// The message that makes up the whole body.
pub fn decode_message<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(DecodeError::Trailing(rest.len())),
        Err(error) => Err(DecodeError::Postcard(error)),
    }
}

/// Where postcard writes: the end of the buffer, up to the limit.
struct Sink<'a> {
    out: &'a mut BytesMut,
    end: usize,
}

impl postcard::ser_flavors::Flavor for Sink<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.out.len() + bytes.len() > self.end {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.out.put_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Takes bytes in any slicing and yields bodies.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    max: usize,
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// A decoder that refuses bodies larger than `max` bytes as soon as their header is there.
    pub fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), max, failed: None }
    }

    /// Changes the limit for the frames to come, once it is known who speaks.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Takes bytes that were read elsewhere.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The end of the buffer, with room for the next read (`stream.read_buf(decoder.space()).await`): what the
    /// announced frame still lacks, at most [`READ_BYTES`]. Only append to it. Call [`next`](Self::next) until
    /// it yields nothing before reading again, then no more than one frame and one read is ever held.
    pub fn space(&mut self) -> &mut BytesMut {
        let missing = match self.announced() {
            Some(len) => (HEADER_BYTES + len.min(self.max)).saturating_sub(self.buffer.len()),
            None => 0,
        };
        self.buffer.reserve(missing.clamp(4096, READ_BYTES));
        &mut self.buffer
    }

    /// The next whole body, if it is there. An error stays: the stream is lost.
    #[expect(clippy::should_implement_trait, reason = "an iterator that ends and goes on would mislead")]
    pub fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        self.next_with(|buffer, len| buffer.split_to(len).freeze())
    }

    /// The message of the next whole frame, if it is there: as [`next`](Self::next) and [`decode_message`], for messages that
    /// keep none of the bytes.
    pub fn next_message<T: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<Result<T, DecodeError>>, FrameError> {
        self.next_with(|buffer, len| {
            let message = decode_message(&buffer[..len]);
            buffer.advance(len);
            message
        })
    }

    /// Whether the stream stopped between two frames. False at the end of a stream means that it was cut.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty() && self.failed.is_none()
    }

    fn announced(&self) -> Option<usize> {
        self.buffer.first_chunk::<4>().map(|len| u32::from_le_bytes(*len) as usize)
    }

    /// Lets the next whole body be taken from the front of the buffer.
    fn next_with<T>(
        &mut self,
        take: impl FnOnce(&mut BytesMut, usize) -> T,
    ) -> Result<Option<T>, FrameError> {
        if let Some(error) = self.failed {
            // Whatever came in since is of no use; a careless owner must not make it grow.
            self.buffer.clear();
            return Err(error);
        }
        match self.find_body() {
            Ok(body) => Ok(body.map(|len| take(&mut self.buffer, len))),
            Err(error) => {
                self.failed = Some(error);
                self.buffer = BytesMut::new();
                Err(error)
            }
        }
    }

    /// Leaves the next whole body at the front of the buffer, and tells its length.
    fn find_body(&mut self) -> Result<Option<usize>, FrameError> {
        let Some(len) = self.announced() else { return Ok(None) };
        if len > self.max {
            return Err(FrameError::TooLarge { len, max: self.max });
        }
        if self.buffer.len() < HEADER_BYTES + len {
            return Ok(None);
        }
        self.buffer.advance(4);
        let checksum = self.buffer.get_u32_le();
        match crc32fast::hash(&self.buffer[..len]) == checksum {
            true => Ok(Some(len)),
            false => Err(FrameError::Checksum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that the decoder yields for these bytes, given in these slices.
    fn decode_all(bytes: &[u8], cuts: &[usize], max: usize) -> Result<Vec<Bytes>, FrameError> {
        let mut decoder = FrameDecoder::new(max);
        let (mut frames, mut rest, mut cuts) = (Vec::new(), bytes, cuts.iter().cycle());
        while !rest.is_empty() {
            let n = cuts.next().map_or(1, |&n| n.clamp(1, rest.len()));
            let (now, later) = rest.split_at(n);
            rest = later;
            decoder.extend(now);
            while let Some(frame) = decoder.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    proptest! {
        #[test]
        fn frames_survive_any_slicing(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            cuts in prop::collection::vec(1usize..400, 1..20),
        ) {
            let mut bytes = BytesMut::new();
            for body in &bodies {
                encode_into(&mut bytes, body);
            }
            prop_assert_eq!(decode_all(&bytes, &cuts, 300).unwrap(), bodies);
        }

        #[test]
        fn any_bytes_neither_panic_nor_grow_the_buffer(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            max in 0usize..600,
        ) {
            let mut decoder = FrameDecoder::new(max);
            for chunk in bytes.chunks(97) {
                let space = decoder.space();
                prop_assert!(space.capacity() <= 2 * (READ_BYTES + HEADER_BYTES));
                space.extend_from_slice(chunk);
                while let Ok(Some(body)) = decoder.next() {
                    prop_assert!(body.len() <= max);
                }
                prop_assert!(decoder.buffer.len() < HEADER_BYTES + max + 97);
            }
        }

        #[test]
        fn one_flipped_bit_is_never_read_as_another_body(
            body in prop::collection::vec(any::<u8>(), 1..200),
            bit in any::<prop::sample::Index>(),
        ) {
            let mut bytes = BytesMut::new();
            encode_into(&mut bytes, &body);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(frames) = decode_all(&bytes, &[1000], 10_000) {
                prop_assert!(frames.is_empty(), "a changed frame was taken");
            }
        }

        #[test]
        fn messages_round_trip(message in any::<(u64, String, Option<Vec<u32>>)>()) {
            let mut bytes = BytesMut::new();
            encode_message(&mut bytes, &message, 1 << 20).unwrap();
            let frames = decode_all(&bytes, &[7], 1 << 20).unwrap();
            prop_assert_eq!(frames.len(), 1);
            prop_assert_eq!(&decode_message::<(u64, String, Option<Vec<u32>>)>(&frames[0]).unwrap(), &message);
            let mut decoder = FrameDecoder::new(1 << 20);
            decoder.extend(&bytes);
            prop_assert_eq!(decoder.next_message().unwrap(), Some(Ok(message)));
            prop_assert_eq!(decoder.next_message::<u8>(), Ok(None));
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_header_alone() {
        let mut decoder = FrameDecoder::new(10);
        decoder.extend(&11u32.to_le_bytes());
        let error = FrameError::TooLarge { len: 11, max: 10 };
        assert_eq!(decoder.next(), Err(error));
        decoder.extend(&[0; 100]);
        assert_eq!(decoder.next(), Err(error), "there is no way back into the stream");
    }

    #[test]
    fn an_announced_giant_gets_no_memory_before_its_bytes_are_there() {
        let mut decoder = FrameDecoder::new(1 << 30);
        decoder.extend(&(1u32 << 30).to_le_bytes());
        assert!(decoder.space().capacity() <= 2 * READ_BYTES);
    }

    #[test]
    fn a_message_over_the_limit_leaves_the_buffer_as_it_was() {
        let mut out = BytesMut::new();
        encode_into(&mut out, b"first");
        let before = out.clone();
        assert_eq!(encode_message(&mut out, &[7u8; 50][..], 50), Err(EncodeError::TooLarge { max: 50 }));
        assert_eq!(out, before);
        assert_eq!(encode_message(&mut out, &[7u8; 50][..], 51), Ok(()));
    }

    #[test]
    fn bytes_behind_a_message_are_an_error() {
        assert_eq!(decode_message::<u8>(&[1, 2, 3]), Err(DecodeError::Trailing(2)));
    }

    #[test]
    fn the_end_of_a_stream_in_mid_frame_shows() {
        let mut decoder = FrameDecoder::new(10);
        assert!(decoder.is_between_frames());
        decoder.extend(&[1, 0]);
        assert!(!decoder.is_between_frames());
    }
}
