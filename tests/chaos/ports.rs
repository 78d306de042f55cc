//! Ports for the servers' client ports on this machine, the same over all restarts of a container.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

/// Ports below the range from which the system takes those of outgoing connections, for this process alone
/// as long as it holds the lock. The tests on processes take theirs from the same blocks.
#[derive(Debug)]
pub struct Ports {
    first: u16,
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
                return Ports { first, _lock: lock };
            }
        }
        panic!("no free ports");
    }

    /// The client port of a server.
    pub fn of(&self, id: u8) -> u16 {
        assert!(u16::from(id) < BLOCK);
        self.first + u16::from(id)
    }
}
