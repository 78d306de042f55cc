//! Who is let in: limits on how many requests, how often, how long and how slow; and the count of all answers.
//!
//! A request passes, in this order: the bucket of its address, its body (read whole, within a size and a time), and a
//! permit among those that are worked on. So a slow client holds a connection and a buffer, never a permit. Health,
//! status and metrics have permits of their own and no bucket: they answer when everything else is full. So have
//! managers, who must get through when customers take all there is; a token says who is one.

use super::app::{App, Client, Lane};
use super::clock::Clock;
use super::problem::{Code, Problem};
use super::{query, routes};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::timeout;

/// A body over the limit is read on to here and thrown away, so that a client that only sends hears the answer.
const DRAINED_BYTES_MAX: usize = 16 << 20;

/// The one way in.
pub(super) async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Clock::start();
    let matched = request.extensions().get::<MatchedPath>();
    let (route, lane) = routes::label(matched.map(MatchedPath::as_str));
    let response = match admit(&app, lane, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    app.metrics().answered(route, response.status().as_u16(), began.passed());
    response
}

async fn admit(app: &App, lane: Lane, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let permits = match lane {
        Lane::Health => &app.health,
        Lane::Work => {
            let caller = query::caller(app, &parts.headers);
            let is_manager = caller.as_ref().is_ok_and(|caller| caller.is_manager());
            parts.extensions.insert(caller);
            if is_manager {
                &app.managers
            } else {
                check_rate(app, &parts.extensions)?;
                &app.work
            }
        }
    };
    let http = &app.config.http;
    let body = read(&parts.headers, body, http.body_bytes_max, Duration::from_millis(http.body_ms)).await?;
    let Ok(_permit) = permits.try_acquire() else {
        return Err(Problem::new(Code::Busy, "all places are taken; try again in a moment"));
    };
    Ok(next.run(Request::from_parts(parts, body)).await)
}

fn check_rate(app: &App, extensions: &Extensions) -> Result<(), Problem> {
    let Some(&Client(address)) = extensions.get::<Client>() else {
        return Err(Problem::new(Code::Internal, "the client's address is not known"));
    };
    let mut buckets = app.buckets.lock().unwrap_or_else(PoisonError::into_inner);
    buckets.take(address, app.clock.passed_ms()).map_err(|wait_ms| {
        let detail = format!("this address may ask {} times a second", app.config.http.rate_per_s);
        Problem::new(Code::RateLimited, detail).after_s(wait_ms.div_ceil(1_000).max(1))
    })
}

/// The whole body, within its limits.
async fn read(headers: &HeaderMap, body: Body, bytes_max: usize, wait: Duration) -> Result<Body, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("a body has at most {bytes_max} bytes"));
    let waits_for_leave = headers.contains_key(header::EXPECT);
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared
        .is_some_and(|bytes: usize| bytes > bytes_max && (waits_for_leave || bytes > DRAINED_BYTES_MAX))
    {
        return Err(too_large());
    }
    match timeout(wait, collect(body, bytes_max)).await {
        Ok(Ok(Some(bytes))) => Ok(Body::from(bytes.freeze())),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(error)) => Err(Problem::new(Code::MalformedBody, format!("the body cannot be read: {error}"))),
        Err(_) => Err(Problem::new(Code::RequestTimeout, "the body did not arrive in time")),
    }
}

/// The bytes of a body; none when there are too many.
async fn collect(mut body: Body, bytes_max: usize) -> Result<Option<BytesMut>, axum::Error> {
    let (mut bytes, mut count) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        count += data.len();
        if count > DRAINED_BYTES_MAX {
            return Ok(None);
        }
        if count <= bytes_max {
            bytes.extend_from_slice(&data);
        } else {
            bytes = BytesMut::new();
        }
    }
    Ok((count <= bytes_max).then_some(bytes))
}
