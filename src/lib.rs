//! A cluster of servers that sells seats and looks to its users like one server that never dies.
//!
//! Every server holds all seats and executes the same commands in the same order. The order comes from Lamport's
//! mutual exclusion of 1978: a command is executed once every member of the current view has it on its disk. Servers
//! that stop are left out of the next view, and come back by catching up.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | pure: seats, reservations, sessions; the state machine that every server runs alike |
//! | [`protocol`] | pure: how servers agree on one order; a command is only a payload there |
//! | [`storage`] | what survives: log, snapshots, identity; a trait for disks and a simulated one |
//! | [`transport`] | links between servers: frames, sessions that outlive connections, dialling |
//! | [`replication`] | the driver: carries out what the engine decides, on disk and links; the port the rest asks |
//! | [`api`] | what clients talk to: the wire types and the port that speaks them; the HTTP port |
//! | [`client`] | the client program: one command, the prompt, the screen, the status table, the load generators |
//! | [`verify`] | pure: histories of what clients were told, and whether one server could have told it |
//! | [`node`] | puts a server together and takes it apart; `server health` and `server dev` |
//! | [`config`] | `cluster.yaml`: raw text in, checked values out |
//! | [`telemetry`] | what the server logs and how it looks; what it counts |
//! | [`docs`] | pages that belong to more than one module |
//!
//! # Which way imports run
//!
//! ```text
//! bin/server -> node, config, telemetry          bin/client -> client
//! node       -> everything but client            client     -> api::wire, transport::frame, config, domain, verify
//! api        -> replication::{port, feed}, protocol (for the status table), transport::frame, config, domain, telemetry::metrics
//! replication-> protocol, storage, transport, domain, telemetry::metrics
//! transport  -> protocol                         protocol   -> domain
//! storage    -> nothing                          domain     -> nothing
//! verify     -> domain::{ids, command, outcome}
//! ```
//!
//! The exact table is in `tests/tidy/layers.rs`, and a test fails when it is broken. `domain`, `protocol` and `verify` read no
//! clock, draw no chance, do no input or output and know no task: the simulator in `tests/sim` runs them as they are.
//!
//! # Where to start reading
//!
//! 1. [`domain::command`] and [`domain::outcome`]: what may be asked, and the words of the answers.
//! 2. [`protocol::engine`]: what goes into an engine, what comes out, and in which order it must be carried out. The
//!    most important page.
//! 3. [`docs::protocol`], then [`protocol::lamport`], a file for each part of it.
//! 4. `replication::life`: the loop that feeds an engine and carries its effects out.
//! 5. [`client::exchange`]: what a client may conclude from an answer, or from the lack of one.

pub mod api;
pub mod audit;
pub mod auth;
pub mod client;
pub mod config;
pub mod docs;
pub mod domain;
pub mod node;
pub mod protocol;
pub mod replication;
pub mod storage;
pub mod telemetry;
pub mod transport;
pub mod verify;
