//! The outcomes of a test's latest runs, side by side: a pass is a tall bar, a failure a cross on a low one.

use std::fmt::Write as _;

use crate::escape::escaped;
use crate::time::machine_readable;
use backstay_model::test_history::TestOutcome;

/// Width of a run, in pixels.
pub(super) const CELL: u32 = 11;
/// Height of a strip, in pixels.
pub(super) const HEIGHT: u32 = 22;

/// Draws one cell for each outcome, the newest at the right. `outcomes` are newest first. `local_times.js`
/// turns the moments in the titles into local time.
pub(super) fn cells(outcomes: &[TestOutcome]) -> String {
    let mut svg = String::new();
    for (x, outcome) in (0..).step_by(CELL as usize).zip(outcomes.iter().rev()) {
        let (state, word) = if outcome.passed { ("ok", "Passed") } else { ("failed", "Failed") };
        let shape = if outcome.passed {
            r#"<rect x="1" y="1" width="8" height="20" rx="2"/>"#
        } else {
            r#"<rect x="1" y="12" width="8" height="9" rx="2"/><path d="m2 3 6 6m0-6-6 6"/>"#
        };
        let title = format!("{word} on Gen {}, {}", outcome.generation, machine_readable(outcome.at));
        let _ = write!(
            svg,
            r#"<g data-state="{state}" transform="translate({x})"><title>{}</title><rect class="hit" width="11" height="22"/>{shape}</g>"#,
            escaped(&title)
        );
    }
    svg
}

/// Describes the strip for those who cannot see it.
pub(super) fn in_words(outcomes: &[TestOutcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    match (outcomes.len(), failed) {
        (1, 0) => "Its only run passed".to_owned(),
        (1, _) => "Its only run failed".to_owned(),
        (runs, 0) => format!("All of its last {runs} runs passed"),
        (runs, failed) if runs == failed => format!("All of its last {runs} runs failed"),
        (runs, failed) => {
            let order: Vec<_> =
                outcomes.iter().take(5).map(|o| if o.passed { "passed" } else { "failed" }).collect();
            format!("{failed} of its last {runs} runs failed; newest first: {}", order.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn outcomes(passed: &[bool]) -> Vec<TestOutcome> {
        let one = |&passed: &bool| TestOutcome {
            passed,
            generation: 48,
            at: DateTime::UNIX_EPOCH,
            duration_ms: 1,
            op: None,
        };
        passed.iter().map(one).collect()
    }

    #[test]
    fn the_newest_is_at_the_right() {
        let svg = cells(&outcomes(&[false, true, true]));
        let states: Vec<_> =
            svg.match_indices("data-state=\"").map(|(at, found)| &svg[at + found.len()..][..2]).collect();
        assert_eq!(states, ["ok", "ok", "fa"]);
        assert!(
            svg.contains("translate(22)")
                && svg.contains("<title>Failed on Gen 48, 1970-01-01T00:00:00Z</title>")
        );
    }

    #[test]
    fn a_strip_in_words() {
        for (passed, words) in [
            (&[true][..], "Its only run passed"),
            (&[true, true], "All of its last 2 runs passed"),
            (&[false, false], "All of its last 2 runs failed"),
            (&[false, true, true], "1 of its last 3 runs failed; newest first: failed, passed, passed"),
        ] {
            assert_eq!(in_words(&outcomes(passed)), words);
        }
    }
}
