//! From a pure engine to a running replica: the state machine it orders for, the log it writes, the driver that
//! carries its effects out.
//!
//! [`port`] is what the rest of the server sees of it, and [`feed`] the seats as they change.

mod clock;
pub mod driver;
pub mod encoded;
pub mod expiry;
pub mod feed;
mod life;
mod log_thread;
pub mod machine;
mod notes;
pub mod persister;
pub mod port;
pub mod stoppable;
pub mod tracer;
