//! How an op ended, before times are put to it.

use backstay_model::Commit;
use backstay_model::Outcome;
use backstay_model::wire::limits::cut;

use crate::command::CommandStatus;

/// The longest message, in bytes.
const MESSAGE_BYTES: usize = 2000;

/// How an op ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpEnd {
    pub(crate) outcome: Outcome,
    pub(crate) exit_code: Option<i32>,
    pub(crate) commit: Option<Commit>,
    pub(crate) message: String,
    /// Whether anything was activated, or begun to be.
    pub(crate) activated: bool,
}

impl OpEnd {
    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        let message = cut(&message.into(), MESSAGE_BYTES);
        Self { outcome, exit_code: None, commit: None, message, activated: false }
    }

    /// What was asked for was done.
    pub(crate) fn completed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Completed, message)
    }

    /// It was not, or not wholly.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, message)
    }

    /// It was not begun, and nothing was changed.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, message)
    }

    /// As a command ended that did not succeed.
    pub(crate) fn of(status: &CommandStatus, message: impl Into<String>) -> Self {
        let outcome = match status {
            CommandStatus::TimedOut => Outcome::TimedOut,
            CommandStatus::Cancelled => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        Self::new(outcome, message).with_exit(status)
    }

    /// The same, of a pull that brought the checkout to `commit`.
    pub(crate) fn at(self, commit: Commit) -> Self {
        Self { commit: Some(commit), ..self }
    }

    /// The same, with one more sentence.
    pub(crate) fn and(self, sentence: &str) -> Self {
        let room = MESSAGE_BYTES.saturating_sub(sentence.len() + 1);
        Self { message: format!("{} {sentence}", cut(&self.message, room)), ..self }
    }

    /// The same, with the status of the command that decided.
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
