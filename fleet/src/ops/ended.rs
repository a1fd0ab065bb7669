//! How an op ended, for what follows on it: roll-outs and deployments.

use backstay_protocol::limits::cut;
use backstay_protocol::rollout::Ended;
use backstay_protocol::{Facts, OpKind, OpStatus, OpView, TestRun};

/// The longest reason in a few words, in bytes.
const WORDS_BYTES: usize = 160;

/// How an op ended; none while it is open. A test run that found something ends badly here, though the op did what it
/// was to do: the reason names the tests.
pub(crate) fn ended(op: &OpView, facts: Option<&Facts>) -> Option<Ended> {
    if op.status.is_open() {
        return None;
    }
    let message = op.message.clone().unwrap_or_default();
    if never_began(op) {
        return Some(Ended::NeverBegan(message));
    }
    if op.status != OpStatus::Succeeded {
        return Some(Ended::Badly(in_few_words(&message)));
    }
    let failed = match op.action.kind() {
        OpKind::Test => facts.map(|facts| failed_tests(op, facts)).unwrap_or_default(),
        _ => String::new(),
    };
    Some(if failed.is_empty() { Ended::Well } else { Ended::Badly(failed) })
}

/// Whether a closed op never reached its host: it was refused, taken back, or waited for too long.
pub(crate) fn never_began(op: &OpView) -> bool {
    match op.status {
        OpStatus::Blocked => true,
        OpStatus::Cancelled | OpStatus::TimedOut => op.outcome.is_none(),
        _ => false,
    }
}

/// The tests that failed in the run that this op was. Facts keep the latest run of each generation; should a later one
/// have taken its place, that says what runs now.
fn failed_tests(op: &OpView, facts: &Facts) -> String {
    let is_own = |run: &&TestRun| {
        op.started_at.is_some_and(|at| run.started_at >= at)
            && op.finished_at.is_some_and(|at| run.finished_at <= at)
    };
    let running = || facts.running_generation().and_then(|generation| facts.tests_of(generation));
    let run = facts.test_runs.iter().find(is_own).or_else(running);
    run.map(|run| run.failed().collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

/// The first sentence of a message, without its full stop.
fn in_few_words(message: &str) -> String {
    let first = message.split_once(". ").map_or(message, |(first, _)| first);
    cut(first.trim_end_matches('.'), WORDS_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_words_are_the_first_sentence() {
        for (message, words) in [
            (
                "The build ended with 1. error: no gpc0. Nothing was changed. The host is on Gen 3.",
                "The build ended with 1",
            ),
            ("Goal not met: the checkout is at 25.11.2.", "Goal not met: the checkout is at 25.11.2"),
            ("Done", "Done"),
            ("", ""),
        ] {
            assert_eq!(in_few_words(message), words);
        }
        assert!(in_few_words(&"x".repeat(1000)).len() <= WORDS_BYTES);
    }
}
