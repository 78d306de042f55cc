//! Asks every server what it says to the others, as long as somebody looks.

#![expect(
    clippy::disallowed_methods,
    reason = "servers are asked at intervals, by the one clock of the screen"
)]

use super::super::{link::LinkError, trace::Asked};
use super::{update::Message, watch::Silence};
use crate::{api::wire::ServerError, config::ClusterConfig};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc::Sender, task::JoinSet, time::sleep};

/// Between two questions to a server.
const PERIOD: Duration = Duration::from_millis(250);
/// The same for a server that does not tell.
const PERIOD_SILENT: Duration = Duration::from_secs(1);

/// Tasks that ask until this is dropped.
pub fn watch(
    config: &Arc<ClusterConfig>,
    token: Option<&str>,
    number: u64,
    told: &Sender<Message>,
) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    for server in &config.servers {
        let mut asked = Asked::new(config.clone(), server.clone(), token.map(str::to_owned));
        let (id, told) = (server.id, told.clone());
        watching.spawn(async move {
            loop {
                let (result, wait) = match asked.ask().await {
                    Ok(taken) if taken.is_all => (Ok(taken), PERIOD),
                    Ok(taken) => (Ok(taken), Duration::ZERO),
                    Err(LinkError::Refused(ServerError::NotAllowed { reason })) => {
                        (Err(Silence::Denied(reason)), PERIOD_SILENT)
                    }
                    Err(error) => (Err(Silence::NoAnswer(error.to_string())), PERIOD_SILENT),
                };
                if told.send(Message::Told { number, server: id, result }).await.is_err() {
                    return;
                }
                sleep(wait).await;
            }
        });
    }
    watching
}
