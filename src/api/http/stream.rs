//! Seats as they change, as server-sent events: of the theatre, of one event, or of everything.
//!
//! A stream begins with how things are (`reset`) and goes on with what each position did (`change`). The id of an event
//! is its position; when a position did several things that the stream tells, all but the last have the position and a
//! count, so that nothing is told twice or not at all wherever a connection breaks. Who comes back with
//! `Last-Event-ID`, here or on another server, gets what happened since, or a `reset` when it is not known any more.
//!
//! Nothing is queued for a subscriber: it is given what it has not seen from the ring that all share, when it takes
//! it. One that is so slow that the ring has gone past it is told so and let go (`end`). Whoever wants one event
//! only is moved along past the others, so a quiet event's subscriber is never slow.

use super::app::App;
use super::problem::{Code, Problem};
use super::query::{NoParams, Params};
use crate::domain::events::ids::EventKey;
use crate::replication::feed::{
    Cursor, Feed, Mark, News, Overview, Part, Picture, Row, Scope, Since, What, taken,
};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

/// A comment is sent when nothing has happened for so long, so that neither side takes the other for gone.
const QUIET: Duration = Duration::from_secs(15);
/// Changes that are written together.
const CHANGES_AT_ONCE: usize = 16;
/// Events that a stream of everything begins with; when there are more, the client lists them.
const EVENTS_AT_FIRST: usize = 1_000;
/// How long a subscriber that was on a server further ahead waits for this one to come as far.
const AHEAD_WAIT: Duration = Duration::from_secs(2);
/// How soon a client should come back, in milliseconds.
const RETRY_MS: u32 = 1_000;

/// The id of the event that was seen last: a position, and so many of its parts.
type Last = (u64, u32);

/// One subscriber.
struct Subscriber {
    feed: Feed,
    scope: Scope,
    marks: watch::Receiver<Mark>,
    stop: watch::Receiver<bool>,
    /// The event that it says it has seen last, until that was looked for.
    last: Option<Last>,
    /// What it has seen; none before it is told how things are.
    seen: Option<Cursor>,
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

/// The theatre's seats.
pub(super) async fn theatre(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(open(Subscriber::new(app, Scope::Theatre, &headers)?))
}

/// The theatre and all events.
pub(super) async fn everything(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(open(Subscriber::new(app, Scope::All, &headers)?))
}

/// One event's seats.
pub(super) async fn event(
    State(app): State<App>,
    Path((id, kind)): Path<(String, String)>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let event = event_key(&id, &kind)?;
    let mut subscriber = Subscriber::new(app, Scope::Event(event.clone()), &headers)?;
    if subscriber.feed.picture().is_none() {
        return Err(Problem::new(Code::NotReady, "this server reads its log"));
    }
    if subscriber.feed.event(&event).is_none() {
        // Waiting here would hold a place among the requests.
        if let Some((position, _)) =
            subscriber.last.filter(|last| last.0 > subscriber.feed.executed().position)
        {
            let detail =
                format!("this server is not as far as {position} yet, and knows no event {event} so far");
            return Err(Problem::new(Code::NotReady, detail));
        }
        if !subscriber.was_told_of() {
            return Err(Problem::new(Code::NoSuchEvent, format!("there is no event {event}")));
        }
    }
    Ok(open(subscriber))
}

fn event_key(id: &str, kind: &str) -> Result<EventKey, Problem> {
    let invalid = |error: &dyn fmt::Display| Problem::new(Code::InvalidParameter, error.to_string());
    let id = id.parse().map_err(|error| invalid(&error))?;
    Ok(EventKey { id, kind: kind.parse().map_err(|error| invalid(&error))? })
}

fn open(subscriber: Subscriber) -> Response {
    let first = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    let events = stream::unfold((Some(first), subscriber), |(first, mut subscriber)| async move {
        let bytes = match first {
            Some(first) => first,
            None => subscriber.next().await?,
        };
        Some((Ok::<_, Infallible>(bytes), (None, subscriber)))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(events)).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Last>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let last = value.to_str().ok().and_then(|text| match text.split_once('.') {
        Some((position, parts)) => Some((position.parse().ok()?, parts.parse().ok()?)),
        None => Some((text.parse().ok()?, 0)),
    });
    match last {
        Some(last) => Ok(Some(last)),
        None => Err(Problem::new(Code::InvalidParameter, "Last-Event-ID is the id of an event, such as 17")),
    }
}

/// Where a subscriber that has seen this goes on; none when it must begin anew.
async fn resume(feed: &Feed, (position, parts): Last) -> Option<Cursor> {
    if feed.executed().position < position {
        let mut marks = feed.subscribe();
        let _ = timeout(AHEAD_WAIT, marks.wait_for(|mark| mark.position >= position)).await;
    }
    known(feed, (position, parts))
}

/// Where a subscriber that has seen this goes on at once; none when it must begin anew.
fn known(feed: &Feed, (position, parts): Last) -> Option<Cursor> {
    let cursor = Cursor { epoch: feed.executed().epoch, position, parts };
    feed.knows(cursor).then_some(cursor)
}

impl Subscriber {
    fn new(app: App, scope: Scope, headers: &HeaderMap) -> Result<Subscriber, Problem> {
        let last = last_event_id(headers)?;
        let Ok(permit) = app.streams.clone().try_acquire_owned() else {
            let max = app.config.http.streams_max;
            return Err(Problem::new(Code::TooManyStreams, format!("there are {max} streams already")));
        };
        app.metrics().http_streams.inc();
        let feed = app.asker.replicator().feed().clone();
        let (marks, stop) = (feed.subscribe(), app.stop.clone());
        let open = Open { app, _permit: permit };
        Ok(Subscriber { feed, scope, marks, stop, last, seen: None, ended: false, open })
    }

    /// Whether an event that is not there was there after what was seen last.
    fn was_told_of(&mut self) -> bool {
        let Some(last) = self.last.take() else { return false };
        self.seen = known(&self.feed, last);
        self.seen.is_some_and(|seen| match self.feed.since(seen, &self.scope, 1) {
            Since::News { news, .. } => !news.is_empty(),
            Since::Unknown => false,
        })
    }

    /// What is to be written next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(last) = self.last.take() {
            self.seen = resume(&self.feed, last).await;
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
            let changed = tokio::select! {
                changed = timeout(QUIET, self.marks.changed()) => changed,
                _ = self.stop.wait_for(|&stop| stop) => continue,
            };
            match changed {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(self.quiet()),
            }
        }
    }

    /// That nothing has happened. An id without data is no event, but where the client comes back: a quiet event's
    /// last change may be too long ago for that.
    fn quiet(&self) -> Bytes {
        let id = self.seen.map_or(String::new(), |seen| format!("id: {seen}\n"));
        format!(": nothing new\n{id}\n").into()
    }

    /// What it has not seen yet.
    fn look(&mut self) -> Option<Bytes> {
        let Some(seen) = self.seen else { return self.reset() };
        match self.feed.since(seen, &self.scope, CHANGES_AT_ONCE) {
            Since::News { news, until } => {
                self.seen = Some(until);
                let mut events = String::new();
                for news in news {
                    if matches!(self.scope, Scope::Event(_)) && news.part().what == What::Removed {
                        return Some((events + &self.removed(news.seen)).into());
                    }
                    events += &event_text(&news.seen, "change", &change(&self.scope, &news));
                }
                (!events.is_empty()).then(|| events.into())
            }
            Since::Unknown if self.feed.executed().epoch != seen.epoch => self.reset(),
            Since::Unknown => {
                Some(self.end("too-slow", "you took your events more slowly than seats were sold; come back"))
            }
        }
    }

    /// How things are, as soon as the server knows it.
    fn reset(&mut self) -> Option<Bytes> {
        let (mark, data) = match &self.scope {
            Scope::Theatre => {
                let picture = self.feed.picture()?;
                (picture.mark, seats(&picture))
            }
            Scope::All => {
                let overview = self.feed.overview(EVENTS_AT_FIRST)?;
                (overview.mark, everything_in_numbers(overview))
            }
            Scope::Event(event) => {
                let mark = self.feed.picture()?.mark;
                let Some(picture) = self.feed.event(event) else {
                    return Some(self.removed(mark.into()).into());
                };
                let mut data = seats(&picture);
                (data["held"], data["waiting"]) = (picture.held.into(), picture.waiting.into());
                (picture.mark, data)
            }
        };
        let seen = Cursor::from(mark);
        self.seen = Some(seen);
        Some(event_text(&seen, "reset", &data).into())
    }

    /// The end of a stream of an event that is gone. Its id is where it went, so who comes back with it learns only
    /// what came after.
    fn removed(&mut self, seen: Cursor) -> String {
        let end = self.end("removed", "the event was removed");
        format!("id: {seen}\n{}", String::from_utf8_lossy(&end))
    }

    fn end(&mut self, reason: &'static str, detail: &str) -> Bytes {
        self.ended = true;
        self.open.app.metrics().stream_dropped(reason);
        format!("event: end\ndata: {}\n\n", json!({ "reason": reason, "detail": detail })).into()
    }
}

fn event_text(seen: &Cursor, name: &str, data: &Value) -> String {
    format!("id: {seen}\nevent: {name}\ndata: {data}\n\n")
}

fn seats(picture: &Picture) -> Value {
    let (position, map) = (picture.mark.position, &picture.seats);
    json!({ "position": position, "capacity": map.capacity, "left": map.left, "taken": taken(map) })
}

fn everything_in_numbers(overview: Overview) -> Value {
    let Overview { mark: Mark { position, .. }, theatre: (capacity, left), total, events } = overview;
    let row = |row: &Row| {
        let Row { event, capacity, left, held, waiting } = row;
        json!({
            "event": **event, "capacity": capacity, "left": left, "held": held, "waiting": waiting,
        })
    };
    let events = events.map(|events| events.iter().map(row).collect::<Vec<_>>());
    let theatre = json!({ "capacity": capacity, "left": left });
    json!({ "position": position, "theatre": theatre, "total": total, "events": events })
}

/// What a subscriber is told of a part. The theatre has neither holds nor a waiting list, and stays as it is.
fn change(scope: &Scope, news: &News) -> Value {
    let Part { event, what, capacity, left, held, waiting, taken, freed } = news.part();
    let mut data = json!({ "position": news.position() });
    if *scope == Scope::All {
        data["event"] = event.as_deref().map_or(Value::Null, |event| json!(event));
    }
    if *what == What::Removed {
        data["removed"] = true.into();
        return data;
    }
    data["left"] = (*left).into();
    (data["taken"], data["freed"]) = (json!(taken), json!(freed));
    if event.is_some() {
        (data["held"], data["waiting"]) = ((*held).into(), (*waiting).into());
    }
    match what {
        What::Added => (data["added"], data["capacity"]) = (true.into(), (*capacity).into()),
        What::Resized => data["capacity"] = (*capacity).into(),
        What::Changed | What::Removed => {}
    }
    data
}
