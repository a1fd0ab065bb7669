//! The way back: agents report on their ops, and the server closes them.

use backstay_model::wire::delivery::{self, AtHost, OnFinished, Reconciliation};
use backstay_model::wire::event::{Event, Tone};
use backstay_model::wire::message::{OpResult, ServerMessage};
use backstay_model::{
    AUTO_TEST, Facts, HostId, OpAction, OpId, OpStatus, OpView, Outcome, OutputLine, Phase,
};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::ops::SERVER;
use crate::ops::policy::{self, Verdict};
use crate::ops::record::{audit_entry, request_entry, rollback_record};
use crate::ops::request::{NewRequest, due_with_host};
use crate::state::hub::Connection;
use crate::store::{Appended, NewAuditEntry, NewOp, OpStep, StoreError};

/// Message for an op the host started but no longer knows.
const FORGOTTEN: &str =
    "The host started this op but no longer knows it. It may have changed the host: check its lights.";
/// Message for an op whose record on the host is damaged.
const DAMAGED: &str = "The host's record of this op is damaged, so its result is unknown. It may have changed the host: check \
                       its lights.";
/// Message for an op whose host was silent for longer than the op may take.
const SILENT: &str = "The host did not report a result in time. It may have changed the host. If the host returns with a \
                      result, it appears here.";

/// What follows from a host's journal.
enum JournalOutcome {
    /// Nothing to publish.
    Nothing,
    /// Its op never arrived and was cancelled.
    TakenBack(OpView),
    /// Its op is lost.
    Lost(OpView),
    /// The host has to be asked again to stop its op.
    ToStop(OpId),
}

impl Fleet {
    /// An agent has connected and reported its journal: sends what waits or never arrived, and closes what the host has lost.
    ///
    /// No op was sent on this connection so far, so every op that is `sent` or `running` is from an earlier connection.
    pub(crate) async fn journal_reported(
        &self,
        connection: &Connection,
        journal: &[OpId],
        damaged: &[OpId],
    ) -> Result<(), StoreError> {
        let Some(outcome) = self.reconcile_journal(connection, journal, damaged).await? else {
            return Ok(());
        };
        match &outcome {
            JournalOutcome::Nothing => {}
            JournalOutcome::TakenBack(op) => self.publish_op_without_host(op).await,
            JournalOutcome::Lost(op) => {
                self.publish_op_without_host(op).await;
                self.notify_result(op, Tone::Bad);
            }
            JournalOutcome::ToStop(op) => {
                self.hub.send(connection.host, ServerMessage::Cancel { op: *op });
            }
        }
        self.advance_rollouts_soon();
        let waited = self.dispatch_waiting(connection.host).await;
        let is_closed = matches!(outcome, JournalOutcome::TakenBack(_) | JournalOutcome::Lost(_));
        if is_closed || !matches!(waited, Ok(false)) {
            self.publish_host(connection.host).await;
        }
        waited.map(drop)
    }

    /// Compares the host's journal with its open op, and acts on the difference. Holds the lock under which ops are sent: the
    /// journal would not contain an op that is sent in between. Returns `None` if the journal is out of date.
    async fn reconcile_journal(
        &self,
        connection: &Connection,
        journal: &[OpId],
        damaged: &[OpId],
    ) -> Result<Option<JournalOutcome>, StoreError> {
        let lock = self.hub.dispatch_lock(connection.host);
        let _lock = lock.lock().await;
        // A replaced connection reports an old journal, and so does a second report: ops may have reached the host in
        // between.
        if !self.hub.is_newest(connection) || self.hub.is_ready(connection.host) {
            return Ok(None);
        }
        let Some(op) = self.store.open_op(connection.host).await? else {
            self.hub.make_ready(connection);
            return Ok(Some(JournalOutcome::Nothing));
        };
        let at_host = match op.id {
            id if journal.contains(&id) => AtHost::Known,
            id if damaged.contains(&id) => AtHost::Damaged,
            _ => AtHost::Unknown,
        };
        let answer = delivery::reconcile(op.status, at_host, op.cancel.is_some());
        let closed = match answer {
            Reconciliation::Cancel => {
                let by = op.cancel.as_ref().map_or(op.requested_by.as_str(), |cancel| &cancel.by);
                self.store.step_op(op.id, &self.taking_back(&op, by)).await?.map(JournalOutcome::TakenBack)
            }
            // The displaced agent may be running the op on another machine, and will say so when it comes back. If it does not,
            // the op is lost when its time is up.
            Reconciliation::MarkLost
                if at_host == AtHost::Unknown && self.hub.displaced_another(connection) =>
            {
                None
            }
            Reconciliation::MarkLost => {
                let why = if damaged.contains(&op.id) { DAMAGED } else { FORGOTTEN };
                self.store.step_op(op.id, &self.losing(&op, why)).await?.map(JournalOutcome::Lost)
            }
            _ => None,
        };
        self.hub.make_ready(connection);
        if answer == Reconciliation::Send && op.status == OpStatus::Sent {
            self.send_locked(&op).await?;
        }
        let to_stop = (answer == Reconciliation::Stop).then_some(JournalOutcome::ToStop(op.id));
        Ok(Some(closed.or(to_stop).unwrap_or(JournalOutcome::Nothing)))
    }

    /// Closes overdue ops, so that no host stays busy for ever, and resumes whatever a database error interrupted. Runs each
    /// second.
    ///
    /// # Errors
    /// [`StoreError`]; the next tick retries.
    pub(crate) async fn tick(&self) -> Result<(), StoreError> {
        for op in self.store.due_ops(self.clock.now()).await? {
            match delivery::on_due(op.status) {
                Some(OpStatus::TimedOut) => self.expire(&op).await?,
                Some(OpStatus::Lost) => self.give_up(&op, self.losing(&op, SILENT)).await?,
                _ => {}
            }
        }
        for host in self.identities.take_resolved(Instant::now()) {
            let waited = self.dispatch_waiting(host).await;
            self.publish_host(host).await;
            waited?;
        }
        self.publish_pending().await;
        self.catch_up_if_behind().await?;
        self.advance_rollouts_soon();
        self.send_waiting().await
    }

    /// Sends the ops that wait although their hosts are connected: an error came between recording and sending them.
    async fn send_waiting(&self) -> Result<(), StoreError> {
        for (op, host) in self.store.waiting_ops().await? {
            if self.hub.is_ready(host)
                && let Some(op) = self.store.op(op).await?
            {
                self.send(&op).await?;
            }
        }
        Ok(())
    }

    /// Closes an op that waited too long for its host.
    async fn expire(&self, op: &OpView) -> Result<(), StoreError> {
        let now = self.clock.now();
        let message = "The host did not connect in time. The op was never sent: nothing was changed.";
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

    /// The step that closes an op whose result is unknown, if the op has not changed since.
    fn losing(&self, op: &OpView, message: &str) -> OpStep {
        let now = self.clock.now();
        OpStep {
            only_from: Some(op.status),
            finished_at: Some(now),
            message: Some(message.to_owned()),
            audit: Some(audit_entry(op, SERVER, "lost", now, message)),
            rollback: rollback_record(op, now, false),
            ..OpStep::to(OpStatus::Lost)
        }
    }

    /// Takes the step only if the op has not changed since.
    async fn give_up(&self, op: &OpView, step: OpStep) -> Result<(), StoreError> {
        let step = OpStep { only_from: Some(op.status), ..step };
        if let Some(op) = self.store.step_op(op.id, &step).await? {
            self.publish_op_without_host(&op).await;
            self.notify_result(&op, Tone::Bad);
            self.advance_rollouts_soon();
            let waited = self.dispatch_waiting(op.host).await;
            self.publish_host(op.host).await;
            waited?;
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
            self.publish_op(&op).await;
        }
        Ok(())
    }

    /// The op has reached this phase.
    pub(crate) async fn op_progress(&self, host: HostId, id: OpId, phase: Phase) -> Result<(), StoreError> {
        if self.own_op(host, id).await?.is_none() {
            return Ok(());
        }
        if let Some(op) = self.store.set_phase(id, phase).await? {
            self.publish_op(&op).await;
        }
        Ok(())
    }

    /// The op wrote lines. Returns the number of the last stored line, for the agent.
    pub(crate) async fn op_output(
        &self,
        host: HostId,
        id: OpId,
        lines: Vec<OutputLine>,
    ) -> Result<Option<u64>, StoreError> {
        let Some(op) = self.own_op(host, id).await? else { return Ok(None) };
        if !delivery::accepts_output(op.status) {
            return self.store.output_through(id).await.map(Some);
        }
        let Appended { through, new } = self.store.append_output(id, &lines).await?;
        // Pages receive each line once, however often the host sends it.
        let lines: Vec<_> = lines.into_iter().filter(|line| new.contains(&line.seq)).collect();
        if !lines.is_empty() {
            self.events.publish(&Event::Output { op: id, lines });
        }
        Ok(Some(through))
    }

    /// The op has ended with this number of lines, and the facts read after it decide the result. A second report changes
    /// nothing. Returns the answer for the agent.
    pub(crate) async fn op_finished(
        &self,
        connection: &Connection,
        id: OpId,
        result: &OpResult,
        lines: u64,
        facts: &Facts,
    ) -> Result<ServerMessage, StoreError> {
        let host = connection.host;
        let stored = self.record_facts(connection, facts).await?;
        let acknowledged = ServerMessage::FinishStored { op: id };
        let Some(op) = self.own_op(host, id).await? else { return Ok(acknowledged) };
        let through = self.store.output_through(id).await?;
        match delivery::on_finished(op.status, through, lines) {
            OnFinished::AskForLines { after } => return Ok(ServerMessage::OutputMissing { op: id, after }),
            OnFinished::Close => {
                let closed = self.close(&op, result, facts).await;
                self.publish_reported(connection, stored).await;
                closed?;
            }
            OnFinished::Acknowledge => self.publish_reported(connection, stored).await,
        }
        Ok(acknowledged)
    }

    /// Closes an op by its result, and sends what follows. The caller publishes the host.
    async fn close(&self, op: &OpView, result: &OpResult, facts: &Facts) -> Result<(), StoreError> {
        let verdict = policy::verify_outcome(&op.action, result, facts);
        let mut step = closing_step(op, result, verdict, facts, self.clock.now());
        // A restored generation has to prove itself, even if the rollback timed out or lost its runner.
        let has_new_system = step.to == OpStatus::Succeeded || policy::is_at_target(&op.action, facts);
        let took_place = result.outcome != Outcome::Refused;
        if has_new_system && took_place && policy::of(op.action.kind()).then_test {
            step.then = self.auto_test(op.host, facts).await?;
        }
        let Some(op) = self.store.step_op(op.id, &step).await? else { return Ok(()) };
        self.publish_op_without_host(&op).await;
        let tone = if op.status == OpStatus::Succeeded { Tone::Good } else { Tone::Bad };
        self.notify_result(&op, tone);
        self.advance_rollouts_soon();
        self.dispatch_waiting(op.host).await.map(drop)
    }

    /// Sends the op that waits for this host, if the host is connected. Returns whether there is one; the caller publishes the
    /// host.
    async fn dispatch_waiting(&self, host: HostId) -> Result<bool, StoreError> {
        let waiting = self.store.open_op(host).await?.filter(|op| op.status == OpStatus::Queued);
        let Some(op) = waiting else { return Ok(false) };
        let sent = self.dispatch(&op).await?;
        self.publish_op_without_host(sent.as_ref().unwrap_or(&op)).await;
        Ok(true)
    }

    /// The test run that follows an op, if the host wants it and has tests. It is recorded together with the result of the op,
    /// so that a crash of the server does not lose it.
    pub(super) async fn auto_test(
        &self,
        host: HostId,
        facts: &Facts,
    ) -> Result<Option<Box<(NewOp, NewAuditEntry)>>, StoreError> {
        let record = self.store.host(host).await?.filter(|host| host.auto_test && facts.tests_available > 0);
        Ok(record.map(|record| {
            let request = NewRequest { by: AUTO_TEST.to_owned(), ..NewRequest::of(OpAction::Test) };
            let op = self.new_op(host, request);
            let entry = request_entry(&op, &record.name);
            Box::new((op, entry))
        }))
    }

    /// The op, if it belongs to this host: an agent may report only on its own ops.
    async fn own_op(&self, host: HostId, id: OpId) -> Result<Option<OpView>, StoreError> {
        let op = self.store.op(id).await?.filter(|op| op.host == host);
        if op.is_none() {
            tracing::warn!(%host, op = %id, "the agent reported on an op that is not its own");
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
    // A rollback that failed before it moved the host is recorded in the audit log only.
    let is_claimed = result.outcome == Outcome::Completed;
    let took_place = !is_refused && (is_claimed || !policy::is_where_it_was(&op.action, facts));
    let is_there = policy::is_at_target(&op.action, facts);
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
