//! The mark on hosts that run something else than most of the fleet.

use backstay_model::HostView;
use leptos::prelude::*;

use super::address::asking;
use super::shown::Shown;
use crate::components::Icon;
use crate::fleet::Majority;

/// Says that a host runs something else than most of the fleet, and leads to all that do. Nothing outside of the fleet
/// page, which is the one that knows what most run.
#[component]
pub(super) fn DriftMark(
    /// The host.
    host: ArcRwSignal<HostView>,
) -> impl IntoView {
    let majority = use_context::<Shown>()?.majority;
    let has_left = move |majority: &Majority| {
        host.with(|host| host.generation.as_ref().is_some_and(|generation| majority.is_left_by(generation)))
    };
    let most = Memo::new(move |_| {
        majority.with(|majority| majority.as_ref().filter(|majority| has_left(majority)).map(Majority::words))
    });
    Some(move || {
        most.get().map(|most| {
            let why = format!("Most hosts run something else: {most}");
            view! {
                <a class="drift" href=asking("is:drifted") title=why>
                    <Icon name="drift"/>
                    <span>"differs"<span class="drift-more">{format!(" from most: {most}")}</span></span>
                </a>
            }
        })
    })
}
