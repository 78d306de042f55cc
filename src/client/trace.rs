//! Watches the servers at work: what each of them sent, received and executed, as one recording.

#![expect(clippy::disallowed_methods, reason = "it watches for so long, by the one clock of the client")]

use super::{
    exit::Exit,
    link::{Link, LinkError},
    output::{Output, detail, note},
};
use crate::{
    api::wire::{ClientFrame, ClientRequest, ServerReply, TracePage},
    config::{ClusterConfig, ServerConfig},
};
use serde_json::{Value, json};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// Between two questions to a server.
const PERIOD: Duration = Duration::from_millis(100);
/// Longest wait for one server.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most events of one server in a recording; what comes after that is left out, and said.
const EVENTS_MAX: usize = 250_000;

/// What is to be watched.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster.
    pub config: Arc<ClusterConfig>,
    /// Who asks.
    pub token: Option<String>,
    /// For how long.
    pub seconds: Duration,
}

/// What was seen of one server.
struct Watched {
    server: u8,
    events: Vec<Value>,
    /// Events that were forgotten before this client asked for them, or that were too many.
    missing: u64,
    /// Why it could not be watched to the end.
    trouble: Option<String>,
}

/// Watches all servers, then prints the recording: one JSON object, an event on each line of it.
pub async fn run(options: Options, output: &mut Output, interrupted: impl Future<Output = ()>) -> Exit {
    let end = Instant::now() + options.seconds;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut watching = JoinSet::new();
    for server in &options.config.servers {
        let (options, server, stopped) = (options.clone(), server.clone(), stopped.clone());
        watching.spawn(async move { watch(&options, &server, end, stopped).await });
    }
    let mut all = Vec::new();
    tokio::pin!(interrupted);
    let mut is_stopped = false;
    loop {
        tokio::select! {
            watched = watching.join_next() => match watched {
                Some(Ok(watched)) => all.push(watched),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None => break,
            },
            // What was seen so far is printed.
            () = &mut interrupted, if !is_stopped => is_stopped = stop.send(true).is_ok(),
        }
    }
    all.sort_by_key(|watched| watched.server);
    print(&options.config.cluster, &all, output)
}

fn print(cluster: &str, all: &[Watched], output: &mut Output) -> Exit {
    let mut events: Vec<&Value> = all.iter().flat_map(|watched| &watched.events).collect();
    events.sort_by_key(|event| event["at_us"].as_u64());
    let servers: Vec<Value> = all
        .iter()
        .map(|Watched { server, missing, trouble, .. }| {
            json!({ "id": server, "missing": missing, "trouble": trouble })
        })
        .collect();
    let lines: Vec<String> = events.iter().map(|event| event.to_string()).collect();
    let head = json!({ "format": "boxoffice-trace-1", "cluster": cluster, "servers": servers }).to_string();
    let head = head.strip_suffix('}').expect("it is an object");
    output.data(format_args!("{head},\"events\":[\n{}\n]}}", lines.join(",\n")));
    note(format_args!("{} events of {} servers", events.len(), all.len()));
    let mut exit = Exit::Done;
    for Watched { server, missing, trouble, .. } in all {
        if *missing > 0 {
            detail(format_args!("server {server}: {missing} events are missing, there were too many"));
        }
        if let Some(trouble) = trouble {
            detail(format_args!("server {server}: {trouble}"));
            exit = Exit::Refused;
        }
    }
    exit
}

async fn watch(
    options: &Options,
    server: &ServerConfig,
    end: Instant,
    mut stopped: tokio::sync::watch::Receiver<bool>,
) -> Watched {
    let mut watched = Watched { server: server.id, events: Vec::new(), missing: 0, trouble: None };
    // What happened before it was watched is not there to be missed.
    let (mut link, mut after) = (None, None);
    loop {
        let next = Instant::now() + PERIOD;
        // It is asked once more at the end, for all that there is until then.
        let is_last = Instant::now() >= end || *stopped.borrow();
        match timeout(PATIENCE, page(options, server, &mut link, after.unwrap_or(0))).await {
            Ok(Ok(page)) => {
                watched.trouble = None;
                if !watched.take(page, &mut after) && !is_last {
                    continue;
                }
            }
            Ok(Err(error)) => (link, watched.trouble) = (None, Some(error.to_string())),
            Err(_) => (link, watched.trouble) = (None, Some(LinkError::TimedOut.to_string())),
        }
        if is_last {
            return watched;
        }
        tokio::select! {
            () = sleep_until(next.min(end)) => {}
            _ = stopped.wait_for(|&stopped| stopped) => {}
        }
    }
}

async fn page(
    options: &Options,
    server: &ServerConfig,
    link: &mut Option<Link>,
    after: u64,
) -> Result<TracePage, LinkError> {
    let link = match link {
        Some(link) => link,
        None => {
            let token = options.token.as_deref();
            link.insert(Link::dial(&server.client_address(), &options.config.cluster, token).await?.0)
        }
    };
    link.queue(&ClientFrame { id: 1, body: ClientRequest::Trace { after } })
        .expect("a question without content fits into a frame");
    match link.receive().await?.body {
        ServerReply::Trace(page) => Ok(page),
        ServerReply::Error(error) => Err(LinkError::Refused(error)),
        _ => Err(LinkError::Closed),
    }
}

impl Watched {
    /// Takes a page; tells whether there is no more yet.
    fn take(&mut self, page: TracePage, after: &mut Option<u64>) -> bool {
        // A process that was started again counts from the beginning.
        let known = after.filter(|&after| after <= page.last);
        if let (Some(known), Some(first)) = (known, page.events.first()) {
            self.missing += first.number - known - 1;
        }
        let seen = page.events.last().map_or(page.last, |event| event.number);
        for event in page.events {
            if self.events.len() == EVENTS_MAX {
                self.missing += 1;
                continue;
            }
            self.events.push(json!({ "server": self.server, "at_us": event.at_us, "what": event.traced }));
        }
        *after = Some(seen);
        seen >= page.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{TraceEvent, Traced};

    fn page(numbers: std::ops::Range<u64>, last: u64) -> TracePage {
        let event = |number| TraceEvent { number, at_us: number, traced: Traced::Left };
        TracePage { last, events: numbers.map(event).collect() }
    }

    #[test]
    fn what_is_missing_is_counted_and_a_new_process_counts_anew() {
        let mut watched = Watched { server: 1, events: Vec::new(), missing: 0, trouble: None };
        let mut after = None;
        assert!(watched.take(page(0..0, 40), &mut after), "nothing was watched before");
        assert!(watched.take(page(41..43, 42), &mut after));
        assert!(!watched.take(page(45..47, 50), &mut after), "there is more");
        assert_eq!((watched.missing, after), (2, Some(46)));
        assert!(watched.take(page(1..4, 3), &mut after), "it was started again");
        assert_eq!((watched.missing, after, watched.events.len()), (2, Some(3), 7));
    }
}
