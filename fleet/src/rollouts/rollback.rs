//! Rolls back several hosts in one confirmed action: those that failed in a deployment, or those that a person chose.

use backstay_model::Outcome;
use backstay_model::deployment::{Deployment, HostOutcome, Step};
use backstay_model::rollback::{Candidate, RollbackPlan, Specialisation};
use backstay_model::rollout::{ConfirmedRollback, OTHERS, PlannedRollback, Rollout, RolloutStep};
use backstay_model::{
    Action, Commit, DeploymentId, Facts, Generation, OpAction, OpKind, OpStatus, OpView, TestRun,
};

use super::start::NewRollout;
use super::{NOT_REPORTED, Pacing, RolloutError};
use crate::accounts::Actor;
use crate::distinct::distinct;
use crate::fleet::Fleet;
use crate::ops::record::request_entry;
use crate::ops::request::{NewRequest, busy_with, checked_reason};
use crate::store::{HostRecord, StoreError};

/// Why a host without a last known working generation is left out.
const NONE_KNOWN: &str = "No earlier generation is known to work.";
/// Why a host that seems to work is left out.
const FINE: &str = "All its tests pass now.";
/// Why a removed host is left out.
const GONE: &str = "It is no longer in the fleet.";

/// The target of a host, or why it is left out; and the other candidates.
type Targets = (Result<Candidate, String>, Vec<Candidate>);

impl Fleet {
    /// Plans the rollback of each host that failed in a deployment.
    ///
    /// # Errors
    /// [`RolloutError`] if there is no such deployment.
    pub async fn planned_rollbacks(&self, id: DeploymentId) -> Result<Vec<PlannedRollback>, RolloutError> {
        let deployment = self.store.deployment(id).await?.ok_or(RolloutError::NoSuchDeployment)?;
        let reverted = self.store.reverted_commits().await?;
        let mut planned = vec![];
        for outcome in deployment.failed() {
            let host = self.store.host(outcome.host).await?;
            let plan = self.planned(host.as_ref(), &outcome.name, Some(outcome), &reverted).await?;
            planned.push(PlannedRollback { why: Some(outcome.to_string()), ..plan });
        }
        Ok(planned)
    }

    /// Plans the rollback of each of these hosts, in their order. A host that is not in the fleet is left out, with the
    /// reason.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn planned_rollbacks_of(&self, names: &[String]) -> Result<Vec<PlannedRollback>, StoreError> {
        let reverted = self.store.reverted_commits().await?;
        let mut planned = vec![];
        // Each host costs several reads.
        for name in distinct(names, usize::MAX) {
            let host = self.store.host_by_name(name).await?;
            planned.push(self.planned(host.as_ref(), name, None, &reverted).await?);
        }
        Ok(planned)
    }

    async fn planned(
        &self,
        host: Option<&HostRecord>,
        name: &str,
        outcome: Option<&HostOutcome>,
        reverted: &[Commit],
    ) -> Result<PlannedRollback, StoreError> {
        let facts = host.and_then(|host| host.facts.as_ref());
        let (to, others) = match host {
            None => left_out(GONE),
            Some(host) => self.targets(host, outcome, reverted).await?,
        };
        Ok(PlannedRollback {
            host_name: host.map_or(name, |host| &host.name).to_owned(),
            online: host.is_some_and(|host| self.hub.is_online(host.id)),
            why: None,
            fine: facts.is_some_and(is_fine),
            tests: facts.and_then(|facts| facts.tests_of(facts.current()?)).map(TestRun::summary),
            from: facts.and_then(|facts| facts.current()).cloned(),
            to,
            others,
        })
    }

    /// The target of a host: its last known working generation, unless the host need not be rolled back; and the other
    /// candidates.
    async fn targets(
        &self,
        host: &HostRecord,
        outcome: Option<&HostOutcome>,
        reverted: &[Commit],
    ) -> Result<Targets, StoreError> {
        let open = self.store.open_op(host.id).await?;
        // Its tests give way to the rollback.
        if let Some(op) = open.filter(|op| op.action.kind() != OpKind::Test) {
            return Ok(left_out(busy_with(&op)));
        }
        let Some(facts) = &host.facts else { return Ok(left_out(NOT_REPORTED)) };
        let plan = self.plan(host, None, reverted).await?;
        let Some(plan) = plan else { return Ok(left_out("Its profile has no current generation.")) };
        let latest = self.store.last_system_op(host.id).await?;
        let (working, others) = sorted(&plan);
        let current = &plan.current.generation;
        let is_back = if self.is_refused_by_host(outcome).await? {
            Some(left_on(current))
        } else {
            latest.and_then(|op| is_back(&op, outcome, current))
        };
        // A host that failed in a deployment is rolled back whatever its tests show now.
        let need_not = is_back.or_else(|| (outcome.is_none() && is_fine(facts)).then(|| FINE.to_owned()));
        Ok(match (need_not, working) {
            (Some(why), working) => (Err(why), working.into_iter().chain(others).take(OTHERS).collect()),
            (None, Some(working)) => (Ok(working), others),
            (None, None) => (Err(NONE_KNOWN.to_owned()), others),
        })
    }

    /// Returns whether a host failed in a deployment only because it refused the switch, which changed nothing.
    async fn is_refused_by_host(&self, outcome: Option<&HostOutcome>) -> Result<bool, StoreError> {
        let failed = outcome.map(|outcome| &outcome.switch).filter(|switch| switch.is_failed());
        let Some(op) = failed.and_then(Step::op) else { return Ok(false) };
        Ok(self.store.op(op).await?.is_some_and(|op| op.outcome == Some(Outcome::Refused)))
    }

    /// Rolls back hosts that failed in a deployment, each to the generation that the person saw. One transaction records all
    /// rollbacks, which hold their hosts from then on, however few of them run at once. If a host has changed since the person looked, or is busy, no host is
    /// rolled back. Tests that hold a host are [stopped](Fleet::request_rollback).
    ///
    /// # Errors
    /// [`RolloutError`]; in that case no host began.
    pub async fn roll_back_failed(
        &self,
        actor: &Actor,
        id: DeploymentId,
        confirmed: Vec<ConfirmedRollback>,
        pacing: Pacing,
        reason: Option<String>,
    ) -> Result<Rollout, RolloutError> {
        actor.require(Action::RollBackMany)?;
        let deployment = self.store.deployment(id).await?.ok_or(RolloutError::NoSuchDeployment)?;
        self.roll_back(actor, Some(&deployment), confirmed, pacing, reason).await
    }

    /// Rolls back hosts that a person chose, each to the generation that the person saw: all or none, like
    /// [`Fleet::roll_back_failed`].
    ///
    /// # Errors
    /// [`RolloutError`]; in that case no host began.
    pub async fn roll_back_hosts(
        &self,
        actor: &Actor,
        confirmed: Vec<ConfirmedRollback>,
        pacing: Pacing,
        reason: Option<String>,
    ) -> Result<Rollout, RolloutError> {
        actor.require(Action::RollBackMany)?;
        self.roll_back(actor, None, confirmed, pacing, reason).await
    }

    async fn roll_back(
        &self,
        actor: &Actor,
        deployment: Option<&Deployment>,
        confirmed: Vec<ConfirmedRollback>,
        pacing: Pacing,
        reason: Option<String>,
    ) -> Result<Rollout, RolloutError> {
        let pacing = pacing.checked()?;
        let reason = checked_reason(reason).ok_or(RolloutError::ReasonTooLong)?;
        let names: Vec<_> = confirmed.iter().map(|rollback| rollback.host_name.clone()).collect();
        let mut hosts = vec![];
        for (host, rollback) in self.named(&names).await?.into_iter().zip(confirmed) {
            if let Some(deployment) = deployment {
                has_failed(deployment, &host)?;
            }
            let ConfirmedRollback { target, seen_current, .. } = rollback;
            let keep = |facts| Specialisation::Keep.of(&target, facts);
            let specialisation = host.facts.as_ref().and_then(keep);
            hosts.push((host, OpAction::Rollback { target, seen_current, specialisation }));
        }
        let new = NewRollout {
            kind: OpKind::Rollback,
            deployment: deployment.map(|deployment| deployment.id),
            reason,
            pacing,
            hosts,
        };
        self.begin_all(actor, new).await
    }

    /// Records a roll-out together with the ops of all its hosts, which are then sent.
    async fn begin_all(&self, actor: &Actor, new: NewRollout) -> Result<Rollout, RolloutError> {
        let mut rollout = self.new_rollout(actor, new);
        let mut ops = vec![];
        for host in &mut rollout.hosts {
            let request = NewRequest {
                by: actor.name().to_owned(),
                reason: rollout.reason.clone(),
                stop_tests: true,
                ..NewRequest::of(host.action.clone())
            };
            let op = self.new_op(host.host, request);
            host.step = RolloutStep::Running { op: op.id };
            let entry = request_entry(&op, &host.name);
            ops.push((op, entry));
        }
        let entry = self.started_entry(actor, &rollout);
        self.store.begin_rollout(&rollout, &entry, &ops).await?;
        self.publish_rollout(rollout.id).await;
        for (op, _) in ops {
            match self.store.op(op.id).await {
                Ok(Some(op)) => self.recorded(&op).await,
                _ => self.publish_host(op.host).await,
            }
        }
        self.advance_rollouts_soon();
        Ok(rollout)
    }
}

/// Returns whether a host with tests seems to work: its tests passed on the running system, and no unit failed.
fn is_fine(facts: &Facts) -> bool {
    let run = facts.running_generation().and_then(|running| facts.tests_of(running));
    run.is_some_and(|run| run.summary().all_passed()) && facts.failed_units.is_empty()
}

fn left_out(why: impl Into<String>) -> Targets {
    (Err(why.into()), vec![])
}

/// The last known working generation, and the other available generations, newest first.
fn sorted(plan: &RollbackPlan) -> (Option<Candidate>, Vec<Candidate>) {
    let present = || plan.candidates.iter().filter(|candidate| candidate.unavailable_reason().is_none());
    let others = present().filter(|candidate| !candidate.last_known_working).take(OTHERS).cloned().collect();
    (present().find(|candidate| candidate.last_known_working).cloned(), others)
}

/// Why a host need not be rolled back, judged by the latest op that changed its system: it was already rolled back, or the
/// deployment's switch changed nothing.
fn is_back(latest: &OpView, outcome: Option<&HostOutcome>, current: &Generation) -> Option<String> {
    if let OpAction::Rollback { target, .. } = &latest.action
        && latest.status == OpStatus::Succeeded
        && target.number == current.number
    {
        return Some(format!("It was already rolled back to Gen {}.", current.number));
    }
    let switch = &outcome?.switch;
    let is_its_switch = switch.is_failed() && switch.op() == Some(latest.id);
    // Both times are the host's own.
    let is_older = latest.started_at.is_some_and(|began| current.created_at < began);
    (is_its_switch && is_older).then(|| left_on(current))
}

fn left_on(current: &Generation) -> String {
    format!("The switch left it on Gen {}, as before.", current.number)
}

fn has_failed(deployment: &Deployment, host: &HostRecord) -> Result<(), RolloutError> {
    let is_among = deployment.failed().any(|outcome| outcome.host == host.id);
    if is_among { Ok(()) } else { Err(RolloutError::NotFailed(host.name.clone())) }
}
