//! The shipped compose file under load: containers are stopped, killed, paused, cut off and restarted, and
//! the answers that clients got are held against what the servers have afterwards.
//!
//! `ci/chaos` builds the image and runs these. Each test has a cluster of its own, which it removes.

mod check;
mod client;
mod cluster;
mod commands;
mod cuts;
mod engine;
mod history;
mod kills;
mod outages;
mod partitions;
mod pauses;
mod ports;
mod stops;
mod wait;
mod workload;
