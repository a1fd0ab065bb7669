//! Case-insensitive search in a line.

use std::ops::Range;

/// A match of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// The line's number.
    pub(crate) seq: u64,
    /// Its byte range in the line's text.
    pub(crate) at: Range<usize>,
}

/// The text to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needle(Vec<char>);

impl Needle {
    /// Returns `None` if the text is empty.
    pub(crate) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.chars().map(small).collect()))
    }

    /// All matches in a text, in order and without overlap.
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

    /// Length of the match at the start of the text, in bytes.
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

/// Lower-cases one letter to one letter: lengths must not change, so the few letters that would become two
/// are cut.
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
    fn case_is_ignored() {
        assert_eq!(find("Error", "error: ERROR"), [0..5, 7..12]);
        assert_eq!(find("ärger", "Ärger; ärger"), [0..6, 8..14]);
        assert_eq!(find("aa", "aaaa"), [0..2, 2..4]);
        assert!(find("x", "").is_empty());
        assert_eq!(Needle::new(""), None);
    }

    proptest! {
        #[test]
        fn finds_exactly_the_matches(needle in "[abÄ]{1,3}", text in "[abäÄİ ]{0,30}") {
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
