//! What the agent read from the host.

use backstay_protocol::view::HostDetail;
use leptos::prelude::*;

use crate::components::Ago;

/// What the agent read from the host, as a list of names and values.
#[component]
pub(super) fn FactsList(detail: RwSignal<HostDetail>) -> impl IntoView {
    move || {
        let detail = detail.get();
        let Some(facts) = detail.facts else {
            return view! { <p class="faint">"Nothing was read from this host yet."</p> }.into_any();
        };
        let current = facts.current().cloned();
        let version = current.as_ref().and_then(|g| g.version.clone());
        let kernel = current.as_ref().and_then(|g| g.kernel.clone());
        let checkout = facts.checkout.as_ref().map(|c| format!("{} at {}", c.path, c.commit));
        let failed = (!facts.failed_units.is_empty()).then(|| facts.failed_units.join(", "));
        let problems = facts.problems.clone();
        view! {
            <dl class="facts">
                <Fact name="Agent" value=detail.host.agent_version/>
                <Fact name="Version" value=version/>
                <Fact name="Kernel" value=kernel/>
                <Fact name="Profile" value=Some(facts.profile.clone())/>
                <Fact name="Checkout" value=checkout/>
                <Fact name="Failed units" value=failed/>
                <div><dt>"Read"</dt><dd><Ago at=facts.read_at/></dd></div>
            </dl>
            {problems.into_iter().map(|p| view! { <p class="banner warn">{p}</p> }).collect_view()}
        }
        .into_any()
    }
}

#[component]
fn Fact(name: &'static str, value: Option<String>) -> impl IntoView {
    value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
}
