//! The event stream of one tab.
//!
//! The browser itself comes back after short interruptions and says the last event that it heard. Where the server
//! answers that too much was missed (`resync`), or the stream was closed for good, everything is read again and a new
//! stream is opened from there.
//!
//! A tab that nobody looks at gives its stream back after a while, for browsers keep no more than six connections to a
//! server that speaks HTTP/1.1, whatever the number of tabs. Once it is looked at again, it hears what it missed.

use std::time::Duration;

use backstay_protocol::event::Event;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::api::start_page;
use crate::live::gather::Gather;
use crate::live::{Connection, Live};
use crate::{ApiError, browser};

/// How long to wait before everything is read again: doubled after each failure, up to a limit.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a tab may be out of sight before it gives its stream back.
const OUT_OF_SIGHT: Duration = Duration::from_secs(30);

/// An open stream and the handlers that it calls.
struct Stream {
    source: EventSource,
    _heard: Closure<dyn Fn(MessageEvent)>,
    _opened: Closure<dyn Fn()>,
    _lost: Closure<dyn Fn()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// The stream that is open now; it is closed when the component that follows it goes.
type Slot = StoredValue<Option<Stream>, LocalStorage>;

/// Follows the event stream as long as the calling effect holds; effects run in browsers alone.
pub(crate) fn follow(live: Live) {
    let slot: Slot = StoredValue::new_local(None);
    let sight = window_event_listener_untyped("visibilitychange", move |_| match browser::is_in_sight() {
        true if slot.try_with_value(Option::is_none) == Some(true) => open(live, slot),
        true => {}
        false => rest_if_out_of_sight(live, slot),
    });
    on_cleanup(move || {
        sight.remove();
        slot.try_set_value(None);
        browser::set_flag("live", false);
    });
    open(live, slot);
}

/// Gives the stream back, if the tab is out of sight by now and stays so.
fn rest_if_out_of_sight(live: Live, slot: Slot) {
    if browser::is_in_sight() {
        return;
    }
    let rest = move || {
        if !browser::is_in_sight() && slot.try_set_value(None).is_none() {
            live.connection().try_set(Connection::Opening);
            browser::set_flag("live", false);
        }
    };
    set_timeout(rest, OUT_OF_SIGHT);
}

fn open(live: Live, slot: Slot) {
    let Ok(source) = EventSource::new(&format!("/events?after={}", live.last_event())) else {
        return;
    };
    let gather = Gather::of(live);
    let heard = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
        hear(live, slot, &gather, &message);
    });
    let opened = Closure::<dyn Fn()>::new(move || {
        live.connection().set(Connection::Live);
        browser::set_flag("live", true);
    });
    let lost = Closure::<dyn Fn()>::new({
        let source = source.clone();
        move || lose(live, slot, &source)
    });
    for name in Event::NAMES {
        // Fails for no name.
        let _ = source.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
    }
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    source.set_onerror(Some(lost.as_ref().unchecked_ref()));
    let stream = Stream { source, _heard: heard, _opened: opened, _lost: lost };
    // Where the page is gone meanwhile, the stream comes back here, and closes.
    drop(slot.try_set_value(Some(stream)));
    rest_if_out_of_sight(live, slot);
}

fn hear(live: Live, slot: Slot, gather: &Gather, message: &MessageEvent) {
    let Some(json) = message.data().as_string() else { return };
    match Event::read(&message.type_(), &json) {
        Ok(Event::Resync) => start_over(live, slot, Duration::ZERO),
        Ok(event) => match message.last_event_id().parse() {
            Ok(id) => gather.hear(id, event),
            // The server numbers every event.
            Err(_) => live.apply(live.last_event(), &event),
        },
        // Said by a newer server than this page is from.
        Err(error) => leptos::logging::warn!("an event was not understood: {error}"),
    }
}

fn lose(live: Live, slot: Slot, source: &EventSource) {
    live.connection().try_set(Connection::Reconnecting);
    browser::set_flag("live", false);
    if source.ready_state() == EventSource::CLOSED {
        start_over(live, slot, FIRST_WAIT);
    }
}

/// Closes the stream, reads everything again after a while, and opens a new one.
fn start_over(live: Live, slot: Slot, wait: Duration) {
    live.connection().try_set(Connection::Reconnecting);
    browser::set_flag("live", false);
    // Not now: the handler that is running belongs to the stream.
    set_timeout(
        move || {
            if slot.try_set_value(None).is_none() {
                spawn_local(read_again(live, slot, wait));
            }
        },
        wait.mul_f64(0.5 + browser::random() / 2.0),
    );
}

async fn read_again(live: Live, slot: Slot, waited: Duration) {
    match start_page().await {
        Ok(start) if !slot.is_disposed() => {
            live.reset(start);
            open(live, slot);
        }
        Err(ApiError::Outdated) => drop(live.outdated().try_set(true)),
        // The answer itself leads to the log-in page.
        Ok(_) | Err(ApiError::NotLoggedIn) => {}
        Err(_) => start_over(live, slot, (waited * 2).clamp(FIRST_WAIT, LONGEST_WAIT)),
    }
}
