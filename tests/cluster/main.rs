//! Real server processes on loopback: killed, stopped, frozen, started again, and pestered by strangers.

mod harness;
mod network;
mod outages;
mod peers_port;
mod program;
mod proxy;
mod strangers;
