//! From a pure engine to a running replica: the state machine it orders for, the log it writes, the driver that
//! carries its effects out.

pub mod machine;
pub mod persister;
