//! The hints of the lights. A style sheet shows them on hover and on focus; Escape dismisses them.

use leptos::ev;
use leptos::prelude::*;

use crate::browser;

/// The flag for the style sheet.
const DISMISSED: &str = "dismissed";

/// Hides the hint that is shown when Escape is pressed, until the pointer or the focus moves on.
pub(crate) fn dismiss_hints_on_escape() {
    Effect::new(move |_| {
        let pressed = window_event_listener(ev::keydown, |event| {
            if event.key() == "Escape" {
                browser::set_flag(DISMISSED, true);
            }
        });
        let entered = window_event_listener(ev::pointerover, |_| browser::set_flag(DISMISSED, false));
        let moved = window_event_listener(ev::focusin, |_| browser::set_flag(DISMISSED, false));
        on_cleanup(move || [pressed, entered, moved].into_iter().for_each(WindowListenerHandle::remove));
    });
}
