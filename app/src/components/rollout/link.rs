//! The way to the roll-out dialog.

use leptos::prelude::*;

use crate::components::{ShownHosts, address_of_fitting};
use crate::live::Live;
use crate::routes::Route;

/// Leads to the dialog in which a roll-out is asked for: of the hosts that are shown, where some are left out.
#[component]
pub(crate) fn RollOutLink(
    /// The hosts that are shown.
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
    let offered = Memo::new(move |_| live.may_operate() && shown.with(|shown| !shown.is_empty()));
    move || {
        offered
            .get()
            .then(|| view! { <a class="button roll-out-link" id="roll-out-shown" href=href>"Roll out…"</a> })
    }
}

/// The address of the dialog for these of so many hosts, which fit a filter.
fn address<'a>(filter: &str, shown: impl ExactSizeIterator<Item = &'a str>, all: usize) -> String {
    let dialog = Route::Rollout { kind: None }.path();
    if shown.len() == all { dialog } else { address_of_fitting(&dialog, filter, shown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_where_some_are_left_out() {
        assert_eq!(address("", ["gpc0", "hsb0"].into_iter(), 2), "/rollout");
        assert_eq!(address("s:x", ["gpc0", "hsb0"].into_iter(), 3), "/rollout?host=gpc0&host=hsb0");
    }
}
