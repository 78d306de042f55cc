//! What every request is served with.

use super::HttpPort;
use super::ask::{Asker, Ledger, Pace};
use super::clock::Clock;
use super::events::lists::Lists;
use super::origin::Origins;
use super::page::Page;
use super::rate::Buckets;
use super::seats::Cache;
use crate::config::ClusterConfig;
use crate::domain::events::ids::Uuid;
use crate::domain::keys::Key;
use crate::telemetry::metrics::Metrics;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Requests for health, status and metrics that are worked on at a time.
const HEALTH_REQUESTS_MAX: usize = 16;

/// Which limits a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Who watches over the server.
    Health,
    /// Everything else.
    Work,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

/// Shared by all requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct App(Arc<Shared>);

/// What is shared.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: ClusterConfig,
    pub(super) me: u8,
    pub(super) asker: Arc<Asker>,
    pub(super) seats: Cache,
    pub(super) lists: Lists,
    pub(super) page: Page,
    pub(super) origins: Origins,
    chance: Mutex<fastrand::Rng>,
    pub(super) work: Semaphore,
    pub(super) managers: Semaphore,
    pub(super) health: Semaphore,
    pub(super) streams: Arc<Semaphore>,
    pub(super) buckets: Mutex<Buckets>,
    pub(super) clock: Clock,
    pub(super) stop: watch::Receiver<bool>,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(super) fn new(port: HttpPort, stop: watch::Receiver<bool>) -> App {
        let HttpPort { config, me, gate, audit, replicator, seed } = port;
        let ledger = Ledger { gate, audit, me };
        let http = &config.http;
        let pace = Pace {
            commands_max: http.requests_max,
            manager_commands_max: http.manager_requests_max,
            answer_wait: Duration::from_millis(http.answer_ms),
        };
        App(Arc::new(Shared {
            asker: Arc::new(Asker::new(replicator, ledger, pace, seed, stop.clone())),
            seats: Cache::default(),
            lists: Lists::default(),
            page: Page::new(&config),
            origins: Origins::of(&config),
            // Other numbers than those of the sessions.
            chance: Mutex::new(fastrand::Rng::with_seed(!seed)),
            work: Semaphore::new(http.requests_max),
            managers: Semaphore::new(http.manager_requests_max),
            health: Semaphore::new(HEALTH_REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(http.streams_max)),
            buckets: Mutex::new(Buckets::new(http.rate_per_s, http.rate_burst)),
            clock: Clock::start(),
            stop,
            me,
            config,
        }))
    }

    /// A new id for what is asked: a random one, of version 4. Under an idempotency key it follows from the key and the
    /// request (version 8), so that asking again on another server means the same.
    pub(super) fn uuid(&self, key: Option<&Key>, request: &[u8]) -> Uuid {
        let (version, bits) = match key {
            Some(key) => {
                let seed = xxh3_64(&postcard::to_allocvec(key).expect("a key is plain data"));
                (8, xxh3_128_with_seed(request, seed))
            }
            None => (4, self.chance.lock().unwrap_or_else(PoisonError::into_inner).u128(..)),
        };
        let bits = bits & !(0xf << 76 | 0b11 << 62) | version << 76 | 0b10 << 62;
        Uuid(bits.to_be_bytes())
    }

    pub(super) fn metrics(&self) -> &Metrics {
        self.asker.replicator().metrics()
    }
}
