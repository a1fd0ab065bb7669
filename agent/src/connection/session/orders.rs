//! What the server asks of an agent about ops.

use std::time::Instant;

use anyhow::{Context as _, Result};
use backstay_model::wire::delivery::{OnRun, on_run};
use backstay_model::wire::message::{AgentMessage, OpResult};
use backstay_model::{OpAction, OpId, Outcome};

use super::Session;
use crate::connection::follow::{Follow, is_to_be_told_again};
use crate::connection::readings::End;
use crate::journal::{Entry, Known, OpFile};

/// An op that was turned down on this connection and is not in the journal.
#[derive(Debug)]
pub(super) struct TurnedDown {
    result: Box<OpResult>,
    /// When that was told; none once the server has stored it.
    told: Option<Instant>,
}

/// How long an op may take, and each test of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) timeout_secs: u64,
    pub(super) test_timeout_secs: Option<u64>,
}

impl Session<'_> {
    /// Does about an op that is to run what the shared decision says.
    pub(super) async fn accept(&mut self, op: OpId, action: OpAction, times: Times) -> Result<()> {
        // The op may be running. The server asks again on the next connection, when the journal may be readable.
        let known = self.known(op).context("the journal cannot be read")?;
        match (on_run(known.in_short()), known) {
            (OnRun::Start, _) => self.begin(op, action, times).await,
            (OnRun::Report, Known::Open(entry)) => self.follow_anew(entry).await,
            (OnRun::ReportResult, Known::Done(result)) => {
                // The server has all of its lines.
                self.readings.read_after(End { op, result, lines: 0 });
                self.send(&AgentMessage::Accepted { op }).await
            }
            (OnRun::Reject | OnRun::Report | OnRun::ReportResult, _) => {
                let why = "What the journal holds of it is damaged; whether it ran is not known. It is not run again.";
                self.turn_down(op, Outcome::Failed, why.to_owned());
                Ok(())
            }
        }
    }

    /// What is known of an op. One that was turned down on this connection has ended by that: a second delivery must
    /// not run what the server has been told was not.
    fn known(&mut self, op: OpId) -> std::io::Result<Known> {
        if let Some(down) = self.turned_down.get_mut(op) {
            return Ok(Known::Done(down.result.clone()));
        }
        self.agent.journal.find(op)
    }

    /// Writes an op down, and only then says so and begins.
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
                     disk, or mend it, and try again."
                );
                self.turn_down(op, Outcome::Refused, why);
                return Ok(());
            }
        };
        tracing::info!(%op, action = %entry.file().action.kind(), cancelled, "op accepted");
        if !(cancelled && self.is_called_off(&entry)) {
            self.agent.launcher.start(entry.clone());
        }
        self.follow_anew(entry).await
    }

    /// Ends an op whose cancel came before it. Where the disk does not take that, a runner sees that it is cancelled.
    fn is_called_off(&self, entry: &Entry) -> bool {
        let message = "Cancelled before it began. Nothing was changed.";
        let done = self.agent.launcher.call_off(entry, Outcome::Cancelled, message);
        done.is_ok() && entry.has_begun()
    }

    async fn follow_anew(&mut self, entry: Entry) -> Result<()> {
        let op = entry.op();
        self.follows.insert(op, Follow::new(entry));
        self.send(&AgentMessage::Accepted { op }).await
    }

    /// Answers an op that is not run, and not in the journal.
    pub(super) fn turn_down(&mut self, op: OpId, outcome: Outcome, message: String) {
        tracing::warn!(%op, %message, "op turned down");
        let now = self.agent.clock.now();
        let result =
            OpResult { outcome, exit_code: None, commit: None, message, started_at: now, finished_at: now };
        let result = Box::new(result);
        self.turned_down.put(op, TurnedDown { result: result.clone(), told: Some(Instant::now()) });
        self.readings.read_after(End { op, result, lines: 0 });
    }

    /// An op that a later server knows and this agent does not must not be waited for.
    pub(super) fn refuse_unknown(&mut self, text: &str) {
        if let Some(op) = unknown_op(text) {
            let why = "This agent does not know how to do that. Nothing was changed. Update the agent.";
            self.turn_down(op, Outcome::Refused, why.to_owned());
        }
    }

    /// Has an op stopped. One that is not here may still come: messages overtake each other.
    pub(super) fn cancel(&mut self, op: OpId) {
        if let Some(follow) = self.follows.get_mut(&op) {
            follow.stop();
        } else {
            tracing::info!(%op, "asked to cancel an op that is not in the journal");
            self.cancels.put(op, ());
        }
    }

    /// Starts over with an op of which the server lacks lines after `after`.
    pub(super) fn tell_again(&mut self, op: OpId, after: u64) {
        if let Some(follow) = self.follows.get_mut(&op) {
            self.agent.stored().insert(op, after);
            *follow = Follow::new(follow.entry.clone());
        }
    }

    /// Forgets an op whose end is stored. It may have been told on an earlier connection, or by an earlier agent. Where
    /// the disk does not take that, the end is told again, and so it is forgotten another time.
    pub(super) fn forget(&mut self, op: OpId) {
        if let Some(down) = self.turned_down.get_mut(op) {
            down.told = None;
        }
        let Some(follow) = self.follows.get(&op).filter(|follow| follow.entry.result().is_some()) else {
            return;
        };
        match self.agent.journal.forget(&follow.entry) {
            Ok(()) => {
                self.follows.remove(&op);
                self.agent.forget(op);
            }
            Err(error) => tracing::error!(%op, %error, "an op that is done with cannot be cleared away yet"),
        }
    }

    /// Says again how ops ended of which the server should have said by now that it knows.
    pub(super) fn end_again(&mut self) {
        let now = Instant::now();
        for (op, follow) in &mut self.follows {
            if let Some(result) = follow.end_again(now) {
                self.readings.read_after(End { op: *op, result, lines: follow.lines() });
            }
        }
        for (op, down) in self.turned_down.iter_mut() {
            if down.told.is_some_and(|at| is_to_be_told_again(at, now)) {
                down.told = Some(now);
                self.readings.read_after(End { op, result: down.result.clone(), lines: 0 });
            }
        }
    }
}

/// The op in a `run` message whose action is not known here.
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
