//! How an op ended, without its times.

use backstay_model::Commit;
use backstay_model::Outcome;
use backstay_model::wire::limits::cut;

use crate::command::CommandStatus;

/// Upper bound on the message, in bytes.
const MESSAGE_BYTES: usize = 2000;

/// How an op ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpEnd {
    pub(crate) outcome: Outcome,
    pub(crate) exit_code: Option<i32>,
    pub(crate) commit: Option<Commit>,
    pub(crate) message: String,
    /// Whether an activation was begun.
    pub(crate) activated: bool,
}

impl OpEnd {
    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        let message = cut(&message.into(), MESSAGE_BYTES);
        Self { outcome, exit_code: None, commit: None, message, activated: false }
    }

    /// The op did what was requested.
    pub(crate) fn completed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Completed, message)
    }

    /// The op did not do what was requested, or not all of it.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, message)
    }

    /// The op was not begun, and nothing was changed.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, message)
    }

    /// The end of an op whose command did not succeed.
    pub(crate) fn of(status: &CommandStatus, message: impl Into<String>) -> Self {
        let outcome = match status {
            CommandStatus::TimedOut => Outcome::TimedOut,
            CommandStatus::Cancelled => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        Self::new(outcome, message).with_exit(status)
    }

    /// Adds the commit that a pull brought the checkout to.
    pub(crate) fn at(self, commit: Commit) -> Self {
        Self { commit: Some(commit), ..self }
    }

    /// Adds a sentence.
    pub(crate) fn and(self, sentence: &str) -> Self {
        let room = MESSAGE_BYTES.saturating_sub(sentence.len() + 1);
        Self { message: format!("{} {sentence}", cut(&self.message, room)), ..self }
    }

    /// Adds the exit code of the decisive command.
    pub(crate) fn with_exit(self, status: &CommandStatus) -> Self {
        Self { exit_code: status.exit_code(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_sentence_finds_room_in_the_longest_message() {
        assert_eq!(
            OpEnd::completed("Done.").and("3 lines are missing.").message,
            "Done. 3 lines are missing."
        );
        let long = OpEnd::failed("x".repeat(2 * MESSAGE_BYTES)).and("3 lines are missing.");
        assert!(long.message.len() <= MESSAGE_BYTES && long.message.ends_with(" 3 lines are missing."));
    }
}
