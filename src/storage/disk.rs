//! The few file operations that storage needs, as a trait with a real and a simulated implementation.

use std::io;

/// A directory of files.
///
/// A name is a file directly in the directory, or one in a sub-directory made with [`Disk::make_dir`]
/// (`damaged/log-1`). Nothing is durable before [`Disk::sync`] (content) and [`Disk::sync_dir`] (names) have
/// returned; the simulated disk forgets what was not. A clone is the same directory.
pub trait Disk: Clone + Send + 'static {
    /// Names of the files (not the directories) of `dir`, sorted; `""` is the data directory itself. A
    /// directory that does not exist has no files.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Length of a file in bytes.
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Exactly `len` bytes from `offset`, or `UnexpectedEof`.
    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Makes an empty file, or empties an existing one.
    fn create(&self, name: &str) -> io::Result<()>;
    /// Writes all of `bytes`; the file grows as needed.
    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when the content written so far is on the medium (fdatasync).
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Says that no more writes to this file are coming, so that a handle need not be kept.
    fn close(&self, name: &str);
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes a sub-directory, durable at once; it may exist already.
    fn make_dir(&self, dir: &str) -> io::Result<()>;
    /// Returns when creations, renames and removals in `dir` so far are on the medium.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// The name as a person finds it, for messages.
    fn path(&self, name: &str) -> String;

    /// The whole content of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size(name)?).map_err(io::Error::other)?;
        self.read_at(name, 0, size)
    }
}
