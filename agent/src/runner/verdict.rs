//! How an op ended, before times are put to it.

use backstay_protocol::limits::cut;
use backstay_protocol::message::Outcome;

use crate::command::Ended;

/// The longest message, in bytes.
const MESSAGE_BYTES: usize = 2000;

/// How an op ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) exit_code: Option<i32>,
    pub(crate) message: String,
}

impl Verdict {
    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, exit_code: None, message: cut(&message.into(), MESSAGE_BYTES) }
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
    pub(crate) fn of(ended: &Ended, message: impl Into<String>) -> Self {
        let outcome = match ended {
            Ended::TimedOut => Outcome::TimedOut,
            Ended::Cancelled => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        Self::new(outcome, message).with_exit(ended)
    }

    /// The same, with the status of the command that decided.
    pub(crate) fn with_exit(self, ended: &Ended) -> Self {
        Self { exit_code: ended.exit_code(), ..self }
    }
}
