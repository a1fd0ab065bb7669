//! `GET /events`: what happens, as Server-Sent Events, for people who are logged in.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use backstay_app::session;
use backstay_fleet::Fleet;
use backstay_fleet::events::Published;
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio_stream::wrappers::BroadcastStream;

use crate::lifecycle::Lifecycle;

/// How often a comment is sent, so that nothing between takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// From where on a page listens.
#[derive(Debug, Deserialize)]
pub(crate) struct From {
    /// The number of the last event that the page holds.
    after: Option<u64>,
}

/// Opens the stream: what was missed since `Last-Event-ID`, or since `after` at first, then what happens. It ends where
/// the page falls too far behind or the server stops; browsers come back by themselves.
pub(crate) async fn stream(
    State(fleet): State<Fleet>,
    State(lifecycle): State<Lifecycle>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Response {
    let Some(token) = session::token_in(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    match fleet.accounts().session(&token).await {
        Ok(Some(_)) => {}
        Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => {
            tracing::error!(%error, "the session could not be looked up");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    }
    let last_event_id =
        headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let events = listen(&fleet, last_event_id.or(from.after)).take_until(lifecycle.stop.cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn listen(fleet: &Fleet, after: Option<u64>) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let subscription = fleet.events().subscribe(after);
    let missed = stream::iter(subscription.missed);
    let live = BroadcastStream::new(subscription.live)
        .take_while(|event| std::future::ready(event.is_ok()))
        .filter_map(|event| std::future::ready(event.ok()));
    missed.chain(live).map(|event| Ok(sse(&event)))
}

fn sse(published: &Arc<Published>) -> Event {
    Event::default().id(published.id.to_string()).event(published.name).data(&published.json)
}
