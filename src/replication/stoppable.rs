//! Reading and writing that ends where nobody waits for it any more.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells everything that holds a clone of it to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on nothing is read or written any more.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
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
