//! The way back: what agents say of ops, and what becomes of them.

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

/// What is said of an op that its host has begun and knows no more.
const FORGOTTEN: &str = "The host no longer knows of this op, which it had begun. It may have changed the host: look at \
                         its lights.";
/// What is said of an op whose record on the host cannot be read any more.
const DAMAGED: &str = "What the host wrote down of this op is damaged, so what became of it is not known. It may have \
                       changed the host: look at its lights.";
/// What is said of an op whose host was silent for longer than the op may take.
const SILENT: &str = "The host has not said what became of this op, and its time is over. It may have changed the host. \
                      Should the host come back and know, it is said here.";

/// What followed from what a host's journal holds.
enum JournalOutcome {
    /// Nothing that is to be told.
    Nothing,
    /// Its op never arrived, and nobody wants it any more.
    TakenBack(OpView),
    /// Its op is lost.
    Lost(OpView),
    /// It is to be told once more that its op is to stop.
    ToStop(OpId),
}

impl Fleet {
    /// An agent has connected and said what its journal holds: sends what waits and what never arrived, and closes
    /// what the host has lost.
    ///
    /// Until here no op was sent on this connection, so every op that is `sent` or `running` is from an earlier one.
    pub(crate) async fn journal_reported(
        &self,
        connection: &Connection,
        journal: &[OpId],
        damaged: &[OpId],
    ) -> Result<(), StoreError> {
        let Some(heard) = self.reconcile_journal(connection, journal, damaged).await? else { return Ok(()) };
        match heard {
            JournalOutcome::Nothing => {}
            JournalOutcome::TakenBack(op) => self.publish_op(&op).await,
            JournalOutcome::Lost(op) => {
                self.publish_op(&op).await;
                self.notify_result(&op, Tone::Bad);
            }
            JournalOutcome::ToStop(op) => {
                self.hub.send(connection.host, ServerMessage::Cancel { op });
            }
        }
        self.advance_rollouts().await;
        self.dispatch_waiting(connection.host).await
    }

    /// Compares what the host's journal holds with its open op, and does what follows from that. In one turn with the
    /// sending of ops: what is heard of the journal would say nothing of an op that is sent meanwhile. None where the
    /// journal says nothing.
    async fn reconcile_journal(
        &self,
        connection: &Connection,
        journal: &[OpId],
        damaged: &[OpId],
    ) -> Result<Option<JournalOutcome>, StoreError> {
        let lock = self.hub.dispatch_lock(connection.host);
        let _lock = lock.lock().await;
        // What a connection says that was given up is old, and so is what it says a second time: ops may have reached
        // the host in between.
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

    /// Looks after what does not come about by itself: closes the ops for which the server has waited as long as it may, so
    /// that no host is busy for ever, and resumes whatever a failure of the database interrupted.
    ///
    /// # Errors
    /// [`StoreError`]; the next look tries again.
    pub(crate) async fn tick(&self) -> Result<(), StoreError> {
        for op in self.store.due_ops(self.clock.now()).await? {
            match delivery::on_due(op.status) {
                Some(OpStatus::TimedOut) => self.expire(&op).await?,
                Some(OpStatus::Lost) => self.give_up(&op, self.losing(&op, SILENT)).await?,
                _ => {}
            }
        }
        for host in self.identities.take_resolved(Instant::now()) {
            self.publish_host(host).await;
            self.dispatch_waiting(host).await?;
        }
        self.publish_pending().await;
        self.catch_up_if_behind().await?;
        self.advance_rollouts().await;
        self.send_waiting().await
    }

    /// Sends the ops that wait although their hosts are there: something failed between their recording and their sending.
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

    /// The step that closes an op of which nothing more can be known now, if it is still as it was looked at.
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

    /// Takes the step only if the op is still where it was when it was looked at.
    async fn give_up(&self, op: &OpView, step: OpStep) -> Result<(), StoreError> {
        let step = OpStep { only_from: Some(op.status), ..step };
        if let Some(op) = self.store.step_op(op.id, &step).await? {
            self.publish_op(&op).await;
            self.notify_result(&op, Tone::Bad);
            self.advance_rollouts().await;
            self.dispatch_waiting(op.host).await?;
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

    /// The op is at this point.
    pub(crate) async fn op_progress(&self, host: HostId, id: OpId, phase: Phase) -> Result<(), StoreError> {
        if self.own_op(host, id).await?.is_none() {
            return Ok(());
        }
        if let Some(op) = self.store.set_phase(id, phase).await? {
            self.publish_op(&op).await;
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
        let Some(op) = self.own_op(host, id).await? else { return Ok(None) };
        if !delivery::accepts_output(op.status) {
            return self.store.output_through(id).await.map(Some);
        }
        let Appended { through, new } = self.store.append_output(id, &lines).await?;
        // Pages hear of each line once, however often a host tells it.
        let lines: Vec<_> = lines.into_iter().filter(|line| new.contains(&line.seq)).collect();
        if !lines.is_empty() {
            self.events.publish(&Event::Output { op: id, lines });
        }
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
        self.publish_host(host).await;
        Ok(stored)
    }

    async fn close(&self, op: &OpView, result: &OpResult, facts: &Facts) -> Result<(), StoreError> {
        let verdict = policy::verify_outcome(&op.action, result, facts);
        let mut step = closing_step(op, result, verdict, facts, self.clock.now());
        // A generation that came back has to prove itself, also where the rollback took too long or lost its runner.
        let has_new_system = step.to == OpStatus::Succeeded || policy::is_at_target(&op.action, facts);
        let took_place = result.outcome != Outcome::Refused;
        if has_new_system && took_place && policy::of(op.action.kind()).then_test {
            step.then = self.auto_test(op.host, facts).await?;
        }
        let Some(op) = self.store.step_op(op.id, &step).await? else { return Ok(()) };
        self.publish_op(&op).await;
        let tone = if op.status == OpStatus::Succeeded { Tone::Good } else { Tone::Bad };
        self.notify_result(&op, tone);
        self.advance_rollouts().await;
        self.dispatch_waiting(op.host).await
    }

    /// Sends what waits for this host, if it is connected.
    async fn dispatch_waiting(&self, host: HostId) -> Result<(), StoreError> {
        let Some(op) = self.store.open_op(host).await? else { return Ok(()) };
        if op.status == OpStatus::Queued && self.dispatch(&op).await?.is_none() {
            self.publish_op(&op).await;
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
            let asked = NewRequest { by: AUTO_TEST.to_owned(), ..NewRequest::of(OpAction::Test) };
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
    // One that failed before it moved the host was no rollback: the audit log has it.
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
