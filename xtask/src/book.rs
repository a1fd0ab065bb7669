//! `cargo xtask book`: builds the book in `docs/` with mdBook.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::markdown::{Page, beside, is_address, is_page};
use crate::places::Places;

/// The version that the book is built with. It is not among what the tests need: it takes minutes to compile, and the words
/// check knows as much about the book as mdBook does.
const MDBOOK: &str = "0.5.4";

/// Where links lead that leave the book.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address of the repository's files, such as `https://github.com/you/backstay/blob/main`, for links to files that are
    /// not in the book. Without it, they lead into this checkout.
    #[arg(long)]
    source: Option<String>,
}

/// Builds the book into `target/book`, and prints its address.
pub(crate) fn run(places: &Places, options: &Options) -> Result<bool> {
    if places.program("mdbook")?.is_none() {
        bail!(
            "mdBook is not installed. Nothing was built; the pages in docs/ can be read as they are. Install it with `cargo install \
             mdbook --version {MDBOOK} --locked`, and run this again"
        );
    }
    let source = options.source.clone().unwrap_or_else(|| format!("file://{}", places.root.display()));
    let target = places.target()?;
    let (copy, book) = (target.join("book-source"), target.join("book"));
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    copy_folder(&places.root, "docs", &copy, source.trim_end_matches('/'))?;
    let status = places.command("mdbook")?.arg("build").arg(&copy).arg("--dest-dir").arg(&book).status()?;
    ensure!(status.success(), "mdBook ended with {status}");
    println!("file://{}/index.html", book.display());
    Ok(true)
}

fn copy_folder(root: &Path, folder: &str, to: &Path, source: &str) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let (path, to) = (format!("{folder}/{name}"), to.join(&name));
        if entry.file_type()?.is_dir() {
            copy_folder(root, &path, &to, source)?;
        } else if is_page(&name) {
            let text = fs::read_to_string(entry.path())?;
            fs::write(&to, with_outside_links(&path, &text, source))?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Points links to files that the book does not have to `source`: those outside of `docs/`, and the table of contents, which mdBook
/// shows beside each page.
fn with_outside_links(path: &str, text: &str, source: &str) -> String {
    let mut out = text.to_owned();
    let mut links = Page::parse(text).links;
    links.sort_by_key(|link| link.range.start);
    // From the end, so that earlier ranges stay true.
    for link in links.iter().rev() {
        let file = beside(path, &link.target);
        let is_inside = is_address(&link.target)
            || link.target.starts_with('#')
            || file.starts_with("docs/") && file != "docs/SUMMARY.md";
        let written = &text[link.range.clone()];
        if let (false, Some(at)) = (is_inside, written.rfind(&link.target)) {
            let start = link.range.start + at;
            out.replace_range(start..start + link.target.len(), &format!("{source}/{file}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_leave_the_book_lead_to_the_repository() {
        let text = "[a](b.md#c), [s](../SUMMARY.md), [d](../../model/src/op.rs), [e](https://example.org/f), [g](#h), [`../i`](../../README.md#j)";
        assert_eq!(
            with_outside_links("docs/how-to/x.md", text, "https://forge.example/tree"),
            "[a](b.md#c), [s](https://forge.example/tree/docs/SUMMARY.md), [d](https://forge.example/tree/model/src/op.rs), [e](https://example.org/f), [g](#h), \
             [`../i`](https://forge.example/tree/README.md#j)"
        );
    }
}
