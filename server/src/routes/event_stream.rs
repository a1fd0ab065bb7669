//! `GET /events`: Server-Sent Events, for people who are logged in.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use backstay_fleet::Fleet;
use backstay_fleet::accounts::SessionEvent;
use backstay_fleet::events::Published;
use backstay_fleet::store::TokenHash;
use backstay_model::Person;
use backstay_model::wire::event::{ALIVE, ALIVE_SECS, Event as PublishedEvent};
use futures::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use serde::Deserialize;

use super::logged_in::LoggedIn;
use crate::lifecycle::Lifecycle;

/// How often an idle stream sends a keep-alive, so that no proxy closes it and pages see that it works.
const KEEP_ALIVE: Duration = Duration::from_secs(ALIVE_SECS);

/// Tells nginx to forward each event at once. Otherwise it holds events back until its buffer is full.
/// <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering>
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How often the stream checks that the person is still logged in.
const LOOKED_UP: Duration = Duration::from_secs(10);

/// Upper bound on the streams of one session: many more tabs than a person has.
const STREAMS_OF_ONE_SESSION: usize = 32;

/// The number of open streams of each session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<TokenHash, usize>>>);

impl Streams {
    /// Counts a stream until the value is dropped. Returns `None` if the session has too many.
    fn open(&self, session: TokenHash) -> Option<OpenStream> {
        let mut streams = self.0.lock();
        let count = streams.entry(session.clone()).or_default();
        if *count >= STREAMS_OF_ONE_SESSION {
            return None;
        }
        *count += 1;
        drop(streams);
        Some(OpenStream { streams: self.clone(), session })
    }
}

/// An open stream.
struct OpenStream {
    streams: Streams,
    session: TokenHash,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = self.streams.0.lock();
        if let Some(count) = streams.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.session);
            }
        }
    }
}

/// Where a page's stream starts.
#[derive(Debug, Deserialize)]
pub(crate) struct From {
    /// The number of the last event that the page has.
    after: Option<u64>,
}

/// Opens the stream: the events since `Last-Event-ID`, or since `after` at first, and then live events. The stream ends if the page
/// falls too far behind, the person is no longer logged in, or the server stops. Browsers reconnect automatically. A page whose
/// person has other roles reads its state again.
pub(crate) async fn stream(
    LoggedIn { token, actor }: LoggedIn,
    State(fleet): State<Fleet>,
    State(lifecycle): State<Lifecycle>,
    State(streams): State<Streams>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Response {
    let Some(open) = streams.open(TokenHash::of(&token)) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let last_event_id =
        headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let events = listen(&fleet, last_event_id.or(from.after)).map(Some).chain(stream::iter([None]));
    let person = actor.person().clone();
    let until_an_end = stream::select(events, session_events(fleet, token, person))
        .take_while(|event| ready(event.is_some()))
        .filter_map(ready)
        // Moved into the stream, and dropped with it.
        .map(move |event| {
            let _ = &open;
            Ok::<_, Infallible>(event)
        })
        .take_until(lifecycle.stop.cancelled_owned());
    ([(X_ACCEL_BUFFERING, "no")], Sse::new(until_an_end).keep_alive(keep_alive())).into_response()
}

/// Asks the page to read its state again at each change of the person's roles, and ends with the session. The event has no
/// number: no other page gets it.
fn session_events(fleet: Fleet, token: String, person: Person) -> impl Stream<Item = Option<Event>> {
    stream::unfold(Some((fleet, token, person)), |watched| async {
        let (fleet, token, person) = watched?;
        match fleet.accounts().next_session_event(&token, &person, LOOKED_UP).await {
            SessionEvent::Ended => Some((None, None)),
            SessionEvent::Changed(person) => Some((Some(resync()), Some((fleet, token, person)))),
        }
    })
}

fn resync() -> Event {
    let resync = PublishedEvent::Resync;
    Event::default().event(resync.name()).data(serde_json::to_string(&resync).unwrap_or_default())
}

/// A keep-alive that scripts see, unlike a comment. It needs some data for that, and has no number.
fn keep_alive() -> KeepAlive {
    KeepAlive::new().interval(KEEP_ALIVE).event(Event::default().event(ALIVE).data("1"))
}

fn listen(fleet: &Fleet, after: Option<u64>) -> impl Stream<Item = Event> + use<> {
    let subscription = fleet.events().subscribe(after);
    let missed = stream::iter(subscription.missed);
    let live = stream::unfold(subscription.live, |mut live| async { Some((live.next().await?, live)) });
    missed.chain(live).map(|event| sse(&event))
}

fn sse(published: &Arc<Published>) -> Event {
    Event::default().id(published.id.to_string()).event(published.name).data(&published.json)
}
