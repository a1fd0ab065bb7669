//! Takes connections and bounds them: how many there are, and how long each may keep the server waiting.
//!
//! A stranger costs nothing to make, so strangers have a small share of the connections ([`places`]), and each side has
//! time limits: a request's head and body must be there in time, and whoever is sent something must read it
//! ([`patient`]).

mod body;
mod patient;
mod places;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use body::InTime;
use patient::Patient;
pub(crate) use places::{Limits, Place, Places};

/// How long each side of a connection may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Upper bound on the wait for a whole request head. The wait for the next request counts too, so an idle connection
    /// ends after this time.
    pub(crate) head: Duration,
    /// Upper bound on the wait for a whole request body.
    pub(crate) body: Duration,
    /// How long the other side may read nothing of what it is sent.
    pub(crate) stalled: Duration,
    /// How long requests may go on after the server was told to stop.
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

/// Files that are kept for the database, git and the like.
const OTHER_FILES: u64 = 256;

/// Raises the number of files that the process may have open to the hard limit, and returns how many connections that
/// leaves room for. Services start with a soft limit of 1,024 for the sake of programs that use `select`.
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

/// Serves until `stop`, then lets what is under way end within [`Times::grace`].
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
                tracing::error!(%error, "no connection can be taken now; trying again in a second");
                stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Whether accepting failed because the other side had gone already.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// One connection, to its end. How it ends concerns nobody but the other side.
async fn converse(
    stream: TcpStream,
    place: Arc<Place>,
    router: Router,
    times: Times,
    stop: CancellationToken,
) {
    let io = TokioIo::new(Patient::new(stream, Arc::clone(&place), times.stalled));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        place.heard();
        request.extensions_mut().insert(Arc::clone(&place));
        router.clone().call(request.map(|body| Body::new(InTime::new(body, times.body))))
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
