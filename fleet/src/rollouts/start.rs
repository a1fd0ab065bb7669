//! Starts and stops roll-outs.

use backstay_model::rollout::{AT_ONCE, Rollout, RolloutCommits, RolloutHost, RolloutRequest, RolloutState};
use backstay_model::{Action, DeploymentId, HostId, OpAction, OpKind, RolloutId};

use super::{Pacing, RolloutError, check_typed};
use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::ops::request::checked_reason;
use crate::store::{HostRecord, NewAuditEntry, StoreError};

/// A roll-out to start.
pub(super) struct NewRollout {
    pub(super) kind: OpKind,
    pub(super) deployment: Option<DeploymentId>,
    pub(super) reason: Option<String>,
    pub(super) pacing: Pacing,
    pub(super) hosts: Vec<(HostRecord, OpAction)>,
}

impl Fleet {
    /// Starts a roll-out. Hosts begin in the order in which they are named, as slots become free.
    ///
    /// # Errors
    /// [`RolloutError`]; in that case no host began.
    pub async fn start_rollout(
        &self,
        actor: &Actor,
        request: RolloutRequest,
    ) -> Result<Rollout, RolloutError> {
        actor.require(Action::RollOut)?;
        let action = action(request.kind)?;
        let RolloutRequest { parallel, stop_on_failure, pause_after, .. } = request;
        let pacing = Pacing { parallel, stop_on_failure, pause_after }.checked()?;
        check_typed(request.hosts.len(), request.typed)?;
        let reason = checked_reason(request.reason).ok_or(RolloutError::ReasonTooLong)?;
        let hosts = self.named(&request.hosts).await?;
        let new = NewRollout {
            kind: request.kind,
            deployment: self.deployment_of(request.kind).await?,
            reason,
            pacing,
            hosts: hosts.into_iter().map(|host| (host, action.clone())).collect(),
        };
        self.start(actor, new).await
    }

    /// Starts the roll-out that a person confirmed together with a merge or a revert.
    pub(crate) async fn roll_out_after(
        &self,
        actor: &Actor,
        hosts: Vec<String>,
        stop_on_failure: bool,
        reason: Option<String>,
    ) -> Result<Rollout, RolloutError> {
        let (kind, parallel) = (OpKind::PullSwitch, AT_ONCE);
        let request =
            RolloutRequest { kind, hosts, parallel, stop_on_failure, pause_after: None, reason, typed: None };
        self.start_rollout(actor, request).await
    }

    /// Records a roll-out, which then advances.
    pub(super) async fn start(&self, actor: &Actor, new: NewRollout) -> Result<Rollout, RolloutError> {
        let rollout = self.new_rollout(actor, new);
        let entry = self.started_entry(actor, &rollout);
        self.store.insert_rollout(&rollout, &entry).await?;
        self.publish_rollout(rollout.id).await;
        self.advance_rollouts_soon();
        Ok(rollout)
    }

    pub(super) fn new_rollout(&self, actor: &Actor, new: NewRollout) -> Rollout {
        Rollout {
            id: RolloutId::new(),
            kind: new.kind,
            deployment: new.deployment,
            requested_by: actor.name().to_owned(),
            reason: new.reason,
            created_at: self.clock.now(),
            parallel: new.pacing.parallel,
            stop_on_failure: new.pacing.stop_on_failure,
            pause_after: new.pacing.pause_after,
            paused_at: None,
            paused_by: None,
            state: RolloutState::Running,
            hosts: new.hosts.into_iter().map(waiting).collect(),
        }
    }

    pub(super) fn started_entry(&self, actor: &Actor, rollout: &Rollout) -> NewAuditEntry {
        let names: Vec<_> = rollout.hosts.iter().map(|host| host.name.as_str()).collect();
        let detail = format!(
            "{} on {}, {} at once{}{}.",
            rollout.kind.title(),
            names.join(", "),
            rollout.parallel,
            if rollout.stop_on_failure { ", until one fails" } else { "" },
            rollout.pause_after.map(|first| format!(", with a pause after {first}")).unwrap_or_default()
        );
        self.rollout_entry(actor.name(), &RolloutState::Running, rollout, detail)
    }

    /// Stops a roll-out: no more hosts begin. Ops that still wait are cancelled, and ops under way finish.
    ///
    /// # Errors
    /// [`RolloutError`]; in that case the roll-out continues.
    pub async fn stop_rollout(&self, actor: &Actor, id: RolloutId) -> Result<Rollout, RolloutError> {
        actor.require(Action::HoldRollout)?;
        let rollout = self.store.rollout(id).await?.ok_or(RolloutError::NoSuchRollout)?;
        match rollout.state {
            RolloutState::Running => {}
            // Another request came first.
            RolloutState::Stopping { .. } => return Ok(rollout),
            RolloutState::Done | RolloutState::Stopped { .. } => return Err(RolloutError::Over),
        }
        let ops = self.ops_under_way(&rollout).await?;
        if !rollout.can_be_stopped(|op| ops.is_queued(op)) {
            return Err(RolloutError::NothingToStop);
        }
        let state = RolloutState::Stopping { why: format!("{} stopped it", actor.name()) };
        let detail = "No more hosts will be started. Hosts already running will finish.".to_owned();
        let entry = self.rollout_entry(actor.name(), &state, &rollout, detail);
        if self.store.set_rollout_state(id, &state, &entry).await?.is_some() {
            self.publish_rollout(id).await;
        }
        self.advance_rollouts_soon();
        self.store.rollout(id).await?.ok_or(RolloutError::NoSuchRollout)
    }

    /// Returns the commits that a person sees before a roll-out.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollout_commits(&self) -> Result<RolloutCommits, StoreError> {
        let head = self.desired().head().cloned();
        let checkout = |host: HostRecord| Some((host.name, host.facts?.checkout?.commit));
        let checkouts = self.store.hosts().await?.into_iter().filter_map(checkout).collect();
        Ok(RolloutCommits { head, checkouts })
    }

    /// The hosts of these names, in their order.
    pub(super) async fn named(&self, names: &[String]) -> Result<Vec<HostRecord>, RolloutError> {
        let mut hosts: Vec<HostRecord> = Vec::with_capacity(names.len());
        for name in names {
            let host = self.store.host_by_name(name).await?;
            let host = host.ok_or_else(|| RolloutError::NoSuchHost(name.clone()))?;
            let is_known = |id: HostId| hosts.iter().any(|host| host.id == id);
            if is_known(host.id) {
                return Err(RolloutError::Twice(host.name));
            }
            hosts.push(host);
        }
        if hosts.is_empty() { Err(RolloutError::NoHosts) } else { Ok(hosts) }
    }

    /// The deployment that such a roll-out is for: the newest, if this kind of op counts for it.
    async fn deployment_of(&self, kind: OpKind) -> Result<Option<DeploymentId>, StoreError> {
        if !kind.switches() {
            return Ok(None);
        }
        let newest = self.newest_deployment().await?;
        Ok(newest.filter(|deployment| deployment.decision.is_active()).map(|deployment| deployment.id))
    }
}

fn waiting((host, action): (HostRecord, OpAction)) -> RolloutHost {
    RolloutHost::waiting(host.id, host.name, action)
}

fn action(kind: OpKind) -> Result<OpAction, RolloutError> {
    match kind {
        OpKind::Pull => Ok(OpAction::Pull),
        OpKind::Switch => Ok(OpAction::Switch),
        OpKind::PullSwitch => Ok(OpAction::PullSwitch),
        OpKind::Test => Ok(OpAction::Test),
        OpKind::Rollback | OpKind::Refresh => Err(RolloutError::WrongKind(kind)),
    }
}
