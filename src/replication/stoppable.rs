//! Reading and writing that ends where nobody waits for it any more.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells everything that holds a clone of it to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whatever is read or written from now on fails. What has begun goes on.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::Error::other("this server stops")) } else { Ok(()) }
    }
}

/// A reader or writer that fails from when it is told to stop.
pub(super) struct Stoppable<T> {
    pub(super) inner: T,
    pub(super) stop: Stop,
}

impl<T: Read> Read for Stoppable<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.inner.read(bytes)
    }
}

impl<T: Write> Write for Stoppable<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stop.check()?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_writing_fail_from_when_they_are_told_to_stop() {
        let stop = Stop::default();
        let mut reader = Stoppable { inner: io::repeat(7), stop: stop.clone() };
        let mut writer = Stoppable { inner: Vec::new(), stop: stop.clone() };
        let mut bytes = [0; 3];
        reader.read_exact(&mut bytes).unwrap();
        writer.write_all(&bytes).unwrap();
        stop.now();
        assert!(reader.read_exact(&mut bytes).is_err());
        assert!(writer.write_all(&bytes).is_err() && writer.flush().is_err());
        assert_eq!(writer.inner, [7; 3]);
    }
}
