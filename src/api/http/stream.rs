//! `GET /v1/events/stream`: the seats as they change, as server-sent events.
//!
//! A stream begins with all seats (`reset`) and goes on with each position that changed one (`change`); the id of an
//! event is its position. Who comes back with `Last-Event-ID`, here or on another server, gets the changes since, or
//! all seats again when they are not known any more.
//!
//! Nothing is queued for a subscriber: it is given what it has not seen from the ring that all share, when it takes
//! it. One that is so slow that the ring has gone past it is told so and let go (`end`).

use super::app::App;
use super::problem::{Code, Problem};
use super::query::{NoParams, Params};
use super::seats::taken;
use crate::replication::feed::{Change, Feed, Mark, Picture, Since};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

/// A comment is sent when nothing has happened for so long, so that neither side takes the other for gone.
const QUIET: Duration = Duration::from_secs(15);
/// Changes that are written together.
const CHANGES_AT_ONCE: usize = 16;
/// How long a subscriber that was on a server further ahead waits for this one to come as far.
const AHEAD_WAIT: Duration = Duration::from_secs(2);
/// How soon a client should come back, in milliseconds.
const RETRY_MS: u32 = 1_000;

/// One subscriber.
struct Subscriber {
    feed: Feed,
    marks: watch::Receiver<Mark>,
    stop: watch::Receiver<bool>,
    /// The event that it says it has seen last, until that was looked for.
    last: Option<u64>,
    /// What it has seen; none before it is given all seats.
    seen: Option<Mark>,
    ended: bool,
    open: Open,
}

/// A place among the streams, counted.
struct Open {
    app: App,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.app.metrics().http_streams.dec();
    }
}

/// Opens a stream.
pub(super) async fn open(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = last_event_id(&headers)?;
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        let max = app.config.http.streams_max;
        return Err(Problem::new(Code::TooManyStreams, format!("there are {max} streams already")));
    };
    app.metrics().http_streams.inc();
    let feed = app.asker.replicator().feed().clone();
    let (marks, stop) = (feed.subscribe(), app.stop.clone());
    let first = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    let open = Open { app, _permit: permit };
    let subscriber = Subscriber { feed, marks, stop, last, seen: None, ended: false, open };
    let events = stream::unfold((Some(first), subscriber), |(first, mut subscriber)| async move {
        let bytes = match first {
            Some(first) => first,
            None => subscriber.next().await?,
        };
        Some((Ok::<_, Infallible>(bytes), (None, subscriber)))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    match value.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(position) => Ok(Some(position)),
        None => Err(Problem::new(Code::InvalidParameter, "Last-Event-ID is the id of an event: a number")),
    }
}

/// Where a subscriber that has seen this position goes on; none when it must begin anew.
async fn resume(feed: &Feed, position: u64) -> Option<Mark> {
    if feed.executed().position < position {
        let mut marks = feed.subscribe();
        let _ = timeout(AHEAD_WAIT, marks.wait_for(|mark| mark.position >= position)).await;
    }
    let mark = Mark { position, ..feed.executed() };
    match feed.since(mark, 0) {
        Since::Changes(_) => Some(mark),
        Since::Unknown => None,
    }
}

impl Subscriber {
    /// What is to be written next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(position) = self.last.take() {
            self.seen = resume(&self.feed, position).await;
        }
        loop {
            if self.ended {
                return None;
            }
            if *self.stop.borrow() {
                return Some(
                    self.end("leaving", "the server stops; another one goes on from your last event"),
                );
            }
            // What comes between looking and waiting is noticed by the waiting.
            self.marks.borrow_and_update();
            if let Some(events) = self.look() {
                return Some(events);
            }
            tokio::select! {
                changed = timeout(QUIET, self.marks.changed()) => match changed {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => return Some(Bytes::from_static(b": nothing new\n\n")),
                },
                _ = self.stop.wait_for(|&stop| stop) => {}
            }
        }
    }

    /// What it has not seen yet.
    fn look(&mut self) -> Option<Bytes> {
        let Some(seen) = self.seen else { return self.reset() };
        match self.feed.since(seen, CHANGES_AT_ONCE) {
            Since::Changes(changes) => {
                let last = changes.last()?.position;
                self.seen = Some(Mark { position: last, ..seen });
                Some(changes.iter().map(change_event).collect::<String>().into())
            }
            Since::Unknown if self.feed.executed().epoch != seen.epoch => self.reset(),
            Since::Unknown => {
                Some(self.end("too-slow", "you took your events more slowly than seats were sold; come back"))
            }
        }
    }

    /// All seats, as soon as the server knows them.
    fn reset(&mut self) -> Option<Bytes> {
        let picture = self.feed.picture()?;
        self.seen = Some(picture.mark);
        Some(reset_event(&picture).into())
    }

    fn end(&mut self, reason: &'static str, detail: &str) -> Bytes {
        self.ended = true;
        self.open.app.metrics().stream_dropped(reason);
        format!("event: end\ndata: {}\n\n", json!({ "reason": reason, "detail": detail })).into()
    }
}

fn reset_event(picture: &Picture) -> String {
    let (position, map) = (picture.mark.position, &picture.seats);
    let data = json!({
        "position": position, "capacity": map.capacity, "left": map.left, "taken": taken(map),
    });
    format!("id: {position}\nevent: reset\ndata: {data}\n\n")
}

fn change_event(change: &Arc<Change>) -> String {
    let Change { position, left, taken, freed } = &**change;
    let data = json!({ "position": position, "left": left, "taken": taken, "freed": freed });
    format!("id: {position}\nevent: change\ndata: {data}\n\n")
}
