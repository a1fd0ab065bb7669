//! The keyboard in the host table. Letters that select work only while the focus is in the table, so that
//! speech input or typing elsewhere selects nothing; J and K lead into it from anywhere on the page.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::Selecting;
use super::boxes::box_id;
use crate::browser;
use crate::components::shortcuts::single_keys_are_on;
use crate::live::Row;

/// The meaning of a key in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// Toggle the host of the row.
    Turn,
    /// Move by this many rows, selecting on the way or not.
    Move { by: isize, selecting: bool },
    /// Select all shown hosts.
    All,
}

impl Key {
    fn of(key: &str, command: bool, shift: bool, alt: bool) -> Option<Self> {
        match (key.to_ascii_lowercase().as_str(), command, alt) {
            ("a", true, false) if !shift => Some(Self::All),
            ("x", false, false) => Some(Self::Turn),
            ("j" | "arrowdown", false, false) => Some(Self::Move { by: 1, selecting: shift }),
            ("k" | "arrowup", false, false) => Some(Self::Move { by: -1, selecting: shift }),
            _ => None,
        }
    }
}

/// Handles a key in the table or, for Esc, on the fleet page.
pub(super) fn pressed(selecting: Selecting, event: &KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is_for_others =
        event.default_prevented() || browser::is_overlay_open() || target.as_ref().is_some_and(is_typing);
    if is_for_others {
        return;
    }
    let is_done = if event.key() == "Escape" { clear(selecting) } else { in_table(selecting, event, target) };
    if is_done {
        event.prevent_default();
    }
}

fn clear(selecting: Selecting) -> bool {
    let is_due = selecting.chosen().with_untracked(|chosen| !chosen.is_empty());
    if is_due {
        selecting.selection.clear();
    }
    is_due
}

fn in_table(selecting: Selecting, event: &KeyboardEvent, target: Option<Element>) -> bool {
    let Some(target) = target else { return false };
    let command = event.ctrl_key() || event.meta_key();
    let Some(key) = Key::of(&event.key(), command, event.shift_key(), event.alt_key()) else { return false };
    let leads_in = || matches!(event.key().as_str(), "j" | "k") && !event.shift_key() && single_keys_are_on();
    if !is_inside(&target, ".fleet") && !leads_in() {
        return false;
    }
    let row = target.closest("[data-host]").ok().flatten().and_then(|row| row.get_attribute("data-host"));
    let place =
        selecting.rows.with_untracked(|rows| rows.iter().position(|it| Some(&it.name) == row.as_ref()));
    match key {
        Key::All => selecting.turn_all_shown(true),
        Key::Turn => turn(selecting, place),
        Key::Move { by, selecting: along } => go(selecting, place, by, along),
    }
    true
}

fn turn(selecting: Selecting, place: Option<usize>) {
    if let Some(Row { id, .. }) = row_at(selecting, place) {
        let on = selecting.chosen().with_untracked(|chosen| !chosen.has(id));
        selecting.turn(id, on, false);
    }
}

fn go(selecting: Selecting, from: Option<usize>, by: isize, along: bool) {
    let to = selecting.rows.with_untracked(|rows| next(from, by, rows.len()));
    let Some(row) = row_at(selecting, to) else { return };
    let place = format!("#{}", box_id(&row.name));
    if !browser::focus_first(&place) {
        selecting.wanted.set(Some(row.id));
        request_animation_frame(move || _ = browser::focus_first(&place));
    }
    if along {
        // The range starts with the row that the focus leaves.
        if let Some(left) = row_at(selecting, from) {
            selecting.turn(left.id, true, false);
        }
        selecting.turn(row.id, true, true);
    }
}

fn row_at(selecting: Selecting, place: Option<usize>) -> Option<Row> {
    selecting.rows.with_untracked(|rows| rows.get(place?).cloned())
}

/// The index to move to, out of `count`; from outside the rows, the first or last.
fn next(from: Option<usize>, by: isize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match from {
        Some(from) => from.saturating_add_signed(by).min(last),
        None if by > 0 => 0,
        None => last,
    })
}

fn is_inside(element: &Element, selector: &str) -> bool {
    element.closest(selector).is_ok_and(|found| found.is_some())
}

/// Returns whether keys type text there.
fn is_typing(element: &Element) -> bool {
    is_inside(element, "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_usual_meaning() {
        let down = Key::Move { by: 1, selecting: false };
        for (key, command, shift, meant) in [
            ("x", false, false, Some(Key::Turn)),
            ("j", false, false, Some(down)),
            ("ArrowDown", false, false, Some(down)),
            ("k", false, false, Some(Key::Move { by: -1, selecting: false })),
            ("ArrowUp", false, true, Some(Key::Move { by: -1, selecting: true })),
            ("a", true, false, Some(Key::All)),
            ("a", false, false, None),
            ("x", true, false, None),
            ("k", true, false, None),
        ] {
            assert_eq!(Key::of(key, command, shift, false), meant, "{key} {command} {shift}");
        }
    }

    #[test]
    fn rows_end_at_the_first_and_the_last() {
        assert_eq!((next(None, 1, 3), next(None, -1, 3)), (Some(0), Some(2)));
        assert_eq!(
            (next(Some(0), -1, 3), next(Some(2), 1, 3), next(Some(1), 1, 3)),
            (Some(0), Some(2), Some(2))
        );
        assert_eq!(next(None, 1, 0), None);
    }
}
