//! Runs a replica: opens the log, builds an engine from it, lets it live, and starts over when it must.
//!
//! A life ends when the engine says so. The process stays: the others went on without this server, say, and
//! the way back is the same as after a start, in a new incarnation.

use super::clock;
use super::life::{End, Life};
use super::log_thread::LogThread;
use super::machine::{Audience, Watched};
use super::notes;
use super::persister::{OpenFailure, Persister};
use super::port::{Ask, Asked, Asks, Holdings, Refused, ReplicaStatus, Reply};
use crate::domain::state::Config;
use crate::protocol::engine::{Availability, Limits, Restart, Settings};
use crate::protocol::lamport::Lamport;
use crate::protocol::types::{Member, ServerId};
use crate::storage::{Disk, Identity, OpenError, Options, StorageError, Store};
use crate::transport::links::LinkSettings;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// What a replica must know.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// Which server this is.
    pub server: ServerId,
    /// Whom the data directory belongs to.
    pub identity: Identity,
    /// Bounds of the store. The incarnation is kept growing here.
    pub storage: Options,
    /// The replicated state's own configuration.
    pub state: Config,
    /// How few may go on.
    pub availability: Availability,
    /// The engine's limits.
    pub limits: Limits,
    /// A snapshot is wanted for so many bytes of log.
    pub snapshot_log_bytes: u64,
    /// What must be equal on all servers, as text.
    pub shared_text: String,
    /// `host:port` of the other servers.
    pub addresses: BTreeMap<ServerId, String>,
    /// Bytes that may wait for one peer.
    pub peer_queue_bytes_max: usize,
    /// Blank servers may begin without the others.
    pub bootstrap: bool,
    /// Shown to people.
    pub version: String,
}

/// Why a replica ended other than by leaving.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The data directory could not be opened.
    #[error(transparent)]
    Open(#[from] OpenFailure),
    /// The disk failed. Nobody knows what of the last write is on it, so nothing may follow.
    #[error("this server cannot go on: {0}")]
    Storage(#[from] StorageError),
    /// A thread of the log has gone without a word.
    #[error(
        "a thread that writes the log, or reads or writes snapshots, has panicked: a fault of this program, and what it said \
         stands above"
    )]
    LogGone,
    /// The system has no thread to give.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A log that was opened and replayed.
struct Ready<D: Disk> {
    persister: Persister<D, Watched>,
    engine: Lamport<Watched>,
    me: Member,
    conflicts: u64,
}

/// Runs a replica on this disk until it has left the cluster.
///
/// # Errors
/// See [`ReplicaError`]; the process must end.
pub async fn run<D: Disk + Sync>(
    config: ReplicaConfig,
    disk: D,
    listener: Arc<TcpListener>,
    mut asks: Asks,
) -> Result<(), ReplicaError> {
    let started_ms = clock::now().tick_ms;
    let mut diverged = None;
    loop {
        let open = {
            let (config, disk, audience) = (config.clone(), disk.clone(), asks.audience.clone());
            tokio::task::spawn_blocking(move || open(&config, &disk, &audience, diverged))
        };
        let Some(ready) = answer_while(open, &mut asks, started_ms).await else { return Ok(()) };
        let Ready { persister, engine, me, conflicts } = ready?;
        let audience = asks.audience.clone();
        let log = LogThread::start(persister, config.snapshot_log_bytes, audience.metrics.clone());
        let (log, log_events) = log.map_err(ReplicaError::Thread)?;
        let settings = link_settings(&config, me);
        let life = Life::new(engine, log, settings, listener.clone(), audience);
        let (end, log) = life.run(log_events, &mut asks, started_ms, conflicts, config.limits.tick_ms).await;
        // The next life, and the next process, find a log that nobody else writes.
        let closed = tokio::task::spawn_blocking(move || log.join());
        match end {
            End::Failed(error) => return Err(error),
            End::Left => {
                let _ = closed.await;
                return Ok(());
            }
            End::Restart(why) => {
                notes::log_restart(why);
                asks.audience.metrics.restarts.inc();
                diverged = matches!(why, Restart::Diverged { .. }).then_some(why);
                if answer_while(closed, &mut asks, started_ms).await.is_none() {
                    return Ok(());
                }
            }
        }
    }
}

/// Waits for a blocking step, answering meanwhile that the server is not ready. None when it is to leave.
async fn answer_while<T>(step: tokio::task::JoinHandle<T>, asks: &mut Asks, started_ms: u64) -> Option<T> {
    let mut step = step;
    loop {
        tokio::select! {
            done = &mut step => match done {
                Ok(done) => return Some(done),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            asked = asks.receiver.recv() => match asked {
                None | Some((Ask::Leave, _)) => return None,
                Some(asked) => answer_not_ready(asked, started_ms),
            },
        }
    }
}

fn answer_not_ready((ask, reply): Asked, started_ms: u64) {
    let Some(reply) = reply else { return };
    reply.answer(match ask {
        Ask::Status => {
            let uptime_ms = clock::now().tick_ms.saturating_sub(started_ms);
            let holdings = Holdings::default();
            Reply::Status(Box::new(ReplicaStatus { engine: None, uptime_ms, conflicts: 0, holdings }))
        }
        Ask::Submit(_) | Ask::Read(..) | Ask::Override | Ask::Leave => {
            Reply::Refused(Refused::NotReady { state: "it reads its log".to_owned() })
        }
    });
}

/// Opens the log for a new life. A damaged one is set aside, and the state taken from the others.
fn open<D: Disk>(
    config: &ReplicaConfig,
    disk: &D,
    audience: &Audience,
    diverged: Option<Restart>,
) -> Result<Ready<D>, ReplicaError> {
    if let Some(Restart::Diverged { position }) = diverged {
        let why = format!("another outcome than the other servers' at position {position}");
        set_aside(config, disk, &why)?;
    }
    match open_once(config, disk, audience) {
        Err(NotOpen::Damaged(why)) => {
            tracing::error!(
                why,
                "the data directory is damaged: its log is set aside, and the state taken from the other servers"
            );
            set_aside(config, disk, &why)?;
        }
        Err(NotOpen::Other(failure)) => return Err(failure.into()),
        Ok(ready) => return Ok(ready),
    }
    match open_once(config, disk, audience) {
        Ok(ready) => Ok(ready),
        Err(NotOpen::Other(failure)) => Err(failure.into()),
        Err(NotOpen::Damaged(why)) => {
            let file = disk.path("");
            Err(OpenFailure::Content { file, why: format!("damaged again at once: {why}") }.into())
        }
    }
}

fn set_aside<D: Disk>(config: &ReplicaConfig, disk: &D, why: &str) -> Result<(), ReplicaError> {
    let aside = Store::set_aside(disk.clone(), &config.identity, why);
    aside.map_err(|error: OpenError| ReplicaError::Open(error.into()))
}

enum NotOpen {
    Damaged(String),
    Other(OpenFailure),
}

fn open_once<D: Disk>(config: &ReplicaConfig, disk: &D, audience: &Audience) -> Result<Ready<D>, NotOpen> {
    let now = clock::now();
    // The wall clock keeps the incarnation growing where the directory was lost.
    let options = Options { incarnation_min: now.wall_ms / 1_000, ..config.storage.clone() };
    let chunk_bytes = config.limits.chunk_bytes_max;
    let state = (config.state.clone(), audience.clone());
    let opened = Persister::<D, Watched>::open(disk.clone(), &config.identity, &options, &state, chunk_bytes);
    let opened = opened.map_err(|failure| {
        if failure.is_damage() { NotOpen::Damaged(failure.to_string()) } else { NotOpen::Other(failure) }
    })?;
    for warning in &opened.warnings {
        tracing::warn!(warning, "found in the data directory");
    }
    if let Some(torn) = &opened.torn {
        let (file, offset, bytes) = (&torn.file, torn.offset, torn.bytes);
        tracing::warn!(
            file,
            offset,
            bytes,
            "the log ended in an unfinished write, which was never answered: cut off"
        );
    }
    let me = Member { server: config.server, incarnation: opened.incarnation };
    let mut servers: Vec<ServerId> = config.addresses.keys().copied().collect();
    servers.push(config.server);
    servers.sort_unstable();
    let settings = Settings {
        me,
        servers,
        availability: config.availability,
        limits: config.limits.clone(),
        seed: now.wall_ms ^ (u64::from(me.server.0) << 56),
        bootstrap: config.bootstrap,
        version: config.version.clone(),
    };
    let history = opened.recovered.history;
    let engine = Lamport::new(settings, opened.recovered)
        .map_err(|error| NotOpen::Damaged(format!("{}: {error}", disk.path(""))))?;
    tracing::info!(
        life = me.incarnation.0,
        position = engine.position(),
        ?history,
        "the log is read; looking for the other servers"
    );
    Ok(Ready { persister: opened.persister, engine, me, conflicts: opened.conflicts })
}

fn link_settings(config: &ReplicaConfig, me: Member) -> LinkSettings {
    LinkSettings {
        me,
        cluster: config.identity.cluster.clone(),
        settings: config.shared_text.clone(),
        addresses: config.addresses.clone(),
        queue_bytes_max: config.peer_queue_bytes_max,
        probe: Duration::from_millis(config.limits.probe_ms),
        silence: Duration::from_millis(config.limits.suspect_ms),
    }
}
