//! The keyboard in a menu: arrow keys, Home and End move between its items.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

/// Moves the focus to the first item of a menu that has just opened, and leaves one that closed alone.
pub(crate) fn enter_menu(event: &Event) {
    let Some(menu) = menu_of(event).filter(|menu| menu.matches(":popover-open").unwrap_or(false)) else {
        return;
    };
    focus(&items(&menu), 0);
}

/// Answers an arrow key, Home or End in a menu.
pub(crate) fn step_in_menu(event: &KeyboardEvent) {
    let Some(menu) = menu_of(event) else { return };
    let items = items(&menu);
    let here = items.iter().position(|item| item.matches(":focus").unwrap_or(false));
    let Some(to) = next(&event.key(), here, items.len()) else { return };
    event.prevent_default();
    focus(&items, to);
}

/// The index to move to, out of `count` items. The last leads to the first, and back.
fn next(key: &str, here: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match (key, here) {
        ("Home", _) | ("ArrowDown", None) => Some(0),
        ("End", _) | ("ArrowUp", None | Some(0)) => Some(last),
        ("ArrowDown", Some(here)) => Some(if here == last { 0 } else { here + 1 }),
        ("ArrowUp", Some(here)) => Some(here - 1),
        _ => None,
    }
}

fn menu_of(event: &Event) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(".menu").ok()?
}

fn items(menu: &Element) -> Vec<HtmlElement> {
    let Ok(found) = menu.query_selector_all(".item:not(:disabled)") else { return vec![] };
    (0..found.length()).filter_map(|place| found.item(place)?.dyn_into().ok()).collect()
}

fn focus(items: &[HtmlElement], place: usize) {
    if let Some(item) = items.get(place) {
        // An item that cannot take the focus leaves it unchanged.
        let _ = item.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn arrows_go_round_and_other_keys_do_nothing() {
        for (key, here, to) in [
            ("ArrowDown", None, Some(0)),
            ("ArrowDown", Some(0), Some(1)),
            ("ArrowDown", Some(2), Some(0)),
            ("ArrowUp", Some(0), Some(2)),
            ("ArrowUp", Some(2), Some(1)),
            ("Home", Some(2), Some(0)),
            ("End", Some(0), Some(2)),
            ("Enter", Some(1), None),
            ("Tab", Some(1), None),
        ] {
            assert_eq!(next(key, here, 3), to, "{key} from {here:?}");
        }
        assert_eq!(next("ArrowDown", None, 0), None);
    }
}
