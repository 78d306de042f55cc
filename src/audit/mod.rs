//! Who asked for what, and what came of it: a log for people who must account for it.
//!
//! One JSON object a line, in a file of its own beside the data, which is renamed when it is large; the oldest go.
//! Every server writes what it answered, and the client what its users asked. It is not the durable log: a crash
//! can lose the last lines, never what was answered.
//!
//! [`record`] is a line, [`describe`] makes one of a request and its answer, [`writer`] is the thread that writes, and
//! [`reader`] finds lines again.

pub mod describe;
pub mod reader;
pub mod record;
pub mod writer;
