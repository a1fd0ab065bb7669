//! Rolling back the hosts that failed in a deployment, all of them in one confirmed action.

use backstay_protocol::deployment::{Deployment, HostOutcome};
use backstay_protocol::rollback::{self, last_known_working};
use backstay_protocol::rollout::{ConfirmedRollback, MOST_AT_ONCE, PlannedRollback, Rollout};
use backstay_protocol::view::Person;
use backstay_protocol::{DeploymentId, Facts, Generation, OpAction, OpKind, OpStatus, TestRun, TestSummary};

use super::RolloutError;
use super::start::{NewRollout, may};
use crate::fleet::Fleet;
use crate::ops::request::{RequestError, checked_reason};
use crate::store::{HostRecord, StoreError};

/// What is said of a host that has no last known working generation.
const NONE_KNOWN: &str =
    "None of its other generations has passed all of its tests. Choose one on the host's own page.";

impl Fleet {
    /// What rolling back would do on each host that failed in a deployment.
    ///
    /// # Errors
    /// [`RolloutError`] where there is no such deployment.
    pub async fn planned_rollbacks(&self, id: DeploymentId) -> Result<Vec<PlannedRollback>, RolloutError> {
        let deployment = self.store.deployment(id).await?.ok_or(RolloutError::NoSuchDeployment)?;
        let mut planned = vec![];
        for outcome in deployment.failed() {
            planned.push(self.planned(outcome).await?);
        }
        Ok(planned)
    }

    async fn planned(&self, outcome: &HostOutcome) -> Result<PlannedRollback, StoreError> {
        let host = self.store.host(outcome.host).await?;
        let facts = host.as_ref().and_then(|host| host.facts.as_ref());
        let to = match (&host, facts) {
            (None, _) => Err("It is no longer in the fleet.".to_owned()),
            (Some(_), None) => Err("It has not reported its generations yet.".to_owned()),
            (Some(host), Some(facts)) => self.target(outcome, host, facts).await?,
        };
        Ok(PlannedRollback {
            host_name: host.as_ref().map_or_else(|| outcome.name.clone(), |host| host.name.clone()),
            online: self.hub.is_online(outcome.host),
            why: outcome.to_string(),
            from: facts.and_then(Facts::current).cloned(),
            to,
        })
    }

    /// Where a failed host is to go, or why it is left out.
    async fn target(
        &self,
        outcome: &HostOutcome,
        host: &HostRecord,
        facts: &Facts,
    ) -> Result<Result<(Generation, TestSummary), String>, StoreError> {
        if let Some(op) = self.store.open_op(host.id).await? {
            return Ok(Err(format!("It is busy: {}, asked for by {}.", op.title(), op.requested_by)));
        }
        let Some(current) = facts.current() else {
            return Ok(Err("Its profile has no current generation.".to_owned()));
        };
        if let Some(why) = self.is_back(outcome, current).await? {
            return Ok(Err(why));
        }
        let working = last_known_working(facts);
        let tested = working.and_then(|it| Some((it.clone(), facts.tests_of(it).map(TestRun::summary)?)));
        Ok(tested.ok_or_else(|| NONE_KNOWN.to_owned()))
    }

    /// Why a host need not go back: it went back already, or its switch never took it anywhere.
    async fn is_back(
        &self,
        outcome: &HostOutcome,
        current: &Generation,
    ) -> Result<Option<String>, StoreError> {
        let latest = self.latest_system_op(outcome.host).await?;
        if let Some(op) = &latest
            && op.action.kind() == OpKind::Rollback
            && op.status == OpStatus::Succeeded
        {
            return Ok(Some(format!("It was rolled back to Gen {} already.", current.number)));
        }
        let switch = latest.filter(|op| outcome.switch.is_failed() && outcome.switch.op() == Some(op.id));
        // Both times are the host's own.
        let is_older = switch.and_then(|op| op.started_at).is_some_and(|began| current.created_at < began);
        Ok(is_older.then(|| format!("The switch left it on Gen {}, which it was on before.", current.number)))
    }

    /// Rolls back hosts that failed in a deployment, each to the generation that the person saw. All are looked at
    /// first: where one of them is no longer as it was seen, none is rolled back.
    ///
    /// # Errors
    /// [`RolloutError`]; nothing was begun on any host then.
    pub async fn roll_back_failed(
        &self,
        person: &Person,
        id: DeploymentId,
        confirmed: Vec<ConfirmedRollback>,
        reason: Option<String>,
    ) -> Result<Rollout, RolloutError> {
        may(person)?;
        let reason = checked_reason(reason).ok_or(RolloutError::ReasonTooLong)?;
        let deployment = self.store.deployment(id).await?.ok_or(RolloutError::NoSuchDeployment)?;
        let names: Vec<_> = confirmed.iter().map(|rollback| rollback.host_name.clone()).collect();
        let mut hosts = vec![];
        for (host, rollback) in self.named(&names).await?.into_iter().zip(confirmed) {
            self.is_as_seen(&deployment, &host, &rollback).await?;
            let ConfirmedRollback { target, seen_current, .. } = rollback;
            hosts.push((host, OpAction::Rollback { target, seen_current }));
        }
        let new = NewRollout {
            kind: OpKind::Rollback,
            deployment: Some(id),
            reason,
            parallel: u32::try_from(hosts.len()).unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE),
            stop_on_failure: false,
            hosts,
        };
        self.start(person, new).await
    }

    async fn is_as_seen(
        &self,
        deployment: &Deployment,
        host: &HostRecord,
        rollback: &ConfirmedRollback,
    ) -> Result<(), RolloutError> {
        if !deployment.failed().any(|outcome| outcome.host == host.id) {
            return Err(RolloutError::NotFailed(host.name.clone()));
        }
        let refused = |why: String| RolloutError::NotAsSeen { host: host.name.clone(), why };
        let facts = host.facts.as_ref();
        let facts = facts.ok_or_else(|| refused("It has not reported its generations yet.".to_owned()))?;
        rollback::check(facts, &rollback.target, &rollback.seen_current)
            .map_err(|refusal| refused(refusal.to_string()))?;
        match self.store.open_op(host.id).await? {
            Some(op) => Err(refused(RequestError::busy(&host.name, op).to_string())),
            None => Ok(()),
        }
    }
}
