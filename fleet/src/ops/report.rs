//! The way back: what agents say of ops, and what becomes of them.

use backstay_protocol::delivery::{self, AtHost, OnFinished, Reconciliation};
use backstay_protocol::event::{Event, Tone};
use backstay_protocol::message::{OpResult, Outcome, ServerMessage};
use backstay_protocol::{AUTO_TEST, Facts, HostId, OpAction, OpId, OpStatus, OpView, OutputLine, Phase};
use chrono::{DateTime, Utc};

use crate::fleet::Fleet;
use crate::hub::Connection;
use crate::ops::SERVER;
use crate::ops::record::{audit_entry, request_entry, rollback_record};
use crate::ops::registry::{self, Verdict};
use crate::ops::request::{Asked, due_with_host};
use crate::store::{NewAuditEntry, NewOp, OpStep, StoreError};

/// What is said of an op that its host has begun and knows no more.
const FORGOTTEN: &str = "The host no longer knows of this op, which it had begun. It may have changed the host: look at \
                         its lights.";
/// What is said of an op whose record on the host cannot be read any more.
const DAMAGED: &str = "What the host wrote down of this op is damaged, so what became of it is not known. It may have \
                       changed the host: look at its lights.";
/// What is said of an op whose host was silent for longer than the op may take.
const SILENT: &str = "The host has not said what became of this op, and its time is over. It may have changed the host. \
                      Should the host come back and know, it is said here.";

impl Fleet {
    /// An agent has connected and said what its journal holds: sends what waits and what never arrived, and closes
    /// what the host has lost.
    ///
    /// Until here no op was sent on this connection, so every op that is `sent` or `running` is from an earlier one.
    pub(crate) async fn journal_told(
        &self,
        connection: &Connection,
        journal: &[OpId],
        damaged: &[OpId],
    ) -> Result<(), StoreError> {
        // What a connection says that was given up is old, and so is what it says a second time: ops may have reached
        // the host in between.
        if !self.hub.is_newest(connection) || self.hub.is_ready(connection.host) {
            return Ok(());
        }
        let op = self.store.open_op(connection.host).await?;
        let at_host = |op: OpId| match op {
            op if journal.contains(&op) => AtHost::Known,
            op if damaged.contains(&op) => AtHost::Damaged,
            _ => AtHost::Unknown,
        };
        let answer = op.as_ref().map_or(Reconciliation::Wait, |op| {
            delivery::reconcile(op.status, at_host(op.id), op.cancel.is_some())
        });
        match (op.as_ref(), answer) {
            (Some(op), Reconciliation::TakeBack) => {
                let by = op.cancel.as_ref().map_or(op.requested_by.as_str(), |cancel| &cancel.by);
                self.take_back(op, by).await?;
            }
            (Some(op), Reconciliation::Lose) => {
                let why = if damaged.contains(&op.id) { DAMAGED } else { FORGOTTEN };
                self.lose(op, why).await?;
            }
            _ => {}
        }
        self.hub.make_ready(connection);
        self.roll_on().await;
        match (op, answer) {
            (Some(op), Reconciliation::Stop) => {
                self.hub.send(op.host, ServerMessage::Cancel { op: op.id });
                Ok(())
            }
            (Some(op), Reconciliation::Send) if op.status == OpStatus::Sent => {
                self.dispatch(&op).await.map(drop)
            }
            // One that was asked for meanwhile waits too.
            _ => self.dispatch_waiting(connection.host).await,
        }
    }

    /// Closes the ops for which the server has waited as long as it may, so that no host is busy for ever.
    ///
    /// # Errors
    /// [`StoreError`]; what is due is looked at again the next time.
    pub async fn close_due(&self) -> Result<(), StoreError> {
        for op in self.store.due_ops(self.clock.now()).await? {
            match delivery::on_due(op.status) {
                Some(OpStatus::TimedOut) => self.expire(&op).await?,
                Some(OpStatus::Lost) => self.lose(&op, SILENT).await?,
                _ => {}
            }
        }
        // What a fault of the database held up goes on with the next look.
        self.catch_up_where_missed().await?;
        self.roll_on().await;
        Ok(())
    }

    /// Closes an op that waited for its host too long.
    async fn expire(&self, op: &OpView) -> Result<(), StoreError> {
        let now = self.clock.now();
        let message =
            "The host did not connect while the op waited for it. It was never sent: nothing was changed.";
        self.give_up(
            op,
            OpStep {
                finished_at: Some(now),
                message: Some(message.to_owned()),
                audit: Some(audit_entry(op, SERVER, "expired", now, message)),
                ..OpStep::to(OpStatus::TimedOut)
            },
        )
        .await
    }

    /// Closes an op of which nothing more can be known now.
    async fn lose(&self, op: &OpView, message: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.give_up(
            op,
            OpStep {
                finished_at: Some(now),
                message: Some(message.to_owned()),
                audit: Some(audit_entry(op, SERVER, "lost", now, message)),
                rollback: rollback_record(op, now, false),
                ..OpStep::to(OpStatus::Lost)
            },
        )
        .await
    }

    /// Takes the step only if the op is still where it was when it was looked at.
    async fn give_up(&self, op: &OpView, step: OpStep) -> Result<(), StoreError> {
        let step = OpStep { only_from: Some(op.status), ..step };
        if let Some(op) = self.store.step_op(op.id, &step).await? {
            self.publish_op(&op).await?;
            self.notify(&op, Tone::Bad);
            self.roll_on().await;
        }
        Ok(())
    }

    /// The agent has the op in its journal.
    pub(crate) async fn op_accepted(&self, host: HostId, id: OpId) -> Result<(), StoreError> {
        let Some(op) = self.own_op(host, id).await? else { return Ok(()) };
        let now = self.clock.now();
        let step = OpStep {
            started_at: Some(now),
            due_at: Some(due_with_host(now, &op.action)),
            ..OpStep::to(OpStatus::Running)
        };
        if let Some(op) = self.store.step_op(id, &step).await? {
            self.publish_op(&op).await?;
        }
        Ok(())
    }

    /// The op is at this point.
    pub(crate) async fn op_progress(&self, host: HostId, id: OpId, phase: Phase) -> Result<(), StoreError> {
        if self.own_op(host, id).await?.is_none() {
            return Ok(());
        }
        if let Some(op) = self.store.set_phase(id, phase).await? {
            self.publish_op(&op).await?;
        }
        Ok(())
    }

    /// The op wrote lines. The number of the line through which they are stored, to be told to the agent.
    pub(crate) async fn op_output(
        &self,
        host: HostId,
        id: OpId,
        lines: Vec<OutputLine>,
    ) -> Result<Option<u64>, StoreError> {
        if self.own_op(host, id).await?.is_none() {
            return Ok(None);
        }
        let through = self.store.append_output(id, &lines).await?;
        self.events.publish(&Event::Output { op: id, lines });
        Ok(Some(through))
    }

    /// The op has ended after so many lines: the facts read after it say what became of it. Said twice, it changes
    /// nothing the second time. What comes back is to be told to the agent.
    pub(crate) async fn op_finished(
        &self,
        connection: &Connection,
        id: OpId,
        result: &OpResult,
        lines: u64,
        facts: &Facts,
    ) -> Result<ServerMessage, StoreError> {
        let host = connection.host;
        self.take_facts(connection, facts).await?;
        let stored = ServerMessage::FinishStored { op: id };
        let Some(op) = self.own_op(host, id).await? else { return Ok(stored) };
        let through = self.store.output_through(id).await?;
        match delivery::on_finished(op.status, through, lines) {
            OnFinished::AskForLines { after } => return Ok(ServerMessage::OutputMissing { op: id, after }),
            OnFinished::Close => self.close(&op, result, facts).await?,
            OnFinished::Acknowledge => {}
        }
        self.publish_host(host).await?;
        Ok(stored)
    }

    async fn close(&self, op: &OpView, result: &OpResult, facts: &Facts) -> Result<(), StoreError> {
        let verdict = registry::post_check(&op.action, result, facts);
        let mut step = closing_step(op, result, verdict, facts, self.clock.now());
        // A generation that came back has to prove itself, also where the rollback took too long or lost its runner.
        let has_new_system = step.to == OpStatus::Succeeded || registry::is_at_target(&op.action, facts);
        let took_place = result.outcome != Outcome::Refused;
        if has_new_system && took_place && registry::spec(op.action.kind()).then_test {
            step.then = self.auto_test(op.host, facts).await?;
        }
        let Some(op) = self.store.step_op(op.id, &step).await? else { return Ok(()) };
        self.publish_op(&op).await?;
        let tone = if op.status == OpStatus::Succeeded { Tone::Good } else { Tone::Bad };
        self.notify(&op, tone);
        self.roll_on().await;
        self.dispatch_waiting(op.host).await
    }

    /// Sends what waits for this host, if it is connected.
    async fn dispatch_waiting(&self, host: HostId) -> Result<(), StoreError> {
        let Some(op) = self.store.open_op(host).await? else { return Ok(()) };
        if op.status == OpStatus::Queued && self.dispatch(&op).await?.is_none() {
            self.publish_op(&op).await?;
        }
        Ok(())
    }

    /// The run of the host's tests that is to follow, where that is wanted and there are any. It is recorded together
    /// with the end of the op before it, so that it is not forgotten should this server be gone a moment later.
    async fn auto_test(
        &self,
        host: HostId,
        facts: &Facts,
    ) -> Result<Option<Box<(NewOp, NewAuditEntry)>>, StoreError> {
        let record = self.store.host(host).await?.filter(|host| host.auto_test && facts.tests_available > 0);
        Ok(record.map(|record| {
            let asked = Asked { by: AUTO_TEST.to_owned(), ..Asked::of(OpAction::Test) };
            let op = self.new_op(host, asked);
            let entry = request_entry(&op, &record.name);
            Box::new((op, entry))
        }))
    }

    /// The op, where it is one of this host's: an agent speaks of its own ops alone.
    async fn own_op(&self, host: HostId, id: OpId) -> Result<Option<OpView>, StoreError> {
        let op = self.store.op(id).await?.filter(|op| op.host == host);
        if op.is_none() {
            tracing::warn!(%host, op = %id, "the agent speaks of an op that is not its own");
        }
        Ok(op)
    }
}

fn closing_step(
    op: &OpView,
    result: &OpResult,
    verdict: Verdict,
    facts: &Facts,
    now: DateTime<Utc>,
) -> OpStep {
    let is_refused = result.outcome == Outcome::Refused;
    let what = if is_refused { "refused" } else { verdict.status.as_str() };
    // One that did not move the host was no rollback: the audit log has it.
    let took_place = !is_refused && !registry::is_where_it_was(&op.action, facts);
    let is_there = registry::is_at_target(&op.action, facts);
    OpStep {
        started_at: Some(result.started_at),
        finished_at: Some(result.finished_at),
        outcome: Some(result.outcome),
        exit_code: result.exit_code,
        failed_tests: verdict.failed_tests,
        audit: Some(audit_entry(op, &op.requested_by, what, now, &verdict.message)),
        rollback: if took_place { rollback_record(op, now, is_there) } else { None },
        message: Some(verdict.message),
        ..OpStep::to(verdict.status)
    }
}
