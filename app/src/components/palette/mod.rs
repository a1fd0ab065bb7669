//! The command palette: Ctrl-K, a few letters, Enter.
//!
//! It follows the combobox pattern of the ARIA Authoring Practices: the focus stays in the text field, and
//! `aria-activedescendant` says which entry Enter would choose.

mod entries;
mod matching;
mod selected;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::request_op;
use crate::components::{Icon, Selection, Shortcuts};
use crate::live::Live;
use crate::{browser, navigation};

use entries::{Does, Entry, entries};
use matching::ranked;
use selected::of_selected;

/// Upper bound on the entries offered at once.
const MOST: usize = 12;

/// Whether the palette is open. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct PaletteIsOpen(RwSignal<bool>);

impl PaletteIsOpen {
    /// Provides it to a page.
    pub(crate) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }
}

/// Opens the palette, for those who do not know its key or have no keyboard.
#[component]
pub(crate) fn PaletteButton() -> impl IntoView {
    use_context().map(|PaletteIsOpen(open)| {
        view! {
            <button type="button" class="quiet jump" aria-label="Search or jump" on:click=move |_| open.set(true)>
                <Icon name="find"/><span class="jump-words">"Search or jump " <kbd>"Ctrl K"</kbd></span>
            </button>
        }
    })
}

/// The command palette. It needs script.
#[component]
pub fn Palette() -> impl IntoView {
    let PaletteIsOpen(open) = expect_context();
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| {
            if is_its_key(&event) {
                event.prevent_default();
                // Not over a dialog: the person has to answer that first.
                if !open.get_untracked() && !browser::is_overlay_open() {
                    open.set(true);
                }
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! { <Show when=move || open.get()><Open open/></Show> }
}

/// Ctrl-K, or ⌘K.
fn is_its_key(event: &ev::KeyboardEvent) -> bool {
    (event.ctrl_key() || event.meta_key())
        && !event.alt_key()
        && !event.shift_key()
        && event.key().eq_ignore_ascii_case("k")
}

/// The palette while it is open.
#[component]
pub(crate) fn Open(open: RwSignal<bool>) -> impl IntoView {
    let live = expect_context::<Live>();
    let typed = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let refusal = RwSignal::new(None::<String>);
    let selection = use_context::<Selection>();
    // Fixed when the palette opens: a person who is about to press Enter must not hit another entry.
    let all = StoredValue::new(untrack(|| all(live, selection)));
    let fitting = Memo::new(move |_| {
        all.with_value(|all| {
            let places = ranked(all.iter().map(|e| e.name.as_str()), &typed.get(), MOST);
            places.into_iter().map(|place| all[place].clone()).collect::<Vec<_>>()
        })
    });
    let shortcuts = use_context::<Shortcuts>();
    let dialog = NodeRef::<html::Dialog>::new();
    // Closed by the browser, which restores the focus.
    let close = move || {
        if let Some(dialog) = dialog.try_get_untracked().flatten() {
            dialog.close();
        }
    };
    let go = navigation::use_navigate_to();
    let choose = StoredValue::new(move |entry: Entry| match entry.does {
        Does::Go(path) => {
            close();
            go(&path);
        }
        Does::Clear => {
            close();
            if let Some(selection) = selection {
                selection.clear();
            }
        }
        Does::Keys => {
            close();
            show_keys(shortcuts);
        }
        Does::Ask(host, kind) => spawn_local(async move {
            match request_op(host, kind.as_str().to_owned()).await {
                Ok(()) => close(),
                Err(error) => drop(refusal.try_set(Some(error.to_string()))),
            }
        }),
    });
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            browser::make_modal(dialog, || browser::focus("palette-input"));
        }
    });
    let key = move |event: ev::KeyboardEvent| {
        let count = fitting.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => active.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => active.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                if let Some(entry) = fitting.with_untracked(|f| f.get(active.get_untracked()).cloned()) {
                    choose.with_value(|choose| choose(entry));
                }
            }
            _ if is_its_key(&event) => close(),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <dialog class="palette" aria-label="Command palette" node_ref=dialog on:keydown=key on:close=move |_| open.set(false)>
            <input
                id="palette-input"
                type="text"
                role="combobox"
                aria-label="Host, action or page"
                aria-expanded="true"
                aria-controls="palette-entries"
                aria-autocomplete="list"
                aria-activedescendant=move || fitting.with(|f| (!f.is_empty()).then(|| entry_id(active.get())))
                placeholder="Host, action or page"
                autocomplete="off"
                spellcheck="false"
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    active.set(0);
                    refusal.set(None);
                }
            />
            {move || refusal.get().map(|why| view! { <p class="refusal" role="alert">{why}</p> })}
            <ul id="palette-entries" role="listbox" aria-label="Hosts, actions and pages">
                {move || {
                    fitting
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(place, entry)| view! { <Item place entry active choose/> })
                        .collect_view()
                }}
            </ul>
            {move || fitting.with(Vec::is_empty).then(|| view! { <p class="faint" role="status">"No results."</p> })}
        </dialog>
    }
}

/// Opens the shortcuts after the palette is gone, because they open over a page, not over a dialog.
fn show_keys(shortcuts: Option<Shortcuts>) {
    if let Some(shortcuts) = shortcuts {
        request_animation_frame(move || shortcuts.open());
    }
}

/// All entries, starting with those for the selected hosts: a person has just selected them.
fn all(live: Live, selection: Option<Selection>) -> Vec<Entry> {
    let hosts: Vec<_> = live.rows().with(|rows| rows.iter().map(|row| row.name.clone()).collect());
    let of_selected = selection.map(|selection| {
        let about = |path: &str| selection.address(path);
        of_selected(selection.count(), about, |action| live.may(action, None))
    });
    of_selected.into_iter().flatten().chain(entries(&hosts, |kind, host| live.offers(kind, host))).collect()
}

fn entry_id(place: usize) -> String {
    format!("palette-entry-{place}")
}

#[component]
fn Item<F: Fn(Entry) + Send + Sync + 'static>(
    place: usize,
    entry: Entry,
    active: RwSignal<usize>,
    choose: StoredValue<F>,
) -> impl IntoView {
    let (name, icon) = (entry.name.clone(), entry.icon);
    view! {
        <li
            id=entry_id(place)
            role="option"
            aria-selected=move || (active.get() == place).to_string()
            on:mousemove=move |_| if active.get_untracked() != place { active.set(place) }
            on:click=move |_| choose.with_value(|choose| choose(entry.clone()))
        >
            <Icon name=icon/>
            {name}
        </li>
    }
}
