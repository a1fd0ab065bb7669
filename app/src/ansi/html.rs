//! Spans as HTML, with classes only: the content security policy forbids style attributes.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Span, Style};
use crate::escape::escaped;

/// A search match in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Highlight {
    /// Its byte range in the line's text.
    pub(crate) at: Range<usize>,
    /// Whether it is the current match.
    pub(crate) current: bool,
}

/// Renders a line as HTML with its search matches marked. The matches are in order and do not overlap.
pub(crate) fn html(spans: &[Span], marks: &[Highlight]) -> String {
    let mut html = String::new();
    let mut begin = 0;
    for span in spans {
        let end = begin + span.text.len();
        let mut at = begin;
        for mark in marks.iter().filter(|mark| mark.at.start < end && mark.at.end > begin) {
            let (from, to) = (mark.at.start.max(begin), mark.at.end.min(end));
            push(&mut html, part(span, begin, at..from), span.style, None);
            push(&mut html, part(span, begin, from..to), span.style, Some(mark.current));
            at = to;
        }
        push(&mut html, part(span, begin, at..end), span.style, None);
        begin = end;
    }
    html
}

fn part(span: &Span, begin: usize, at: Range<usize>) -> &str {
    // A match outside the text marks nothing.
    span.text.get(at.start.saturating_sub(begin)..at.end.saturating_sub(begin)).unwrap_or_default()
}

fn push(html: &mut String, text: &str, style: Style, mark: Option<bool>) {
    if text.is_empty() {
        return;
    }
    let mut classes = classes(style);
    if mark == Some(true) {
        classes.push("current".to_owned());
    }
    let element = if mark.is_some() { "mark" } else { "span" };
    let bare = mark.is_none() && classes.is_empty();
    if !bare {
        let _ = match classes.as_slice() {
            [] => write!(html, "<{element}>"),
            classes => write!(html, "<{element} class=\"{}\">", classes.join(" ")),
        };
    }
    html.push_str(&escaped(text));
    if !bare {
        let _ = write!(html, "</{element}>");
    }
}

fn classes(style: Style) -> Vec<String> {
    let mut classes = vec![];
    classes.extend(style.foreground.map(|n| format!("fg-{n}")));
    classes.extend(style.background.map(|n| format!("bg-{n}")));
    let set = [
        (style.bold, "bold"),
        (style.dim, "dim"),
        (style.italic, "italic"),
        (style.underline, "underline"),
        (style.strike, "strike"),
        (style.reverse, "reverse"),
    ];
    classes.extend(set.into_iter().filter(|(on, _)| *on).map(|(_, class)| class.to_owned()));
    classes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spans;
    use super::*;

    fn mark(at: Range<usize>, current: bool) -> Highlight {
        Highlight { at, current }
    }

    #[test]
    fn classes_and_nothing_else() {
        assert_eq!(
            html(&spans("\x1b[1;31ma<b>\x1b[0m & c"), &[]),
            "<span class=\"fg-1 bold\">a&lt;b&gt;</span> &amp; c"
        );
    }

    #[test]
    fn matches_are_marked_across_colours() {
        let spans = spans("one \x1b[32mtwo\x1b[0m two");
        assert_eq!(
            html(&spans, &[mark(3..5, false), mark(8..11, true)]),
            "one<mark> </mark><mark class=\"fg-2\">t</mark><span class=\"fg-2\">wo</span> <mark class=\"current\">two</mark>"
        );
    }

    /// The text that a browser would show.
    fn text_of(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    proptest! {
        #[test]
        fn no_text_is_lost_and_none_becomes_markup(line in "([a-z<>&\"é/= ]|\x1b\\[3[1-7]m){0,40}", cuts in prop::collection::vec(0usize..50, 0..6)) {
            let spans = spans(&line);
            let plain: String = spans.iter().map(|span| span.text.as_str()).collect();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|at| plain.is_char_boundary(*at)).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let marks: Vec<_> = cuts.chunks_exact(2).map(|pair| mark(pair[0]..pair[1], false)).collect();
            prop_assert_eq!(text_of(&html(&spans, &marks)), plain);
        }
    }
}
