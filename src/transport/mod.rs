//! How servers reach each other: frames on a stream, and the session that outlives a connection.

pub mod frame;
pub mod session;
