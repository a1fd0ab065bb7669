//! The phrases to avoid, with better forms.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};

use super::prose::Token;

/// The list; see `docs/writing.md`.
const LIST: &str = include_str!("phrases.txt");

/// The words of a phrase, and better forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase<'a> {
    words: Vec<&'a str>,
    suggestion: &'a str,
}

/// A phrase that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) line: usize,
    pub(super) phrase: String,
    pub(super) suggestion: &'a str,
}

/// The phrases by their first word in lower case.
pub(super) struct Phrases<'a>(HashMap<String, Vec<Phrase<'a>>>);

impl Phrases<'static> {
    /// Reads the list.
    pub(super) fn read() -> Result<Self> {
        Self::of(LIST)
    }
}

impl<'a> Phrases<'a> {
    fn of(list: &'a str) -> Result<Self> {
        let mut phrases = HashMap::<String, Vec<Phrase<'a>>>::new();
        for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (words, suggestion) =
                line.split_once(" => ").with_context(|| format!("“{line}” in phrases.txt has no =>"))?;
            let words: Vec<&str> = words.split(' ').collect();
            let same_start = phrases.entry(words[0].to_lowercase()).or_default();
            if same_start.iter().any(|other| other.words == words) {
                bail!("“{}” is in phrases.txt twice", words.join(" "));
            }
            same_start.push(Phrase { words, suggestion });
        }
        Ok(Self(phrases))
    }

    /// Finds phrases in the words of one file: the longest at each place.
    pub(super) fn find(&self, tokens: &[Token<'_>]) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match (self.longest(&tokens[at..]), tokens[at]) {
                (Some(phrase), Some((_, line))) => {
                    found.push(Found { line, phrase: phrase.words.join(" "), suggestion: phrase.suggestion });
                    at += phrase.words.len();
                }
                _ => at += 1,
            }
        }
        found
    }

    fn longest(&self, tokens: &[Token<'_>]) -> Option<&Phrase<'a>> {
        let (first, _) = tokens.first().copied().flatten()?;
        let here = self.0.get(&first.to_lowercase())?.iter().filter(|phrase| phrase.is_at(tokens));
        here.max_by_key(|phrase| phrase.words.len())
    }
}

impl Phrase<'_> {
    /// Returns whether the words are here. The first may start a sentence; in capitals it is a keyword of
    /// SQL.
    fn is_at(&self, tokens: &[Token<'_>]) -> bool {
        self.words.iter().enumerate().all(|(at, word)| {
            let Some(Some((there, _))) = tokens.get(at) else { return false };
            there == word || at == 0 && there.get(1..) == word.get(1..)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::prose::{Keep, Kind, mask, tokens};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let masked = mask(Kind::Rust, Keep::All, text);
        let found = Phrases::read().unwrap().find(&tokens(&masked));
        found.into_iter().map(|found| format!("{} {}", found.line, found.phrase)).collect()
    }

    #[test]
    fn a_list_with_a_phrase_twice_or_without_a_suggestion_is_not_read() {
        assert!(Phrases::of("# x\n\na b => c").is_ok());
        assert!(Phrases::of("a b => c\na b => d").is_err());
        assert!(Phrases::of("a b").is_err());
    }

    #[test]
    fn a_phrase_is_found_in_any_prose_and_across_lines() {
        assert_eq!(found("/// The op; none\n/// where there is none."), ["1 none where"]);
        assert_eq!(found("//! A.\n//! Whoever asks. None where."), ["2 whoever", "2 none where"]);
        assert_eq!(found("bail!(\"it is \\\n  told\")"), ["1 is told"]);
    }

    #[test]
    fn the_longest_phrase_is_found_once() {
        assert_eq!(found("// that is gone to"), ["1 is gone to"]);
    }

    #[test]
    fn nothing_is_found_in_code_in_parts_of_words_or_across_a_stop() {
        let fine =
            "fn of_which() { a.anew() } // canewas. We looked at none. Where it is: of `x` which. WHERE NOT";
        assert!(found(fine).is_empty(), "{:?}", found(fine));
    }
}
