//! One HTTP/1.1 connection, held to its limits by hyper; what hyper only closes is answered here first.

use super::app::{App, Client};
use super::problem::{Code, Problem};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Bytes that the system keeps for a client that does not take them: a slow subscriber holds no more than that.
const SEND_BUFFER_BYTES: usize = 256 << 10;
/// How long the last words to a client may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves one client.
pub(super) async fn serve(app: App, router: Router, stream: TcpStream, from: SocketAddr) {
    let http = &app.config.http;
    if let Err(error) = prepare(&stream, Duration::from_millis(http.write_ms)) {
        tracing::debug!(%from, %error, "an HTTP connection could not be set up");
        return;
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Client(from.ip()));
        router.call(request)
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(http.head_ms))
        .max_header_size(http.head_bytes_max)
        .max_buf_size(http.head_bytes_max.max(16 << 10))
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut stop = app.stop.clone();
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = async { drop(stop.wait_for(|&stop| stop).await) } => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let Err(error) = ended else { return };
    tracing::debug!(%from, %error, "HTTP connection closed");
    let parts = connection.into_parts();
    if error.is_timeout() && !parts.read_buf.is_empty() {
        let problem = Problem::new(Code::RequestTimeout, "the head of the request did not arrive in time");
        refuse(parts.io.into_inner(), problem).await;
    }
}

/// Tells a client that it cannot be served.
pub(super) async fn refuse(mut stream: TcpStream, problem: Problem) {
    let say = async {
        stream.write_all(problem.raw().as_bytes()).await?;
        stream.shutdown().await?;
        // Closing while it still sends would take the answer back.
        let mut rest = [0; 4_096];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = timeout(LAST_WORDS, say).await;
}

fn prepare(stream: &TcpStream, write_wait: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    // What a client does not take for so long it never will.
    socket.set_tcp_user_timeout(Some(write_wait))
}
