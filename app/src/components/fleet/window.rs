//! How the fleet page shows many hosts. A browser that has thousands of rows, each with its lights and its menu, is slow at
//! everything; so only those near to what is seen are on the page, and room is left for the others. What is shown,
//! selected, counted and sorted follows the data: nothing else asks what is on the page.

use backstay_model::HostId;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::shown_hosts::ShownHosts;
use crate::components::Selecting;

/// How many rows come and go together: few enough for one frame. So many fill rows of two, three, four or six cards.
pub(super) const CHUNK: usize = 12;
/// How many rows a page has at most with all of them on it.
const ALL: usize = 6 * CHUNK;
/// How many rows the server puts onto the page of more: as many as a window shows.
const FIRST: usize = 4 * CHUNK;
/// The parameter of the address that asks for all rows.
const SHOW: &str = "show";
/// How high a row is before one has been measured, in pixels.
const ROW: f64 = 75.0;

/// How many chunks so many rows make; one where there are none, for the heading of a group stands in the first.
pub(super) fn chunks(rows: usize) -> usize {
    rows.div_ceil(CHUNK).max(1)
}

/// What the chunks of a page share.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Whether the address asks for all rows: for whoever has no script, searches with the browser, or prints.
    pub(super) all: bool,
    /// Whether there are rows that are not on the page.
    pub(super) many: Memo<bool>,
    /// How high a row is, with what lies between it and the next; in pixels.
    row: RwSignal<Option<f64>>,
    /// The host that somebody goes to by keyboard.
    pub(super) wanted: Option<RwSignal<Option<HostId>>>,
}

impl Window {
    /// The window onto what is shown.
    pub(super) fn onto(shown: ShownHosts) -> Self {
        let all = use_query_map().with_untracked(|params| params.get_str(SHOW) == Some("all"));
        let many = Memo::new(move |_| !all && shown.visible.with(Vec::len) > ALL);
        // Worked out before the rows read it.
        many.with_untracked(|_| ());
        let wanted = use_context::<Selecting>().map(Selecting::wanted);
        Self { all, many, row: RwSignal::new(None), wanted }
    }

    /// So many rows are so high. Rows differ a little, and the page is not to change its length with each of them: what was
    /// measured first holds until it is no longer of any use, as after a change of density or of the window's width.
    pub(super) fn measured(self, high: f64, rows: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let each = high / rows.max(1) as f64;
        if self.row.get_untracked().is_none_or(|known| (each / known - 1.0).abs() > 0.25) {
            self.row.set(Some(each));
        }
    }

    /// How much room so many rows take, in pixels.
    pub(super) fn room(self, rows: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let rows = rows as f64;
        self.row.get().unwrap_or(ROW) * rows
    }

    /// Whether the server puts a row with so many before it onto the page.
    pub(super) fn is_first(before: usize) -> bool {
        before < FIRST
    }

    /// How many rows a screen reader is to tell of, where not all are on the page.
    pub(super) fn row_count(self, shown: ShownHosts) -> Option<String> {
        self.many.get().then(|| (shown.visible.with(Vec::len) + 1).to_string())
    }
}

/// The way to all rows, before the page is alive.
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
