//! The part of a filter that both histories have: days, and words.

use backstay_model::view::Search;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use crate::components::Hydrated;

/// Upper bound on the text, in characters.
const TEXT_CHARS: usize = 200;

/// Reads it from an address and ignores whatever is not valid.
pub(super) fn from_params(params: &ParamsMap) -> Search {
    let day = |key: &str| params.get(key).filter(|day| is_day(day));
    let text = params.get("text").map(|text| text.trim().chars().take(TEXT_CHARS).collect::<String>());
    Search { from: day("from"), to: day("to"), text: text.filter(|text| !text.is_empty()) }
}

/// Its parameters in an address.
pub(super) fn params(search: &Search) -> [(&'static str, Option<String>); 3] {
    [("from", search.from.clone()), ("to", search.to.clone()), ("text", search.text.clone())]
}

/// Returns whether it looks like a day: `2026-11-29`.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Its fields in a form.
#[component]
pub(super) fn SearchFields(search: Search) -> impl IntoView {
    let [from, to, text] = [search.from, search.to, search.text].map(Option::unwrap_or_default);
    let day = |label: &'static str, name: &'static str, value: String| {
        view! {
            <label title="Days are in UTC">
                {label}
                <input type="date" name=name prop:value=Hydrated(value.clone()) value=value/>
            </label>
        }
    };
    view! {
        {day("From", "from", from)}
        {day("To", "to", to)}
        <label>
            "Text"
            <input type="search" name="text" maxlength=TEXT_CHARS.to_string() placeholder="Message, reason" autocomplete="off" prop:value=Hydrated(text.clone()) value=text/>
        </label>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_survives_its_address() {
        let search = Search {
            from: Some("2026-11-29".into()),
            to: Some("2026-11-30".into()),
            text: Some("x11 dead".into()),
        };
        let map: ParamsMap =
            params(&search).into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        assert_eq!(from_params(&map), search);
        let invalid: ParamsMap = [("from", "2026-1-1"), ("to", "tomorrow!!"), ("text", " ")]
            .map(|(key, value)| (key, value.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(from_params(&invalid), Search::default());
    }
}
