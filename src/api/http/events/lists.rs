//! Lists that are the same for everybody: rendered once for each position of the state, and not for each reader.
//!
//! A list is kept with the position that the state had before it was asked for. A reader takes one that is not older
//! than the position at which the reader came, so nobody ever sees less than this server had executed by then. Who finds
//! none makes it, one at a time: readers who come together are served by one rendering, however much is sold meanwhile.

use crate::api::http::app::App;
use crate::api::http::problem::{Code, Problem};
use crate::api::http::seats::is_known;
use crate::domain::command::Query;
use crate::domain::events::answer::EventAnswer;
use crate::domain::events::command::{EventQuery, Question};
use crate::domain::outcome::Answer;
use crate::replication::feed::Mark;
use crate::replication::port::Freshness;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use xxhash_rust::xxh3::xxh3_64;

/// Lists that are kept; the oldest goes.
const LISTS_MAX: usize = 64;
/// Bytes of all of them; a longer one is not kept.
const LISTS_BYTES_MAX: usize = 16 << 20;

/// A list as clients get it.
#[derive(Debug)]
pub(super) struct Rendered {
    mark: Mark,
    etag: String,
    body: Bytes,
}

/// The lists that were rendered last.
#[derive(Debug, Default)]
pub(in crate::api::http) struct Lists {
    turn: tokio::sync::Mutex<()>,
    kept: Mutex<VecDeque<(String, Arc<Rendered>)>>,
}

impl Rendered {
    /// Equal lists have equal tags, also on other servers.
    fn new(mark: Mark, list: &impl Serialize) -> Rendered {
        let body = Bytes::from(serde_json::to_vec(list).expect("lists are JSON"));
        Rendered { mark, etag: format!("\"{:016x}\"", xxh3_64(&body)), body }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        // Whoever keeps it must ask whether it is still the same.
        let common = [(header::ETAG, self.etag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
        if is_known(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let json = [(header::CONTENT_TYPE, "application/json")];
        (common, json, Body::from(self.body.clone())).into_response()
    }
}

impl Lists {
    /// The list, unless it is older than this.
    fn find(&self, key: &str, than: Mark) -> Option<Arc<Rendered>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, list) = kept.iter().find(|(of, _)| of == key)?;
        let is_fresh = list.mark.epoch == than.epoch && list.mark.position >= than.position;
        is_fresh.then(|| list.clone())
    }

    fn keep(&self, key: String, list: &Arc<Rendered>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != key);
        if list.body.len() > LISTS_BYTES_MAX {
            return;
        }
        kept.push_back((key, list.clone()));
        let bytes = |kept: &VecDeque<(String, Arc<Rendered>)>| -> usize {
            kept.iter().map(|(key, list)| key.len() + list.body.len()).sum()
        };
        while kept.len() > LISTS_MAX || bytes(&kept) > LISTS_BYTES_MAX {
            kept.pop_front();
        }
    }
}

/// Serves a list that everybody may see. `key` tells it from others; it is rendered only where none is kept.
pub(super) async fn serve<T: Serialize>(
    app: &App,
    headers: &HeaderMap,
    freshness: Freshness,
    key: String,
    list: impl Future<Output = Result<T, Problem>>,
) -> Result<Response, Problem> {
    if freshness == Freshness::Linearizable {
        // A turn among the reads: everything that was answered before this is executed here after it.
        ask(app, Question::Kinds, Freshness::Linearizable).await?;
    }
    let feed = app.asker.replicator().feed();
    let came = feed.executed();
    let making = async {
        if let Some(found) = app.lists.find(&key, came) {
            return Ok(found);
        }
        let _turn = app.lists.turn.lock().await;
        if let Some(found) = app.lists.find(&key, came) {
            return Ok(found);
        }
        let mark = feed.executed();
        let rendered = Arc::new(Rendered::new(mark, &list.await?));
        app.lists.keep(key, &rendered);
        Ok(rendered)
    };
    let wait = Duration::from_millis(app.config.http.answer_ms);
    let late = |_| Problem::new(Code::NotReady, "the list was not made in time");
    timeout(wait, making).await.map_err(late)?.map(|rendered| rendered.answer(headers))
}

/// A list that is made for one reader: tagged, but not kept.
pub(super) fn own(headers: &HeaderMap, list: &impl Serialize) -> Response {
    Rendered::new(Mark::default(), list).answer(headers)
}

/// Asks what everybody may know, for nobody in particular.
pub(super) async fn ask(app: &App, question: Question, freshness: Freshness) -> Result<EventAnswer, Problem> {
    let query = Query::Events(Box::new(EventQuery { actor: None, question }));
    match app.asker.read(query, freshness).await? {
        Answer::Events(answer) => match *answer {
            EventAnswer::Refused(refusal) => Err(super::refused::problem(&refusal)),
            answer => Ok(answer),
        },
        Answer::Search { .. } | Answer::Seats(_) => Err(super::other_answer()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gate::Gate;
    use crate::api::http::HttpPort;
    use crate::config::ClusterConfig;
    use crate::replication::port::{Ask, Reply};

    fn mark(epoch: u64, position: u64) -> Mark {
        Mark { epoch, position }
    }

    fn list(mark: Mark, text: &str) -> Arc<Rendered> {
        Arc::new(Rendered::new(mark, &text))
    }

    #[test]
    fn nobody_is_given_a_list_from_before_they_came() {
        let lists = Lists::default();
        lists.keep("events".to_owned(), &list(mark(1, 5), "a"));
        for (came, is_found) in
            [(mark(1, 5), true), (mark(1, 4), true), (mark(1, 6), false), (mark(2, 1), false)]
        {
            assert_eq!(lists.find("events", came).is_some(), is_found, "{came:?}");
        }
        assert!(lists.find("kinds", mark(1, 5)).is_none());
        lists.keep("events".to_owned(), &list(mark(1, 7), "b"));
        assert_eq!(lists.find("events", mark(1, 6)).unwrap().body, "\"b\"");
    }

    #[test]
    fn lists_have_a_number_and_a_size_that_they_never_pass() {
        let lists = Lists::default();
        for n in 0..=LISTS_MAX {
            lists.keep(n.to_string(), &list(mark(1, 1), "x"));
        }
        assert!(lists.find("0", mark(1, 1)).is_none() && lists.find("1", mark(1, 1)).is_some());
        let long = "x".repeat(LISTS_BYTES_MAX / 2);
        lists.keep("long".to_owned(), &list(mark(1, 1), &long));
        lists.keep("longer".to_owned(), &list(mark(1, 1), &long));
        assert!(lists.find("long", mark(1, 1)).is_none() && lists.find("longer", mark(1, 1)).is_some());
        lists.keep("longer".to_owned(), &list(mark(1, 2), &"x".repeat(LISTS_BYTES_MAX)));
        assert!(lists.find("longer", mark(1, 1)).is_none(), "it is served, and not kept");
    }

    fn app() -> (App, crate::replication::port::Asks, tokio::sync::watch::Sender<bool>) {
        let text = "cluster: test\nseats: 10\nservers:\n  - {id: 1, host: 127.0.0.1, peer_port: 1, client_port: 2, http_port: 3}\n";
        let config = ClusterConfig::parse(text, std::path::Path::new("cluster.yaml")).unwrap();
        let (replicator, asks) = crate::replication::port::port();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let gate = Gate::new(&config);
        let port = HttpPort { config, me: 1, gate, audit: None, replicator, seed: 1 };
        (App::new(port, stopped), asks, stop)
    }

    #[test]
    fn readers_who_come_together_are_served_by_one_rendering() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (app, mut asks, _stop) = app();
            let read = || async {
                let list = async {
                    let answer = ask(&app, Question::Kinds, Freshness::Local).await?;
                    Ok(answer.to_string())
                };
                let key = "kinds".to_owned();
                serve(&app, &HeaderMap::new(), Freshness::Local, key, list)
                    .await
                    .map(|answer| answer.status())
            };
            let mut asked = 0;
            let answering = async {
                while let Some((Ask::Read(..), Some(to))) = asks.take().await {
                    asked += 1;
                    // All have come before the first is answered.
                    tokio::task::yield_now().await;
                    to.answer(Reply::Answer(Answer::Events(Box::new(EventAnswer::Kinds(Vec::new())))));
                }
            };
            let readers = async {
                let all = futures_util::future::join_all((0..10).map(|_| read())).await;
                assert!(all.into_iter().all(|status| status == Ok(StatusCode::OK)));
                assert_eq!(read().await, Ok(StatusCode::OK), "nothing was executed meanwhile");
            };
            tokio::select! {
                () = readers => {}
                () = answering => panic!("the questions ended"),
            }
            assert_eq!(asked, 1);
        });
    }

    #[test]
    fn a_failed_rendering_is_not_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (app, _asks, _stop) = app();
            let headers = HeaderMap::new();
            let read = |list| serve(&app, &headers, Freshness::Local, "x".to_owned(), async { list });
            let failed = read(Err(Problem::new(Code::NotReady, "not now"))).await;
            assert_eq!(failed.unwrap_err().code, Code::NotReady);
            assert_eq!(read(Ok(1)).await.unwrap().status(), StatusCode::OK);
        });
    }

    #[test]
    fn equal_lists_have_equal_tags() {
        let (one, other) = (list(mark(1, 1), "a"), list(mark(9, 9), "a"));
        assert_eq!(one.etag, other.etag);
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, one.etag.parse().unwrap())]);
        assert_eq!(other.answer(&headers).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(list(mark(1, 1), "b").answer(&headers).status(), StatusCode::OK);
    }
}
