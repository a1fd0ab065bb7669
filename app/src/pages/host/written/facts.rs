//! The facts that the agent read from the host.

use backstay_model::Facts;
use backstay_model::view::HostDetail;
use backstay_model::wire::limits::NAMED;
use leptos::prelude::*;

use crate::components::{Ago, FoldedRest};

/// The facts, as a list of names and values.
pub(super) fn facts(detail: &HostDetail) -> AnyView {
    let Some(facts) = &detail.facts else {
        return view! { <p class="faint">"This host has not reported any facts yet."</p> }.into_any();
    };
    let current = facts.current();
    let none = facts.no_checkout.as_ref().map(|none| format!("none at {}", none.path));
    let checkout = facts.checkout.as_ref().map(|c| format!("{} at {}", c.path, c.commit)).or(none);
    let problem = |problem: &String| view! { <p class="banner warn" dir="auto">{problem.clone()}</p> };
    view! {
        <dl class="facts">
            <Fact name="Agent" value=detail.host.agent_version.clone()/>
            <Fact name="Version" value=current.and_then(|g| g.version.clone())/>
            <Fact name="Nix" value=facts.nix_version.clone()/>
            <Fact name="Kernel" value=current.and_then(|g| g.kernel.clone())/>
            <Fact name="Running" value=running_generation(facts)/>
            <Fact name="Booted" value=booted_generation(facts)/>
            <Fact name="Profile" value=Some(facts.profile.clone())/>
            <Fact name="Checkout" value=checkout/>
            <Fact name="Deployed by" value=facts.observed.then(|| "something else; Backstay observes".to_owned())/>
            {failed_units(&facts.failed_units)}
            <div><dt>"Read"</dt><dd><Ago at=facts.read_at/></dd></div>
        </dl>
        {facts.problems.iter().map(problem).collect_view()}
    }
    .into_any()
}

/// Describes the running generation, or returns `None` if it is not known.
fn running_generation(facts: &Facts) -> Option<String> {
    let running = facts.running.as_ref()?;
    let special = facts.specialisation.as_ref().map(|name| format!(", specialisation {name}"));
    let special = special.unwrap_or_default();
    Some(match facts.running_generation() {
        Some(generation) if generation.current => format!("Gen {}{special}", generation.number),
        Some(generation) => format!("Gen {}{special}, not the current one", generation.number),
        None => format!("not in this profile: {running}"),
    })
}

/// Describes the booted generation, or returns `None` if the platform does not boot by generation.
fn booted_generation(facts: &Facts) -> Option<String> {
    let booted = facts.booted.as_ref()?;
    let mut of_build = facts.generations.iter().filter(|g| g.store_path == *booted);
    let newest = of_build.next().cloned();
    let generation = of_build.find(|g| g.current).cloned().or(newest);
    let due = facts.current().is_some_and(|current| current.needs_reboot);
    let due = if due { "; the current one needs a reboot" } else { "" };
    Some(match generation {
        Some(generation) => {
            let kernel = generation.kernel.map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
            format!("Gen {}{kernel}{due}", generation.number)
        }
        None => format!("not in this profile: {booted}{due}"),
    })
}

/// The first failed units; the others are folded.
fn failed_units(names: &[String]) -> Option<AnyView> {
    let (first, others) = names.split_at(names.len().min(NAMED));
    let others = (!others.is_empty()).then(|| {
        let (count, others) = (others.len(), isolated(others));
        view! { <FoldedRest id="failed-units" count><p>{others}</p></FoldedRest> }
    });
    (!first.is_empty())
        .then(|| view! { <div><dt>"Failed units"</dt><dd>{isolated(first)}{others}</dd></div> }.into_any())
}

/// Names one after another, each with a direction of its own.
fn isolated(names: &[String]) -> AnyView {
    let name = |(place, name): (usize, &String)| {
        let comma = if place == 0 { "" } else { ", " };
        view! { {comma}<bdi>{name.clone()}</bdi> }
    };
    names.iter().enumerate().map(name).collect_view().into_any()
}

#[component]
fn Fact(name: &'static str, value: Option<String>) -> impl IntoView {
    value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> })
}
