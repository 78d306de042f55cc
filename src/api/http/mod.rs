#![doc = include_str!("../../docs/http.md")]

mod admit;
mod app;
mod ask;
mod clock;
mod connection;
mod events;
mod health;
mod origin;
mod page;
mod pages;
pub mod problem;
mod query;
pub mod rate;
mod reservations;
mod routes;
mod seats;
mod stream;
mod trace;

use crate::api::gate::Gate;
use crate::audit::writer::AuditLog;
use crate::config::ClusterConfig;
use crate::replication::port::Replicator;
use app::App;
use problem::{Code, Problem};
use std::io;
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

/// What the port needs.
#[derive(Debug)]
pub struct HttpPort {
    /// The cluster.
    pub config: ClusterConfig,
    /// Which server this is.
    pub me: u8,
    /// Who may ask what.
    pub gate: Gate,
    /// Where what was asked and answered is written.
    pub audit: Option<Arc<AuditLog>>,
    /// Whom to ask.
    pub replicator: Replicator,
    /// Different for each start of each server: sessions are drawn from it.
    pub seed: u64,
}

/// Serves HTTP until `stop` is true, on a thread of its own: rendering lists and reading bodies take nothing from
/// the engine.
///
/// # Errors
/// The system has no runtime to give.
pub fn run(port: HttpPort, listener: std::net::TcpListener, stop: watch::Receiver<bool>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        serve(App::new(port, stop.clone()), listener, stop).await;
        Ok(())
    })
}

async fn serve(app: App, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let max = app.config.http.connections_max;
    let router = routes::router(app.clone());
    let (mut connections, mut refusals) = (JoinSet::new(), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => {
                app.metrics().http_connections.set(connections.len() as i64);
                continue;
            }
            Some(_) = refusals.join_next() => continue,
            _ = stop.wait_for(|&stop| stop) => break,
        };
        match accepted {
            Ok((stream, from)) if connections.len() < max => {
                connections.spawn(connection::serve(app.clone(), router.clone(), stream, from));
                app.metrics().http_connections.set(connections.len() as i64);
            }
            Ok((stream, from)) => {
                tracing::debug!(%from, limit = max, "too many HTTP connections: refused");
                app.metrics().http_connections_refused.inc();
                if refusals.len() < REFUSING_MAX {
                    let detail = format!("there are {max} connections already");
                    refusals
                        .spawn(connection::refuse(stream, Problem::new(Code::TooManyConnections, detail)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                clock::pause(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all_ended = async {
        while connections.join_next().await.is_some() {}
        app.asker.idle().await;
    };
    if timeout(LAST_ANSWERS, all_ended).await.is_err() {
        tracing::debug!(
            connections = connections.len(),
            "HTTP clients that do not take their answers are cut off"
        );
    }
}
