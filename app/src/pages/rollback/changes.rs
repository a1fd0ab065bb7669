//! What a rollback changes, as the host tells it on demand. It comes when it comes: the dialog never waits for it.

use backstay_protocol::GenerationRef;
use backstay_protocol::closure_diff::{Change, ClosureDiff, PackageChange};
use backstay_protocol::comparison::{Commits, CommitsBetween, Comparison};
use backstay_protocol::rollback::RollbackPlan;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{compare_generations, reference_to_text};
use crate::size::size;

/// How many packages are shown before the rest is asked for.
const PACKAGES: usize = 12;

/// What is known of a comparison.
#[derive(Clone)]
enum Known {
    Asked,
    Told(Box<Comparison>),
    Not(String),
}

/// What going to the chosen generation changes; asked of the host once somebody opens it.
#[component]
pub(super) fn Changes(plan: RollbackPlan, chosen: RwSignal<Option<u32>>) -> impl IntoView {
    let alive = RwSignal::new(false);
    Effect::new(move |_| alive.set(true));
    let open = RwSignal::new(false);
    let known = RwSignal::new(None::<(u32, Known)>);
    let (host, from) = (plan.host_name.clone(), plan.current.generation.reference());
    let targets: Vec<GenerationRef> = plan.candidates.iter().map(|c| c.generation.reference()).collect();
    Effect::new(move |_| {
        let target = open.get().then(|| chosen.get()).flatten();
        let Some(target) = target.and_then(|number| targets.iter().find(|t| t.number == number)) else {
            return;
        };
        if known.with_untracked(|known| known.as_ref().is_some_and(|(number, _)| *number == target.number)) {
            return;
        }
        ask(known, host.clone(), &from, target);
    });
    view! {
        <Show when=move || alive.get()>
            <details class="changes" on:toggle=move |_| open.update(|open| *open = !*open)>
                <summary>"What changes"</summary>
                <div class="changes-body" aria-live="polite">
                    {move || known.get().filter(|(number, _)| Some(*number) == chosen.get()).map(|(_, known)| told(known))}
                </div>
            </details>
        </Show>
    }
    .into_any()
}

/// Asks the host. An answer that comes after another generation was chosen is not shown.
fn ask(known: RwSignal<Option<(u32, Known)>>, host: String, from: &GenerationRef, target: &GenerationRef) {
    let number = target.number;
    known.set(Some((number, Known::Asked)));
    let (from, to) = (reference_to_text(from), reference_to_text(target));
    spawn_local(async move {
        let told = match compare_generations(host, from, to).await {
            Ok(comparison) => Known::Told(Box::new(comparison)),
            Err(error) => Known::Not(error.to_string()),
        };
        known.try_update(|known| {
            if known.as_ref().is_some_and(|(asked, _)| *asked == number) {
                *known = Some((number, told));
            }
        });
    });
}

fn told(known: Known) -> AnyView {
    match known {
        Known::Asked => {
            view! { <p class="faint">"The host is comparing the two generations…"</p> }.into_any()
        }
        Known::Not(why) => view! { <p class="faint">{why}</p> }.into_any(),
        Known::Told(comparison) => {
            let Comparison { packages, commits } = *comparison;
            view! { <CommitsOf commits/> <Packages packages/> }.into_any()
        }
    }
}

#[component]
fn CommitsOf(commits: Result<CommitsBetween, String>) -> impl IntoView {
    let commits = match commits {
        Err(why) => return view! { <p class="faint">{why}</p> }.into_any(),
        Ok(commits) => commits,
    };
    let same = commits.same_files.then(|| {
        view! { <p>"Both were built from the same files."</p> }
    });
    view! {
        {same}
        {list("takes back", &commits.lost)}
        {list("brings", &commits.gained)}
    }
    .into_any()
}

fn list(verb: &'static str, commits: &Commits) -> Option<AnyView> {
    let count = commits.newest.len() + commits.more as usize;
    let unit = if count == 1 { "commit" } else { "commits" };
    (count > 0).then(|| {
        let lines = commits.newest.iter().map(|line| {
            view! { <li><code>{line.commit.short().to_owned()}</code>" "{line.subject.clone()}</li> }
        });
        let lines = lines.collect_view();
        let more = (commits.more > 0)
            .then(|| view! { <li class="faint">{format!("and {} more", commits.more)}</li> });
        view! {
            <p class="changes-title">{format!("It {verb} {count} {unit}:")}</p>
            <ul class="changes-commits">{lines}{more}</ul>
        }
        .into_any()
    })
}

#[component]
fn Packages(packages: Result<ClosureDiff, String>) -> impl IntoView {
    let diff = match packages {
        Err(why) => return view! { <p class="faint">{why}</p> }.into_any(),
        Ok(diff) => diff,
    };
    let all = RwSignal::new(false);
    let summary = in_short(&diff);
    let count = diff.packages.len();
    let rows = move || {
        let shown = if all.get() { count } else { PACKAGES };
        diff.packages.iter().take(shown).map(row).collect_view()
    };
    view! {
        <p class="changes-title">{summary}</p>
        <Show when=move || { count > 0 }>
            <table class="changes-packages">
                <tbody>{rows.clone()}</tbody>
            </table>
        </Show>
        <Show when=move || { count > PACKAGES && !all.get() }>
            <button type="button" class="small" on:click=move |_| all.set(true)>
                {format!("Show all {count} packages")}
            </button>
        </Show>
    }
    .into_any()
}

fn row(package: &PackageChange) -> impl IntoView + use<> {
    let grown = (package.bytes != 0).then(|| size(package.bytes));
    view! {
        <tr>
            <th scope="row">{package.name.clone()}</th>
            <td>{way(package)}</td>
            <td class="number">{grown}</td>
        </tr>
    }
}

/// “122.0 → 123.0.1”, or what else became of it.
fn way(package: &PackageChange) -> String {
    let versions = |versions: &[String]| {
        let named: Vec<_> = versions.iter().filter(|v| !v.is_empty()).map(String::as_str).collect();
        named.join(", ")
    };
    let (removed, added) = (versions(&package.removed), versions(&package.added));
    let text = match package.change() {
        Change::Resized => "same version".to_owned(),
        Change::Added => format!("added {added}"),
        Change::Removed => format!("removed {removed}"),
        Change::Changed => format!("{removed} → {added}"),
    };
    text.trim().to_owned()
}

/// “3 packages changed, 1 added, 2 removed, +12.5 MiB”.
fn in_short(diff: &ClosureDiff) -> String {
    let count = |change| diff.packages.iter().filter(|p| p.change() == change).count();
    let changed = count(Change::Changed) + count(Change::Resized);
    let mut parts: Vec<String> =
        [(changed, "changed"), (count(Change::Added), "added"), (count(Change::Removed), "removed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
    if parts.is_empty() {
        return "No package changes its version or size.".to_owned();
    }
    if diff.left_out > 0 {
        parts.push(format!("{} not listed", diff.left_out));
    }
    parts.push(size(diff.bytes()));
    format!("Packages: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_in_short() {
        let diff =
            ClosureDiff::parse("a: 1 → 2, +1.5 MiB\nb: ∅ → 1\nc: 1 → ∅, -512.0 KiB\nd: +8.0 KiB\nnonsense\n");
        assert_eq!(in_short(&diff), "Packages: 2 changed, 1 added, 1 removed, 1 not listed, +1.0 MiB");
        assert_eq!(in_short(&ClosureDiff::default()), "No package changes its version or size.");
        let ways: Vec<_> = diff.packages.iter().map(way).collect();
        assert_eq!(ways, ["1 → 2", "added 1", "removed 1", "same version"]);
    }

    #[test]
    fn a_package_without_a_version() {
        let diff = ClosureDiff::parse("x11: ∅ → ε, +9.5 KiB\n");
        assert_eq!(way(&diff.packages[0]), "added");
    }
}
