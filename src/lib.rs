//! A cluster of servers that sells seats and looks to its users like one server that never dies.

pub mod api;
pub mod client;
pub mod config;
pub mod domain;
pub mod node;
pub mod protocol;
pub mod replication;
pub mod storage;
pub mod telemetry;
pub mod transport;
