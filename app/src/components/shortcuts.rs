//! The keyboard shortcuts, in a dialog: `?`, or from the command palette.
//!
//! People who use speech input may type a single key by accident, so the dialog can turn single keys off
//! (WCAG 2.1, 2.1.4).

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::components::Icon;

/// Whether the dialog is open. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Shortcuts(RwSignal<bool>);

impl Shortcuts {
    /// Provides it to a page.
    pub(crate) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Opens the dialog.
    pub(crate) fn open(self) {
        self.0.set(true);
    }
}

/// Key under which this browser remembers that single keys are turned off.
const OFF: &str = "backstay.single-keys";

/// Returns whether single keys do something outside of the host table.
pub(crate) fn single_keys_are_on() -> bool {
    browser::stored_value(OFF).as_deref() != Some("off")
}

/// The fields that `/` leads to.
const SEARCH: &str = "input[type=search]";

/// The keys and their meanings, by place.
#[rustfmt::skip] // a table: one key, one line
const KEYS: &[(&str, &[(&str, &str)])] = &[
    ("Everywhere", &[
        ("Ctrl K", "Command palette: hosts, actions, pages"),
        ("/", "Filter the hosts, or search the log"),
        ("?", "This list"),
        ("Esc", "Close what is open: a menu, a dialog, the log"),
    ]),
    ("On the fleet page", &[
        ("J", "Next host"),
        ("K", "Previous host"),
        ("X", "Select or deselect the host"),
        ("Shift J", "Extend the selection down"),
        ("Shift K", "Extend the selection up"),
        ("Ctrl A", "Select all shown hosts"),
    ]),
    ("In the search of a log", &[
        ("Enter", "Next match"),
        ("Shift Enter", "Previous match"),
        ("Esc", "Clear the search"),
    ]),
];

/// Opens the dialog, for those who do not know its key.
#[component]
pub(crate) fn ShortcutsButton() -> impl IntoView {
    use_context().map(|shortcuts: Shortcuts| {
        view! {
            <button type="button" class="quiet keys" on:click=move |_| shortcuts.open()>"Keyboard shortcuts "<kbd>"?"</kbd></button>
        }
    })
}

/// The dialog of the shortcuts. It needs script.
#[component]
pub(crate) fn ShortcutsDialog() -> impl IntoView {
    let Shortcuts(open) = expect_context();
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| {
            let is_single = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if !is_single || browser::is_typing(&event) || browser::is_overlay_open() || !single_keys_are_on()
            {
                return;
            }
            match event.key().as_str() {
                "?" => open.set(true),
                "/" if browser::focus_first(SEARCH) => {}
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || handle.remove());
    });
    view! { <Show when=move || open.get()><OpenShortcuts open/></Show> }
}

/// The dialog while it is open.
#[component]
pub(crate) fn OpenShortcuts(open: RwSignal<bool>) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let off = RwSignal::new(false);
    Effect::new(move |_| {
        off.set(!single_keys_are_on());
        if let Some(dialog) = dialog.get() {
            browser::make_modal(dialog, || browser::focus("shortcuts-close"));
        }
    });
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let turn = move |event| {
        let on = event_target_checked(&event);
        browser::store_value(OFF, if on { "on" } else { "off" });
        off.set(!on);
    };
    view! {
        <dialog class="dialog shortcuts" aria-labelledby="shortcuts-title" node_ref=dialog on:close=move |_| open.set(false)>
            <h2 id="shortcuts-title">"Keyboard shortcuts"</h2>
            {KEYS.iter().map(|(place, keys)| view! { <Keys place keys/> }).collect_view()}
            <div class="dialog-end">
                <label class="check shortcuts-single">
                    <input type="checkbox" checked=true prop:checked=move || !off.get() on:change=turn/>
                    <span>"Single keys: ? and / everywhere, J and K from anywhere on the fleet page"</span>
                </label>
                <button type="button" id="shortcuts-close" on:click=close><Icon name="close"/>"Close"</button>
            </div>
        </dialog>
    }
}

#[component]
fn Keys(place: &'static str, keys: &'static [(&'static str, &'static str)]) -> impl IntoView {
    let rows = keys.iter().map(|(key, does)| {
        let caps = key.split(' ').map(|cap| view! { <kbd>{cap}</kbd>" " }).collect_view();
        view! { <div><dt>{caps}</dt><dd>{*does}</dd></div> }
    });
    view! { <section><h3>{place}</h3><dl>{rows.collect_view()}</dl></section> }
}
