//! The dialogs over the fleet page: one module for each thing that a person confirms.

mod add_host;
mod merge;
mod revert;
mod rollback;
mod rollback_many;
mod rollout;

use backstay_model::rollout::{AT_ONCE, MOST_AT_ONCE, UNTYPED};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::components::hosts_words;
use crate::routes::page;

pub use add_host::AddHostDialog;
pub use merge::MergeDialog;
pub use revert::RevertDialog;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(super) use rollback::Found;
pub use rollback::RollbackDialog;
#[cfg(feature = "ssr")]
pub(super) use rollback::{left_mark, pin_mark};
pub use rollback_many::{RollbackFailedDialog, RollbackManyDialog};
pub use rollout::RolloutDialog;

/// Returns the address that the open dialog leads back to: that of the page below it.
fn page_below() -> String {
    use_location().pathname.with_untracked(|path| page(path).to_owned())
}

/// Returns the deployment that the address names and the address that its dialogs lead back to.
fn deployment_and_back() -> (Memo<String>, Memo<String>) {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let back = page_below();
    (id, Memo::new(move |_| back.clone()))
}

/// How to go through the hosts: how many at once, when to pause, and whether to stop at a failure.
#[component]
fn PacingFields(
    at_once: usize,
    /// Whether it stops at the first failure by default.
    stop: bool,
) -> impl IntoView {
    view! {
        <div class="rollout-how">
            <label class="at-once">
                "At once"
                <input type="number" name="parallel" min="1" max=MOST_AT_ONCE.to_string() value=at_once.to_string() required/>
            </label>
            <label class="at-once">
                "Pause after"
                <input type="number" name="pause_after" min="1" placeholder="never"/>
            </label>
            <label class="check">
                <input type="checkbox" name="stop_on_failure" value="true" checked=stop/>
                "Stop at the first failure"
            </label>
        </div>
    }
    .into_any()
}

/// Asks a person to type the number of hosts if they are many, so that a fleet is never one click away.
#[component]
fn TypedNumber(count: Memo<usize>) -> impl IntoView {
    let many = move || Some(count.get()).filter(|count| *count > UNTYPED);
    move || {
        many().map(|count| {
            view! {
                <label class="at-once typed-number">
                    {format!("Type {count} to confirm")}
                    <input type="text" inputmode="numeric" name="typed" pattern=count.to_string() autocomplete="off" required/>
                </label>
            }
            .into_any()
        })
    }
}

/// Offers to start a roll-out in the same request. Not to very many hosts: the roll-out dialog asks for their number.
#[component]
fn ThenRollOut(
    hosts: usize,
    /// Which hosts, after their number.
    which: &'static str,
    /// What a person should know before.
    about: &'static str,
) -> impl IntoView {
    (1..=UNTYPED).contains(&hosts).then(|| {
        view! {
            <div class="then-roll-out">
                <label class="check">
                    <input type="checkbox" name="then_roll_out" value="true"/>
                    {format!("Then roll out to the {}{which}, {AT_ONCE} at a time", hosts_words(hosts))}
                </label>
                <p class="faint">{about}</p>
            </div>
        }
        .into_any()
    })
}

/// A list with a heading.
#[component]
fn NamedList(
    /// The heading's identifier.
    id: &'static str,
    heading: &'static str,
    items: Vec<String>,
    /// True if the order matters.
    #[prop(optional)]
    numbered: bool,
) -> impl IntoView {
    let items = items.into_iter().map(|item| view! { <li>{item}</li> }).collect_view();
    view! {
        <div class="named-list">
            <p id=id>{heading}</p>
            {if numbered {
                view! { <ol aria-labelledby=id>{items}</ol> }.into_any()
            } else {
                view! { <ul aria-labelledby=id>{items}</ul> }.into_any()
            }}
        </div>
    }
}
