//! Two generations of one host.

use backstay_model::comparison::{Comparison, Reboot};
use backstay_model::rollback::{Candidate, RollbackPlan};
use leptos::prelude::*;

use super::changes::{at_forge, changes, in_one_line};
use crate::ApiError;
use crate::components::{HostTestsBadge, Moment, generation_name};
use crate::routes::Route;

/// The content of the page: both generations, what differs, and the way to compare others.
pub(crate) fn generations(
    plan: &RollbackPlan,
    [from, to]: [&Candidate; 2],
    compared: Result<Comparison, ApiError>,
    repository: Option<&str>,
) -> AnyView {
    let host = plan.host_name.as_str();
    let [old, new] = [from, to].map(|side| side.generation.number);
    let compare = |from, to| Route::Compare { host, from, to }.path();
    let (line, reboot, body) = match compared {
        Ok(comparison) => (
            in_one_line(&comparison),
            comparison.reboot.as_ref().is_ok_and(Reboot::is_needed),
            changes(comparison, repository),
        ),
        Err(error) => (String::new(), false, view! { <p class="refusal">{error.to_string()}</p> }.into_any()),
    };
    let reboot = reboot.then(|| view! { " " <b class="reboot">"reboot needed"</b> });
    let roll_back = [from, to].into_iter().filter(|side| may_be_target(side)).map(|side| {
        let address = Route::RollbackHost { host, to: Some(side.generation.number), from_host: true }.path();
        view! { <a class="button" href=address>{format!("{}…", side.label())}</a> }
    });
    view! {
        <div class="page-head">
            <p class="crumbs">
                <a href=Route::Fleet.path()>"Fleet"</a>" / "<a href=Route::Host(host).path()>{host.to_owned()}</a>" / "
            </p>
            <h1>{format!("Gen {old} → Gen {new}")}</h1>
            <div class="page-actions">
                <a class="button" href=compare(new, old)>"Swap"</a>
                {roll_back.collect_view()}
            </div>
        </div>
        <section class="card" aria-labelledby="sides">
            <h2 id="sides" class="unseen">"The two generations"</h2>
            <dl class="compare-sides">{side("From", from, repository)}{side("To", to, repository)}</dl>
        </section>
        <section class="card" aria-labelledby="differences">
            <h2 id="differences">"What changes"</h2>
            <p class="compare-line">{line}{reboot}</p>
            {body}
        </section>
        <section class="card" aria-labelledby="others">
            <h2 id="others">"Compare others"</h2>
            {others(plan, [old, new])}
        </section>
    }
    .into_any()
}

/// Returns whether the rollback dialog can lead there.
fn may_be_target(side: &Candidate) -> bool {
    !side.generation.current && side.unavailable_reason().is_none()
}

fn side(word: &'static str, side: &Candidate, repository: Option<&str>) -> AnyView {
    let generation = &side.generation;
    let name = view! { <b>{generation_name(generation)}</b> }.into_any();
    let name = match &generation.commit {
        Some(commit) => at_forge(name, "commit", &commit.0, repository),
        None => name,
    };
    let current = generation.current.then(|| view! { " " <span class="badge">"current"</span> });
    let kernel = generation.kernel.as_ref().map(|kernel| view! { <span>{format!("Kernel {kernel}")}</span> });
    let version = generation.version.clone().map(|version| view! { <span>{version}</span> });
    view! {
        <div>
            <dt>{word}</dt>
            <dd>
                {name}{current}
                <p class="choice-facts">
                    <Moment at=generation.created_at/>" "<HostTestsBadge tests=side.tests/>" "{kernel}" "{version}
                </p>
            </dd>
        </div>
    }
    .into_any()
}

/// Every generation with links that put it in the place of one of the two.
fn others(plan: &RollbackPlan, [old, new]: [u32; 2]) -> AnyView {
    let host = plan.host_name.as_str();
    let mut all: Vec<_> = plan.candidates.iter().map(|c| &c.generation).collect();
    if !all.iter().any(|generation| generation.current) {
        all.push(&plan.current.generation);
    }
    all.sort_by_key(|generation| std::cmp::Reverse(generation.number));
    let link = |number: u32, from: u32, to: u32, words: &'static str| {
        (from != to).then(|| {
            let name = format!("Gen {number} {words}");
            view! { <a href=Route::Compare { host, from, to }.path() aria-label=name>{words}</a> }
        })
    };
    let rows = all
        .into_iter()
        .filter(|generation| generation.present)
        .map(|generation| {
            let number = generation.number;
            view! {
                <tr>
                    <th scope="row">{generation_name(generation)}</th>
                    <td><Moment at=generation.created_at/></td>
                    <td>{link(number, number, new, "as the first")}</td>
                    <td>{link(number, old, number, "as the second")}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="changes-rest">
            <summary>"Other generations"</summary>
            <table class="changes-packages"><tbody>{rows}</tbody></table>
        </details>
    }
    .into_any()
}
