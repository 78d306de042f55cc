//! Ports on this machine for servers that tests start, the same over all their restarts.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

/// Ports below the range from which the system takes those of outgoing connections, for this process alone
/// as long as it holds the lock.
#[derive(Debug)]
pub struct Ports {
    next: u16,
    end: u16,
    _lock: File,
}

const BLOCK: u16 = 24;

impl Ports {
    pub fn reserve() -> Ports {
        let dir = std::env::temp_dir().join("boxoffice-test-ports");
        fs::create_dir_all(&dir).unwrap();
        for block in 0..900 {
            let first = 10_240 + block * BLOCK;
            let lock = File::create(dir.join(first.to_string())).unwrap();
            let are_free =
                || (first..first + BLOCK).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
            if lock.try_lock().is_ok() && are_free() {
                return Ports { next: first, end: first + BLOCK, _lock: lock };
            }
        }
        panic!("no free ports");
    }

    pub fn next(&mut self) -> u16 {
        assert!(self.next < self.end, "a cluster of tests takes at most {BLOCK} ports");
        self.next += 1;
        self.next - 1
    }
}
