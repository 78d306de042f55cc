//! What each server says of itself, asked again and again.

use super::log::{Said, Sight};
use boxoffice::api::wire::{ClientRequest, ServerReply, ServerState};
use boxoffice::client::connection::ask_once;
use boxoffice::config::ClusterConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// A server is asked this often.
const EVERY: Duration = Duration::from_millis(150);
/// One that does not answer for so long is taken for silent.
const PATIENCE: Duration = Duration::from_millis(700);

/// Those who look, one for each server.
pub struct Watch {
    tasks: JoinSet<Vec<Sight>>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(config: &Arc<ClusterConfig>, began: Instant) -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for server in &config.servers {
            tasks.spawn(look(config.clone(), server.id, began, is_over.clone()));
        }
        Watch { tasks, is_over }
    }

    /// All changes that were seen, those of each server in order.
    pub async fn stop(self) -> Vec<Sight> {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.concat()
    }
}

async fn look(
    config: Arc<ClusterConfig>,
    server: u8,
    began: Instant,
    is_over: Arc<AtomicBool>,
) -> Vec<Sight> {
    let mut sights: Vec<Sight> = Vec::new();
    let mut pace = interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let asked_ns = began.elapsed().as_nanos() as u64;
        let said = ask(&config, server).await;
        // An answer is as new as its arrival; who does not answer was silent from the question on.
        let at_ns = if said.is_some() { began.elapsed().as_nanos() as u64 } else { asked_ns };
        if sights.last().is_none_or(|last| last.said != said) {
            sights.push(Sight { server, at_ns, said });
        }
    }
    sights
}

async fn ask(config: &ClusterConfig, server: u8) -> Option<Said> {
    let address = config.server(server)?.client_address();
    let answer = ask_once(&address, &config.cluster, ClientRequest::Status, PATIENCE).await;
    let Ok((_, ServerReply::Status(report))) = answer else { return None };
    let row = report.servers.into_iter().find(|row| row.id == server)?;
    let is_ready = row.state == ServerState::Ready;
    Some(Said { is_ready, state: format!("{:?}", row.state).to_lowercase(), view: row.view })
}
