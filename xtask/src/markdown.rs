//! Links and anchors of a Markdown page.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A page's links, pictures and anchors.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) links: Vec<Link>,
    /// What a link can name after its `#`: headings, as forges and mdBook name them, and the `id`s of HTML.
    pub(crate) anchors: BTreeSet<String>,
}

/// A link or a picture.
#[derive(Debug)]
pub(crate) struct Link {
    /// As written, with its anchor.
    pub(crate) target: String,
    /// The bytes of the whole link.
    pub(crate) range: Range<usize>,
}

impl Page {
    pub(crate) fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None;
        let mut seen = BTreeMap::new();
        let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
        for (event, range) in parser.into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { target: dest_url.into_string(), range });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|words| anchor(&words, &mut seen)));
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                Event::Html(html) | Event::InlineHtml(html) => page.take_html(&html, &range),
                _ => {}
            }
        }
        page
    }

    fn take_html(&mut self, html: &str, range: &Range<usize>) {
        for name in ["src", "href"] {
            let links = attributes(html, name).map(|target| Link { target, range: range.clone() });
            self.links.extend(links);
        }
        self.anchors.extend(attributes(html, "id"));
    }
}

/// The anchor of a heading. The second heading of the same words gets `-1`, the third `-2`.
fn anchor(words: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text = words.trim().to_lowercase();
    let slug: String = text.chars().filter(is_kept).map(|c| if c == ' ' { '-' } else { c }).collect();
    let count = seen.entry(slug.clone()).or_default();
    *count += 1;
    if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
}

fn attributes(html: &str, name: &str) -> impl Iterator<Item = String> {
    let start = format!(" {name}=\"");
    let pieces: Vec<String> = html.split(&start).skip(1).map(str::to_owned).collect();
    pieces.into_iter().filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
}

/// True if a file is a page.
pub(crate) fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "md")
}

/// True if a target is an address of its own, rather than a path.
pub(crate) fn is_address(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// Resolves a path relative to the file that names it.
pub(crate) fn beside(file: &str, path: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        Page::parse(text).links.into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_and_pictures_are_found_and_code_is_none() {
        let text = "[a](b.md#c) ![d](e.png)\n\n| [f](g.md) |\n| --- |\n\n<img src=\"h.png\" alt=\"\">\n\n\
                    `[i](j.md)`\n\n    [k](l.md)\n\n```\n[m](n.md)\n```\n";
        assert_eq!(links(text), ["b.md#c", "e.png", "g.md", "h.png"]);
    }

    #[test]
    fn headings_have_the_anchors_of_forges_and_code_has_none() {
        let text = "# `a/` and b\n\n## What runs, and where?\n\n## Same\n\n## Same\n\n```\n# no\n```\n";
        let anchors = Page::parse(text).anchors;
        assert!(anchors.iter().eq(["a-and-b", "same", "same-1", "what-runs-and-where"]), "{anchors:?}");
    }

    #[test]
    fn paths_are_resolved_from_the_file_that_names_them() {
        assert_eq!(beside("docs/how-to/a.md", "../b.md"), "docs/b.md");
        assert_eq!(beside("README.md", "docs/b.md"), "docs/b.md");
    }
}
