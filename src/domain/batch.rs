//! The commands of one request, as the bytes that are ordered, logged, sent and executed.
//!
//! A batch is a row of `length: u32, little-endian` and so many bytes of a postcard-encoded [`Command`].
//! Every command has its own length, so a command that cannot be understood does not take the rest of the
//! batch with it. An empty batch is valid and holds no command.
//!
//! There is no count and no checksum: links and log have their own.

use super::command::Command;
use super::pack;
use bytes::{BufMut, Bytes, BytesMut};

/// Longest encoded command, in bytes. The longest valid one picks a million seats of three bytes each.
pub const COMMAND_BYTES_MAX: usize = 4 << 20;
/// Room that is made for an encoded command: most need no more.
const ENCODED_BYTES: usize = 64;
/// Bytes before each command.
const LENGTH_BYTES: usize = 4;

/// Why bytes are no command, or no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A command has more than [`COMMAND_BYTES_MAX`] bytes; carries how many. While reading, it ends the batch.
    #[error("a command has at most {COMMAND_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// The batch ends within a command. Nothing follows.
    #[error("the batch ends within a command")]
    CutOff,
    /// A command is not what its kind of bytes should be. Those behind it can be read all the same.
    #[error("the command cannot be decoded")]
    Undecodable,
}

/// Collects commands into one batch.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    bytes: BytesMut,
    len: usize,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for so many encoded commands of together so many bytes.
    pub fn with_room(commands: usize, bytes: usize) -> Self {
        BatchBuilder { bytes: BytesMut::with_capacity(commands * LENGTH_BYTES + bytes), len: 0 }
    }

    /// Adds a command.
    ///
    /// # Errors
    /// [`BatchError::TooLong`]; the batch is as before.
    pub fn push(&mut self, command: &Command) -> Result<(), BatchError> {
        self.push_encoded(&encode(command))
    }

    /// Adds a command that [`encode`] (or a client) has encoded. The bytes are not looked at: if they are no
    /// command, executing the batch gives `Malformed` in its place.
    ///
    /// # Errors
    /// [`BatchError::TooLong`]; the batch is as before.
    pub fn push_encoded(&mut self, command: &[u8]) -> Result<(), BatchError> {
        if command.len() > COMMAND_BYTES_MAX {
            return Err(BatchError::TooLong(command.len()));
        }
        self.bytes.reserve(LENGTH_BYTES + command.len());
        self.bytes.put_u32_le(command.len() as u32);
        self.bytes.put_slice(command);
        self.len += 1;
        Ok(())
    }

    /// How many commands were added.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes [`finish`](Self::finish) would give.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The batch.
    pub fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

/// The bytes of one command, without a length.
pub fn encode(command: &Command) -> Vec<u8> {
    pack::with_room(ENCODED_BYTES, command)
}

/// Reads one command from exactly these bytes.
///
/// # Errors
/// [`BatchError::TooLong`] and [`BatchError::Undecodable`], the latter also when bytes are left over.
pub fn decode(bytes: &[u8]) -> Result<Command, BatchError> {
    if bytes.len() > COMMAND_BYTES_MAX {
        return Err(BatchError::TooLong(bytes.len()));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((command, [])) => Ok(command),
        Ok(_) | Err(_) => Err(BatchError::Undecodable),
    }
}

/// The commands of a batch in order. Any bytes will do: what is no command is an error in its place, and a
/// length that cannot be true is one error that ends the batch. Takes memory of a few times the size of `batch`.
pub fn commands(batch: &[u8]) -> Commands<'_> {
    Commands { rest: batch }
}

/// Iterator over a batch, made by [`commands`].
#[derive(Debug, Clone)]
pub struct Commands<'a> {
    rest: &'a [u8],
}

impl<'a> Commands<'a> {
    /// The next command's bytes.
    fn frame(&mut self) -> Result<&'a [u8], BatchError> {
        let (length, rest) = self.rest.split_first_chunk::<LENGTH_BYTES>().ok_or(BatchError::CutOff)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > COMMAND_BYTES_MAX {
            return Err(BatchError::TooLong(length));
        }
        let (frame, rest) = rest.split_at_checked(length).ok_or(BatchError::CutOff)?;
        self.rest = rest;
        Ok(frame)
    }
}

impl Iterator for Commands<'_> {
    type Item = Result<Command, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.frame() {
            Ok(frame) => Some(decode(frame)),
            Err(error) => {
                self.rest = &[]; // Where the next command would begin is not known.
                Some(Err(error))
            }
        }
    }
}

impl std::iter::FusedIterator for Commands<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::Operation;
    use crate::domain::testing::any_command;
    use proptest::prelude::*;

    fn sample(sequence: u64) -> Command {
        Command {
            session: crate::domain::ids::SessionId { birth_ms: 1, random: 2 },
            sequence,
            answered_until: 0,
            operation: Operation::Delete { name: "bob".parse().unwrap() },
            key: None,
        }
    }

    #[test]
    fn a_bad_command_does_not_lose_the_rest() {
        let mut batch = BatchBuilder::new();
        batch.push(&sample(1)).unwrap();
        batch.push_encoded(b"\xff\xff").unwrap();
        batch.push_encoded(b"").unwrap();
        batch.push(&sample(2)).unwrap();
        let read: Vec<_> = commands(&batch.finish()).collect();
        let bad = Err(BatchError::Undecodable);
        assert_eq!(read, [Ok(sample(1)), bad.clone(), bad, Ok(sample(2))]);
    }

    #[test]
    fn bytes_behind_a_command_make_it_undecodable() {
        let mut bytes = encode(&sample(1));
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(BatchError::Undecodable));
    }

    #[test]
    fn a_cut_batch_ends_with_one_error() {
        let mut batch = BatchBuilder::new();
        batch.push(&sample(1)).unwrap();
        batch.push(&sample(2)).unwrap();
        let bytes = batch.finish();
        let read: Vec<_> = commands(&bytes[..bytes.len() - 1]).collect();
        assert_eq!(read, [Ok(sample(1)), Err(BatchError::CutOff)]);
    }

    #[test]
    fn an_impossible_length_ends_the_batch() {
        let read: Vec<_> = commands(&[0xff; 100]).collect();
        assert_eq!(read, [Err(BatchError::TooLong(u32::MAX as usize))]);
    }

    #[test]
    fn a_command_over_the_limit_is_not_added() {
        let mut batch = BatchBuilder::new();
        let long = vec![0; COMMAND_BYTES_MAX + 1];
        assert_eq!(batch.push_encoded(&long), Err(BatchError::TooLong(COMMAND_BYTES_MAX + 1)));
        assert!(batch.is_empty() && batch.bytes_len() == 0);
        batch.push_encoded(&long[1..]).unwrap();
        assert_eq!((batch.len(), batch.bytes_len()), (1, COMMAND_BYTES_MAX + 4));
    }

    #[test]
    fn the_largest_pick_fits() {
        let seats = (1..=crate::domain::ids::SEATS_MAX).map(crate::domain::ids::Seat).collect();
        let mut command = sample(u64::MAX);
        command.operation = Operation::Restore { name: "b".repeat(64).parse().unwrap(), seats };
        BatchBuilder::new().push(&command).unwrap();
    }

    proptest! {
        #[test]
        fn commands_come_out_as_they_went_in(sent in proptest::collection::vec(any_command(), 0..8)) {
            let mut batch = BatchBuilder::new();
            for command in &sent {
                batch.push(command).unwrap();
            }
            prop_assert_eq!(batch.len(), sent.len());
            let bytes_len = batch.bytes_len();
            let bytes = batch.finish();
            prop_assert_eq!(bytes_len, bytes.len());
            let read: Result<Vec<_>, _> = commands(&bytes).collect();
            prop_assert_eq!(read, Ok(sent));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let read: Vec<_> = commands(&bytes).collect();
            prop_assert!(read.len() <= bytes.len() / LENGTH_BYTES + 1);
        }

        #[test]
        fn a_flipped_byte_never_panics(sent in any_command(), at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut batch = BatchBuilder::new();
            batch.push(&sent).unwrap();
            batch.push(&sent).unwrap();
            let mut bytes = batch.finish().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            for command in commands(&bytes).flatten() {
                let again = encode(&command);
                prop_assert_eq!(decode(&again), Ok(command));
            }
        }
    }
}
