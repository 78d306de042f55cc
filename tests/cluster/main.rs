//! Real server processes on loopback: killed, stopped, frozen, started again, and pestered by strangers.

mod harness;
mod outages;
mod peers_port;
mod program;
mod strangers;
