//! Rows of the fleet page that are put onto the page and taken off it together. A browser that has thousands of rows, each
//! with its lights and its menu, is slow at everything; so only those near to what is seen are there, and room is left for
//! the others. What is shown, selected, counted and sorted follows the data: nothing else asks what is on the page.

use backstay_protocol::HostId;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::fleet_shown::{Shown, are_others};
use crate::api::{CancelOp, RequestOp};
use crate::browser::{self, Nearness};
use crate::components::{HostRow, Selecting};
use crate::live::{Live, Row};

/// How many rows come and go together. So many fill rows of two, three, four or six cards.
const CHUNK: usize = 36;
/// How many rows the server puts onto a page: more than any window shows at once.
const FIRST: usize = 2 * CHUNK;
/// The parameter of the address that asks for all rows.
const SHOW: &str = "show";
/// How high a row is before one has been measured, in pixels.
const ROW: f64 = 75.0;

/// What the chunks of a page share.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Whether the address asks for all rows: for whoever has no script, searches with the browser, or prints.
    all: bool,
    /// Whether there are rows that are not on the page.
    many: Memo<bool>,
    /// How high a row is, with what lies between it and the next; in pixels.
    row: RwSignal<f64>,
    /// The host that somebody goes to by keyboard.
    wanted: Option<RwSignal<Option<HostId>>>,
}

impl Window {
    /// The window onto what is shown.
    pub(super) fn onto(shown: Shown) -> Self {
        let all = use_query_map().with_untracked(|params| params.get_str(SHOW) == Some("all"));
        let many = Memo::new(move |_| !all && shown.visible.with(Vec::len) > FIRST);
        // Worked out before the rows read it.
        many.with_untracked(|_| ());
        let wanted = use_context::<Selecting>().map(Selecting::wanted);
        Self { all, many, row: RwSignal::new(ROW), wanted }
    }

    /// So many rows are so high.
    fn measured(self, high: f64, rows: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let each = high / rows.max(1) as f64;
        if (each - self.row.get_untracked()).abs() > 1.0 {
            self.row.set(each);
        }
    }

    /// How many rows a screen reader is to tell of, where not all are on the page.
    pub(super) fn row_count(self, shown: Shown) -> Option<String> {
        self.many.get().then(|| (shown.visible.with(Vec::len) + 1).to_string())
    }
}

/// How high so many rows were when they were last on the page, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Height {
    rows: usize,
    high: f64,
}

/// How many chunks so many rows make; one where there are none, for the heading of a group stands in the first.
pub(super) fn chunks(rows: usize) -> usize {
    rows.div_ceil(CHUNK).max(1)
}

/// One chunk of the rows of a group.
#[component]
pub(super) fn Chunk(
    /// What the chunks share.
    window: Window,
    /// The rows of the group.
    rows: Memo<Vec<Row>>,
    /// How many rows stand before the group.
    before: Memo<usize>,
    /// Which chunk of the group.
    place: usize,
    /// What names the group.
    word: String,
    /// The heading of the group, in its first chunk.
    head: Option<AnyView>,
    /// What the hosts' menus do.
    action: ServerAction<RequestOp>,
    /// What takes their ops back.
    cancel: ServerAction<CancelOp>,
) -> impl IntoView {
    let mine = Memo::new_with_compare(
        move |_| rows.with(|rows| rows.iter().skip(place * CHUNK).take(CHUNK).cloned().collect::<Vec<_>>()),
        are_others,
    );
    let start = Memo::new(move |_| before.get() + place * CHUNK);
    let near = RwSignal::new(start.get_untracked() < FIRST);
    let height = RwSignal::new(None);
    let body = NodeRef::<html::Tbody>::new();
    if !window.all {
        follow_nearness(window, body, mine, near, height);
    }
    let is_there = move || near.get() || !window.many.get();
    let there = move || if is_there() { mine.get() } else { vec![] };
    let away = Memo::new(move |_| if is_there() { 0 } else { mine.with(Vec::len) });
    let index = move |within: ReadSignal<usize>| {
        Signal::derive(move || window.many.get().then(|| (start.get() + within.get() + 2).to_string()))
    };
    let id = if place == 0 { format!("group-{word}") } else { format!("group-{word}-{place}") };
    view! {
        <tbody id=id data-group=word data-more=(place > 0).then_some("true") node_ref=body>
            {head}
            <ForEnumerate
                each=there
                key=|row| row.id
                children=move |within, row| view! { <HostRow row action cancel index=index(within)/> }
            />
            {move || (away.get() > 0).then(|| view! { <Away window count=away height/> })}
        </tbody>
    }
    .into_any()
}

/// Puts a chunk's rows onto the page when it is about to be seen, and takes them off again when it is far away. Effects
/// run in browsers alone.
fn follow_nearness(
    window: Window,
    body: NodeRef<html::Tbody>,
    mine: Memo<Vec<Row>>,
    near: RwSignal<bool>,
    height: RwSignal<Option<Height>>,
) {
    // What an effect returns is kept until it runs again or its owner goes.
    Effect::new(move |_: Option<Option<Nearness>>| {
        let body = body.get()?;
        let heard = {
            let body = body.clone();
            move |is_near: bool| {
                if let Some(high) = browser::extent(&body, "[data-host]") {
                    let rows = mine.with_untracked(Vec::len);
                    height.set(Some(Height { rows, high }));
                    window.measured(high, rows);
                }
                // What somebody is at stays.
                if is_near || !browser::has_focus(&body) {
                    near.maybe_update(|near| std::mem::replace(near, is_near) != is_near);
                }
            }
        };
        Nearness::watch(&body, heard)
    });
    if let Some(wanted) = window.wanted {
        Effect::new(move |_| {
            if wanted
                .get()
                .is_some_and(|host| mine.with_untracked(|rows| rows.iter().any(|row| row.id == host)))
            {
                near.set(true);
            }
        });
    }
    // Rows of another kind have other heights.
    let view = expect_context::<Live>().view();
    Effect::new(move |_| {
        view.track();
        height.set(None);
    });
}

/// The room of rows that are not on the page.
#[component]
fn Away(window: Window, count: Memo<usize>, height: RwSignal<Option<Height>>) -> impl IntoView {
    let room = NodeRef::<html::Tr>::new();
    Effect::new(move |_| {
        let known = height.get().filter(|known| known.rows == count.get());
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let high = known.map_or_else(|| window.row.get() * count.get() as f64, |known| known.high);
        if let Some(room) = room.get() {
            browser::set_height(&room, high);
        }
    });
    view! { <tr class="away" aria-hidden="true" node_ref=room><td colspan="10"></td></tr> }
}

/// The way to all rows, before the page is alive.
#[component]
pub(super) fn ShowAll(shown: Shown, window: Window) -> impl IntoView {
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
        assert_eq!([0, 1, CHUNK, CHUNK + 1, 5_000].map(chunks), [1, 1, 1, 2, 139]);
    }
}
