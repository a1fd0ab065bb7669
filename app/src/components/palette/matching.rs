//! Which entries match the input, and which matches best.

/// How well `name` matches `typed`; `None` if it does not. Every typed word has to be in the name: as the
/// start of a word, within a word, or letter by letter in that order. Higher is better.
pub(super) fn fit(name: &str, typed: &str) -> Option<u32> {
    let name = name.to_lowercase();
    typed.to_lowercase().split_whitespace().map(|word| fit_word(&name, word)).sum()
}

fn fit_word(name: &str, word: &str) -> Option<u32> {
    let begins = name.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word));
    if begins {
        return Some(100);
    }
    if name.contains(word) {
        return Some(50);
    }
    in_order(name, word).then_some(10)
}

/// Returns whether the name contains the letters in that order.
fn in_order(name: &str, letters: &str) -> bool {
    let mut rest = name.chars();
    letters.chars().all(|letter| rest.any(|c| c == letter))
}

/// The indices of the matching entries, best first; equal matches keep their order.
pub(super) fn ranked<'a>(names: impl IntoIterator<Item = &'a str>, typed: &str, most: usize) -> Vec<usize> {
    let mut fits: Vec<(usize, u32)> =
        names.into_iter().enumerate().filter_map(|(place, name)| Some((place, fit(name, typed)?))).collect();
    fits.sort_by_key(|(_, fit)| std::cmp::Reverse(*fit));
    fits.into_iter().take(most).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] =
        ["gpc0: Rollback System", "gpc0: Run Tests", "imac0: Rollback System", "Audit log", "Fleet"];

    fn first(typed: &str) -> &'static str {
        NAMES[ranked(NAMES, typed, 10)[0]]
    }

    #[test]
    fn input_finds_the_intended_entry() {
        assert_eq!(first("ima roll"), "imac0: Rollback System");
        assert_eq!(first("roll ima"), "imac0: Rollback System");
        assert_eq!(first("tests"), "gpc0: Run Tests");
        assert_eq!(first("AUD"), "Audit log");
        assert_eq!(first("flt"), "Fleet");
        assert_eq!(ranked(NAMES, "", 3), [0, 1, 2]);
        assert!(ranked(NAMES, "gpc0 audit", 10).is_empty(), "every word counts");
    }

    #[test]
    fn equal_matches_keep_their_order() {
        assert_eq!(ranked(NAMES, "rollback", 10), [0, 2]);
    }
}
