//! The page of one server asks the others when its own stops: browsers allow that when the others say so (the Fetch
//! standard, section 3.2, "CORS protocol").
//!
//! Only pages of this cluster's servers may, by where browsers reach them (`http_url`). There are no cookies: whoever
//! asks shows a token itself. Where people are taken at their word, other people's pages could speak for whoever looks at
//! them, and some requests a browser sends without asking first: what changes something is refused to them here.

use super::app::App;
use super::problem::{Code, Problem};
use crate::config::ClusterConfig;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeSet;

/// How long a browser may remember what a page may ask.
const REMEMBERED_S: &str = "600";
const METHODS: &str = "GET, POST, DELETE";
const HEADERS: &str =
    "authorization, boxoffice-as, content-type, idempotency-key, if-none-match, last-event-id";
/// Beyond what a page may see anyway.
const EXPOSED: &str = "boxoffice-position, etag, retry-after";
/// All names of this machine for itself: a page that was opened under one of them finds the others under another.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whose pages may ask.
#[derive(Debug)]
pub(super) struct Origins(BTreeSet<String>);

impl Origins {
    /// The pages of all servers.
    pub(super) fn of(config: &ClusterConfig) -> Origins {
        Origins(urls(config).flat_map(|url| aliases(&url)).collect())
    }

    /// The value of `Origin`, when it is one of them.
    fn admits<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        origin.to_str().is_ok_and(|text| self.0.contains(text)).then_some(origin)
    }
}

/// Where browsers reach the servers, in id order.
pub(super) fn urls(config: &ClusterConfig) -> impl Iterator<Item = String> {
    config.servers.iter().filter_map(|server| server.http_origin())
}

/// The same server under all its names.
pub(super) fn aliases(url: &str) -> Vec<String> {
    let split = LOOPBACK.iter().find_map(|name| {
        let (scheme, rest) = url.split_once(name)?;
        let is_whole = scheme.ends_with("://") && (rest.is_empty() || rest.starts_with(':'));
        is_whole.then_some((scheme, rest))
    });
    match split {
        Some((scheme, rest)) => LOOPBACK.iter().map(|name| format!("{scheme}{name}{rest}")).collect(),
        None => vec![url.to_owned()],
    }
}

/// Answers what a browser asks first, and says on each answer who may see it.
pub(super) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let origin = app.origins.admits(request.headers()).cloned();
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &origin {
        Some(_) if is_preflight => (StatusCode::NO_CONTENT, preflight()).into_response(),
        None if is_strangers(request.method(), request.headers()) => {
            let detail =
                "a page from elsewhere may not ask this; http_url says where this cluster's pages are";
            Problem::new(Code::NotAllowed, detail).into_response()
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}

/// Whether a page that is not this server's own would change something.
fn is_strangers(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let own = |origin: &str| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some() && host == text(header::HOST)
    };
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && text(header::ORIGIN).is_some_and(|origin| !own(origin))
}

fn preflight() -> [(HeaderName, &'static str); 3] {
    [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_S),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_has_all_its_names_and_others_have_one() {
        let names = ["http://localhost:81", "http://127.0.0.1:81", "http://[::1]:81"];
        for name in names {
            assert_eq!(aliases(name), names);
        }
        assert_eq!(aliases("https://localhost"), ["https://localhost", "https://127.0.0.1", "https://[::1]"]);
        for other in ["https://tickets.example", "http://localhost.example", "http://my.localhost:1"] {
            assert_eq!(aliases(other), [other]);
        }
    }

    #[test]
    fn pages_from_elsewhere_change_nothing() {
        let headers = |origin: Option<&str>| {
            let origin = origin.map(|origin| (header::ORIGIN, HeaderValue::from_str(origin).unwrap()));
            let host = (header::HOST, HeaderValue::from_static("me:8080"));
            HeaderMap::from_iter(origin.into_iter().chain([host]))
        };
        for other in ["http://evil.example", "null", "", "http://me", "http://me:80", "file://me:8080"] {
            assert!(is_strangers(&Method::POST, &headers(Some(other))), "{other}");
            assert!(!is_strangers(&Method::GET, &headers(Some(other))), "{other}");
        }
        for own in [Some("http://me:8080"), Some("https://me:8080"), None] {
            assert!(!is_strangers(&Method::DELETE, &headers(own)), "{own:?}");
        }
    }

    #[test]
    fn only_pages_of_this_clusters_servers_may_ask() {
        let text = "cluster: a\nseats: 1\nservers:\n\
            \x20 - {id: 1, host: one, peer_port: 1, client_port: 2, http_port: 3, http_url: 'https://tickets.example'}\n\
            \x20 - {id: 2, host: 127.0.0.1, peer_port: 1, client_port: 2, http_port: 3}\n\
            \x20 - {id: 3, host: three, peer_port: 1, client_port: 2}\n";
        let config = ClusterConfig::parse(text, std::path::Path::new("cluster.yaml")).unwrap();
        let origins = Origins::of(&config);
        let admits = |origin: &str| {
            let headers = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_str(origin).unwrap())]);
            origins.admits(&headers).is_some()
        };
        assert!(
            admits("https://tickets.example") && admits("http://localhost:3") && admits("http://127.0.0.1:3")
        );
        for other in
            ["http://one:3", "http://tickets.example", "http://127.0.0.1:4", "http://three", "null", ""]
        {
            assert!(!admits(other), "{other}");
        }
        assert_eq!(origins.admits(&HeaderMap::new()), None);
    }
}
