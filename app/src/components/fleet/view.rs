//! The menu with a person's view settings for the fleet page.

use backstay_model::{Column, Density, PersonView};
use leptos::html;
use leptos::prelude::*;
use web_sys::Element;

use super::address::FleetAddress;
use crate::browser;
use crate::components::{ActionForm, FormAction, Hydrated, Icon};
use crate::live::Live;

/// Where the form posts to that saves a view.
pub(crate) const SAVE_VIEW: &str = "/api/save_view";
const MENU: &str = "fleet-view";
const DENSITY: &str = "density";
const COLUMNS: &str = "columns[]";

/// The menu with a person's view settings: a native popover with a form, which works without script. With
/// script, each change applies at once, and is undone if it cannot be saved.
#[component]
pub(crate) fn ViewMenu(
    /// The action that saves the settings.
    action: FormAction,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let saver = Saver::new(live, action);
    let first = saver.view.get_untracked();
    let densities = [None, Some(Density::Comfortable), Some(Density::Compact)]
        .map(|density| view! { <DensityChoice saver density checked=density == first.density/> });
    let columns =
        Column::ALL.map(|column| view! { <ColumnChoice saver column checked=first.shows(column)/> });
    let menu = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(menu) = menu.get() {
            saver.adopt_input(&menu);
        }
    });
    view! {
        <button type="button" class="view-button" popovertarget=MENU><Icon name="view"/>"View"</button>
        <div class="menu view-menu" popover="auto" id=MENU role="dialog" aria-label="View" node_ref=menu>
            <SavedViews live/>
            <ActionForm action=action attr:autocomplete="off">
                <fieldset>
                    <legend>"Rows"</legend>
                    {densities}
                </fieldset>
                <fieldset>
                    <legend>"Columns"</legend>
                    {columns}
                </fieldset>
                <p class="faint">"Saved to your account. Hidden columns still count for status and filters."</p>
                <button type="submit" class="before-alive">"Save"</button>
            </ActionForm>
        </div>
    }
}

/// The person's saved views, and the form that saves the current one. It is a plain one: the next page has the
/// new list.
#[component]
fn SavedViews(live: Live) -> impl IntoView {
    let address = use_context::<FleetAddress>();
    let here = Memo::new(move |_| address.map(FleetAddress::here));
    view! {
        <fieldset>
            <legend>"Saved views"</legend>
            <div inner_html=live.saved_views()></div>
            <form method="post" action=SAVE_VIEW>
                <input type="hidden" name="view" value=here/>
                <input type="text" name="name" aria-label="Name of the view" placeholder="Name" required maxlength="40" autocomplete="off"/>
                <button type="submit">"Save this view"</button>
            </form>
        </fieldset>
    }
}

#[component]
fn DensityChoice(saver: Saver, density: Option<Density>, checked: bool) -> impl IntoView {
    let chosen = Memo::new(move |_| saver.view.with(|view| view.density == density));
    view! {
        <label>
            <input
                type="radio"
                name=DENSITY
                value=word(density)
                checked=checked
                prop:checked=move || Hydrated(chosen.get())
                on:change=move |_| saver.change(|view| view.density = density)
            />
            {match density {
                None => "Automatic: one line each above 20 hosts",
                Some(Density::Comfortable) => "Comfortable",
                Some(Density::Compact) => "Compact: one line per host",
            }}
        </label>
    }
}

fn word(density: Option<Density>) -> &'static str {
    density.map_or("", Density::as_str)
}

#[component]
fn ColumnChoice(saver: Saver, column: Column, checked: bool) -> impl IntoView {
    let chosen = Memo::new(move |_| saver.view.with(|view| view.shows(column)));
    let turn = move |event| {
        let on = event_target_checked(&event);
        saver.change(|view| {
            if on {
                view.hidden.remove(&column)
            } else {
                view.hidden.insert(column)
            };
        });
    };
    view! {
        <label>
            <input
                type="checkbox"
                name=COLUMNS
                value=column.as_str()
                checked=checked
                prop:checked=move || Hydrated(chosen.get())
                on:change=turn
            />
            {column.title()}
        </label>
    }
}

/// Saves a view, one request at a time, so that an older one never arrives after a newer one.
#[derive(Clone, Copy)]
struct Saver {
    view: RwSignal<PersonView>,
    action: FormAction,
    /// The view that the server has confirmed, and the one sent to it.
    saved: StoredValue<PersonView>,
    sent: StoredValue<PersonView>,
}

impl Saver {
    fn new(live: Live, action: FormAction) -> Self {
        let view = live.view();
        let known = view.get_untracked();
        let saver =
            Self { view, action, saved: StoredValue::new(known.clone()), sent: StoredValue::new(known) };
        Effect::new(move |_| {
            if let Some(answer) = action.value().get() {
                saver.hear(answer.is_ok());
            }
        });
        saver
    }

    /// Applies a change and saves it.
    fn change(self, change: impl FnOnce(&mut PersonView)) {
        let is_free = !self.action.pending().get_untracked();
        if is_free {
            // A restart of the page may have brought the view that another browser saved.
            self.saved.set_value(self.view.get_untracked());
        }
        self.view.update(change);
        if is_free {
            self.send();
        }
    }

    /// Applies the choices that a person made in the menu before the page was alive.
    fn adopt_input(self, menu: &Element) {
        let density = browser::checked_boxes(menu, DENSITY);
        let density = density.first().and_then(|density| density.parse().ok());
        let columns = browser::checked_boxes(menu, COLUMNS);
        let chosen = PersonView::showing(density, columns.iter().filter_map(|column| column.parse().ok()));
        if self.view.with_untracked(|view| *view != chosen) {
            self.change(|view| *view = chosen);
        }
    }

    fn send(self) {
        let view = self.view.get_untracked();
        let columns = Column::ALL.into_iter().filter(|column| view.shows(*column));
        let columns = columns.map(|column| format!("&{COLUMNS}={}", column.as_str()));
        // Words of ours, which need no escaping.
        self.action.send(format!("{DENSITY}={}{}", word(view.density), columns.collect::<String>()));
        self.sent.set_value(view);
    }

    fn hear(self, is_saved: bool) {
        if is_saved {
            self.saved.set_value(self.sent.get_value());
            if self.view.get_untracked() != self.sent.get_value() {
                self.send();
            }
        } else {
            self.view.set(self.saved.get_value());
        }
    }
}
