//! Puts a server together: configuration, ports, data directory, replica; and takes it apart in order.

pub mod dev;
pub mod health;
mod settings;

use crate::api::gate::Gate;
use crate::api::http::{self, HttpPort};
use crate::api::tcp::{self, ClientPort};
use crate::audit::writer::{AuditLog, Readers, Rotation};
use crate::config::{ClusterConfig, Durability, ServerConfig};
use crate::replication::driver::{self, ReplicaError};
use crate::replication::expiry;
use crate::replication::persister::OpenFailure;
use crate::replication::port::{Replicator, port};
use crate::storage::{OpenError, RealDisk, SimDisk};
use socket2::{Domain, Protocol, Socket, Type};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// From the signal to the end, at most. Whoever stops containers kills them after ten seconds.
const STOP_WAIT: Duration = Duration::from_secs(8);
/// Connections that the system keeps until they are accepted: a thousand clients may come at once.
const BACKLOG: i32 = 4_096;

/// Where the audit log is, in the data directory.
const AUDIT_FILE: &str = "audit.jsonl";

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct NodeArgs {
    /// The cluster.
    pub config: ClusterConfig,
    /// Which of its servers this is.
    pub id: u8,
    /// Where it keeps its data; not used with `durability: memory`.
    pub data: Option<PathBuf>,
    /// Blank servers may begin without the others (first start only).
    pub bootstrap: bool,
}

/// Why a server did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The id is not in the configuration.
    #[error("server {id} is not in the configuration, which has servers {known}; correct --id or the file")]
    UnknownId {
        /// What was asked for.
        id: u8,
        /// What there is.
        known: String,
    },
    /// No data directory.
    #[error("no data directory is given; add --data DIR, or set durability: memory")]
    NoData,
    /// A port cannot be listened on.
    #[error("cannot listen on {address} ({key}): {source}{}", port_advice(.source))]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Which key of the configuration names it.
        key: &'static str,
        /// The system's word.
        source: io::Error,
    },
    /// The system refuses what every server needs.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// The system's word.
        source: io::Error,
    },
    /// The replica could not start or go on.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// A task ended that must not.
    #[error("a part of the server has panicked: {0}")]
    Panicked(String),
}

fn port_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process has the port: stop that one, or configure another port"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address: correct `listen`",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: configure another port",
        _ => "",
    }
}

impl NodeError {
    /// 2 when something was configured wrong and another try gives the same, 1 when the server failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::UnknownId { .. } | NodeError::NoData | NodeError::Listen { .. } => 2,
            NodeError::Replica(ReplicaError::Open(OpenFailure::Open(error))) => match error {
                OpenError::InUse { .. }
                | OpenError::Identity { .. }
                | OpenError::Format { .. }
                | OpenError::Limits { .. } => 2,
                OpenError::Io { source, .. } => match source.kind() {
                    io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::AlreadyExists => 2,
                    _ => 1,
                },
                OpenError::Damaged { .. } => 1,
            },
            NodeError::Replica(_) | NodeError::System { .. } | NodeError::Panicked(_) => 1,
        }
    }
}

/// Runs a server until it is told to stop.
///
/// # Errors
/// See [`NodeError`].
pub async fn run(args: NodeArgs) -> Result<(), NodeError> {
    let NodeArgs { config, id, data, bootstrap } = args;
    let server = config.server(id).cloned();
    let server = server.ok_or_else(|| NodeError::UnknownId { id, known: config.ids() })?;
    let mut signals = Signals::new()?;
    let peers = Arc::new(listen(&server, server.peer_port, "peer_port")?);
    let clients = listen(&server, server.client_port, "client_port")?;
    let http = server.http_port.map(|port| listen(&server, port, "http_port")).transpose()?;
    let replica = settings::replica(&config, id, bootstrap);
    let (replicator, asks) = port();
    let mut tasks = JoinSet::new();
    let mut audit = None;
    match (config.durability, data) {
        (Durability::Memory, _) => {
            tasks.spawn(driver::run(replica, SimDisk::faultless(), peers, asks));
        }
        (Durability::Fsync, None) => return Err(NodeError::NoData),
        (Durability::Fsync, Some(dir)) => {
            let disk = RealDisk::open(dir.clone()).map_err(|error| ReplicaError::Open(error.into()))?;
            audit = open_audit(&config, &dir);
            tasks.spawn(driver::run(replica, disk, peers, asks));
        }
    }
    tracing::info!(
        cluster = config.cluster,
        server = id,
        peers = server.peer_port,
        clients = server.client_port,
        http = server.http_port,
        version = env!("CARGO_PKG_VERSION"),
        "started"
    );
    if !config.auth.is_required {
        tracing::info!("people are taken at their word: auth.mode is optional");
    }
    let gate = Gate::new(&config);
    let client_port = ClientPort { config, me: id, gate, audit, replicator: replicator.clone() };
    serve(Arc::new(client_port), clients, http, replicator, &mut signals, tasks).await
}

/// The audit log beside the data. A server sells without it, too, and says so.
fn open_audit(config: &ClusterConfig, data: &Path) -> Option<Arc<AuditLog>> {
    let rotation = Rotation {
        file_bytes_max: config.audit.file_mib << 20,
        files_max: config.audit.files,
        readers: Readers::Mask,
    };
    if rotation.file_bytes_max == 0 {
        return None;
    }
    let file = data.join(AUDIT_FILE);
    match AuditLog::open(&file, rotation) {
        Ok(log) => Some(Arc::new(log)),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "there is no audit log: it cannot be opened");
            None
        }
    }
}

/// Makes the system ask this process to stop when its parent is gone, however that ended.
///
/// # Errors
/// The system refuses, or the parent has gone already.
pub fn end_with_parent(parent: i32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if now == Some(parent) { Ok(()) } else { Err(io::Error::other("the parent process has ended")) }
}

/// Until a signal comes or the replica ends.
async fn serve(
    client_port: Arc<ClientPort>,
    listener: TcpListener,
    http: Option<TcpListener>,
    replicator: Replicator,
    signals: &mut Signals,
    mut replica: JoinSet<Result<(), ReplicaError>>,
) -> Result<(), NodeError> {
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    if let Some(listener) = http {
        let ClientPort { config, me, gate, audit, replicator } = &*client_port;
        let (config, replicator) = (config.clone(), replicator.clone());
        let (gate, audit) = (gate.clone(), audit.clone());
        let port =
            HttpPort { config, me: *me, gate, audit, replicator, seed: RandomState::new().hash_one(me) };
        let system = |what| move |source| NodeError::System { what, source };
        let listener = listener.into_std().map_err(system("hand a port to another thread"))?;
        let stopped = stopped.clone();
        clients.spawn_blocking(move || {
            if let Err(error) = http::run(port, listener, stopped) {
                tracing::error!(%error, "the HTTP port could not be served");
            }
        });
    }
    let chance = fastrand::Rng::with_seed(RandomState::new().hash_one(client_port.me));
    clients.spawn(expiry::run(replicator.clone(), client_port.me, chance, stopped.clone()));
    clients.spawn(tcp::serve(client_port, listener, stopped));
    let ended = tokio::select! {
        ended = replica.join_next() => ended,
        name = signals.next() => {
            tracing::info!(signal = name, "stopping: finishing what is in flight, then leaving the cluster");
            let leave = async {
                replicator.leave().await;
                replica.join_next().await
            };
            match timeout(STOP_WAIT, leave).await {
                Ok(ended) => ended,
                Err(_) => {
                    // It has no others to leave, say. To them this is a crash, which loses nothing.
                    tracing::warn!("leaving takes too long: stopping without it");
                    replica.shutdown().await;
                    None
                }
            }
        }
    };
    let result = match ended {
        Some(Ok(result)) => result.map_err(NodeError::from),
        Some(Err(error)) => Err(NodeError::Panicked(error.to_string())),
        None => Ok(()),
    };
    // The replica has answered everybody; now the answers must be written.
    let _ = stop.send(true);
    while clients.join_next().await.is_some() {}
    if result.is_ok() {
        tracing::info!("stopped");
    }
    result
}

/// What asks a server to stop.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn new() -> Result<Signals, NodeError> {
        let catch = |kind| signal(kind).map_err(|source| NodeError::System { what: "catch signals", source });
        Ok(Signals { term: catch(SignalKind::terminate())?, int: catch(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

fn listen(server: &ServerConfig, port: u16, key: &'static str) -> Result<TcpListener, NodeError> {
    let address = SocketAddr::new(server.listen, port);
    let bound = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A server that was killed may start again at once.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket.into())
    };
    bound().map_err(|source| NodeError::Listen { address, key, source })
}
