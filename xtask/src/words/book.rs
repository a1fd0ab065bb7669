//! The book in `docs/`: its table of contents names every page once, and every picture is on some page.

use std::collections::BTreeMap;

use super::Finding;
use crate::markdown::{Page, beside, is_page};

/// The table of contents, which mdBook reads.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Finds pages that the table of contents does not name or names twice, and pictures that no page shows.
pub(super) fn check(files: &BTreeMap<String, String>) -> Vec<Finding> {
    let links_of = |path: &str| -> Vec<String> {
        let page = files.get(path).map(|text| Page::parse(text)).unwrap_or_default();
        let path_of = |target: &str| beside(path, target.split('#').next().unwrap_or_default());
        page.links.iter().map(|link| path_of(&link.target)).collect()
    };
    let named = links_of(SUMMARY);
    let shown: Vec<String> =
        files.keys().filter(|path| is_page(path)).flat_map(|path| links_of(path)).collect();
    let in_book = files.keys().filter(|path| path.starts_with("docs/") && path.as_str() != SUMMARY);
    let mut findings = Vec::new();
    for path in in_book {
        let times = named.iter().filter(|named| *named == path).count();
        let fault = match times {
            0 if is_page(path) => format!("{SUMMARY} does not name this page"),
            2.. => format!("{SUMMARY} names this page twice"),
            _ if path.starts_with("docs/images/") && !shown.contains(path) => {
                "no page shows this picture".to_owned()
            }
            _ => continue,
        };
        findings.push(Finding { file: path.clone(), line: 1, text: fault, is_pending: false });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        check(&files).into_iter().map(|finding| format!("{}: {}", finding.file, finding.text)).collect()
    }

    #[test]
    fn a_complete_book_has_no_findings() {
        let files = [
            ("docs/SUMMARY.md", "- [A](a.md)\n- [B](how-to/b.md)"),
            ("docs/a.md", "![x](images/x.png)"),
            ("docs/how-to/b.md", ""),
            ("docs/images/x.png", ""),
            ("docs/book.toml", ""),
        ];
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }

    #[test]
    fn a_page_or_a_picture_that_nobody_finds_is_reported() {
        let files = [
            ("docs/SUMMARY.md", "- [A](a.md)\n- [A](a.md)"),
            ("docs/a.md", ""),
            ("docs/how-to/b.md", ""),
            ("docs/images/x.png", ""),
        ];
        let told = [
            "docs/a.md: docs/SUMMARY.md names this page twice",
            "docs/how-to/b.md: docs/SUMMARY.md does not name this page",
            "docs/images/x.png: no page shows this picture",
        ];
        assert_eq!(found(&files), told);
    }
}
