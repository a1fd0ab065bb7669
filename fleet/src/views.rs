//! Hosts and ops as pages show them, composed from the store, the hub and the branch.

use backstay_model::lights::{AgentVersion, LightInputs, lights};
use backstay_model::rollback::{self, HostHistory, RollbackPlan};
use backstay_model::test_history;
use backstay_model::timeline::Timeline;
use backstay_model::view::{AuditPage, AuditQuery, HostDetail, OpDetail, OpQuery, OpsPage};
use backstay_model::wire::limits::cut;
use backstay_model::{
    Commit, HostId, HostView, Light, Lights, OpId, OpKind, OpStatus, OpView, OutputLine, ROW_NOTE_BYTES,
    State, TestRun, Trouble,
};

use crate::distinct::distinct;
use crate::fleet::Fleet;
use crate::store::{HashedEntry, HostRecord, OPS_OF_PAST, OpFilter, RUNS_OF_PAST, StoreError};

/// Number of ops on a host's page.
const OPS_ON_HOST_PAGE: usize = 20;
/// Number of output lines in one answer, and number of last lines that come with an op.
const LINES_PER_READ: u32 = 2_000;
/// Number of ops on one page of their history.
const OPS_PAGE: u32 = 50;
/// Number of entries on one page of the audit log.
const AUDIT_PAGE: u32 = 100;
/// Number of entries read at once for an export.
const AUDIT_EXPORT: u32 = 500;

/// A host's recorded past.
struct Recorded {
    runs: Vec<TestRun>,
    ops: Vec<OpView>,
}

impl Fleet {
    /// Returns what the page of the host with this name shows, or `None` if there is no such host.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn host_detail(&self, name: &str) -> Result<Option<HostDetail>, StoreError> {
        let last_event = self.events.last();
        let Some(record) = self.store.host_by_name(name).await? else { return Ok(None) };
        let host = self.host_view(&record).await?;
        let reverted = self.store.reverted_commits().await?;
        let Recorded { runs, mut ops } = self.past_of(record.id).await?;
        let past = HostHistory { runs: &runs, ops: &ops, reverted: &reverted };
        let facts = record.facts.as_ref();
        let now = self.clock.now();
        let plan =
            facts.and_then(|f| rollback::plan(&record.name, host.online, f, &past, host.op.clone(), now));
        let pins = self.store.pins(record.id).await?;
        let plan = plan.map(|plan| plan.with_pins(pins));
        let timeline = facts.map_or_else(|| Timeline::unknown(now), |f| Timeline::of(f, &past, now));
        let present = facts.and_then(|f| f.tests.as_ref()).map(|tests| tests.names.as_slice());
        let tests = test_history::histories(present, &runs, &ops);
        ops.truncate(OPS_ON_HOST_PAGE);
        Ok(Some(HostDetail {
            plan,
            timeline,
            tests,
            ops,
            test_timeout: record.test_timeout,
            labels: record.labels,
            facts: record.facts,
            host,
            last_event,
        }))
    }

    /// A host's latest test runs and ops, newest first, and the rollbacks and tests before those: retention keeps them all.
    async fn past_of(&self, host: HostId) -> Result<Recorded, StoreError> {
        let runs = self.store.test_runs(host, RUNS_OF_PAST).await?;
        let filter = OpFilter { host: Some(host), limit: OPS_OF_PAST, ..OpFilter::default() };
        let mut ops = self.store.ops(&filter).await?;
        if ops.len() < OPS_OF_PAST as usize {
            return Ok(Recorded { runs, ops });
        }
        let before = ops.last().map(|op| op.id);
        for kind in [OpKind::Rollback, OpKind::Test] {
            let older = OpFilter { kind: Some(kind), before, ..filter.clone() };
            ops.extend(self.store.ops(&older).await?);
        }
        Ok(Recorded { runs, ops })
    }

    /// Returns what the rollback dialog of the host with this name shows, or `None` if there is no such host or it has no current
    /// generation.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollback_plan(&self, name: &str) -> Result<Option<RollbackPlan>, StoreError> {
        let Some(record) = self.store.host_by_name(name).await? else { return Ok(None) };
        let open_op = self.store.open_op(record.id).await?;
        let plan = self.plan(&record, open_op, &self.store.reverted_commits().await?).await?;
        let pins = self.store.pins(record.id).await?;
        Ok(plan.map(|plan| plan.with_pins(pins)))
    }

    /// The same for a host record and these reverted commits.
    pub(crate) async fn plan(
        &self,
        record: &HostRecord,
        open_op: Option<OpView>,
        reverted: &[Commit],
    ) -> Result<Option<RollbackPlan>, StoreError> {
        let Some(facts) = &record.facts else { return Ok(None) };
        let Recorded { runs, ops } = self.past_of(record.id).await?;
        let past = HostHistory { runs: &runs, ops: &ops, reverted };
        let online = self.hub.is_online(record.id);
        let plan = rollback::plan(&record.name, online, facts, &past, open_op, self.clock.now());
        Ok(plan.map(|plan| RollbackPlan { notes: record.labels.notes.clone(), ..plan }))
    }

    /// Returns an op with the last lines of its output.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn op_detail(&self, id: OpId) -> Result<Option<OpDetail>, StoreError> {
        let last_event = self.events.last();
        let Some(op) = self.store.op(id).await? else { return Ok(None) };
        let mut lines = self.store.output_before(id, None, LINES_PER_READ).await?;
        if lines.is_empty() {
            lines = self.removed_output(id).await?;
        }
        Ok(Some(OpDetail { op, lines, last_event }))
    }

    /// Returns the lines of an op's output after `after`, in order: the first of them, if there are many.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn output_after(&self, id: OpId, after: u64) -> Result<Vec<OutputLine>, StoreError> {
        let lines = self.store.output(id, after, LINES_PER_READ).await?;
        if lines.is_empty() && after == 0 { self.removed_output(id).await } else { Ok(lines) }
    }

    /// Returns the lines of an op's output before `before`, in order: the last of them, if there are many.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn output_before(&self, id: OpId, before: u64) -> Result<Vec<OutputLine>, StoreError> {
        self.store.output_before(id, Some(before), LINES_PER_READ).await
    }

    /// Returns a page of the history of ops, newest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn ops_page(&self, query: &OpQuery) -> Result<OpsPage, StoreError> {
        let last_event = self.events.last();
        let host = match &query.host {
            None => None,
            Some(name) => match self.store.host_by_name(name).await? {
                Some(host) => Some(host.id),
                None => return Ok(OpsPage { ops: vec![], more: false, last_event }),
            },
        };
        let filter = OpFilter {
            host,
            kind: query.kind,
            statuses: distinct(&query.statuses, OpStatus::ALL.len()).copied().collect(),
            by: query.by.clone(),
            search: query.search.clone(),
            before: query.before,
            limit: OPS_PAGE + 1,
        };
        let mut ops = self.store.ops(&filter).await?;
        let more = ops.len() > OPS_PAGE as usize;
        ops.truncate(OPS_PAGE as usize);
        Ok(OpsPage { ops, more, last_event })
    }

    /// Returns a page of the audit log: the newest matching entries. The background work verifies the log; this only says how
    /// far it is.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn audit(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let mut entries = self.store.audit(query, AUDIT_PAGE + 1).await?;
        let more = entries.len() > AUDIT_PAGE as usize;
        entries.truncate(AUDIT_PAGE as usize);
        Ok(AuditPage { entries, more, chain: self.audit_verifier.chain() })
    }

    /// Returns entries of the audit log for an export, newest first, one batch at a time. Does not verify the chain.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<HashedEntry>, StoreError> {
        self.store.hashed_audit(query, AUDIT_EXPORT).await
    }

    /// The row of a host.
    pub(crate) async fn host_view(&self, record: &HostRecord) -> Result<HostView, StoreError> {
        let open_op = self.store.open_op(record.id).await?;
        let last_system_op = self.store.last_system_op(record.id).await?;
        let agent = record.agent_version.as_deref().zip(record.agent_protocol);
        let lights = lights(&LightInputs {
            server_version: &self.server_version,
            agent: agent.map(|(version, protocol)| AgentVersion { version, protocol }),
            facts: record.facts.as_ref(),
            desired: &self.desired(),
            open_op: open_op.as_ref(),
            last_system_op: last_system_op.as_ref(),
        });
        let lights = if self.is_shared(record.id) { of_two_agents(lights) } else { lights };
        let current = record.facts.as_ref().and_then(|f| f.current().map(|g| (f, g)));
        let trouble = self.trouble(record, &lights).await?;
        Ok(HostView {
            id: record.id,
            name: record.name.clone(),
            platform: record.platform,
            online: self.hub.is_online(record.id),
            last_seen: self.last_seen.get(record.id).max(record.last_seen),
            agent_version: record.agent_version.clone(),
            auto_test: record.auto_test,
            observed: record.facts.as_ref().is_some_and(|facts| facts.observed),
            tags: record.labels.tags.clone(),
            note: cut(&record.labels.notes, ROW_NOTE_BYTES),
            lights,
            generation: current.map(|(_, g)| g.clone()),
            tests: current.and_then(|(f, g)| f.tests_of(g)).map(TestRun::summary),
            op: open_op,
            trouble,
        })
    }

    /// What is broken on a host with these lights. Its past is read only if something is.
    async fn trouble(&self, record: &HostRecord, lights: &Lights) -> Result<Option<Trouble>, StoreError> {
        let Some(facts) = record.facts.as_ref().filter(|_| Trouble::is_shown_by(lights)) else {
            return Ok(None);
        };
        let Recorded { runs, ops } = self.past_of(record.id).await?;
        let reverted = self.store.reverted_commits().await?;
        Ok(Trouble::of(lights, facts, &HostHistory { runs: &runs, ops: &ops, reverted: &reverted }))
    }
}

/// The lights of a host that two agents claim.
fn of_two_agents(lights: Lights) -> Lights {
    let hint = "Two agents take turns as this host, so it receives no ops. Stop one, remove its state folder, and enrol it \
                under another name.";
    let agent = Light { state: State::Failed, words: "Two agents".to_owned(), hint: hint.to_owned() };
    Lights { agent, ..lights }
}
