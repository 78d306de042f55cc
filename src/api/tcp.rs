//! The port for clients: takes connections, and gets rid of those that are too many.

use super::connection::{self, HELLO_WAIT};
use super::gate::Gate;
use super::wire::ServerError;
use crate::audit::writer::AuditLog;
use crate::config::ClusterConfig;
use crate::replication::port::Replicator;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections over the limit that are told so; more are closed without a word.
const REFUSING_MAX: usize = 64;
/// How long connections may take to write their last answers when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every connection needs.
#[derive(Debug)]
pub struct ClientPort {
    /// The cluster.
    pub config: ClusterConfig,
    /// Which server this is.
    pub me: u8,
    /// Who may ask what.
    pub gate: Gate,
    /// Where what was asked and answered is written; none where nothing survives.
    pub audit: Option<Arc<AuditLog>>,
    /// Whom to ask.
    pub replicator: Replicator,
}

/// Serves clients until `stop` is true, then lets each connection write the answers it owes.
pub async fn serve(port: Arc<ClientPort>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let max = port.config.limits.client_connections_max;
    let (mut connections, mut refusals) = (JoinSet::new(), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            Some(_) = refusals.join_next() => continue,
            _ = stop.wait_for(|&stop| stop) => break,
        };
        match accepted {
            Ok((stream, from)) if connections.len() < max => {
                connections.spawn(connection::serve(port.clone(), stream, from, stop.clone()));
            }
            Ok((stream, from)) => {
                tracing::warn!(%from, limit = max, "too many client connections: refused");
                if refusals.len() < REFUSING_MAX {
                    let error = ServerError::TooManyConnections { connections: max as u32 };
                    refusals.spawn(timeout(HELLO_WAIT, connection::refuse(stream, error)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a client's connection could not be accepted");
                pause().await;
            }
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(LAST_ANSWERS, all_ended).await.is_err() {
        tracing::debug!(
            connections = connections.len(),
            "clients that do not take their answers are cut off"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system is out of something, and trying at once would spin"
)]
async fn pause() {
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
