//! Watches the servers at work: what each of them sent, received and executed, as one recording or as a diagram of it.

#![expect(clippy::disallowed_methods, reason = "it watches for so long, by the one clock of the client")]

use super::{
    diagram::{
        Event, Filter, What,
        draw::{LEGEND, Layout, span},
        order::order,
        recording::{FILE_BYTES_MAX, FORMAT, Recording, RecordingError},
        rows::rows,
        tail::{Tail, Taken},
    },
    exit::Exit,
    link::{Link, LinkError},
    output::{Output, detail, note},
};
use crate::{
    api::wire::{ClientFrame, ClientRequest, ServerReply, TracePage, Traced},
    config::{ClusterConfig, ServerConfig},
};
use serde_json::{Value, json};
use std::{fs::File, future::Future, io, path::Path, sync::Arc, time::Duration};
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
    /// Draw so many of the last events instead of printing the recording.
    pub drawn: Option<usize>,
}

/// What was seen of one server.
struct Watched {
    server: u8,
    events: Vec<Event>,
    /// Events that were forgotten before this client asked for them, or that were too many.
    missing: u64,
    /// Why it could not be watched to the end.
    trouble: Option<String>,
}

/// Watches all servers, then prints the recording (one JSON object, an event on each line of it) or draws it.
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
    let count: usize = all.iter().map(|watched| watched.events.len()).sum();
    note(format_args!("{count} events of {} servers", all.len()));
    let mut exit = Exit::Done;
    for Watched { server, missing, trouble, .. } in &all {
        if *missing > 0 {
            detail(format_args!("server {server}: {missing} events are missing, there were too many"));
        }
        if let Some(trouble) = trouble {
            detail(format_args!("server {server}: {trouble}"));
            exit = Exit::Refused;
        }
    }
    match options.drawn {
        Some(events_max) => {
            let servers: Vec<u8> = all.iter().map(|watched| watched.server).collect();
            let events = all.into_iter().flat_map(|watched| watched.events).collect();
            draw(&servers, events, events_max, output);
        }
        None => print(&options.config.cluster, &all, output),
    }
    exit
}

/// Draws a run that was recorded before; `-` is standard input.
pub fn draw_file(file: &Path, events_max: usize, output: &mut Output) -> Exit {
    let recording = if file == Path::new("-") { Recording::read(io::stdin().lock()) } else { read(file) };
    match recording {
        Ok(Recording { cluster, servers, remarks, events }) => {
            note(format_args!("{cluster}: {} events of {} servers", events.len(), servers.len()));
            remarks.iter().for_each(detail);
            draw(&servers, events, events_max, output);
            Exit::Done
        }
        Err(error) => {
            note(format_args!("{}: {error}", file.display()));
            Exit::Usage
        }
    }
}

fn read(file: &Path) -> Result<Recording, RecordingError> {
    let cannot = |error: io::Error| RecordingError::Unreadable(error.to_string());
    let file = File::open(file).map_err(cannot)?;
    // Said at once: reading that much takes its time.
    if file.metadata().map_err(cannot)?.len() > FILE_BYTES_MAX {
        return Err(RecordingError::TooLarge);
    }
    Recording::read(file)
}

fn draw(servers: &[u8], events: Vec<Event>, events_max: usize, output: &mut Output) {
    let diagram = rows(&order(events), Filter::All, events_max);
    if diagram.left_out > 0 {
        detail(format_args!("{} earlier events are left out; --last shows more", diagram.left_out));
    }
    for (server, us) in &diagram.moved {
        detail(format_args!("the clock of server {server} is taken to be {} slow", span(*us)));
    }
    let base_us = diagram.rows.first().map_or(0, |row| row.at_us);
    let layout = Layout::new(&diagram, servers, output.width, base_us);
    output.data(layout.head());
    for row in &diagram.rows {
        output.data(layout.line(row).0);
    }
    LEGEND.iter().for_each(|words| output.data(words));
}

fn print(cluster: &str, all: &[Watched], output: &mut Output) {
    let mut events: Vec<(u64, Value)> = Vec::new();
    for Watched { server, events: seen, .. } in all {
        let mut latest = 0;
        for Event { at_us, what, .. } in seen {
            // Each server's events keep their order, also when its clock was set back meanwhile.
            latest = (*at_us).max(latest);
            if let What::Traced(traced) = what {
                events.push((latest, line(*server, *at_us, traced)));
            }
        }
    }
    events.sort_by_key(|(at_us, _)| *at_us);
    let servers: Vec<Value> = all
        .iter()
        .map(|Watched { server, missing, trouble, .. }| {
            json!({ "id": server, "missing": missing, "trouble": trouble })
        })
        .collect();
    let lines: Vec<String> = events.iter().map(|(_, event)| event.to_string()).collect();
    let head = json!({ "format": FORMAT, "cluster": cluster, "servers": servers }).to_string();
    let head = head.strip_suffix('}').expect("it is an object");
    output.data(format_args!("{head},\"events\":[\n{}\n]}}", lines.join(",\n")));
}

/// What stands on an event's line.
fn line(server: u8, at_us: u64, what: &Traced) -> Value {
    json!({ "server": server, "at_us": at_us, "what": what })
}

async fn watch(
    options: &Options,
    server: &ServerConfig,
    end: Instant,
    mut stopped: tokio::sync::watch::Receiver<bool>,
) -> Watched {
    let mut watched = Watched { server: server.id, events: Vec::new(), missing: 0, trouble: None };
    let mut asked = Asked::new(options.config.clone(), server.clone(), options.token.clone());
    loop {
        let next = Instant::now() + PERIOD;
        // It is asked once more at the end, for all that there is until then.
        let is_last = Instant::now() >= end || *stopped.borrow();
        match asked.ask().await {
            Ok(taken) => {
                watched.trouble = None;
                let is_all = taken.is_all;
                watched.take(taken);
                if !is_all && !is_last {
                    continue;
                }
            }
            Err(error) => watched.trouble = Some(error.to_string()),
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

impl Watched {
    fn take(&mut self, taken: Taken) {
        for event in taken.events {
            if let What::Missing(count) = event.what {
                self.missing = self.missing.saturating_add(count);
            }
            if self.events.len() == EVENTS_MAX {
                self.missing = self.missing.saturating_add(1);
                continue;
            }
            self.events.push(event);
        }
    }
}

/// One server that is asked again and again what it has seen.
pub(super) struct Asked {
    config: Arc<ClusterConfig>,
    server: ServerConfig,
    token: Option<String>,
    link: Option<Link>,
    tail: Tail,
}

impl Asked {
    /// Not asked yet.
    pub(super) fn new(config: Arc<ClusterConfig>, server: ServerConfig, token: Option<String>) -> Asked {
        Asked { config, server, token, link: None, tail: Tail::default() }
    }

    /// Asks once. The link is kept for the next time, unless it is of no use.
    pub(super) async fn ask(&mut self) -> Result<Taken, LinkError> {
        match timeout(PATIENCE, self.page()).await.unwrap_or(Err(LinkError::TimedOut)) {
            Ok(page) => Ok(self.tail.take(self.server.id, page)),
            Err(error) => {
                self.link = None;
                Err(error)
            }
        }
    }

    async fn page(&mut self) -> Result<TracePage, LinkError> {
        let link = match &mut self.link {
            Some(link) => link,
            None => {
                let address = self.server.client_address();
                let dial = Link::dial(&address, &self.config.cluster, self.token.as_deref());
                self.link.insert(dial.await?.0)
            }
        };
        link.queue(&ClientFrame { id: 1, body: ClientRequest::Trace { after: self.tail.after() } })
            .expect("a question without content fits into a frame");
        match link.receive().await?.body {
            ServerReply::Trace(page) => Ok(page),
            ServerReply::Error(error) => Err(LinkError::Refused(error)),
            _ => Err(LinkError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::diagram::{
        AT_US_MAX,
        recording::{FILE_EVENTS_MAX, SERVER_MAX, VIEW_CHARS_MAX},
    };

    #[test]
    fn the_largest_recording_can_be_read() {
        let stamp = json!({ "clock": u64::MAX, "server": SERVER_MAX });
        let view = "1".repeat(VIEW_CHARS_MAX);
        let members: Vec<u8> = (1..=SERVER_MAX).collect();
        for what in [
            json!({ "received": { "from": SERVER_MAX, "said": { "request": { "request": stamp } } } }),
            json!({ "received": { "from": SERVER_MAX, "said": { "release": { "until": stamp } } } }),
            json!({ "received": { "from": SERVER_MAX, "said": { "view": { "step": "installed", "view": view } } } }),
            json!({ "executed": { "position": u64::MAX, "request": stamp, "commands": u32::MAX } }),
            json!({ "activated": { "view": view, "members": members } }),
        ] {
            let what: Traced = serde_json::from_value(what).unwrap();
            let line = line(SERVER_MAX, AT_US_MAX, &what).to_string();
            let file = (line.len() + ",\n".len()) as u64 * FILE_EVENTS_MAX as u64;
            // What stands above the events is small.
            assert!(file + (1 << 20) <= FILE_BYTES_MAX, "{line}");
        }
        assert_eq!(EVENTS_MAX * usize::from(SERVER_MAX), FILE_EVENTS_MAX);
    }

    #[test]
    fn what_is_too_much_for_a_recording_is_counted_as_missing() {
        let mut watched = Watched { server: 1, events: Vec::new(), missing: 0, trouble: None };
        let event = |what| Event { server: 1, at_us: 1, what };
        watched.take(Taken { events: vec![event(What::Missing(3))], is_all: true });
        assert_eq!(watched.missing, 3);
        let many = (0..EVENTS_MAX + 1).map(|_| event(What::StartedAgain)).collect();
        watched.take(Taken { events: many, is_all: true });
        assert_eq!((watched.events.len(), watched.missing), (EVENTS_MAX, 5));
    }
}
