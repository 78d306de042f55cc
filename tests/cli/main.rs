//! The client as a program: words, exit codes, pipes, and what it does when servers misbehave.

mod answers;
mod bench;
mod chaos;
mod failover;
mod fake;
mod pages;
mod prompt;
mod status;
mod trace;
mod usage;

use assert_cmd::Command;
use fake::Fake;
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;

/// No run of the client takes longer: a client that hangs fails the test.
const RUN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the client waits for one server here.
const CLIENT_MS: u64 = 300;

/// The program, cut off from the configuration and history of whoever runs the tests.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .env_remove("BOXOFFICE_CONFIG")
        .env_remove("HOME")
        .env_remove("XDG_STATE_HOME")
        .timeout(RUN_TIMEOUT);
    command
}

fn client() -> Command {
    program(env!("CARGO_BIN_EXE_client"))
}

/// A configuration file of servers on these ports, with ids from 1.
struct Cluster {
    dir: TempDir,
}

impl Cluster {
    fn on_ports(ports: &[u16]) -> Self {
        let dir = TempDir::new().unwrap();
        let mut text = format!("cluster: test\nseats: 100\ntimeouts: {{client_ms: {CLIENT_MS}}}\nservers:\n");
        for (i, port) in ports.iter().enumerate() {
            let line = format!(
                "  - {{id: {}, host: 127.0.0.1, peer_host: 127.0.9.9, peer_port: {}, client_port: {port}}}\n",
                i + 1,
                i + 1
            );
            text.push_str(&line);
        }
        std::fs::write(dir.path().join("cluster.yaml"), text).unwrap();
        Self { dir }
    }

    fn of(servers: &[&Fake]) -> Self {
        Self::on_ports(&servers.iter().map(|server| server.port).collect::<Vec<_>>())
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("cluster.yaml")
    }

    /// The client with this cluster and these arguments.
    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = client();
        command.env("BOXOFFICE_CONFIG", self.config()).args(arguments);
        command
    }
}
