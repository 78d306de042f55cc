//! A follower: reads entries, flushes them, says so. One thread that waits for one thing at a time.

use super::log::Log;
use crate::args::CeilingArgs;
use crate::error::LoadError;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// Most bytes of entries that are read at once; a batch of a leader is smaller.
const BUFFER_BYTES: usize = 4 << 20;
/// Before the requests of a batch.
const HEAD_BYTES: usize = 12;

pub(super) fn run(args: &CeilingArgs) -> Result<(), LoadError> {
    let mut log = Log::create(&args.log)?;
    let listener = TcpListener::bind(&args.listen).map_err(LoadError::connection(&args.listen))?;
    loop {
        let (stream, _) = listener.accept().map_err(LoadError::connection(&args.listen))?;
        stream.set_nodelay(true).map_err(LoadError::connection(&args.listen))?;
        follow(stream, &mut log)?;
    }
}

/// Until the leader is gone.
fn follow(mut stream: TcpStream, log: &mut Log) -> Result<(), LoadError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut filled = 0;
    loop {
        let Ok(count @ 1..) = stream.read(&mut buffer[filled..]) else { return Ok(()) };
        filled += count;
        let (end, last) = whole_batches(&buffer[..filled]);
        let Some(last) = last else { continue };
        log.append(&buffer[..end])?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
        if stream.write_all(&last.to_le_bytes()).is_err() {
            return Ok(());
        }
    }
}

/// Where the last whole batch ends, and the number of its last entry.
fn whole_batches(bytes: &[u8]) -> (usize, Option<u64>) {
    let (mut end, mut last) = (0, None);
    while let Some(head) = bytes[end..].first_chunk::<HEAD_BYTES>() {
        let &[a, b, c, d, ref number @ ..] = head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if bytes.len() - end < HEAD_BYTES + length {
            break;
        }
        last = number.first_chunk().map(|number| u64::from_le_bytes(*number));
        end += HEAD_BYTES + length;
    }
    (end, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_batches_are_flushed() {
        let batch = |last: u64, requests: &[u8]| {
            [&(requests.len() as u32).to_le_bytes()[..], &last.to_le_bytes(), requests].concat()
        };
        let bytes = [batch(3, b"abc"), batch(300, b"defg"), batch(301, b"h")].concat();
        assert_eq!(whole_batches(&bytes), (bytes.len(), Some(301)));
        assert_eq!(whole_batches(&bytes[..bytes.len() - 1]), (31, Some(300)));
        assert_eq!(whole_batches(&bytes[..14]), (0, None));
    }
}
