//! Clients: the product's own connections and workers, to servers in containers.

use crate::wait::random;
use boxoffice::client::chaos::worker::Worker;
use boxoffice::client::connection::{Connection, ConnectionOptions};
use boxoffice::config::ClusterConfig;
use boxoffice::domain::ids::Name;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A command is tried again, with its number, for so long. The shipped client's own limit is shorter: that no
/// command needed more is checked on the history.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A connection to any of these servers.
pub fn connect(config: &ClusterConfig, servers: &[u8]) -> Connection {
    connect_for(config, servers, DEADLINE)
}

/// The same; each command ends after so long.
pub fn connect_for(config: &ClusterConfig, servers: &[u8], deadline: Duration) -> Connection {
    let mut config = config.clone();
    config.servers.retain(|server| servers.contains(&server.id));
    Connection::new(ConnectionOptions {
        token: None,
        config: Arc::new(config),
        server: None,
        only_that_server: false,
        deadline,
        order: fastrand::Rng::with_seed(random()),
        secret: fastrand::Rng::with_seed(random()),
        listener: Box::new(|_| ()),
    })
}

/// Which client of a history, which names it asks for, and what it takes the theatre to be.
pub struct Role {
    pub client: u64,
    pub names: Arc<[Name]>,
    /// Its larger requests and its choices of seats depend on it.
    pub capacity: u32,
    pub seed: u64,
}

/// One client at any of these servers.
pub fn worker(config: &ClusterConfig, servers: &[u8], role: Role, began: Instant) -> Worker {
    let Role { client, names, capacity, seed } = role;
    let chance = fastrand::Rng::with_seed(seed.wrapping_add(client));
    Worker::new(connect(config, servers), client, names, capacity, chance, began)
}

/// Names of which each begins with this.
pub fn names(prefix: &str, count: usize) -> Arc<[Name]> {
    (1..=count).map(|n| format!("{prefix}-{n}").parse().expect("a plain name")).collect()
}
