//! Accepts connections, and limits their number and how long each may keep the server waiting.
//!
//! Anybody can open unauthenticated connections, so these have a small share of all ([`places`]). Time limits bind the other
//! side: a request's head and body must arrive in time, and the client must read what the server sends ([`timed_stream`]).

mod places;
mod timed_body;
mod timed_stream;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use backstay_app::session::Peer;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

pub(crate) use places::{Limits, Place, Places};
use timed_body::TimedBody;
use timed_stream::TimedStream;

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Upper bound on the wait for a whole request head. The wait for the next request counts too, so an idle connection
    /// ends after this time.
    pub(crate) head: Duration,
    /// Upper bound on the wait for a whole request body.
    pub(crate) body: Duration,
    /// How long the other side may leave sent data unread.
    pub(crate) stalled: Duration,
    /// How long requests may continue after the shutdown began.
    pub(crate) grace: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            stalled: Duration::from_mins(1),
            grace: Duration::from_secs(5),
        }
    }
}

/// Number of files reserved for the database, git and so on.
const OTHER_FILES: u64 = 256;

/// Raises the limit of open files to the hard limit, and returns the number of connections that fit. Services start with a soft
/// limit of 1,024 for programs that use `select`.
pub(crate) fn room_for_connections() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.current = limit.maximum,
            Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
        }
    }
    limit.current.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES)
}

/// Serves until `stop`, and then lets requests finish within [`Times::grace`].
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    places: Places,
    times: Times,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, from)) => {
                if let Some(place) = places.enter(from.ip()) {
                    connections.spawn(converse(stream, place, router.clone(), times, stop.clone()));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted now; retrying in a second");
                stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Returns whether accepting failed because the other side was already gone.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Serves one connection to its end. Its errors concern only the other side.
async fn converse(
    stream: TcpStream,
    place: Arc<Place>,
    router: Router,
    times: Times,
    stop: CancellationToken,
) {
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
    let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&place), times.stalled));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        place.heard();
        request.extensions_mut().insert(Arc::clone(&place));
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        router.clone().call(request.map(|body| Body::new(TimedBody::new(body, times.body))))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(times.head)
            .serve_connection(io, service)
            .with_upgrades()
    );
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(times.grace, connection).await;
        }
    }
}

#[cfg(test)]
mod tests;
