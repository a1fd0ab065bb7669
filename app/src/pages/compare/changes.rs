//! What differs between two generations, as markup. Only the server writes it, which keeps the page's
//! WebAssembly small. The framework escapes what hosts report.

use backstay_model::closure_diff::{Change, ClosureDiff, PackageChange};
use backstay_model::comparison::{
    BootPart, BootPartChange, CommitLine, Commits, CommitsBetween, Comparison, Reboot, UnitChanges,
};
use leptos::prelude::*;

use crate::components::Icon;

/// How many packages are shown at first.
const PACKAGES: usize = 12;
/// How many units of each kind of change are named at first.
const UNITS: usize = 8;

/// “15 commits, 140 packages”: a comparison in one line. Whether a reboot is needed is said beside it.
pub(crate) fn in_one_line(comparison: &Comparison) -> String {
    let counted = |count: usize, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    };
    let commits = comparison.commits.as_ref().map_or(0, |commits| {
        [&commits.lost, &commits.gained].iter().map(|some| some.newest.len() + some.more as usize).sum()
    });
    let packages = comparison.packages.as_ref();
    let packages = packages.map_or(0, |diff| diff.packages.len() + diff.left_out as usize);
    let units = comparison.units.as_ref().map_or(0, UnitChanges::count);
    let parts: Vec<_> = [counted(commits, "commit"), counted(packages, "package"), counted(units, "unit")]
        .into_iter()
        .flatten()
        .collect();
    match parts.len() {
        0 if comparison.is_whole() => "nothing differs".to_owned(),
        0 => "the host could not say".to_owned(),
        _ => parts.join(", "),
    }
}

/// All of a comparison.
pub(crate) fn changes(comparison: Comparison, repository: Option<&str>) -> AnyView {
    let Comparison { packages, commits, reboot, units } = comparison;
    let parts = [
        reboot.map_or_else(unknown, reboot_needed),
        commits.map_or_else(unknown, |commits| commits_between(commits, repository)),
        units.map_or_else(unknown, units_that_differ),
        packages.map_or_else(unknown, packages_that_differ),
    ];
    view! { <div class="changes-body">{parts.into_iter().collect_view()}</div> }.into_any()
}

/// A part that the host could not determine.
fn unknown(why: String) -> AnyView {
    view! { <p class="faint">{why}</p> }.into_any()
}

/// Says whether a reboot is needed. A platform that does not boot by generation never needs one.
fn reboot_needed(reboot: Reboot) -> AnyView {
    let (needed, icon, lines) = match (reboot.is_needed(), reboot.booted) {
        (true, _) => ("needed", "attention", reboot_lines(&reboot.parts)),
        (false, Some(_)) => {
            let none = "No reboot is needed: kernel, initrd and kernel modules are the booted ones.";
            ("not-needed", "ok", vec![none.to_owned()])
        }
        (false, None) => return ().into_any(),
    };
    let lines = lines.into_iter().map(|line| view! { <p>{line}</p> }).collect_view();
    view! { <div class="changes-reboot" data-reboot=needed><Icon name=icon/><div>{lines}</div></div> }
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
fn units_that_differ(units: UnitChanges) -> AnyView {
    let summary = units_in_short(&units);
    if units.count() == 0 {
        return view! { <p class="changes-title">{summary}</p> }.into_any();
    }
    let kinds = [("changed", units.changed), ("added", units.added), ("removed", units.removed)];
    let rows = kinds
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| view! { <div><dt>{word}</dt><dd>{names_folded(&names)}</dd></div> })
        .collect_view();
    let more = (units.more > 0)
        .then(|| view! { <p class="faint">{format!("{} more are not listed.", units.more)}</p> });
    view! {
        <p class="changes-title">{summary}</p>
        <dl class="changes-units">{rows}</dl>
        {more}
        <p class="faint">"The activation decides which of these restart."</p>
    }
    .into_any()
}

/// The first names; the others unfold.
fn names_folded(names: &[String]) -> AnyView {
    let (first, rest) = names.split_at(names.len().min(UNITS));
    let rest = (!rest.is_empty()).then(|| {
        view! {
            <details class="changes-rest">
                <summary>{format!("{} more", rest.len())}</summary>
                {rest.join(", ")}
            </details>
        }
    });
    view! { {first.join(", ")}{rest} }.into_any()
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

fn commits_between(commits: CommitsBetween, repository: Option<&str>) -> AnyView {
    let same = commits.same_files.then(|| {
        view! { <p>"Both were built from the same files."</p> }
    });
    view! {
        {same}
        {commit_list("Undoes", &commits.lost, repository)}
        {commit_list("Adds", &commits.gained, repository)}
    }
    .into_any()
}

fn commit_list(verb: &'static str, commits: &Commits, repository: Option<&str>) -> Option<AnyView> {
    let count = commits.newest.len() + commits.more as usize;
    let unit = if count == 1 { "commit" } else { "commits" };
    (count > 0).then(|| {
        let lines = commits.newest.iter().map(|line| commit_line(line, repository)).collect_view();
        let more = (commits.more > 0)
            .then(|| view! { <li class="faint">{format!("and {} more", commits.more)}</li> });
        view! {
            <p class="changes-title">{format!("{verb} {count} {unit}:")}</p>
            <ul class="changes-commits">{lines}{more}</ul>
        }
        .into_any()
    })
}

fn commit_line(line: &CommitLine, repository: Option<&str>) -> AnyView {
    let name = view! { <code>{line.commit.short().to_owned()}</code> }.into_any();
    let subject = line.subject.clone();
    view! { <li>{at_forge(name, "commit", &line.commit.0, repository)}" "{subject}</li> }.into_any()
}

/// A link to a part of the repository's page, if there is one. What is no revision gets no link.
pub(super) fn at_forge(content: AnyView, part: &str, revision: &str, repository: Option<&str>) -> AnyView {
    let is_revision = revision.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.');
    match repository.filter(|_| is_revision) {
        Some(page) => {
            view! { <a href=format!("{page}/{part}/{revision}") rel="noreferrer">{content}</a> }.into_any()
        }
        None => content,
    }
}

/// The packages that differ: the first ones, and the others folded.
fn packages_that_differ(diff: ClosureDiff) -> AnyView {
    let summary = in_short(&diff);
    let (first, rest) = diff.packages.split_at(diff.packages.len().min(PACKAGES));
    let rest = (!rest.is_empty()).then(|| {
        view! {
            <details class="changes-rest">
                <summary>{format!("{} more packages", rest.len())}</summary>
                {package_table(rest)}
            </details>
        }
    });
    let first = (!first.is_empty()).then(|| package_table(first));
    view! { <p class="changes-title">{summary}</p>{first}{rest} }.into_any()
}

fn package_table(packages: &[PackageChange]) -> AnyView {
    let rows = packages.iter().map(package_row).collect_view();
    view! { <table class="changes-packages"><tbody>{rows}</tbody></table> }.into_any()
}

fn package_row(package: &PackageChange) -> AnyView {
    let grown = (package.bytes != 0).then(|| size(package.bytes));
    view! {
        <tr>
            <th scope="row">{package.name.clone()}</th>
            <td>{version_change(package)}</td>
            <td class="number">{grown}</td>
        </tr>
    }
    .into_any()
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
    use backstay_model::Commit;

    use super::*;

    #[test]
    fn a_comparison_in_one_line() {
        let commit = |subject: &str| CommitLine { commit: Commit("abc1234".into()), subject: subject.into() };
        let lost = Commits { newest: vec![commit("one"), commit("two")], more: 13 };
        let mut comparison = Comparison {
            packages: Ok(ClosureDiff::parse("a: 1 → 2, +1.5 MiB\nnonsense\n")),
            commits: Ok(CommitsBetween { lost, ..CommitsBetween::default() }),
            units: Ok(UnitChanges { added: vec!["a.service".into()], ..UnitChanges::default() }),
            reboot: Ok(Reboot::default()),
        };
        assert_eq!(in_one_line(&comparison), "15 commits, 2 packages, 1 unit");
        comparison.packages = Err("Nix did not answer.".into());
        assert_eq!(in_one_line(&comparison), "15 commits, 1 unit");
        assert_eq!(in_one_line(&Comparison::unknown("no")), "the host could not say");
        let same = Comparison {
            packages: Ok(ClosureDiff::default()),
            commits: Ok(CommitsBetween::default()),
            units: Ok(UnitChanges::default()),
            reboot: Ok(Reboot::default()),
        };
        assert_eq!(in_one_line(&same), "nothing differs");
    }

    #[test]
    fn what_a_host_reports_is_text_and_links_lead_to_the_repository_alone() {
        let html = |commit: &str, repository| {
            let line = CommitLine { commit: Commit(commit.into()), subject: "<b>\"bold\"</b>".into() };
            commit_line(&line, repository).to_html()
        };
        let linked = html("abc1234def", Some("https://github.com/you/nixcfg"));
        assert!(linked.contains(r#"href="https://github.com/you/nixcfg/commit/abc1234def""#), "{linked}");
        assert!(linked.contains(r#"rel="noreferrer""#) && linked.contains("&lt;b&gt;"), "{linked}");
        assert!(!linked.contains("<b>"), "{linked}");
        for (commit, repository) in [("abc1234", None), ("../../evil", Some("https://github.com/you/nixcfg"))]
        {
            assert!(!html(commit, repository).contains("<a"), "{commit}");
        }
    }

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
