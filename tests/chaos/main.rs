//! The shipped compose file under load: containers are stopped, killed, paused, cut off and restarted, and
//! all that clients were told, and what the servers have afterwards, is judged by `boxoffice::verify`.
//!
//! `ci/chaos` builds the image and runs these. Each test has a cluster of its own, which it removes, and leaves its
//! history in `target/chaos`.

mod check;
mod client;
mod cluster;
mod commands;
mod cuts;
mod engine;
mod history;
mod kills;
mod nemesis;
mod outages;
mod partitions;
mod pauses;
#[path = "../common/ports.rs"]
mod ports;
mod stops;
mod wait;
mod workload;
