//! Access to the browser's own API. Called only from effects and handlers, which the server never runs.

mod links;
mod menu;
mod nearness;
mod post;
mod rewrite;
mod turns;

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Element, FormData, HtmlDialogElement, HtmlDocument, HtmlElement, HtmlFormElement, HtmlInputElement,
    HtmlTextAreaElement, KeyboardEvent, MouseEvent, ScrollIntoViewOptions, ScrollLogicalPosition,
};

use crate::routes::Route;

pub(crate) use links::before_links;
pub(crate) use menu::{enter_menu, step_in_menu};
pub(crate) use nearness::{Nearness, extent, has_focus, set_height};
pub(crate) use post::{fields, post};
pub(crate) use rewrite::rewrite;
pub(crate) use turns::in_turn;

/// Sets or removes `data-NAME="true"` of the document, for style sheets and tests.
pub(crate) fn set_flag(name: &str, on: bool) {
    let Some(root) = root() else { return };
    if on {
        // Fails only for a name with a hyphen before a letter.
        let _ = root.dataset().set(name, "true");
    } else {
        root.dataset().delete(name);
    }
}

#[wasm_bindgen]
extern "C" {
    /// Hands news to `tell_me.js`: the end of an op, or something that turned bad, about an op or about none.
    #[wasm_bindgen(js_namespace = window, js_name = backstayTold)]
    pub(crate) fn tell(op: &str, is_bad: bool, title: &str, body: &str);
}

/// Returns whether a person waits for notifications in this tab: `tell_me.js` notes it on the document.
pub(crate) fn is_waiting_for_news() -> bool {
    root().is_some_and(|root| root.has_attribute("data-tell"))
}

/// Sets `data-alarm` of the document, for `tab_state.js`: the number of failed hosts, or nothing.
pub(crate) fn set_alarm(failed: Option<usize>) {
    if let Some(root) = root() {
        let text = failed.map(|failed| failed.to_string()).unwrap_or_default();
        // Cannot fail for this name.
        let _ = root.dataset().set("alarm", &text);
    }
}

fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}

/// The browser's clock.
pub(crate) fn now() -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
    let millis = js_sys::Date::now() as i64;
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Minutes by which the zone that the page shows is behind UTC at a moment.
pub(crate) fn minutes_behind_utc(at: DateTime<Utc>) -> i64 {
    if shows_utc() {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a day")]
    let minutes = date(at).get_timezone_offset() as i64;
    minutes
}

/// Returns whether the page shows times in UTC: `local_times.js` notes it on the document.
fn shows_utc() -> bool {
    root().is_some_and(|root| root.dataset().get("zone").as_deref() == Some("utc"))
}

fn date(at: DateTime<Utc>) -> js_sys::Date {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    let millis = at.timestamp_millis() as f64;
    js_sys::Date::new(&millis.into())
}

/// The time of day in the zone that the page shows.
pub(crate) fn time_of_day(at: DateTime<Utc>) -> String {
    let date = date(at);
    if shows_utc() {
        return date.to_iso_string().slice(11, 19).into();
    }
    // The locale that writes 24 hours.
    date.to_locale_time_string("en-GB").into()
}

/// Returns whether this tab is visible.
pub(crate) fn is_visible() -> bool {
    !document().hidden()
}

/// A number in `0.0..1.0`.
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}

/// Moves the focus to the element with this identifier.
pub(crate) fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it unchanged.
        let _ = element.focus();
    }
}

/// Moves the focus to the first of these elements that can take it; their identifiers are separated by
/// spaces.
pub(crate) fn focus_one_of(ids: &str) {
    for id in ids.split(' ') {
        focus(id);
        if document().active_element().is_some_and(|focused| focused.id() == id) {
            return;
        }
    }
}

/// Attribute of the element that had the focus when a dialog opened.
const OPENER: &str = "data-opener";

/// Marks the link or button that has the focus as the one that opened a dialog.
pub(crate) fn mark_opener() {
    let is_opener = |focused: &Element| focused.matches("a, button").unwrap_or(false);
    if let Some(focused) = document().active_element().filter(is_opener) {
        // Cannot fail on an element.
        let _ = focused.set_attribute(OPENER, "");
    }
}

/// Gives the focus back to the element that opened a dialog, or, if that is gone, to the first of these that
/// can take it.
pub(crate) fn focus_opener_or(ids: &str) {
    let selector = format!("[{OPENER}]");
    let opener = document().query_selector(&selector).ok().flatten();
    focus_first(&selector);
    if let Some(opener) = &opener {
        // Cannot fail on an element.
        let _ = opener.remove_attribute(OPENER);
    }
    if opener.is_none() || document().active_element() != opener {
        focus_one_of(ids);
    }
}

/// Moves the focus to the first element that the selector finds, and returns whether there was one.
pub(crate) fn focus_first(selector: &str) -> bool {
    let found =
        document().query_selector(selector).ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|element| element.focus().is_ok())
}

/// The index of the focused element among those that the selector finds.
pub(crate) fn focused_among(selector: &str) -> Option<u32> {
    let (found, focused) = (document().query_selector_all(selector).ok()?, document().active_element()?);
    (0..found.length()).find(|place| found.item(*place).is_some_and(|node| node.is_same_node(Some(&focused))))
}

/// Moves the focus to the element with this index among those that the selector finds, else to the first, and
/// returns whether there was one.
pub(crate) fn focus_among(selector: &str, place: Option<u32>) -> bool {
    let Ok(found) = document().query_selector_all(selector) else { return false };
    let element = found.item(place.unwrap_or_default()).or_else(|| found.item(0));
    element.and_then(|e| e.dyn_into::<HtmlElement>().ok()).is_some_and(|element| element.focus().is_ok())
}

/// Returns the address of an SVG link after a plain click on it. The router follows HTML links alone.
pub(crate) fn plain_click_on_svg_link(event: &MouseEvent) -> Option<String> {
    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented();
    let clicked = event.target().filter(|_| is_plain)?.dyn_into::<Element>().ok()?;
    clicked.closest("a").ok().flatten()?.get_attribute("href")
}

/// Goes to the log-in page, which leads back here.
pub(crate) fn go_to_log_in() {
    let location = window().location();
    let here = [location.pathname(), location.search()].map(Result::unwrap_or_default).concat();
    // Cannot fail: the address is valid.
    let _ = location.set_href(&Route::LogIn { next: Some(&here) }.path());
}

/// Returns whether a popover or a modal dialog, which Esc closes, is open.
pub(crate) fn is_overlay_open() -> bool {
    document().query_selector(":popover-open, dialog:modal").ok().flatten().is_some()
}

/// Returns whether the focus is in a field, where a key types a character.
pub(crate) fn is_typing(event: &KeyboardEvent) -> bool {
    let fields = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target.closest(fields).is_ok_and(|found| found.is_some()))
}

/// Selects the text of a field, so that typing replaces it. A field without text is left alone.
pub(crate) fn select(id: &str) {
    let field = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
    if let Some(field) = field.filter(|field| !field.value().is_empty()) {
        // A disabled field leaves the focus where it is.
        let _ = field.focus();
        field.select();
    }
}

/// Scrolls just far enough to show an element.
pub(crate) fn scroll_into_view(element: &Element) {
    let how = ScrollIntoViewOptions::new();
    how.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&how);
}

/// Copies text to the clipboard, and returns whether that was possible. Browsers offer the clipboard API only
/// over HTTPS; otherwise the text is selected and copied as a person would.
pub(crate) async fn copy(text: String) -> bool {
    let clipboard = window().navigator().clipboard();
    if !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
        return true;
    }
    copy_by_selection(&text).unwrap_or_default()
}

fn copy_by_selection(text: &str) -> Option<bool> {
    let document = document().dyn_into::<HtmlDocument>().ok()?;
    let area = document.create_element("textarea").ok()?.dyn_into::<HtmlTextAreaElement>().ok()?;
    let focused = document.active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    area.set_value(text);
    area.set_class_name("unseen");
    document.body()?.append_child(&area).ok()?;
    area.select();
    let copied = document.exec_command("copy").unwrap_or_default();
    area.remove();
    if let Some(focused) = focused {
        let _ = focused.focus();
    }
    Some(copied)
}

/// Scrolls a box to its end.
pub(crate) fn scroll_to_end(frame: &Element) {
    frame.set_scroll_top(frame.scroll_height());
}

/// Returns whether a box is scrolled to its end.
pub(crate) fn is_at_end(frame: &Element) -> bool {
    frame.scroll_height() - frame.scroll_top() - frame.client_height() < 24
}

/// Distance of an element from the upper edge of the box around it.
pub(crate) fn distance_in(frame: &Element, selector: &str) -> Option<f64> {
    let inside = frame.query_selector(selector).ok()??;
    Some(inside.get_bounding_client_rect().top() - frame.get_bounding_client_rect().top())
}

/// Scrolls a box until an element in it has this distance from its upper edge.
pub(crate) fn scroll_until(frame: &Element, selector: &str, distance: f64) {
    if let Some(is) = distance_in(frame, selector) {
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
        frame.set_scroll_top(frame.scroll_top() + (is - distance).round() as i32);
    }
}

/// Sets an attribute of the element that the selector finds, and removes it from the others in the box.
pub(crate) fn mark_only(frame: &Element, selector: &str, attribute: &str) {
    let find = |selector: &str| frame.query_selector(selector).ok().flatten();
    if let Some(marked) = find(&format!("[{attribute}]")) {
        // Neither can fail for an attribute of ours.
        let _ = marked.remove_attribute(attribute);
    }
    if let Some(found) = find(selector) {
        let _ = found.set_attribute(attribute, "");
    }
}

/// Scrolls just far enough to show the first element that the selector finds.
pub(crate) fn reveal(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        scroll_into_view(&element);
    }
}

/// Scrolls to the element that an address names after `#`, unless the page is scrolled already.
pub(crate) fn show_fragment(hash: &str) {
    let is_at_top = window().scroll_y().is_ok_and(|y| y < 1.0);
    let named = document().get_element_by_id(hash.trim_start_matches('#'));
    if let Some(element) = named.filter(|_| is_at_top) {
        element.scroll_into_view();
    }
}

/// Runs something in each of the next frames. Content that is scrolled into view takes its true height only
/// then.
pub(crate) fn in_next_frames(count: u8, run: impl Fn() + Clone + 'static) {
    request_animation_frame(move || {
        run();
        if count > 1 {
            in_next_frames(count - 1, run);
        }
    });
}

/// Hides an open popover.
pub(crate) fn hide_popover(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // Fails only if it is hidden already.
        let _ = element.hide_popover();
    }
}

/// Makes an open dialog modal, so that the page below it becomes inert, and then runs `then`.
///
/// Keys that are pressed before that would go to the page below. So it happens at once or, if the dialog is still being put
/// into the page, as soon as that is done, before the browser handles the next key.
pub(crate) fn make_modal(dialog: HtmlDialogElement, then: impl FnOnce() + 'static) {
    let place = dialog.clone();
    let make = move || {
        if dialog.is_connected() && !dialog.matches(":modal").unwrap_or(false) {
            // Removing the attribute, unlike closing, sends no event.
            let _ = dialog.remove_attribute("open");
            let _ = dialog.show_modal();
        }
        then();
    };
    if place.is_connected() {
        return make();
    }
    queue_microtask(move || {
        if place.is_connected() {
            make();
        } else {
            request_animation_frame(make);
        }
    });
}

/// Returns the chosen radio button with this name inside an element.
pub(crate) fn chosen_radio(inside: &Element, name: &str) -> Option<HtmlInputElement> {
    inside.query_selector(&format!("input[name={name}]:checked")).ok()??.dyn_into().ok()
}

/// Shows the children whose text fits and hides the others. Returns how many are shown.
pub(crate) fn show_children(of: &Element, fits: impl Fn(&str) -> bool) -> usize {
    let children = of.children();
    let shown = (0..children.length()).filter_map(|place| children.item(place)).filter(|child| {
        let shown = fits(&child.text_content().unwrap_or_default());
        // Neither can fail on an element.
        let _ = child.toggle_attribute_with_force("hidden", !shown);
        shown
    });
    shown.count()
}

/// Returns the value of the form field with this name, or `None` if there is no such field.
pub(crate) fn field_value(form: &HtmlFormElement, name: &str) -> Option<String> {
    FormData::new_with_form(form).ok()?.get(name).as_string()
}

/// Returns the values of the checked boxes with this name inside an element.
pub(crate) fn checked_boxes(inside: &Element, name: &str) -> Vec<String> {
    let Ok(found) = inside.query_selector_all(&format!("input[name=\"{name}\"]:checked")) else {
        return vec![];
    };
    (0..found.length())
        .filter_map(|place| found.item(place)?.dyn_into::<HtmlInputElement>().ok())
        .map(|input| input.value())
        .collect()
}

/// Reads a value from the browser's local storage, if it has any.
pub(crate) fn stored_value(name: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(name).ok()?
}

/// Writes a value to the browser's local storage, if it has any.
pub(crate) fn store_value(name: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Fails if the storage is full; the value is then lost.
        let _ = storage.set_item(name, value);
    }
}

/// The origin of the server, as this browser reaches it.
pub(crate) fn origin() -> Option<String> {
    window().location().origin().ok()
}

/// Reads a value from the tab's session storage.
pub(crate) fn session_value(name: &str) -> Option<String> {
    window().session_storage().ok()??.get_item(name).ok()?
}

/// Writes a value to the tab's session storage.
pub(crate) fn set_session_value(name: &str, value: &str) {
    if let Ok(Some(storage)) = window().session_storage() {
        // Fails if the storage is full; the value is then lost.
        let _ = storage.set_item(name, value);
    }
}

const THEME_KEY: &str = "backstay.theme";

/// The theme that the person chose earlier.
pub(crate) fn stored_theme() -> Option<String> {
    stored_value(THEME_KEY)
}

/// Chooses a theme for this browser; `None` follows the system.
pub(crate) fn choose_theme(theme: Option<&str>) {
    if let Some(root) = root() {
        match theme {
            Some(theme) => drop(root.dataset().set("theme", theme)),
            None => root.dataset().delete("theme"),
        }
    }
    // Without storage the choice lasts for this page only.
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match theme {
            Some(theme) => storage.set_item(THEME_KEY, theme),
            None => storage.remove_item(THEME_KEY),
        };
    }
}
