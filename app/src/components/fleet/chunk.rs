//! Rows of the fleet page that are added and removed together.

use leptos::html;
use leptos::prelude::*;

use super::on_page::OnPage;
use super::shown_hosts::are_others;
use super::window::{CHUNK, Window};
use crate::browser;
use crate::components::{FormAction, HostRow};
use crate::live::Row;

/// One chunk of the rows of a group.
#[component]
pub(super) fn Chunk(
    /// The state that the chunks share.
    window: Window,
    /// The rows of the group.
    rows: Memo<Vec<Row>>,
    /// Number of rows before the group.
    before: Memo<usize>,
    /// The number of the chunk in the group.
    place: usize,
    /// The key of the group.
    word: String,
    /// The heading of the group, in its first chunk.
    head: Option<AnyView>,
    /// The action of the hosts' menus.
    action: FormAction,
    /// The action that cancels their ops.
    cancel: FormAction,
) -> impl IntoView {
    let mine = Memo::new_with_compare(
        move |_| rows.with(|rows| rows.iter().skip(place * CHUNK).take(CHUNK).cloned().collect::<Vec<_>>()),
        are_others,
    );
    let start = Memo::new(move |_| before.get() + place * CHUNK);
    let body = NodeRef::<html::Tbody>::new();
    let on_page = OnPage::new(window, mine, Window::is_first(start.get_untracked()));
    if !window.all {
        on_page.follow(body);
    }
    // The server's rows are complete; later ones are rendered while a person scrolls.
    let alive = RwSignal::new(false);
    Effect::new(move |_| alive.set(true));
    let away = Memo::new(move |_| on_page.away() > 0);
    let index = move |within: ReadSignal<usize>| {
        Signal::derive(move || window.many.get().then(|| (start.get() + within.get() + 2).to_string()))
    };
    let row = move |within, row| {
        view! { <HostRow row action cancel index=index(within) spare=alive.get_untracked()/> }
    };
    let id = if place == 0 { format!("group-{word}") } else { format!("group-{word}-{place}") };
    view! {
        <tbody id=id data-group=word data-more=(place > 0).then_some("true") node_ref=body>
            {head}
            <ForEnumerate each=move || on_page.there() key=|row| row.id children=row/>
            {move || away.get().then(|| view! { <Away on_page/> })}
        </tbody>
    }
}

/// The space of rows that are not on the page.
#[component]
fn Away(on_page: OnPage) -> impl IntoView {
    let room = NodeRef::<html::Tr>::new();
    Effect::new(move |_| {
        if let Some(room) = room.get() {
            browser::set_height(&room, on_page.room());
        }
    });
    view! { <tr class="away" aria-hidden="true" node_ref=room><td colspan="10"></td></tr> }
}
