//! What every request is served with.

use super::HttpPort;
use super::ask::{Asker, Ledger, Pace};
use super::clock::Clock;
use super::rate::Buckets;
use super::seats::Cache;
use crate::config::ClusterConfig;
use crate::telemetry::metrics::Metrics;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

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
            commands_max: http.requests_max + http.manager_requests_max,
            answer_wait: Duration::from_millis(http.answer_ms),
        };
        App(Arc::new(Shared {
            asker: Arc::new(Asker::new(replicator, ledger, pace, seed, stop.clone())),
            seats: Cache::default(),
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

    pub(super) fn metrics(&self) -> &Metrics {
        self.asker.replicator().metrics()
    }
}
