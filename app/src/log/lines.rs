//! The loaded lines: always a run without gaps, in blocks so that a new line touches only the last one.

use std::sync::Arc;

use backstay_model::{OutputLine, Stream};
use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::ansi::{Span, spans};

/// Number of lines in a full block.
pub(crate) const BLOCK: u64 = 100;

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) stream: Stream,
    pub(crate) at: DateTime<Utc>,
    /// Its text without escape sequences, for searches.
    pub(crate) plain: String,
    pub(crate) spans: Vec<Span>,
}

impl From<&OutputLine> for Line {
    fn from(line: &OutputLine) -> Self {
        let spans = spans(&line.text);
        let plain = spans.iter().map(|span| span.text.as_str()).collect();
        Self { seq: line.seq, stream: line.stream, at: line.at, plain, spans }
    }
}

/// A block of lines.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Its number: its lines are those after `number * BLOCK`.
    pub(crate) number: u64,
    pub(crate) lines: ArcRwSignal<Vec<Arc<Line>>>,
}

/// The loaded lines. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) blocks: RwSignal<Vec<Block>>,
    /// The numbers of the first and last line; both 0 if there are none.
    pub(crate) bounds: RwSignal<(u64, u64)>,
}

impl Lines {
    pub(crate) fn new(lines: &[OutputLine]) -> Self {
        let new = Self { blocks: RwSignal::new(vec![]), bounds: RwSignal::new((0, 0)) };
        let lines = run_before(lines);
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            new.bounds.set((first.seq, last.seq));
            new.blocks.set(blocks(lines));
        }
        new
    }

    /// The number of the last line; `None` if the page is gone.
    pub(crate) fn last(self) -> Option<u64> {
        self.bounds.try_get_untracked().map(|(_, last)| last)
    }

    /// Number of lines before the first loaded one.
    pub(crate) fn earlier(self) -> u64 {
        self.bounds.get().0.saturating_sub(1)
    }

    /// Appends new lines up to the first gap; returns whether there was none.
    pub(crate) fn append(self, heard: &[OutputLine]) -> bool {
        let Some((first, last)) = self.bounds.try_get_untracked() else { return true };
        let all_new = &heard[heard.partition_point(|line| line.seq <= last)..];
        let new = run_after(all_new);
        let (Some(begin), Some(end)) = (new.first(), new.last()) else { return true };
        if last != 0 && begin.seq != last + 1 {
            return false;
        }
        let bounds = (if first == 0 { begin.seq } else { first }, end.seq);
        self.add(blocks(new), Extend::extend);
        self.bounds.set(bounds);
        new.len() == all_new.len()
    }

    /// Prepends the lines that directly precede the loaded ones.
    pub(crate) fn prepend(self, lines: &[OutputLine]) {
        let Some((first, last)) = self.bounds.try_get_untracked() else { return };
        let lines = run_before(&lines[..lines.partition_point(|line| line.seq < first)]);
        let (Some(begin), Some(end)) = (lines.first(), lines.last()) else { return };
        if end.seq + 1 != first {
            return;
        }
        self.add(blocks(lines), |old, more| drop(old.splice(..0, more)));
        self.bounds.set((begin.seq, last));
    }

    /// Inserts new blocks; joins the lines of partly loaded ones.
    fn add(self, new: Vec<Block>, join: impl Fn(&mut Vec<Arc<Line>>, Vec<Arc<Line>>)) {
        let mut unknown = vec![];
        for block in new {
            let known =
                self.blocks.with_untracked(|all| all.iter().find(|b| b.number == block.number).cloned());
            match known {
                Some(known) => known.lines.update(|lines| join(lines, block.lines.get_untracked())),
                None => unknown.push(block),
            }
        }
        if !unknown.is_empty() {
            self.blocks.update(|all| {
                all.extend(unknown);
                all.sort_by_key(|block| block.number);
            });
        }
    }

    /// Visits each line in order.
    pub(crate) fn for_each(self, mut each: impl FnMut(&Line)) {
        self.blocks.with_untracked(|blocks| {
            for block in blocks {
                block.lines.with_untracked(|lines| lines.iter().for_each(|line| each(line)));
            }
        });
    }
}

/// The longest run without a gap from the first line.
fn run_after(lines: &[OutputLine]) -> &[OutputLine] {
    let gap = lines.windows(2).position(|pair| pair[0].seq + 1 != pair[1].seq);
    &lines[..gap.map_or(lines.len(), |at| at + 1)]
}

/// The longest run without a gap up to the last line.
fn run_before(lines: &[OutputLine]) -> &[OutputLine] {
    let gap = lines.windows(2).rposition(|pair| pair[0].seq + 1 != pair[1].seq);
    &lines[gap.map_or(0, |at| at + 1)..]
}

fn blocks(lines: &[OutputLine]) -> Vec<Block> {
    let number = |line: &OutputLine| line.seq.saturating_sub(1) / BLOCK;
    lines
        .chunk_by(|a, b| number(a) == number(b))
        .map(|lines| Block {
            number: lines.first().map_or(0, number),
            lines: ArcRwSignal::new(lines.iter().map(|line| Arc::new(Line::from(line))).collect()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbers: std::ops::RangeInclusive<u64>) -> Vec<OutputLine> {
        let line = |seq| OutputLine {
            seq,
            stream: Stream::Stdout,
            at: DateTime::UNIX_EPOCH,
            text: format!("line {seq}"),
        };
        numbers.map(line).collect()
    }

    fn numbers(lines: Lines) -> Vec<u64> {
        let mut numbers = vec![];
        lines.for_each(|line| numbers.push(line.seq));
        numbers
    }

    #[test]
    fn a_repeated_line_is_shown_once() {
        Owner::new().with(|| {
            let shown = Lines::new(&lines(1..=3));
            assert!(shown.append(&lines(2..=5)));
            assert!(shown.append(&lines(1..=5)));
            assert_eq!(numbers(shown), [1, 2, 3, 4, 5]);
        });
    }

    #[test]
    fn nothing_is_appended_after_a_gap() {
        Owner::new().with(|| {
            let shown = Lines::new(&lines(1..=3));
            assert!(!shown.append(&lines(5..=6)));
            assert_eq!(numbers(shown), [1, 2, 3]);
        });
    }

    #[test]
    fn loaded_lines_never_have_a_gap() {
        let with_gap = [lines(1..=2), lines(4..=6)].concat();
        Owner::new().with(|| {
            let shown = Lines::new(&with_gap);
            assert_eq!(numbers(shown), [4, 5, 6]);
            shown.prepend(&with_gap);
            assert_eq!(shown.bounds.get_untracked(), (4, 6), "the line directly before is not among these");
            shown.prepend(&[lines(1..=1), lines(3..=6)].concat());
            assert_eq!(numbers(shown), [3, 4, 5, 6]);
            assert!(!shown.append(&[lines(7..=8), lines(10..=10)].concat()));
            assert_eq!(numbers(shown), [3, 4, 5, 6, 7, 8]);
            assert!(shown.append(&lines(7..=10)));
            assert_eq!(shown.bounds.get_untracked(), (3, 10));
        });
    }

    #[test]
    fn the_first_lines_may_be_any() {
        Owner::new().with(|| {
            let shown = Lines::new(&[]);
            assert!(shown.append(&lines(1..=1)));
            assert_eq!(shown.bounds.get_untracked(), (1, 1));
        });
    }

    #[test]
    fn earlier_lines_come_before_across_blocks() {
        Owner::new().with(|| {
            let shown = Lines::new(&lines(351..=420));
            shown.prepend(&lines(100..=349));
            assert_eq!(shown.bounds.get_untracked(), (351, 420), "these are not the ones directly before");
            shown.prepend(&lines(150..=350));
            shown.prepend(&lines(1..=149));
            assert!(shown.append(&lines(421..=500)));
            assert_eq!(numbers(shown), (1..=500).collect::<Vec<_>>());
            let sizes: Vec<_> = shown
                .blocks
                .with_untracked(|all| all.iter().map(|b| b.lines.with_untracked(Vec::len)).collect());
            assert_eq!(sizes, [100, 100, 100, 100, 100]);
        });
    }
}
