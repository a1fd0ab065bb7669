//! Ops on hosts fill the deployment that is going on.

use std::sync::atomic::Ordering;

use backstay_model::Outcome;
use backstay_model::deployment::{Deployment, HostEvent, HostOutcome, Step};
use backstay_model::rollout::OpEnd;
use backstay_model::{DeploymentId, DesiredState, Facts, OpKind, OpStatus, OpView, same_files};

use crate::fleet::Fleet;
use crate::ops::ended::{ended, in_few_words};
use crate::store::StoreError;
use crate::untold::News;

impl Fleet {
    /// An op has begun or ended: what it means for the deployment that is going on, if there is one.
    pub(crate) async fn fill_deployment(&self, op: &OpView) -> Result<(), StoreError> {
        let filled = self.fill(op).await;
        if filled.is_err() {
            self.turns.missed.store(true, Ordering::SeqCst);
        }
        filled
    }

    async fn fill(&self, op: &OpView) -> Result<(), StoreError> {
        let kind = op.action.kind();
        if !kind.switches() && kind != OpKind::Test {
            return Ok(());
        }
        let Some(deployment) = self.going_on().await? else { return Ok(()) };
        let Some(facts) = self.store.host(op.host).await?.and_then(|host| host.facts) else { return Ok(()) };
        let Some(heard) = heard(op) else { return Ok(()) };
        let outcome = deployment.hosts.iter().find(|outcome| outcome.host == op.host);
        let counts = if kind == OpKind::Test {
            self.are_of_the_switch(outcome, op).await?
        } else {
            is_newest(outcome, op) && concerns(&deployment, op, &facts, &self.desired())
        };
        if !counts {
            return Ok(());
        }
        let filled =
            self.store.deployment_heard(deployment.id, op.host, &op.host_name, op.id, &heard).await?;
        if filled.is_some() {
            self.publish_deployment(deployment.id).await;
        }
        Ok(())
    }

    /// [`Fleet::catch_up_deployment`], where the database has failed since.
    pub(crate) async fn catch_up_where_missed(&self) -> Result<(), StoreError> {
        if !self.turns.missed.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let caught_up = self.catch_up_deployment().await;
        if caught_up.is_err() {
            self.turns.missed.store(true, Ordering::SeqCst);
        }
        caught_up
    }

    /// Tells the deployment that is going on how the ops ended that it waits for: should the server or the database have
    /// failed right after one of them did, nobody else would.
    pub(crate) async fn catch_up_deployment(&self) -> Result<(), StoreError> {
        // Twice: the tests count only once the end of the switch is known.
        for _ in 0..2 {
            let Some(deployment) = self.going_on().await? else { return Ok(()) };
            for host in &deployment.hosts {
                let op = self.awaited(host).await?;
                if let Some(op) = op.filter(|op| !op.status.is_open()) {
                    self.fill_deployment(&op).await?;
                }
            }
        }
        Ok(())
    }

    /// The op of which a host's outcome is to hear next.
    async fn awaited(&self, host: &HostOutcome) -> Result<Option<OpView>, StoreError> {
        match (&host.switch, &host.tests) {
            (Step::Running { op }, _) | (Step::Ok { .. }, Step::Running { op }) => self.store.op(*op).await,
            (Step::Ok { op }, Step::NotAttempted) => self.store.following_op(*op).await,
            _ => Ok(None),
        }
    }

    /// The newest deployment, if ops still count for it.
    async fn going_on(&self) -> Result<Option<Deployment>, StoreError> {
        Ok(self.newest_deployment().await?.filter(|deployment| deployment.decision.is_active()))
    }

    /// Whether tests ran on what the deployment's switch made. After a rollback they say something of what it went back
    /// to, and nothing of what was merged, until the host is switched again.
    async fn are_of_the_switch(
        &self,
        outcome: Option<&HostOutcome>,
        tests: &OpView,
    ) -> Result<bool, StoreError> {
        let Some(Step::Ok { op: switch }) = outcome.map(|outcome| &outcome.switch) else { return Ok(false) };
        let made_by = self.store.last_system_op(tests.host).await?;
        Ok(*switch < tests.id && made_by.is_some_and(|op| op.id == *switch))
    }

    /// Tells every open page of a new deployment, and of the one that it took the place of.
    pub(crate) async fn publish_opened(&self, id: DeploymentId) {
        self.publish(News::Opened(id)).await;
    }

    /// Tells every open page how a deployment is now.
    pub(crate) async fn publish_deployment(&self, id: DeploymentId) {
        self.publish(News::Deployment(id)).await;
    }
}

/// What an op says to a deployment; nothing, where it is none that matters or never reached its host.
fn heard(op: &OpView) -> Option<HostEvent> {
    let is_switch = op.action.kind().switches();
    if op.status == OpStatus::Running {
        return Some(if is_switch { HostEvent::SwitchStarted } else { HostEvent::TestsStarted });
    }
    let end = match ended(op)? {
        OpEnd::Succeeded => Ok(()),
        OpEnd::Failed(why) => Err(why),
        // The host does not have what was merged, and the reason is for a person to see.
        OpEnd::NeverStarted(why) if op.outcome == Some(Outcome::Refused) => Err(in_few_words(&why)),
        OpEnd::NeverStarted(_) => return None,
    };
    Some(if is_switch { HostEvent::SwitchEnded(end) } else { HostEvent::TestsEnded(end) })
}

/// Whether no later switch is known: how a lost op ended may be found after another one has taken its place.
fn is_newest(outcome: Option<&HostOutcome>, op: &OpView) -> bool {
    outcome.and_then(|outcome| outcome.switch.op()).is_none_or(|known| known <= op.id)
}

/// Whether a switch has to do with what was merged. One that pulls first goes to the branch's head, where that is, from
/// the merge on, wherever the checkout is until then. Any other does where the checkout is at the merge, at the head of
/// the branch after it, or holds the files of that.
fn concerns(deployment: &Deployment, op: &OpView, facts: &Facts, desired: &DesiredState) -> bool {
    // The same holds for one that builds a flake of its own, such as the branch at its forge.
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
