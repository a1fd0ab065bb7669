//! The result of an op, for the roll-outs and deployments that wait for it.

use backstay_model::Outcome;
use backstay_model::rollout::OpEnd;
use backstay_model::wire::limits::cut;
use backstay_model::{OpStatus, OpView};

/// Upper bound on the length of a short reason, in bytes.
const WORDS_BYTES: usize = 160;

/// Number of failed tests that a reason names.
const NAMED_TESTS: usize = 10;

/// Returns the result of an op, or `None` while it is open. An op that the host refused never began: it changed nothing.
pub(crate) fn ended(op: &OpView) -> Option<OpEnd> {
    if op.status.is_open() {
        return None;
    }
    let message = op.message.clone().unwrap_or_default();
    if never_began(op) || op.outcome == Some(Outcome::Refused) {
        return Some(OpEnd::NeverStarted(message));
    }
    Some(if op.status == OpStatus::Succeeded { OpEnd::Succeeded } else { OpEnd::Failed(why(op, &message)) })
}

/// The tests that failed, or the first sentence of the message.
fn why(op: &OpView, message: &str) -> String {
    let failed = &op.failed_tests;
    if failed.is_empty() {
        return in_few_words(message);
    }
    let named = failed.iter().take(NAMED_TESTS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match failed.len().saturating_sub(NAMED_TESTS) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Returns whether a closed op never reached its host: it was refused, cancelled, or expired.
pub(crate) fn never_began(op: &OpView) -> bool {
    match op.status {
        OpStatus::Blocked => true,
        OpStatus::Cancelled | OpStatus::TimedOut => op.outcome.is_none(),
        _ => false,
    }
}

/// The first sentence of a message, without its full stop.
pub(crate) fn in_few_words(message: &str) -> String {
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
