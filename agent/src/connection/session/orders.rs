//! The server's requests about ops.

use std::time::Instant;

use anyhow::{Context as _, Result};
use backstay_model::wire::delivery::{OnRun, on_run};
use backstay_model::wire::message::{AgentMessage, OpResult};
use backstay_model::{OpAction, OpId, Outcome};

use super::Session;
use crate::connection::background_reader::FinishedOp;
use crate::connection::follow::{Follow, is_ack_overdue};
use crate::journal::{Entry, OpFile, OpRecord};

/// An op that was rejected on this connection and is not in the journal.
#[derive(Debug)]
pub(super) struct Rejected {
    result: Box<OpResult>,
    /// When the result was sent, or `None` once the server has stored it.
    sent_at: Option<Instant>,
}

/// Time limits of an op and of each test in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) timeout_secs: u64,
    pub(super) test_timeout_secs: Option<u64>,
}

impl Session<'_> {
    /// Handles a request to run an op as the shared delivery rules decide.
    pub(super) async fn accept(&mut self, op: OpId, action: OpAction, times: Times) -> Result<()> {
        // The op may be running. The server asks again on the next connection, when the journal may be
        // readable.
        let known = self.known(op).context("the journal cannot be read")?;
        match (on_run(known.summary()), known) {
            (OnRun::Start, _) => self.begin(op, action, times).await,
            (OnRun::Report, OpRecord::Open(entry)) => self.follow_from_start(entry).await,
            (OnRun::ReportResult, OpRecord::Done(result)) => {
                // The server has all of its lines.
                self.reader.read_after_op(FinishedOp { op, result, lines: 0 });
                self.send(&AgentMessage::Accepted { op }).await
            }
            (OnRun::Reject | OnRun::Report | OnRun::ReportResult, _) => {
                let why = "Its journal entry is damaged, so it is unknown whether it ran. It will not be run again.";
                self.reject(op, Outcome::Failed, why.to_owned());
                Ok(())
            }
        }
    }

    /// Looks an op up. A rejected op counts as ended: a second delivery must not run an op that was reported
    /// as not run.
    fn known(&mut self, op: OpId) -> std::io::Result<OpRecord> {
        if let Some(rejected) = self.rejected.get_mut(op) {
            return Ok(OpRecord::Done(rejected.result.clone()));
        }
        self.agent.journal.find(op)
    }

    /// Records an op, and only then acknowledges and starts it.
    async fn begin(&mut self, op: OpId, action: OpAction, times: Times) -> Result<()> {
        let config = serde_json::to_value(self.agent.config.as_ref())?;
        let Times { timeout_secs, test_timeout_secs } = times;
        let accepted_at = self.agent.clock.now();
        let file = OpFile { op, action, timeout_secs, test_timeout_secs, accepted_at, config };
        let cancelled = self.cancels.take(op).is_some();
        let entry = match self.agent.journal.add(file, cancelled) {
            Ok(entry) => entry,
            Err(error) => {
                let why = format!(
                    "It could not be written to the journal ({error}). Nothing was changed. Make room on the host's \
                     disk, or repair it, and try again."
                );
                self.reject(op, Outcome::Refused, why);
                return Ok(());
            }
        };
        tracing::info!(%op, action = %entry.file().action.kind(), cancelled, "op accepted");
        if !(cancelled && self.abort_cancelled(&entry)) {
            self.agent.launcher.start(entry.clone());
        }
        self.follow_from_start(entry).await
    }

    /// Ends an op whose cancel arrived first. If the disk does not take that, the runner will see the cancel.
    fn abort_cancelled(&self, entry: &Entry) -> bool {
        let message = "Cancelled before it began. Nothing was changed.";
        let done = self.agent.launcher.abort(entry, Outcome::Cancelled, message);
        done.is_ok() && entry.has_begun()
    }

    async fn follow_from_start(&mut self, entry: Entry) -> Result<()> {
        let op = entry.op();
        self.follows.insert(op, Follow::new(entry));
        self.send(&AgentMessage::Accepted { op }).await
    }

    /// Reports an op as ended without running it or adding it to the journal.
    pub(super) fn reject(&mut self, op: OpId, outcome: Outcome, message: String) {
        tracing::warn!(%op, %message, "op rejected");
        let now = self.agent.clock.now();
        let result =
            OpResult { outcome, exit_code: None, commit: None, message, started_at: now, finished_at: now };
        let result = Box::new(result);
        self.rejected.insert(op, Rejected { result: result.clone(), sent_at: Some(Instant::now()) });
        self.reader.read_after_op(FinishedOp { op, result, lines: 0 });
    }

    /// Rejects an op of a newer server that this agent does not know: the server must not wait for it.
    pub(super) fn refuse_unknown(&mut self, text: &str) {
        if let Some(op) = unknown_op(text) {
            let why = "This agent does not support that. Nothing was changed. Update the agent.";
            self.reject(op, Outcome::Refused, why.to_owned());
        }
    }

    /// Cancels an op. One that is not here may still arrive: messages overtake each other.
    pub(super) fn cancel(&mut self, op: OpId) {
        if let Some(follow) = self.follows.get_mut(&op) {
            follow.cancel();
        } else {
            tracing::info!(%op, "received a cancel of an op that is not in the journal");
            self.cancels.insert(op, ());
        }
    }

    /// Sends an op's output again after the line `after`.
    pub(super) fn resend_output(&mut self, op: OpId, after: u64) {
        if let Some(follow) = self.follows.get_mut(&op) {
            self.agent.stored().insert(op, after);
            *follow = Follow::new(follow.entry.clone());
        }
    }

    /// Forgets an op whose result the server has stored. The result may have been sent on an earlier
    /// connection or by an earlier agent. If the disk does not take that, the result is sent again, and the
    /// op is forgotten next time.
    pub(super) fn forget(&mut self, op: OpId) {
        if let Some(rejected) = self.rejected.get_mut(op) {
            rejected.sent_at = None;
        }
        let Some(follow) = self.follows.get(&op).filter(|follow| follow.entry.result().is_some()) else {
            return;
        };
        match self.agent.journal.forget(&follow.entry) {
            Ok(()) => {
                self.follows.remove(&op);
                self.agent.forget(op);
            }
            Err(error) => {
                tracing::error!(%op, %error, "an op that the server has stored cannot be removed from the journal yet");
            }
        }
    }

    /// Resends results that the server has not acknowledged in time.
    pub(super) fn resend_results(&mut self) {
        let now = Instant::now();
        for (op, follow) in &mut self.follows {
            if let Some(result) = follow.take_overdue_result(now) {
                self.reader.read_after_op(FinishedOp { op: *op, result, lines: follow.lines() });
            }
        }
        for (op, rejected) in self.rejected.iter_mut() {
            if rejected.sent_at.is_some_and(|at| is_ack_overdue(at, now)) {
                rejected.sent_at = Some(now);
                self.reader.read_after_op(FinishedOp { op, result: rejected.result.clone(), lines: 0 });
            }
        }
    }
}

/// Returns the op of a `run` message whose action is unknown.
fn unknown_op(text: &str) -> Option<OpId> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    (message.get("type")?.as_str()? == "run").then_some(())?;
    message.get("op")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_names_an_op_to_refuse() {
        let op = OpId::new();
        let text = |kind: &str| format!(r#"{{"type":"{kind}","op":"{op}","action":{{"op":"shell"}}}}"#);
        assert_eq!(unknown_op(&text("run")), Some(op));
        assert_eq!(unknown_op(&text("walk")), None);
        assert_eq!(unknown_op("run"), None);
    }
}
