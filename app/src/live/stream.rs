//! The event stream of one tab.
//!
//! After short interruptions, the browser itself reconnects and sends the number of its last event. If the
//! server answers that too much was missed (`resync`), or the stream was closed for good, the page reloads
//! its state and opens a new stream from there.
//!
//! A hidden tab releases its stream after a while, because browsers keep at most six connections to a server
//! that speaks HTTP/1.1, over all tabs. Once it is visible again, it receives the events that it missed. While
//! a person waits for notifications, it keeps the stream.

use std::time::Duration;

use backstay_model::wire::event::{ALIVE, ALIVE_SECS, Event, Tone};
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::api::start_page;
use crate::components::op_words;
use crate::live::gather::Gather;
use crate::live::{Connection, Live};
use crate::{ApiError, browser};

/// How long to wait before a reload: doubled after each failure, up to a limit.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a tab may be hidden before it releases its stream.
const HIDDEN: Duration = Duration::from_secs(30);

/// How long a stream may be silent: two of the server's signs of life were lost.
const SILENT: TimeDelta = TimeDelta::seconds(2 * ALIVE_SECS.cast_signed() + 2);
/// Interval of that check.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// An open stream and the handlers that it calls.
struct Stream {
    source: EventSource,
    _heard: Closure<dyn Fn(MessageEvent)>,
    _alive: Closure<dyn Fn()>,
    _opened: Closure<dyn Fn()>,
    _lost: Closure<dyn Fn()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Hands on what people may have asked to be notified of.
fn tell(event: &Event) {
    match event {
        Event::Op { op } if !op.status.is_open() => {
            let title = format!("{} on {}", op.title(), op.host_name);
            browser::tell(&op.id.to_string(), false, &title, &op_words(op));
        }
        Event::Notice(notice) if notice.tone == Tone::Bad => {
            let op = notice.op.map(|op| op.to_string()).unwrap_or_default();
            let title = notice.host_name.as_deref().unwrap_or("Backstay");
            browser::tell(&op, true, title, &notice.text);
        }
        _ => {}
    }
}

/// A tab that follows the stream. Cheap to copy.
#[derive(Clone, Copy)]
struct Tab {
    live: Live,
    /// The open stream; closed when the component that follows it is dropped.
    stream: StoredValue<Option<Stream>, LocalStorage>,
    /// The timer that releases the stream of a hidden tab.
    rest: StoredValue<Option<TimeoutHandle>>,
    /// When the last message arrived.
    heard: StoredValue<DateTime<Utc>>,
}

/// Follows the event stream while the calling effect lives; effects run only in browsers.
pub(crate) fn follow(live: Live) {
    let tab = Tab {
        live,
        stream: StoredValue::new_local(None),
        rest: StoredValue::new(None),
        heard: StoredValue::new(browser::now()),
    };
    let sight = window_event_listener_untyped("visibilitychange", move |_| tab.sight_changed());
    let watch = set_interval_with_handle(move || tab.look_after(), CHECK_EVERY).ok();
    on_cleanup(move || {
        sight.remove();
        watch.inspect(IntervalHandle::clear);
        tab.stay();
        tab.close();
        browser::set_flag("live", false);
    });
    tab.open();
}

impl Tab {
    fn sight_changed(self) {
        self.stay();
        if !browser::is_visible() {
            self.rest_later();
        } else if self.stream.try_with_value(Option::is_none) == Some(true) {
            // What the tab shows is from when it was hidden.
            self.lost();
            self.open();
        }
    }

    /// Releases the stream if the tab stays hidden.
    fn rest_later(self) {
        let rest = move || {
            // A person asked to hear news in a hidden tab.
            if !browser::is_waiting_for_news() && self.close() {
                self.live.connection().try_set(Connection::Opening);
                browser::set_flag("live", false);
            }
        };
        // Without a timer, which no browser refuses, the stream only stays open longer than necessary.
        let timer = set_timeout_with_handle(rest, HIDDEN).ok();
        self.rest.try_set_value(timer);
    }

    /// Cancels the release of the stream.
    fn stay(self) {
        if let Some(timer) = self.rest.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    /// Closes the stream; returns whether the page still exists.
    fn close(self) -> bool {
        self.stream.try_set_value(None).is_none()
    }

    /// Restarts a stream that is silent for too long: a server that is cut off sends no close.
    fn look_after(self) {
        let is_live = self.live.connection().try_get_untracked() == Some(Connection::Live);
        let silent = self.heard.try_get_value().is_some_and(|heard| browser::now() - heard > SILENT);
        // A hidden tab releases its stream anyway.
        let is_needed = browser::is_visible() || browser::is_waiting_for_news();
        if is_live && silent && is_needed {
            self.start_over(Duration::ZERO);
        }
    }

    fn hears(self) {
        self.heard.try_set_value(browser::now());
    }

    fn open(self) {
        let Ok(source) = EventSource::new(&format!("/events?after={}", self.live.last_event())) else {
            return;
        };
        let gather = Gather::of(self.live);
        let heard = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            self.hears();
            self.hear(&gather, &message);
        });
        let alive = Closure::<dyn Fn()>::new(move || self.hears());
        let opened = Closure::<dyn Fn()>::new(move || {
            self.hears();
            self.live.connection().set(Connection::Live);
            browser::set_flag("live", true);
        });
        let lost = Closure::<dyn Fn()>::new({
            let source = source.clone();
            move || self.lose(&source)
        });
        for name in Event::NAMES {
            // Never fails for these names.
            let _ = source.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
        }
        let _ = source.add_event_listener_with_callback(ALIVE, alive.as_ref().unchecked_ref());
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onerror(Some(lost.as_ref().unchecked_ref()));
        let stream = Stream { source, _heard: heard, _alive: alive, _opened: opened, _lost: lost };
        // If the page is gone, the stream is returned here and closes.
        drop(self.stream.try_set_value(Some(stream)));
        if !browser::is_visible() {
            self.stay();
            self.rest_later();
        }
    }

    fn hear(self, gather: &Gather, message: &MessageEvent) {
        let Some(json) = message.data().as_string() else { return };
        match Event::parse(&message.type_(), &json) {
            Ok(Event::Resync) => self.start_over(Duration::ZERO),
            Ok(event) => {
                tell(&event);
                match message.last_event_id().parse() {
                    Ok(id) => gather.hear(id, event),
                    // The server numbers every event.
                    Err(_) => self.live.apply(self.live.last_event(), &event),
                }
            }
            // Sent by a newer server than the one that rendered this page.
            Err(error) => leptos::logging::warn!("an event was not understood: {error}"),
        }
    }

    fn lose(self, source: &EventSource) {
        self.lost();
        if source.ready_state() == EventSource::CLOSED {
            self.start_over(FIRST_WAIT);
        }
    }

    fn lost(self) {
        if let Some(as_of) = self.heard.try_get_value() {
            self.live.connection().try_set(Connection::Reconnecting { as_of });
        }
        browser::set_flag("live", false);
    }

    /// Closes the stream, reloads the state after a while, and opens a new stream.
    fn start_over(self, wait: Duration) {
        self.lost();
        // Later, because the running handler belongs to the stream.
        set_timeout(
            move || {
                if self.close() {
                    spawn_local(self.read_again(wait));
                }
            },
            wait.mul_f64(0.5 + browser::random() / 2.0),
        );
    }

    async fn read_again(self, waited: Duration) {
        match start_page().await {
            Ok(start) if !self.stream.is_disposed() => {
                self.hears();
                self.live.reset(start);
                self.open();
            }
            Err(ApiError::Outdated) => drop(self.live.outdated().try_set(true)),
            // The person is no longer allowed to see the page.
            Err(ApiError::NotLoggedIn) => browser::go_to_log_in(),
            Ok(_) => {}
            Err(_) => self.start_over((waited * 2).clamp(FIRST_WAIT, LONGEST_WAIT)),
        }
    }
}
