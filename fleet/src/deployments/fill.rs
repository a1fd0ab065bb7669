//! Records the results of ops in the current deployment.

use std::sync::atomic::Ordering;

use backstay_model::Outcome;
use backstay_model::deployment::{Deployment, HostEvent, HostOutcome, Step};
use backstay_model::rollout::OpEnd;
use backstay_model::{DeploymentId, DesiredState, Facts, OpKind, OpStatus, OpView, same_files};

use crate::fleet::Fleet;
use crate::ops::ended::{ended, in_few_words};
use crate::state::unpublished::Update;
use crate::store::StoreError;

impl Fleet {
    /// Records an op that began or ended in the current deployment, if there is one.
    pub(crate) async fn fill_deployment(&self, op: &OpView) -> Result<(), StoreError> {
        let filled = self.fill(op).await;
        if filled.is_err() {
            self.deployment_is_behind.store(true, Ordering::SeqCst);
        }
        filled
    }

    async fn fill(&self, op: &OpView) -> Result<(), StoreError> {
        let kind = op.action.kind();
        if !kind.switches() && kind != OpKind::Test {
            return Ok(());
        }
        let Some(event) = host_event(op) else { return Ok(()) };
        let newest = self.store.deployment_on(op.host, None).await?;
        let Some(deployment) = newest.filter(|newest| newest.decision.is_active()) else { return Ok(()) };
        let outcome = deployment.hosts.first();
        let counts = if kind == OpKind::Test {
            self.are_of_the_switch(outcome, op).await?
        } else {
            let facts = self.store.host(op.host).await?.and_then(|host| host.facts);
            let concerns = |facts: Facts| concerns(&deployment, op, &facts, &self.desired());
            is_newest(outcome, op) && facts.is_some_and(concerns)
        };
        if !counts {
            return Ok(());
        }
        let filled =
            self.store.apply_host_event(deployment.id, op.host, &op.host_name, op.id, &event).await?;
        if filled.is_some() {
            self.publish(Update::DeploymentHost(deployment.id, op.host)).await;
        }
        Ok(())
    }

    /// Calls [`Fleet::catch_up_deployment`] if an op could not be recorded.
    pub(crate) async fn catch_up_if_behind(&self) -> Result<(), StoreError> {
        if !self.deployment_is_behind.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let caught_up = self.catch_up_deployment().await;
        if caught_up.is_err() {
            self.deployment_is_behind.store(true, Ordering::SeqCst);
        }
        caught_up
    }

    /// Records the results of the ops that the current deployment waits for. Nothing else does so if the server or the
    /// database failed right after an op ended.
    pub(crate) async fn catch_up_deployment(&self) -> Result<(), StoreError> {
        // Twice: the tests count only after the result of the switch is recorded.
        for _ in 0..2 {
            let Some(deployment) = self.current_deployment().await? else { return Ok(()) };
            for host in &deployment.hosts {
                let op = self.awaited(host).await?;
                if let Some(op) = op.filter(|op| !op.status.is_open()) {
                    self.fill_deployment(&op).await?;
                }
            }
        }
        Ok(())
    }

    /// The op whose result a host's outcome needs next.
    async fn awaited(&self, host: &HostOutcome) -> Result<Option<OpView>, StoreError> {
        match (&host.switch, &host.tests) {
            (Step::Running { op }, _) | (Step::Ok { .. }, Step::Running { op }) => self.store.op(*op).await,
            (Step::Ok { op }, Step::NotAttempted) => self.store.following_op(*op).await,
            _ => Ok(None),
        }
    }

    /// The newest deployment, if ops still count for it.
    async fn current_deployment(&self) -> Result<Option<Deployment>, StoreError> {
        Ok(self.newest_deployment().await?.filter(|deployment| deployment.decision.is_active()))
    }

    /// Returns whether tests ran on the system that the deployment's switch built. After a rollback, tests say nothing about
    /// the merge until the host is switched again.
    async fn are_of_the_switch(
        &self,
        outcome: Option<&HostOutcome>,
        tests: &OpView,
    ) -> Result<bool, StoreError> {
        let Some(Step::Ok { op: switch }) = outcome.map(|outcome| &outcome.switch) else { return Ok(false) };
        let made_by = self.store.last_system_op(tests.host).await?;
        Ok(*switch < tests.id && made_by.is_some_and(|op| op.id == *switch))
    }

    /// Publishes a new deployment, and the one that it replaced.
    pub(crate) async fn publish_opened(&self, id: DeploymentId) {
        self.publish(Update::Opened(id)).await;
    }

    /// Publishes a deployment.
    pub(crate) async fn publish_deployment(&self, id: DeploymentId) {
        self.publish(Update::Deployment(id)).await;
    }
}

/// What an op means for a deployment, or `None` if it does not matter or never reached its host.
fn host_event(op: &OpView) -> Option<HostEvent> {
    let is_switch = op.action.kind().switches();
    if op.status == OpStatus::Running {
        return Some(if is_switch { HostEvent::SwitchStarted } else { HostEvent::TestsStarted });
    }
    let end = match ended(op)? {
        OpEnd::Succeeded => Ok(()),
        OpEnd::Failed(why) => Err(why),
        // The host did not get the merge, and a person should see why.
        OpEnd::NeverStarted(why) if op.outcome == Some(Outcome::Refused) => Err(in_few_words(&why)),
        OpEnd::NeverStarted(_) => return None,
    };
    Some(if is_switch { HostEvent::SwitchEnded(end) } else { HostEvent::TestsEnded(end) })
}

/// Returns whether no later switch is known: the result of a lost op may arrive after a newer op began.
fn is_newest(outcome: Option<&HostOutcome>, op: &OpView) -> bool {
    outcome.and_then(|outcome| outcome.switch.op()).is_none_or(|known| known <= op.id)
}

/// Returns whether a switch applied the merge. If it pulls first, it goes to the branch's head, wherever that is, from the
/// moment it starts. Otherwise its checkout has to be at the merge or at the later head of the branch, or has to hold the
/// head's files.
fn concerns(deployment: &Deployment, op: &OpView, facts: &Facts, desired: &DesiredState) -> bool {
    // So does a switch that builds its own flake, such as the branch at its forge.
    let goes_to_head = op.action.kind() == OpKind::PullSwitch || facts.switch_flake.is_some();
    if goes_to_head && op.created_at >= deployment.merged_at {
        return true;
    }
    let Some(checkout) = &facts.checkout else { return false };
    let is_at_head = desired.head().is_some_and(|head| checkout.commit.is(head));
    let has_its_files =
        matches!(desired, DesiredState::Known { tree, .. } if same_files(checkout.tree.as_ref(), Some(tree)));
    checkout.commit.is(&deployment.commit) || is_at_head || has_its_files
}
