//! Documents: the OpenAPI description, a page that shows it, and the table of problems.

use super::problem::{Code, Problem};
use super::query::{NoParams, Params};
use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::Value;

/// The description of everything under this port.
pub(super) const OPENAPI: &str = include_str!("openapi.json");
const DOCS: &str = include_str!("docs.html");
const SCRIPT: &str = include_str!("docs.js");
/// The page may load its own script and the description, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn openapi(Params(NoParams {}): Params<NoParams>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

pub(super) async fn docs(Params(NoParams {}): Params<NoParams>) -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, DOCS)
}

pub(super) async fn script(Params(NoParams {}): Params<NoParams>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}

/// A row of the table of problems.
pub(super) async fn problem(
    Params(NoParams {}): Params<NoParams>,
    Path(code): Path<String>,
) -> Result<Json<Value>, Problem> {
    let row = Code::ALL.iter().find(|row| row.as_str() == code);
    let row = row.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no problem {code:?}")))?;
    Ok(Json(row.row()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for text in [DOCS, SCRIPT] {
            assert!(!text.contains("//cdn") && !text.contains("http:") && !text.contains("https:"), "{text}");
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "text stays text");
        }
        assert!(!DOCS.contains(" onload=") && DOCS.contains("src=\"/docs.js\""));
    }
}
