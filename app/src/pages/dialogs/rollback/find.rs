//! Finding a generation in a long list, by what its row says.

use leptos::html;
use leptos::prelude::*;

use crate::browser;

/// Longest list without a field to search it.
pub(super) const SHORT: usize = 8;

/// The field that narrows the list to the rows that fit.
#[component]
pub(super) fn Find(list: NodeRef<html::Ul>) -> impl IntoView {
    let none = RwSignal::new(false);
    let find = move |event| {
        let query = event_target_value(&event);
        if let Some(list) = list.get_untracked() {
            none.set(browser::show_children(&list, |row| fits(row, &query)) == 0);
        }
    };
    // It belongs to no form, so Enter in it does not roll back.
    view! {
        <input
            type="search"
            class="if-alive"
            form=""
            aria-label="Find a generation"
            placeholder="Number, commit, date or “passed”"
            autocomplete="off"
            on:input=find
        />
        <p class="faint none-found" role="status">{move || none.get().then_some("No matching generations.")}</p>
    }
}

/// Returns whether each word of the query starts a word of the row, in any case. Words are separated by
/// spaces alone: “47” finds Gen 47, and not each row of 22:47.
fn fits(row: &str, query: &str) -> bool {
    let plain = |word: &str| word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let words: Vec<_> = row.split_whitespace().map(plain).collect();
    query.split_whitespace().map(plain).all(|asked| words.iter().any(|word| word.starts_with(&asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_found_by_number_commit_date_and_result() {
        let row = "Gen 47 (abc1234) Last known working Nov 29, 22:48 Tests: PASSED (8/8) ✓ inhibited by dbus";
        for found in ["", "47", "gen 47", "abc12", "nov 29", "Nov 29,", "passed", "22:4", "working", "dbus"] {
            assert!(fits(row, found), "{found}");
        }
        for not in ["48", "7", "failed", "47 failed", "c1234"] {
            assert!(!fits(row, not), "{not}");
        }
    }
}
