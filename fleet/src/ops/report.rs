//! The way back: what agents say of ops, and what becomes of them.

use backstay_protocol::event::{Event, Tone};
use backstay_protocol::message::{OpResult, Outcome};
use backstay_protocol::{Facts, HostId, OpAction, OpId, OpStatus, OpView, OutputLine, Phase};

use crate::fleet::Fleet;
use crate::ops::record::{audit_entry, rollback_record};
use crate::ops::registry::{self, Verdict};
use crate::ops::request::RequestError;
use crate::store::{OpStep, StoreError};

/// Who the audit log names for the test runs that follow a rollback or a switch by themselves.
const AUTO_TEST: &str = "auto-test";

impl Fleet {
    /// An agent has connected and said what its journal holds: sends what waits and what never arrived, and closes
    /// what the host has lost.
    pub(crate) async fn reconcile(&self, host: HostId, journal: &[OpId]) -> Result<(), StoreError> {
        let Some(op) = self.store.open_op(host).await? else { return Ok(()) };
        if journal.contains(&op.id) {
            return Ok(());
        }
        if op.status == OpStatus::Running {
            return self.lose(&op).await;
        }
        self.dispatch(&op).await?;
        Ok(())
    }

    async fn lose(&self, op: &OpView) -> Result<(), StoreError> {
        let message = "The host no longer knows of this op, which it had begun. It may have changed the host: look at \
                       its lights.";
        let step = OpStep {
            finished_at: Some(self.clock.now()),
            message: Some(message.to_owned()),
            audit: Some(audit_entry(op, &op.host_name, "lost", self.clock.now(), message)),
            rollback: rollback_record(op, self.clock.now(), false),
            ..OpStep::to(OpStatus::Lost)
        };
        if let Some(op) = self.store.step_op(op.id, &step).await? {
            self.publish_op(&op).await?;
            self.notify(&op, Tone::Bad);
        }
        Ok(())
    }

    /// The agent has the op in its journal.
    pub(crate) async fn op_accepted(&self, host: HostId, id: OpId) -> Result<(), StoreError> {
        if self.own_op(host, id).await?.is_none() {
            return Ok(());
        }
        let step = OpStep { started_at: Some(self.clock.now()), ..OpStep::to(OpStatus::Running) };
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

    /// The op has ended: the facts read after it say what became of it. Said twice, it changes nothing the second time.
    pub(crate) async fn op_finished(
        &self,
        host: HostId,
        id: OpId,
        result: &OpResult,
        facts: Facts,
    ) -> Result<(), StoreError> {
        self.take_facts(host, facts.clone()).await?;
        let Some(op) = self.own_op(host, id).await? else { return Ok(()) };
        let verdict = registry::post_check(&op.action, result, &facts);
        let Some(op) = self.store.step_op(id, &self.closing_step(&op, result, verdict)).await? else {
            return self.publish_host(host).await;
        };
        self.publish_op(&op).await?;
        self.notify(&op, if op.status == OpStatus::Succeeded { Tone::Good } else { Tone::Bad });
        if op.status == OpStatus::Succeeded && registry::spec(op.action.kind()).then_test {
            self.auto_test(host).await?;
        }
        Ok(())
    }

    fn closing_step(&self, op: &OpView, result: &OpResult, verdict: Verdict) -> OpStep {
        let now = self.clock.now();
        let success = verdict.status == OpStatus::Succeeded;
        // One that the host refused did not take place: it is in the audit log, not among the rollbacks.
        let took_place = result.outcome != Outcome::Refused;
        let what = if took_place { verdict.status.as_str() } else { "refused" };
        OpStep {
            to: verdict.status,
            started_at: Some(result.started_at),
            finished_at: Some(result.finished_at),
            outcome: Some(result.outcome),
            exit_code: result.exit_code,
            audit: Some(audit_entry(op, &op.requested_by, what, now, &verdict.message)),
            rollback: if took_place { rollback_record(op, now, success) } else { None },
            message: Some(verdict.message),
        }
    }

    /// Runs the host's tests, where that is wanted and there are any. That it cannot be done now is no failure of the
    /// op before it: the Tests light says that they are due.
    async fn auto_test(&self, host: HostId) -> Result<(), StoreError> {
        let Some(record) = self.store.host(host).await? else { return Ok(()) };
        let has_tests = record.facts.as_ref().is_some_and(|f| f.tests_available > 0);
        if !record.auto_test || !has_tests {
            return Ok(());
        }
        match self.open(&record, OpAction::Test, AUTO_TEST.to_owned(), None).await {
            Ok(_) => Ok(()),
            Err(RequestError::Store(error)) => Err(error),
            Err(refusal) => {
                tracing::info!(host = %record.name, %refusal, "tests were not started by themselves");
                Ok(())
            }
        }
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
