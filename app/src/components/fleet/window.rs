//! How the fleet page shows many hosts. Thousands of rows, each with its lights and its menu, slow a browser
//! down, so only rows near the viewport are on the page, and space is reserved for the others. Filter,
//! selection, counts and order follow the data: nothing else depends on which rows are on the page.

use backstay_model::HostId;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::shown_hosts::ShownHosts;
use crate::components::Selecting;

/// Number of rows added and removed together: few enough for one frame, and divisible into lines of two,
/// three, four or six cards.
pub(super) const CHUNK: usize = 12;
/// Up to this many rows, all of them are on the page.
const ALL: usize = 6 * CHUNK;
/// Number of rows that the server renders if there are more: as many as a window shows.
const FIRST: usize = 4 * CHUNK;
/// The parameter of the address that requests all rows.
const SHOW: &str = "show";
/// Assumed height of a row until one has been measured, in pixels.
const ROW: f64 = 75.0;

/// Number of chunks for these rows; at least one, because the first holds the heading of the group.
pub(super) fn chunks(rows: usize) -> usize {
    rows.div_ceil(CHUNK).max(1)
}

/// The state that the chunks of a page share.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Whether the address requests all rows, for people without script, for the browser's search, or for
    /// printing.
    pub(super) all: bool,
    /// Whether some rows are not on the page.
    pub(super) many: Memo<bool>,
    /// Height of a row including the gap to the next, in pixels.
    row: RwSignal<Option<f64>>,
    /// The host that a person is moving to by keyboard.
    pub(super) wanted: Option<RwSignal<Option<HostId>>>,
}

impl Window {
    /// The window onto the shown hosts.
    pub(super) fn onto(shown: ShownHosts) -> Self {
        let all = use_query_map().with_untracked(|params| params.get_str(SHOW) == Some("all"));
        let many = Memo::new(move |_| !all && shown.visible.with(Vec::len) > ALL);
        // Computed before the rows read it.
        many.with_untracked(|_| ());
        let wanted = use_context::<Selecting>().map(Selecting::wanted);
        Self { all, many, row: RwSignal::new(None), wanted }
    }

    /// Records the height of measured rows. Rows differ a little, and the page's length should not change
    /// with each of them: the first measurement holds until it is far off, for example after a change of
    /// density or window width.
    pub(super) fn measured(self, high: f64, rows: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let each = high / rows.max(1) as f64;
        if self.row.get_untracked().is_none_or(|known| (each / known - 1.0).abs() > 0.25) {
            self.row.set(Some(each));
        }
    }

    /// The space of these rows, in pixels.
    pub(super) fn room(self, rows: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let rows = rows as f64;
        self.row.get().unwrap_or(ROW) * rows
    }

    /// Returns whether the server renders a row with this many before it.
    pub(super) fn is_first(before: usize) -> bool {
        before < FIRST
    }

    /// The number of rows for screen readers, if not all are on the page.
    pub(super) fn row_count(self, shown: ShownHosts) -> Option<String> {
        self.many.get().then(|| (shown.visible.with(Vec::len) + 1).to_string())
    }
}

/// The link to all rows, before the page is alive.
#[component]
pub(super) fn ShowAll(shown: ShownHosts, window: Window) -> impl IntoView {
    let href = move || {
        let page = shown.address.asking(&shown.address.text.get());
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}{SHOW}=all")
    };
    move || {
        window.many.get().then(|| {
            let count = move || shown.visible.with(Vec::len);
            view! {
                <p class="before-alive fleet-more">
                    {move || format!("The first {FIRST} of {} hosts. ", count())}
                    <a href=href>"Show all"</a>
                </p>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_a_first_chunk() {
        assert_eq!([0, 1, CHUNK, CHUNK + 1, 5_000].map(chunks), [1, 1, 1, 2, 417]);
    }
}
