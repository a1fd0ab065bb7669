//! What a rollback changes, asked of the host on demand. The dialog never waits for the answer.

use backstay_model::GenerationRef;
use backstay_model::closure_diff::{Change, ClosureDiff, PackageChange};
use backstay_model::comparison::{
    BootPart, BootPartChange, Commits, CommitsBetween, Comparison, Reboot, UnitChanges,
};
use backstay_model::rollback::RollbackPlan;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{compare_generations, reference_to_text};
use crate::browser;
use crate::components::Icon;

/// How many packages are shown at first.
const PACKAGES: usize = 12;
/// How many units of each kind of change are named at first.
const UNITS: usize = 8;

/// The state of a comparison.
#[derive(Clone)]
enum Answer {
    Pending,
    Received(Box<Comparison>),
    Failed(String),
}

/// What going to the chosen generation changes. The host is asked once somebody opens it.
#[component]
pub(super) fn Changes(plan: RollbackPlan, chosen: RwSignal<Option<u32>>) -> impl IntoView {
    let alive = RwSignal::new(false);
    Effect::new(move |_| alive.set(true));
    let open = RwSignal::new(false);
    let answer = RwSignal::new(None::<(u32, Answer)>);
    let (host, from) = (plan.host_name.clone(), plan.current.generation.reference());
    let targets: Vec<GenerationRef> = plan.candidates.iter().map(|c| c.generation.reference()).collect();
    Effect::new(move |_| {
        let target = open.get().then(|| chosen.get()).flatten();
        let Some(target) = target.and_then(|number| targets.iter().find(|t| t.number == number)) else {
            return;
        };
        // After a failure, ask again.
        let is_answered = |answer: &Option<(u32, Answer)>| {
            answer.as_ref().is_some_and(|(number, answer)| {
                *number == target.number && !matches!(answer, Answer::Failed(_))
            })
        };
        if answer.with_untracked(is_answered) {
            return;
        }
        ask(answer, host.clone(), &from, target);
    });
    view! {
        <Show when=move || alive.get()>
            <details class="changes" on:toggle=move |event| open.set(browser::is_open(&event))>
                <summary>"What changes"</summary>
                <div class="changes-body" tabindex="0" role="group" aria-label="What changes" aria-live="polite">
                    {move || answer.get().filter(|(number, _)| Some(*number) == chosen.get()).map(|(_, answer)| answered(answer))}
                </div>
            </details>
        </Show>
    }
}

/// Asks the host. An answer that arrives after another generation was chosen is dropped.
fn ask(answer: RwSignal<Option<(u32, Answer)>>, host: String, from: &GenerationRef, target: &GenerationRef) {
    let number = target.number;
    answer.set(Some((number, Answer::Pending)));
    let (from, to) = (reference_to_text(from), reference_to_text(target));
    spawn_local(async move {
        let received = match compare_generations(host, from, to).await {
            Ok(comparison) => Answer::Received(Box::new(comparison)),
            Err(error) => Answer::Failed(error.to_string()),
        };
        answer.try_update(|answer| {
            if answer.as_ref().is_some_and(|(asked, _)| *asked == number) {
                *answer = Some((number, received));
            }
        });
    });
}

/// A comparison as a host answered it, for the gallery.
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(in crate::pages) fn compared(comparison: Comparison) -> AnyView {
    answered(Answer::Received(Box::new(comparison)))
}

fn answered(answer: Answer) -> AnyView {
    match answer {
        Answer::Pending => {
            view! { <p class="faint">"The host is comparing the two generations…"</p> }.into_any()
        }
        Answer::Failed(why) => view! { <p class="faint">{why}</p> }.into_any(),
        Answer::Received(comparison) => {
            let Comparison { packages, commits, reboot, units } = *comparison;
            view! { <RebootFor reboot/> <CommitsOf commits/> <Units units/> <Packages packages/> }.into_any()
        }
    }
}

/// Says whether a reboot is needed.
#[component]
fn RebootFor(reboot: Result<Reboot, String>) -> impl IntoView {
    let reboot = match reboot {
        Err(why) => return view! { <p class="faint">{why}</p> }.into_any(),
        Ok(reboot) => reboot,
    };
    if reboot.is_needed() {
        let lines =
            reboot_lines(&reboot.parts).into_iter().map(|line| view! { <p>{line}</p> }).collect_view();
        return view! {
            <div class="changes-reboot" data-reboot="needed">
                <Icon name="attention"/>
                <div>{lines}</div>
            </div>
        }
        .into_any();
    }
    // A platform that does not boot by generation never needs one.
    reboot
        .booted
        .map(|_| {
            view! {
                <div class="changes-reboot" data-reboot="not-needed">
                    <Icon name="ok"/>
                    <p>"No reboot is needed: kernel, initrd and kernel modules are the booted ones."</p>
                </div>
            }
        })
        .into_any()
}

/// “Kernel 6.12.48 → 6.12.58: takes effect after a reboot.”
fn reboot_lines(parts: &[BootPartChange]) -> Vec<String> {
    let kernel = parts.iter().find(|part| part.part == BootPart::Kernel);
    let others: Vec<_> =
        parts.iter().filter(|part| part.part != BootPart::Kernel).map(|part| part.part.title()).collect();
    let mut lines = Vec::new();
    if let Some(kernel) = kernel {
        let what = match (&kernel.booted, &kernel.next) {
            (Some(booted), Some(next)) if booted != next => format!("Kernel {booted} → {next}"),
            (_, Some(next)) => format!("Another build of kernel {next}"),
            _ => "Another kernel".to_owned(),
        };
        lines.push(format!("{what}: takes effect after a reboot."));
    }
    // Another kernel always comes with another initrd and other modules.
    if kernel.is_none() && !others.is_empty() {
        let titles = others.join(" and ");
        let verb = if others.len() == 1 && !titles.ends_with('s') { "differs" } else { "differ" };
        lines.push(format!("{titles} {verb} from what was booted: takes effect after a reboot."));
    }
    lines
}

/// The units that differ. Only the activation decides which of them restart.
#[component]
fn Units(units: Result<UnitChanges, String>) -> impl IntoView {
    let units = match units {
        Err(why) => return view! { <p class="faint">{why}</p> }.into_any(),
        Ok(units) => units,
    };
    let summary = units_in_short(&units);
    if units.count() == 0 {
        return view! { <p class="changes-title">{summary}</p> }.into_any();
    }
    let kinds = [("changed", units.changed), ("added", units.added), ("removed", units.removed)];
    let all = RwSignal::new(false);
    let is_long = kinds.iter().any(|(_, names)| names.len() > UNITS);
    let rows = kinds
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| {
            let listed = move || {
                let shown = if all.get() { names.len() } else { UNITS.min(names.len()) };
                let more = names.len() - shown;
                let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{}{rest}", names[..shown].join(", "))
            };
            view! { <div><dt>{word}</dt><dd>{listed}</dd></div> }
        })
        .collect_view();
    let more = (units.more > 0)
        .then(|| view! { <p class="faint">{format!("{} more are not listed.", units.more)}</p> });
    view! {
        <p class="changes-title">{summary}</p>
        <dl class="changes-units">{rows}</dl>
        {more}
        <Show when=move || { is_long && !all.get() }>
            <button type="button" class="small" on:click=move |_| all.set(true)>"Show all units"</button>
        </Show>
        <p class="faint">"The activation decides which of these restart."</p>
    }
    .into_any()
}

/// “3 units differ: 2 changed, 1 added”.
fn units_in_short(units: &UnitChanges) -> String {
    let (one, several) = units.manager.nouns();
    let parts: Vec<String> =
        [(units.changed.len(), "changed"), (units.added.len(), "added"), (units.removed.len(), "removed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
    match units.count() {
        0 => format!("No {one} differs."),
        1 => format!("1 {one} differs: {}", parts.join(", ")),
        count => format!("{count} {several} differ: {}", parts.join(", ")),
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
        {list("Undoes", &commits.lost)}
        {list("Adds", &commits.gained)}
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
            <p class="changes-title">{format!("{verb} {count} {unit}:")}</p>
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
            <td>{version_change(package)}</td>
            <td class="number">{grown}</td>
        </tr>
    }
}

/// “122.0 → 123.0.1”, “added 1.2”, “removed 1.1” or “same version”.
fn version_change(package: &PackageChange) -> String {
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

/// A growth in bytes, with its sign, in the unit that leaves one to four digits before the point: `+13.9
/// KiB`.
fn size(bytes: i64) -> String {
    let sign = if bytes < 0 { '−' } else { '+' };
    let mut tenths = u128::from(bytes.unsigned_abs()) * 10;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if tenths < 10_240 {
            return match unit {
                "B" => format!("{sign}{} B", tenths / 10),
                _ => format!("{sign}{}.{} {unit}", tenths / 10, tenths % 10),
            };
        }
        tenths = (tenths + 512) / 1024;
    }
    format!("{sign}{}.{} TiB", tenths / 10, tenths % 10)
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
        let changes: Vec<_> = diff.packages.iter().map(version_change).collect();
        assert_eq!(changes, ["1 → 2", "added 1", "removed 1", "same version"]);
    }

    fn part(part: BootPart, booted: Option<&str>, next: Option<&str>) -> BootPartChange {
        BootPartChange { part, booted: booted.map(str::to_owned), next: next.map(str::to_owned) }
    }

    #[test]
    fn what_needs_a_reboot_is_said_in_words() {
        let (kernel, initrd, modules) = (BootPart::Kernel, BootPart::Initrd, BootPart::KernelModules);
        let whole = [
            part(kernel, Some("6.6.40"), Some("6.6.52")),
            part(initrd, None, None),
            part(modules, Some("6.6.40"), Some("6.6.52")),
        ];
        assert_eq!(reboot_lines(&whole), ["Kernel 6.6.40 → 6.6.52: takes effect after a reboot."]);
        let same = [part(kernel, Some("6.6.40"), Some("6.6.40"))];
        assert_eq!(reboot_lines(&same), ["Another build of kernel 6.6.40: takes effect after a reboot."]);
        assert_eq!(
            reboot_lines(&[part(kernel, None, None)]),
            ["Another kernel: takes effect after a reboot."]
        );
        assert_eq!(
            reboot_lines(&[part(initrd, None, None)]),
            ["Initrd differs from what was booted: takes effect after a reboot."]
        );
        assert_eq!(
            reboot_lines(&[part(initrd, None, None), part(modules, None, None)]),
            ["Initrd and Kernel modules differ from what was booted: takes effect after a reboot."]
        );
        assert_eq!(reboot_lines(&[]), Vec::<String>::new());
    }

    #[test]
    fn units_in_words() {
        let of = |changed: &[&str], added: &[&str], more| UnitChanges {
            changed: changed.iter().map(|&name| name.to_owned()).collect(),
            added: added.iter().map(|&name| name.to_owned()).collect(),
            more,
            ..UnitChanges::default()
        };
        assert_eq!(units_in_short(&of(&[], &[], 0)), "No unit differs.");
        assert_eq!(units_in_short(&of(&["a.service"], &[], 0)), "1 unit differs: 1 changed");
        assert_eq!(units_in_short(&of(&["a", "b"], &["c"], 7)), "10 units differ: 2 changed, 1 added");
    }

    #[test]
    fn a_package_without_a_version() {
        let diff = ClosureDiff::parse("x11: ∅ → ε, +9.5 KiB\n");
        assert_eq!(version_change(&diff.packages[0]), "added");
    }

    #[test]
    fn a_size_is_in_the_unit_that_fits() {
        for (bytes, words) in [
            (0, "+0 B"),
            (-1023, "−1023 B"),
            (13 * 1024 + 922, "+13.9 KiB"),
            (2400 * 1024, "+2.3 MiB"),
            (-(3 << 30), "−3.0 GiB"),
            (i64::MAX, "+8388608.0 TiB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }
}
