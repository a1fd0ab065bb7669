//! `cargo xtask words`: checks prose against `docs/writing.md`, that the paths, links and tests it names exist,
//! that the book in `docs/` is complete, and that no page has unescaped text.

mod book;
mod phrases;
mod places;
mod prose;
mod raw_text;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Result, bail};
use clap::Args;

use self::phrases::Phrases;
use self::places::Known;
use self::prose::{Keep, Kind, mask, tokens};
use crate::places::Places;
use crate::run;

/// Folders that are not clean yet.
const PENDING: &str = include_str!("pending.txt");

/// History, foreign text, and the files that quote what they forbid.
const EXEMPT: [&str; 5] = ["CHANGELOG.md", "docs/writing.md", "migrations/", "package", "xtask/src/words/"];

/// How the findings are shown.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Count the phrases of each folder, also of those that are not clean yet.
    #[arg(long)]
    counts: bool,
    /// Show only what is below this folder, also if it is not clean yet.
    #[arg(long)]
    below: Option<String>,
}

/// One thing to change.
#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    text: String,
    /// Only counted, because the folder is pending.
    is_pending: bool,
}

/// Prints what to change; returns false if anything fails the check.
pub(crate) fn show_all(places: &Places, options: &Options) -> Result<bool> {
    let findings = check(places)?;
    if options.counts {
        for (folder, count) in counts(&findings) {
            println!("{count:>5}  {folder}");
        }
    } else if let Some(below) = &options.below {
        show(findings.iter().filter(|finding| finding.file.starts_with(below.as_str())));
    } else {
        show(findings.iter().filter(|finding| !finding.is_pending));
    }
    Ok(findings.iter().all(|finding| finding.is_pending))
}

/// Fails if there is anything to change.
pub(crate) fn test(places: &Places) -> Result<()> {
    let findings = check(places)?;
    let failing = || findings.iter().filter(|finding| !finding.is_pending);
    let pending = findings.len() - failing().count();
    if pending > 0 {
        println!("{pending} phrases in folders of xtask/src/words/pending.txt: `cargo xtask words --counts`");
    }
    show(failing());
    match failing().count() {
        0 => Ok(()),
        count => bail!("{count} places to change; see docs/writing.md"),
    }
}

fn show<'a>(findings: impl Iterator<Item = &'a Finding>) {
    for Finding { file, line, text, .. } in findings {
        println!("{file}:{line}: {text}");
    }
}

fn check(places: &Places) -> Result<Vec<Finding>> {
    let files = files(places)?;
    let phrases = Phrases::read()?;
    let rust = files.iter().filter(|(path, _)| Kind::of(path) == Some(Kind::Rust));
    let known = Known::of(files.keys().map(String::as_str), rust.map(|(_, text)| text.as_str()));
    let text_of = |path: &str| files.get(path).cloned().unwrap_or_default();
    let mut findings = book::check(&files);
    for (path, text) in &files {
        let Some(kind) = Kind::of(path) else { continue };
        if kind == Kind::Markdown {
            findings.extend(missing(path, known.dead_links(path, text, &text_of)));
        }
        if is_exempt(path) {
            continue;
        }
        findings.extend(said(path, kind, text, &phrases));
        let prose = mask(kind, Keep::Comments, text);
        findings.extend(missing(path, known.missing(path, &prose, kind == Kind::Markdown)));
        if path.starts_with("app/src/") && kind == Kind::Rust {
            findings.extend(unescaped(path, text));
        }
    }
    Ok(findings)
}

fn said(path: &str, kind: Kind, text: &str, phrases: &Phrases<'_>) -> Vec<Finding> {
    let prose = mask(kind, Keep::All, text);
    let found = phrases.find(&tokens(&prose)).into_iter();
    let is_pending = is_below(PENDING.lines(), path);
    let finding = |found: phrases::Found<'_>| Finding {
        file: path.to_owned(),
        line: found.line,
        text: format!("“{}”: rather {}", found.phrase, found.suggestion),
        is_pending,
    };
    found.map(finding).collect()
}

fn unescaped(path: &str, text: &str) -> Vec<Finding> {
    let what = "the framework does not escape what this element holds: `crate::escape::raw_text` does";
    let finding = |line| Finding { file: path.to_owned(), line, text: what.to_owned(), is_pending: false };
    raw_text::unescaped(text).into_iter().map(finding).collect()
}

fn missing(path: &str, missing: Vec<places::Missing>) -> impl Iterator<Item = Finding> {
    let finding = |missing: places::Missing| Finding {
        file: path.to_owned(),
        line: missing.line,
        text: format!("{} does not exist", missing.what),
        is_pending: false,
    };
    missing.into_iter().map(finding)
}

/// The text of the repository's files, including uncommitted ones; empty if the file holds no prose.
fn files(places: &Places) -> Result<BTreeMap<String, String>> {
    let mut git = places.command("git")?;
    let listed = run::read(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let there = listed.split('\0').filter(|path| places.root.join(path).is_file());
    let text = |path: &str| {
        let is_read = Kind::of(path).is_some();
        if is_read { fs::read_to_string(places.root.join(path)).unwrap_or_default() } else { String::new() }
    };
    Ok(there.map(|path| (path.to_owned(), text(path))).collect())
}

fn is_exempt(path: &str) -> bool {
    is_below(EXEMPT.into_iter(), path)
}

fn is_below<'a>(mut prefixes: impl Iterator<Item = &'a str>, path: &str) -> bool {
    prefixes.any(|prefix| !prefix.is_empty() && !prefix.starts_with('#') && path.starts_with(prefix))
}

/// The number of findings in each folder, to a depth of three.
fn counts(findings: &[Finding]) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::<String, usize>::new();
    for finding in findings {
        let folders = finding.file.rsplit_once('/').map_or(finding.file.as_str(), |(folder, _)| folder);
        let folder = folders.split('/').take(3).collect::<Vec<_>>().join("/");
        *counts.entry(folder).or_default() += 1;
    }
    counts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_exempt_or_pending() {
        assert!(is_exempt("migrations/sqlite/1.sql") && is_exempt("package-lock.json"));
        assert!(!is_exempt("docs/architecture.md"));
        assert!(is_below("# x\n\napp/".lines(), "app/src/lib.rs"));
        assert!(!is_below("# x\n\napp/".lines(), "agent/src/main.rs"));
    }

    #[test]
    fn findings_are_counted_by_folder() {
        let at =
            |file: &str| Finding { file: file.to_owned(), line: 1, text: String::new(), is_pending: true };
        let findings = [at("app/src/pages/host/a.rs"), at("app/src/pages/b.rs"), at("README.md")];
        assert_eq!(counts(&findings), [("README.md".to_owned(), 1), ("app/src/pages".to_owned(), 2)]);
    }
}
