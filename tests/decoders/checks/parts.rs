//! Takes apart the bytes that describe several things at once: the tests and the long runs only know rows of bytes.

/// Cuts pieces off the front.
pub struct Parts<'a>(pub &'a [u8]);

impl<'a> Parts<'a> {
    pub fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub fn number(&mut self) -> Option<usize> {
        let (two, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(usize::from(u16::from_le_bytes(*two)))
    }

    /// A length of two bytes and so many bytes, or what is left of them.
    pub fn piece(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        let (piece, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        Some(piece)
    }
}

/// The opposite of [`Parts::piece`].
pub fn put_piece(out: &mut Vec<u8>, piece: &[u8]) {
    let len = u16::try_from(piece.len()).expect("pieces of samples are short");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(piece);
}
