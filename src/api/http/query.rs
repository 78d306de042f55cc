//! Parameters of a request: of the query, of the path, and bodies. What is not understood is a problem, not ignored.

use super::app::App;
use super::problem::{Code, Problem};
use crate::api::gate::Caller;
use crate::domain::ids::Name;
use crate::domain::keys::Key;
use crate::replication::port::Freshness;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use std::fmt::Write as _;

/// The parameters of a query, all of them known.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Params(params)),
            Err(error) => Err(Problem::new(Code::InvalidParameter, error.body_text())),
        }
    }
}

/// No parameters at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// `?consistency=local` or `linearizable`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Consistency {
    consistency: Option<Wanted>,
}

/// How fresh an answer is to be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    /// What this server has executed.
    Local,
    /// Everything that was answered before.
    Linearizable,
}

impl Consistency {
    /// What is asked for, or this when nothing is said.
    pub(super) fn or(&self, default: Freshness) -> Freshness {
        fresh(self.consistency, default)
    }
}

/// What is asked for, or this when nothing is said.
pub(super) fn fresh(wanted: Option<Wanted>, default: Freshness) -> Freshness {
    match wanted {
        Some(Wanted::Local) => Freshness::Local,
        Some(Wanted::Linearizable) => Freshness::Linearizable,
        None => default,
    }
}

/// Entries of one page: what is asked for, or this when nothing is said.
pub(super) fn page(limit: Option<u32>, default: u32, max: u32) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(default);
    if (1..=max).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::new(Code::InvalidParameter, format!("limit: from 1 to {max}, not {limit}")))
}

/// A text as a part of a path, or a value in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Who asks, and under which key: the headers `Authorization` and `Idempotency-Key`.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) key: Option<Key>,
}

/// Who asks. It was looked at when the request was let in.
pub(super) struct Who(pub(super) Asking);

impl FromRequestParts<App> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = match parts.extensions.get::<Result<Caller, Problem>>() {
            Some(caller) => caller.clone()?,
            None => caller(app, &parts.headers)?,
        };
        Ok(Who(Asking { caller, key: key(caller, &parts.headers)? }))
    }
}

/// By the token in `Authorization: Bearer`.
pub(super) fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return app.asker.caller(None);
    };
    match value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) => app.asker.caller(Some(token.trim())),
        None => Err(Problem::new(Code::TokenNeeded, "a token is shown as \"Authorization: Bearer TOKEN\"")),
    }
}

/// The key in `Idempotency-Key`, with quotes around it or without.
fn key(caller: Caller, headers: &HeaderMap) -> Result<Option<Key>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let invalid = |detail: &str| Err(Problem::new(Code::InvalidParameter, detail));
    if values.next().is_some() {
        return invalid("there is more than one Idempotency-Key");
    }
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match bare.parse() {
        Ok(text) => Ok(Some(Key { owner: caller.user(), text })),
        Err(error) => invalid(&error.to_string()),
    }
}

/// The name in a path.
pub(super) struct PathName(pub(super) Name);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|error| Problem::new(Code::InvalidName, error.body_text()))?;
        match text.parse() {
            Ok(name) => Ok(PathName(name)),
            Err(error) => Err(Problem::new(Code::InvalidName, format!("{error}"))),
        }
    }
}

/// A body of JSON.
pub(super) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    if !is_json(content_type.unwrap_or_default()) {
        let detail = match content_type {
            Some(other) => format!("the body is said to be {other:?}"),
            None => "it is not said what the body is".to_owned(),
        };
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    // A list of the same values would pass for an object.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::new(Code::InvalidBody, "the body must be an object"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let code = match error.classify() {
            Category::Data => Code::InvalidBody,
            Category::Io | Category::Syntax | Category::Eof => Code::MalformedBody,
        };
        Problem::new(code, error.to_string())
    })
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    is_json && parts.all(|part| part.is_empty() || part.eq_ignore_ascii_case("charset=utf-8"))
}

/// An optional member that may be left out, but is not null.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A number of seats, or of one: JSON knows one kind of number, so `2.0` is two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whole(pub(super) u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(from)?;
        if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
            Ok(Whole(number as u32))
        } else {
            Err(D::Error::custom(format_args!("{number} is no whole number that seats can have")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_one_visible_word_with_quotes_or_without() {
        let read = |values: &[&str]| {
            let values =
                values.iter().map(|value| ("idempotency-key".parse().unwrap(), value.parse().unwrap()));
            key(Caller::Anyone, &HeaderMap::from_iter(values)).map_err(|problem| problem.code)
        };
        let same = |text: &str| Ok(Some(Key { owner: None, text: text.parse().unwrap() }));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["a-1"]), same("a-1"));
        assert_eq!(read(&["\"a-1\""]), same("a-1"));
        for invalid in [
            &[""][..],
            &["\"\""],
            &["\""],
            &["a\"b"],
            &["a b"],
            &["a", "a"],
            &["Zo\u{eb}"],
            &["x".repeat(129).as_str()],
        ] {
            assert_eq!(read(invalid), Err(Code::InvalidParameter), "{invalid:?}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        n: u32,
        #[serde(default, deserialize_with = "present")]
        o: Option<u32>,
    }

    #[test]
    fn bodies_are_json_of_the_right_shape_or_a_problem() {
        let read = |content_type: &'static str, body: &[u8]| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            json::<Body>(&headers, body).map_err(|problem| problem.code)
        };
        assert_eq!(read("application/json", br#"{"n":1}"#), Ok(Body { n: 1, o: None }));
        assert_eq!(
            read("Application/JSON; charset=UTF-8", br#"{"n":1,"o":2}"#),
            Ok(Body { n: 1, o: Some(2) })
        );
        for other in ["text/plain", "application/jsonp", "application/json; charset=latin1", ""] {
            assert_eq!(read(other, br#"{"n":1}"#), Err(Code::UnsupportedMediaType), "{other}");
        }
        for malformed in [&b"{"[..], b"", b"{\"n\":1}}", b"\xff\xfe", b"{\"n\":1,\"o\":\"\xff\"}"] {
            let code = read("application/json", malformed).unwrap_err();
            assert!([Code::MalformedBody, Code::InvalidBody].contains(&code), "{malformed:?}");
        }
        for invalid in [r#"{"n":-1}"#, r#"{"n":1,"x":2}"#, r#"{"n":1,"o":null}"#, " [1]", r#"{"n":1,"n":2}"#]
        {
            assert_eq!(read("application/json", invalid.as_bytes()), Err(Code::InvalidBody), "{invalid}");
        }
        let whole = |text: &str| serde_json::from_str::<Whole>(text).ok();
        assert_eq!(
            (whole("2.0"), whole("2"), whole("2e1")),
            (Some(Whole(2)), Some(Whole(2)), Some(Whole(20)))
        );
        for text in ["2.5", "-1", "1e300", "4294967296", "\"2\"", "null", "true"] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(json::<Body>(&HeaderMap::new(), b"{}").unwrap_err().code, Code::UnsupportedMediaType);
    }
}
