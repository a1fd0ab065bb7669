//! Paths, links and tests that prose names, each of which must exist.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::prose::code_span;

/// What exists in the repository.
pub(super) struct Known {
    files: BTreeSet<String>,
    /// The names of all Rust functions.
    functions: BTreeSet<String>,
}

/// Something that prose names and that does not exist.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) line: usize,
    pub(super) what: String,
}

impl Known {
    /// Takes the repository's files, and the text of the Rust ones.
    pub(super) fn of<'a>(
        files: impl Iterator<Item = &'a str>,
        sources: impl Iterator<Item = &'a str>,
    ) -> Self {
        let functions = sources.flat_map(functions).map(str::to_owned).collect();
        Self { files: files.map(str::to_owned).collect(), functions }
    }

    /// Finds paths in backticks that do not exist; on a page also links, headings and tests.
    pub(super) fn missing(
        &self,
        file: &str,
        prose: &str,
        is_page: bool,
        text_of: &dyn Fn(&str) -> String,
    ) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (at, code) in code_spans(prose) {
            if !self.has_code(file, code, is_page) {
                missing.push(Missing { line: line_of(prose, at), what: format!("`{code}`") });
            }
        }
        if is_page {
            for (at, target) in targets(prose) {
                if !self.has_target(file, target, text_of) {
                    missing.push(Missing { line: line_of(prose, at), what: target.to_owned() });
                }
            }
        }
        missing
    }

    /// False if code is a path or a test of this repository that does not exist.
    fn has_code(&self, file: &str, code: &str, is_page: bool) -> bool {
        if is_page && is_test(code) {
            return self.functions.contains(code);
        }
        let path = code.trim_end_matches('/');
        if is_built(path) || !path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
            return true;
        }
        let is_source = [".rs", ".ts", ".md", ".mjs"].iter().any(|end| path.ends_with(end));
        let in_folder = path.split_once('/').is_some_and(|(top, _)| self.has_folder(top));
        let looks_like_ours =
            in_folder && (is_source || code.ends_with('/') || is_page) || is_page && is_source;
        !looks_like_ours || self.has(path) || is_source && self.has_end(path) || self.has(&beside(file, path))
    }

    fn has(&self, path: &str) -> bool {
        self.files.contains(path) || self.has_folder(path)
    }

    fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        self.files.range(inside.clone()..).next().is_some_and(|file| file.starts_with(&inside))
    }

    fn has_end(&self, path: &str) -> bool {
        let end = format!("/{path}");
        self.files.iter().any(|file| file.ends_with(&end))
    }

    fn has_target(&self, file: &str, target: &str, text_of: &dyn Fn(&str) -> String) -> bool {
        if target.contains("://") || target.starts_with("mailto:") {
            return true;
        }
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { file.to_owned() } else { beside(file, path) };
        self.has(&path) && (heading.is_empty() || headings(&text_of(&path)).any(|slug| slug == heading))
    }
}

/// True for build output, which is not tracked.
fn is_built(path: &str) -> bool {
    path.split('/').any(|folder| matches!(folder, "target" | "node_modules" | "test-results"))
}

/// Resolves a path relative to the file that names it.
fn beside(file: &str, path: &str) -> String {
    let mut whole = PathBuf::new();
    for part in Path::new(file).parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => _ = whole.pop(),
            Component::Normal(name) => whole.push(name),
            _ => {}
        }
    }
    whole.display().to_string()
}

/// True if code looks like the name of a test: a sentence of four words or more.
fn is_test(code: &str) -> bool {
    code.matches('_').count() >= 3
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn functions(source: &str) -> impl Iterator<Item = &str> {
    source
        .split("fn ")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
}

/// Code in backticks, with its position.
fn code_spans(prose: &str) -> Vec<(usize, &str)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(next) = prose[at..].find('`') {
        at += next;
        let code = code_span(&prose[at..]);
        spans.extend(code.map(|code| (at, code)));
        at += code.map_or(1, |code| code.len() + 2);
    }
    spans
}

/// Targets of links and pictures, with their positions.
fn targets(prose: &str) -> impl Iterator<Item = (usize, &str)> {
    let after = |start: &'static str, end: char| {
        prose.match_indices(start).filter_map(move |(at, _)| {
            let rest = &prose[at + start.len()..];
            Some((at, rest.split_once(end)?.0))
        })
    };
    after("](", ')').chain(after("src=\"", '"'))
}

/// The anchors that GitHub gives to the headings of a page.
fn headings(page: &str) -> impl Iterator<Item = String> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| {
        let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let text = line.trim_start_matches('#').trim().to_lowercase();
        text.chars().filter(|c| kept(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn line_of(prose: &str, at: usize) -> usize {
    prose[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(file: &str, prose: &str) -> Vec<String> {
        let files = ["README.md", "docs/a.md", "model/src/op.rs", "server/src/main.rs"];
        let known = Known::of(files.into_iter(), ["fn a_host_is_shown_once() {}"].into_iter());
        let page = |_: &str| "# A\n\n## What runs, and where\n".to_owned();
        let missing = known.missing(file, prose, file.starts_with("docs"), &page);
        missing.into_iter().map(|missing| format!("{} {}", missing.line, missing.what)).collect()
    }

    #[test]
    fn what_exists_is_not_told() {
        let prose = "`model/src/op.rs`, `op.rs`, `model/`, `a_host_is_shown_once`, [a](a.md#what-runs-and-where)\n\
                     [b](../model/src/op.rs) [c](https://example.org/x) `target/site` `bin/switch` `/etc/a.toml` `a b/c`";
        assert!(missing("docs/a.md", prose).is_empty(), "{:?}", missing("docs/a.md", prose));
    }

    #[test]
    fn what_a_page_names_and_is_gone_is_told_with_its_line() {
        let prose =
            "`model/src/gone.rs`\n`gone.rs` `model/gone`\n`a_host_is_gone_now`\n[a](b.md) [b](#nothing)";
        let told = [
            "1 `model/src/gone.rs`",
            "2 `gone.rs`",
            "2 `model/gone`",
            "3 `a_host_is_gone_now`",
            "4 b.md",
            "4 #nothing",
        ];
        assert_eq!(missing("docs/a.md", prose), told);
    }

    #[test]
    fn a_comment_names_whole_paths_only() {
        assert_eq!(
            missing("server/src/main.rs", "`model/src/gone.rs`, `gone.rs`, `a_host_is_gone_now`"),
            ["1 `model/src/gone.rs`"]
        );
    }
}
