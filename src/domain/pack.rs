//! Postcard's bytes, put at the end of a buffer that can be used again.

use postcard::ser_flavors::Flavor;
use serde::Serialize;

/// Appends the bytes of a value of ours: plain data, which can always be written.
pub fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    postcard::serialize_with_flavor(value, End(out)).expect("our own types can be encoded");
}

/// The bytes of a value, in a buffer that has so much room from the start.
pub fn with_room<T: Serialize + ?Sized>(room: usize, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(room);
    append(&mut bytes, value);
    bytes
}

/// Whole slices at once: postcard's own way into a vector goes byte by byte.
struct End<'a>(&'a mut Vec<u8>);

impl Flavor for End<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
