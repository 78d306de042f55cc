//! `GET /`: the seat map page. One document with its style and its script in it, so that it can be kept as a file and
//! opened without a server to look at a recorded run.
//!
//! It is a thin client of this port: no rule, no word and no state of its own that the cluster does not have.

mod lean;

use super::app::App;
use super::origin::{aliases, urls};
use super::query::{NoParams, Params};
use crate::config::ClusterConfig;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ct_codecs::{Base64, Encoder as _};
use orion::hazardous::hash::sha2::sha256::Sha256;
use std::fmt::Write as _;
use xxhash_rust::xxh3::xxh3_64;

const FRAME: &str = include_str!("page.html");
const STYLES: &[&str] = &[include_str!("style.css"), include_str!("cluster.css")];
/// In the order in which they use each other; each is a file of one idea, all are one module.
const SCRIPTS: &[&str] = &[
    include_str!("base.js"),
    include_str!("net.js"),
    include_str!("stream.js"),
    include_str!("events.js"),
    include_str!("board.js"),
    include_str!("choice.js"),
    include_str!("own.js"),
    include_str!("seats.js"),
    include_str!("bookings.js"),
    include_str!("trace.js"),
    include_str!("diagram.js"),
    include_str!("draw.js"),
    include_str!("watch.js"),
    include_str!("cluster.js"),
    include_str!("main.js"),
];

/// The page as browsers get it.
#[derive(Debug)]
pub(super) struct Page {
    text: Bytes,
    etag: String,
    /// What it may load and whom it may ask, as `Content-Security-Policy`.
    policy: String,
}

impl Page {
    /// With the servers of this cluster as those that it may ask.
    pub(super) fn new(config: &ClusterConfig) -> Page {
        let (style, script) = (lean::style(STYLES), lean::script(SCRIPTS));
        let text = FRAME.replace("/* style */", &style).replace("/* script */", &script);
        let mut policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; connect-src 'self'",
            hash(&style),
            hash(&script)
        );
        // A policy has no way to write an IPv6 address; 'self' is one without writing it.
        let known = urls(config).flat_map(|url| aliases(&url));
        for url in known.filter(|url| !url.contains('[')) {
            // Writing to a string cannot fail.
            let _ = write!(policy, " {url}");
        }
        Page { etag: format!("\"{:016x}\"", xxh3_64(text.as_bytes())), text: text.into(), policy }
    }
}

/// As a policy names what stands between the tags.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes()).expect("a text in memory has a digest");
    format!("sha256-{}", Base64::encode_to_string(digest.as_ref()).expect("a digest is short"))
}

/// The page.
pub(super) async fn show(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Response {
    let page = &app.page;
    let common = [
        (header::ETAG, page.etag.clone()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, page.policy.clone()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if super::seats::is_known(&headers, &page.etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.text.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a telephone on a slow line loads at once.
    const BYTES_MAX: usize = 100 << 10;

    fn page() -> Page {
        let text = "cluster: a\nseats: 1\nservers: [{id: 1, host: one, peer_port: 1, client_port: 2, http_port: 3}]\n";
        Page::new(&ClusterConfig::parse(text, std::path::Path::new("cluster.yaml")).unwrap())
    }

    #[test]
    fn the_page_is_one_small_document_that_loads_nothing() {
        let Page { text, policy, .. } = page();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.len() < BYTES_MAX, "{} bytes", text.len());
        assert!(!text.contains("/* style */") && !text.contains("/* script */"));
        assert!(!text.contains(" style="), "the policy forbids it");
        for loading in ["https://", "@import", "url(", " src=", "import(", "import "] {
            assert!(!text.contains(loading), "{loading}");
        }
        assert!(policy.ends_with("connect-src 'self' http://one:3"), "{policy}");
    }

    #[test]
    fn the_script_is_one_that_can_be_made_lean() {
        for script in SCRIPTS {
            for line in script.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                for begin in ["(/", "= /", ": /", "? /", "! /", "&& /", "|| /", "return /"] {
                    let is_comment =
                        line.contains(&format!("{begin}/")) || line.contains(&format!("{begin} "));
                    assert!(!line.contains(begin) || is_comment, "a regular expression: {line}");
                }
                assert!(line.matches('`').count() % 2 == 0, "a template over several lines: {line}");
            }
        }
    }

    #[test]
    fn no_two_parts_have_something_of_one_name() {
        let mut names = std::collections::BTreeSet::new();
        for line in SCRIPTS.iter().flat_map(|script| script.lines()) {
            let declares = ["const ", "let ", "function ", "async function ", "class "];
            if let Some(rest) = declares.iter().find_map(|declares| line.strip_prefix(declares)) {
                let end =
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
                assert!(end == 0 || names.insert(&rest[..end]), "{line}");
            }
        }
    }

    #[test]
    fn what_others_wrote_stays_text() {
        for script in SCRIPTS {
            for risky in
                ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function"]
            {
                assert!(!script.contains(risky), "{risky}");
            }
        }
        assert!(!SCRIPTS.concat().contains("</script"), "it would end the script");
    }

    #[test]
    fn the_hash_is_the_one_that_browsers_compute() {
        // From the standard (Content Security Policy, section 1.2): of this very text.
        let known = "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=";
        assert_eq!(hash("alert('Hello, world.');"), known);
    }
}
