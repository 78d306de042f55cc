//! `GET /v1/seats`: all seats, rendered once for each change and not for each reader.
//!
//! A local list is what the replica's feed shows: it asks nobody and waits for nothing. A linearizable one first asks
//! for a turn among the reads, and shows what the feed has then, which is at least as new.

use super::app::App;
use super::ask::Asker;
use super::problem::{Code, Problem};
use super::query::{Consistency, Params};
use crate::domain::command::Query;
use crate::replication::feed::{Picture, Run, taken};
use crate::replication::port::Freshness;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

/// The position until which everything is in a list.
pub(super) const POSITION: HeaderName = HeaderName::from_static("boxoffice-position");

/// A list as clients get it.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Epoch and position of the last change of these seats.
    of: (u64, u64),
    etag: String,
    body: Bytes,
}

/// The last list that was rendered.
#[derive(Debug, Default)]
pub(super) struct Cache {
    last: Mutex<Option<Arc<Rendered>>>,
}

/// All seats; the classic client's `-o json` has the same members.
#[derive(Serialize)]
struct Seats {
    capacity: u32,
    left: u32,
    taken: Vec<Run>,
}

impl Cache {
    /// The list of a picture, rendered unless it is the last one.
    fn get(&self, picture: &Picture) -> Arc<Rendered> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (picture.mark.epoch, picture.changed);
        if let Some(rendered) = last.as_ref().filter(|rendered| rendered.of == of) {
            return rendered.clone();
        }
        let map = &picture.seats;
        let list = Seats { capacity: map.capacity, left: map.left, taken: taken(map) };
        let body = Bytes::from(serde_json::to_vec(&list).expect("a list of numbers is JSON"));
        // Equal lists have equal tags, also on other servers.
        let etag = format!("\"{:016x}\"", xxh3_64(&body));
        let rendered = Arc::new(Rendered { of, etag, body });
        *last = Some(rendered.clone());
        rendered
    }
}

/// All seats of the default event.
pub(super) async fn list(
    State(app): State<App>,
    Params(consistency): Params<Consistency>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if consistency.or(Freshness::Local) == Freshness::Linearizable {
        wait_for_turn(&app.asker).await?;
    }
    let picture = app.asker.replicator().feed().picture();
    let picture = picture.ok_or_else(|| Problem::new(Code::NotReady, "this server reads its log"))?;
    let rendered = app.seats.get(&picture);
    let common = [
        (header::ETAG, rendered.etag.clone()),
        // Whoever keeps it must ask whether it is still the same.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (POSITION, picture.mark.position.to_string()),
    ];
    if is_known(&headers, &rendered.etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((common, json, Body::from(rendered.body.clone())).into_response())
}

/// Everything that was answered before this is in the feed after it.
async fn wait_for_turn(asker: &Asker) -> Result<(), Problem> {
    asker.read(Query::Seats, Freshness::Linearizable).await.map(drop)
}

/// Whether the client has the list with this tag.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(','));
    tags.any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::SeatMap;
    use crate::replication::feed::Mark;

    fn picture(position: u64, capacity: u32, free: &[u64]) -> Picture {
        let left = free.iter().map(|word| word.count_ones()).sum();
        let seats = Arc::new(SeatMap { capacity, left, free: free.to_vec() });
        let mark = Mark { epoch: 1, position: position + 5 };
        Picture { mark, changed: position, seats, held: 0, waiting: 0 }
    }

    #[test]
    fn a_list_is_rendered_once_for_each_change() {
        let cache = Cache::default();
        let first = cache.get(&picture(1, 70, &[!0b110, 0b011111]));
        assert_eq!(first.body, r#"{"capacity":70,"left":67,"taken":[[2,3],[70,70]]}"#);
        assert!(Arc::ptr_eq(&first, &cache.get(&picture(1, 70, &[!0b110, 0b011111]))));
        let same = cache.get(&picture(9, 70, &[!0b110, 0b011111]));
        assert_eq!((same.of, &same.etag), ((1, 9), &first.etag), "equal lists have equal tags");
        assert_ne!(cache.get(&picture(10, 70, &[!0, 0b111111])).etag, first.etag);
    }

    #[test]
    fn theatres_of_any_size_have_no_seats_past_the_last() {
        for capacity in [1, 63, 64, 65, 128] {
            let words = vec![0; capacity as usize / 64 + usize::from(capacity % 64 != 0)];
            assert_eq!(taken(&picture(1, capacity, &words).seats), [(1, capacity)]);
        }
    }

    #[test]
    fn a_tag_is_recognised_however_it_is_sent() {
        let known = |value: &str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]);
            is_known(&headers, "\"ab\"")
        };
        assert!(known("\"ab\"") && known("W/\"ab\"") && known("\"x\", \"ab\"") && known("*"));
        assert!(!known("\"abc\"") && !known("ab") && !known(""));
        assert!(!is_known(&HeaderMap::new(), "\"ab\""));
    }
}
