//! Finding text in a line, whatever the case of its letters.

use std::ops::Range;

/// A place that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// The line's number.
    pub(crate) seq: u64,
    /// Where in its text, in bytes.
    pub(crate) at: Range<usize>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needle(Vec<char>);

impl Needle {
    /// None where there is nothing to look for.
    pub(crate) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.chars().map(small).collect()))
    }

    /// Every place in a text, in order; they do not overlap.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = vec![];
        let mut begin = 0;
        for (at, _) in text.char_indices() {
            if at < begin {
                continue;
            }
            if let Some(length) = text.get(at..).and_then(|rest| self.begins(rest)) {
                begin = at + length;
                found.push(at..begin);
            }
        }
        found
    }

    /// How many bytes of the text's beginning match.
    fn begins(&self, text: &str) -> Option<usize> {
        let mut chars = text.char_indices();
        for wanted in &self.0 {
            let (_, c) = chars.next()?;
            if small(c) != *wanted {
                return None;
            }
        }
        Some(chars.next().map_or(text.len(), |(at, _)| at))
    }
}

/// One letter for one: lengths must not change, so the few letters that would become two stay apart.
fn small(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(needle: &str, text: &str) -> Vec<Range<usize>> {
        Needle::new(needle).unwrap().find(text)
    }

    #[test]
    fn whatever_the_case() {
        assert_eq!(find("Error", "error: ERROR"), [0..5, 7..12]);
        assert_eq!(find("ärger", "Ärger; ärger"), [0..6, 8..14]);
        assert_eq!(find("aa", "aaaa"), [0..2, 2..4]);
        assert!(find("x", "").is_empty());
        assert_eq!(Needle::new(""), None);
    }

    proptest! {
        #[test]
        fn finds_what_is_there_and_only_that(needle in "[abÄ]{1,3}", text in "[abäÄİ ]{0,30}") {
            let found = find(&needle, &text);
            for at in &found {
                prop_assert_eq!(text[at.clone()].chars().map(small).collect::<Vec<_>>(), needle.chars().map(small).collect::<Vec<_>>());
            }
            prop_assert_eq!(found.is_empty(), find(&needle, &text).is_empty());
            if text.contains(&needle) {
                prop_assert!(!found.is_empty());
            }
        }
    }
}
