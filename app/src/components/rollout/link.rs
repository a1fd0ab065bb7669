//! The link to the roll-out dialog.

use backstay_model::Action;
use leptos::prelude::*;

use crate::components::{ShownHosts, address_of_fitting};
use crate::live::Live;
use crate::routes::Route;

/// Links to the roll-out dialog, for the shown hosts if a filter is active.
#[component]
pub(crate) fn RollOutLink(
    /// The shown hosts.
    shown: ShownHosts,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let filter = shown.text();
    let shown = shown.rows;
    let href = Memo::new(move |_| {
        let all = live.rows().with(Vec::len);
        filter.with(|filter| {
            shown.with(|shown| address(filter, shown.iter().map(|row| row.name.as_str()), all))
        })
    });
    let offered =
        Memo::new(move |_| live.may(Action::RollOut, None) && shown.with(|shown| !shown.is_empty()));
    move || {
        offered
            .get()
            .then(|| view! { <a class="button roll-out-link" id="roll-out-shown" href=href>"Roll out…"</a> })
    }
}

/// The address of the dialog for these of `all` hosts, which match a filter.
fn address<'a>(filter: &str, shown: impl ExactSizeIterator<Item = &'a str>, all: usize) -> String {
    let dialog = Route::Rollout { kind: None }.path();
    if shown.len() == all { dialog } else { address_of_fitting(&dialog, filter, shown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_if_some_are_filtered_out() {
        assert_eq!(address("", ["gpc0", "hsb0"].into_iter(), 2), "/rollout");
        assert_eq!(address("s:x", ["gpc0", "hsb0"].into_iter(), 3), "/rollout?host=gpc0&host=hsb0");
    }
}
