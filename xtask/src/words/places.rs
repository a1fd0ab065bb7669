//! Paths, links and tests that prose names, each of which must exist.

use std::collections::BTreeSet;

use super::prose::code_span;
use crate::markdown::{Page, beside, is_address};

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

    /// Finds paths in backticks that do not exist; on a page also tests.
    pub(super) fn missing(&self, file: &str, prose: &str, is_page: bool) -> Vec<Missing> {
        let missing = code_spans(prose).into_iter().filter(|(_, code)| !self.has_code(file, code, is_page));
        missing.map(|(at, code)| Missing { line: line_of(prose, at), what: format!("`{code}`") }).collect()
    }

    /// Finds a page's links and pictures that lead nowhere.
    pub(super) fn dead_links(
        &self,
        file: &str,
        text: &str,
        text_of: &dyn Fn(&str) -> String,
    ) -> Vec<Missing> {
        let page = Page::parse(text);
        let dead = page.links.iter().filter(|link| !self.has_target(file, &link.target, &page, text_of));
        dead.map(|link| Missing { line: line_of(text, link.range.start), what: link.target.clone() })
            .collect()
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

    fn has_target(&self, file: &str, target: &str, own: &Page, text_of: &dyn Fn(&str) -> String) -> bool {
        if is_address(target) {
            return true;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        if path.is_empty() {
            return own.anchors.contains(anchor);
        }
        let path = beside(file, path);
        self.has(&path) && (anchor.is_empty() || Page::parse(&text_of(&path)).anchors.contains(anchor))
    }
}

/// True for build output, which is not tracked.
fn is_built(path: &str) -> bool {
    path.split('/').any(|folder| matches!(folder, "target" | "node_modules" | "test-results"))
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
        let is_page = file.starts_with("docs");
        let mut missing = known.missing(file, prose, is_page);
        if is_page {
            missing.extend(known.dead_links(file, prose, &page));
        }
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
