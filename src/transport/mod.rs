//! How bytes travel: frames (pure, size-limited), and the links that carry them.

pub mod frame;
