//! Real server processes on loopback: killed, stopped, frozen, started again, and pestered by strangers.

mod damage;
mod harness;
mod http;
mod network;
mod outages;
mod peers_port;
mod people;
#[path = "../common/ports.rs"]
mod ports;
mod program;
mod proxy;
mod strangers;
mod tokens;
mod tui;
mod watched;
