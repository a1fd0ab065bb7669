//! Elements whose text the framework writes unescaped: text from outside could end them and begin another.

/// The elements.
const ELEMENTS: [&str; 4] = ["</textarea>", "</title>", "</style>", "</script>"];

/// Returns the lines on which such an element holds an expression that `raw_text` does not escape.
pub(super) fn unescaped(source: &str) -> Vec<usize> {
    let ends = ELEMENTS.iter().flat_map(|end| source.match_indices(end));
    let found = ends.filter(|(at, _)| is_code(source, *at) && holds_expression(&source[..*at]));
    let mut lines: Vec<_> = found.map(|(at, _)| source[..at].matches('\n').count() + 1).collect();
    lines.sort_unstable();
    lines
}

/// Returns whether a place is neither in a string literal nor in a comment, by the line before it.
fn is_code(source: &str, at: usize) -> bool {
    let line = source[..at].rsplit('\n').next().unwrap_or_default();
    let in_string = line.matches('"').count() % 2 == 1;
    !in_string && !line.contains("//")
}

/// Returns whether an element that ends here holds anything but a literal or escaped text.
fn holds_expression(before: &str) -> bool {
    let before = before.trim_end();
    let Some(inner) = before.strip_suffix('}') else { return !before.ends_with(['>', '"']) };
    let mut depth = 1;
    let open = inner.char_indices().rev().find(|(_, c)| {
        depth += match c {
            '}' => 1,
            '{' => -1,
            _ => 0,
        };
        depth == 0
    });
    open.is_none_or(|(at, _)| !inner[at + 1..].trim_start().starts_with("raw_text("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_and_escaped_text_are_allowed_in_them() {
        for fine in [
            r#"<textarea rows="3"></textarea>"#,
            r#"<textarea rows="3">"In the reading room"</textarea>"#,
            "<textarea prop:value=notes>{raw_text(first_notes)}</textarea>",
            "<script nonce=use_nonce() inner_html=THEME></script>",
            r##"format!(r#"<g id="a"><title>{}</title></g>"#, escaped(name))"##,
            "// <textarea>{notes}</textarea>",
        ] {
            assert_eq!(unescaped(fine), Vec::<usize>::new(), "{fine}");
        }
        for wrong in [
            "<textarea>{notes}</textarea>",
            "<textarea>{move || { notes.get() }}</textarea>",
            "<title>\n    {name}\n</title>",
            "<style>{raw_text(a)}{b}</style>",
            "<textarea>notes</textarea>",
        ] {
            assert_eq!(unescaped(wrong).len(), 1, "{wrong}");
        }
        assert_eq!(unescaped("<p>\n<textarea>\n{notes}</textarea>"), [3]);
    }
}
