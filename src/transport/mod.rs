//! How servers reach each other: frames on a stream, the session that outlives a connection, and the links that
//! keep connections standing.

pub mod frame;
pub mod links;
pub mod peer;
pub mod session;
