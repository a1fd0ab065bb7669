//! How an op ended, for what follows on it: roll-outs and deployments.

use backstay_model::Outcome;
use backstay_model::rollout::OpEnd;
use backstay_model::wire::limits::cut;
use backstay_model::{OpStatus, OpView};

/// The longest reason in a few words, in bytes.
const WORDS_BYTES: usize = 160;

/// The most failed tests that are named.
const NAMED_TESTS: usize = 10;

/// How an op ended, or none while it is open. What the host refused was not begun: nothing was done there.
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

/// Whether a closed op never reached its host: it was refused, taken back, or waited for too long.
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
