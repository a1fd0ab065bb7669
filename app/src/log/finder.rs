//! A search through the whole output of an op: lines that are not loaded yet are loaded first.

use leptos::prelude::*;

use super::search::{Match, Needle};
use super::{Lines, Watched};
use crate::ansi::Highlight;

/// A search and its current match. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Finder {
    lines: Lines,
    /// The text to find.
    pub(crate) text: RwSignal<String>,
    /// All matches, in order.
    pub(crate) matches: RwSignal<Vec<Match>>,
    /// The index of the current match.
    pub(crate) current: RwSignal<Option<usize>>,
    /// The last searched line.
    through: StoredValue<u64>,
}

impl Finder {
    pub(crate) fn new(lines: Lines) -> Self {
        Self {
            lines,
            text: RwSignal::new(String::new()),
            matches: RwSignal::new(vec![]),
            current: RwSignal::new(None),
            through: StoredValue::new(0),
        }
    }

    /// Starts a new search from the end of the output, where errors are more likely.
    pub(crate) fn look_for(self, text: String) {
        self.text.set(text);
        self.current.set(None);
        self.look_again();
        self.step(false);
    }

    /// Searches all loaded lines again and keeps the current match.
    pub(crate) fn look_again(self) {
        let stays = self.current_match();
        let found = self.found_after(0);
        let at = stays.and_then(|stays| found.iter().position(|found| *found == stays));
        self.matches.set(found);
        self.current.set(at);
        self.through.set_value(self.lines.last().unwrap_or_default());
    }

    /// Searches the new lines.
    pub(crate) fn look_further(self) {
        let more = self.found_after(self.through.get_value());
        self.through.set_value(self.lines.last().unwrap_or_default());
        if !more.is_empty() {
            self.matches.update(|matches| matches.extend(more));
        }
    }

    fn found_after(self, after: u64) -> Vec<Match> {
        let Some(needle) = self.text.with_untracked(|text| Needle::new(text)) else { return vec![] };
        let mut found = vec![];
        self.lines.for_each(|line| {
            if line.seq > after {
                found.extend(needle.find(&line.plain).into_iter().map(|at| Match { seq: line.seq, at }));
            }
        });
        found
    }

    /// Moves to the next or previous match, wrapping around.
    pub(crate) fn step(self, forward: bool) {
        let count = self.matches.with_untracked(Vec::len);
        let next = match (count, self.current.get_untracked(), forward) {
            (0, ..) => None,
            (_, None, true) => Some(0),
            (_, None, false) => Some(count - 1),
            (_, Some(at), true) => Some((at + 1) % count),
            (_, Some(at), false) => Some((at + count - 1) % count),
        };
        self.current.set(next);
    }

    /// Moves to the last match if there is no current one, as after the first match is loaded.
    pub(crate) fn be_somewhere(self) {
        if self.current.get_untracked().is_none() {
            self.step(false);
        }
    }

    fn current_match(self) -> Option<Match> {
        let at = self.current.get_untracked()?;
        self.matches.with_untracked(|matches| matches.get(at).cloned())
    }

    /// The line of the current match.
    pub(crate) fn current_line(self) -> Option<u64> {
        let at = self.current.get()?;
        self.matches.with(|matches| matches.get(at).map(|found| found.seq))
    }

    /// The matches in the lines after `after` up to `through`, with their line numbers.
    pub(crate) fn marks(self, after: u64, through: u64) -> Vec<(u64, Highlight)> {
        let current = self.current.get();
        self.matches.with(|matches| {
            let begin = matches.partition_point(|found| found.seq <= after);
            let end = matches.partition_point(|found| found.seq <= through);
            let mark = |(nth, found): (usize, &Match)| {
                (found.seq, Highlight { at: found.at.clone(), current: current == Some(begin + nth) })
            };
            matches.get(begin..end).unwrap_or_default().iter().enumerate().map(mark).collect()
        })
    }

    /// “3 of 17”; `None` without a search.
    pub(crate) fn count(self) -> Option<String> {
        if self.text.with(String::is_empty) {
            return None;
        }
        let count = self.matches.with(Vec::len);
        Some(match (count, self.current.get()) {
            (0, _) => "No matches".to_owned(),
            (_, Some(at)) => format!("{} of {count}", at + 1),
            (_, None) => format!("{count} found"),
        })
    }
}

/// Loads all missing lines; returns whether the page now has all of them.
pub(crate) async fn read_whole(watched: Watched) -> bool {
    while watched.lines.bounds.try_get_untracked().is_some_and(|(first, _)| first > 1) {
        if !watched.read_earlier().await {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use backstay_model::{OutputLine, Stream};
    use chrono::DateTime;

    use super::*;

    fn line(seq: u64, text: &str) -> OutputLine {
        OutputLine { seq, stream: Stream::Stdout, at: DateTime::UNIX_EPOCH, text: text.to_owned() }
    }

    #[test]
    fn steps_wrap_around_from_the_last_to_the_first() {
        Owner::new().with(|| {
            let lines = Lines::new(&[line(1, "a b"), line(2, "\x1b[31mb\x1b[0m"), line(3, "c b b")]);
            let finder = Finder::new(lines);
            assert_eq!(finder.count(), None);
            finder.look_for("B".to_owned());
            assert_eq!(finder.count().as_deref(), Some("4 of 4"));
            assert_eq!(finder.current_line(), Some(3));
            finder.step(true);
            assert_eq!((finder.count().as_deref(), finder.current_line()), (Some("1 of 4"), Some(1)));
            finder.step(false);
            assert_eq!(finder.count().as_deref(), Some("4 of 4"));
            finder.look_for("z".to_owned());
            assert_eq!(finder.count().as_deref(), Some("No matches"));
        });
    }

    #[test]
    fn new_lines_are_searched_and_the_current_match_stays() {
        Owner::new().with(|| {
            let lines = Lines::new(&[line(5, "x"), line(6, "x")]);
            let finder = Finder::new(lines);
            finder.look_for("x".to_owned());
            lines.append(&[line(7, "x x")]);
            finder.look_further();
            finder.look_further();
            assert_eq!(finder.count().as_deref(), Some("2 of 4"));
            lines.prepend(&[line(4, "x")]);
            finder.look_again();
            assert_eq!(finder.count().as_deref(), Some("3 of 5"));
            let marks = finder.marks(5, 7);
            let current: Vec<_> = marks.iter().map(|(seq, mark)| (*seq, mark.current)).collect();
            assert_eq!(current, [(6, true), (7, false), (7, false)]);
        });
    }
}
