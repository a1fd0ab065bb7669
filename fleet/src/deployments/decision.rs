//! Records what people decide about a deployment.

use std::sync::Arc;

use backstay_model::deployment::{Decision, Deployment};
use backstay_model::{Action, Commit, DeploymentId};

use super::DeployError;
use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::github::GitHub;
use crate::store::{NewAuditEntry, StoreError};

impl Fleet {
    /// Records that a person continues although a host failed.
    ///
    /// # Errors
    /// [`DeployError`]; in that case nothing was decided.
    pub async fn continue_anyway(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment, DeployError> {
        actor.require(Action::Continue)?;
        let decision = Decision::Continued { by: actor.name().to_owned(), at: self.clock.now() };
        let detail = "Continue although a host failed.".to_owned();
        self.decide(id, &decision, actor.name(), "pr.continued", detail).await
    }

    /// Records that somebody merged the pull request that proposed the revert: it reverts the deployment.
    pub(crate) async fn proposal_merged(
        &self,
        deployment: &Deployment,
        by: &str,
        commit: Commit,
    ) -> Result<(), StoreError> {
        let number = deployment.pull_request.number;
        let detail = format!("Pull request #{number} was reverted by {commit}, merged at GitHub.");
        let reason = deployment.decision.reason().map(str::to_owned);
        let decision = Decision::Reverted { by: by.to_owned(), at: self.clock.now(), commit, reason };
        match self.decide(deployment.id, &decision, by, "pr.reverted", detail).await {
            Ok(_) => self.announce_revert(number),
            Err(DeployError::Store(error)) => return Err(error),
            // Another task recorded it first, or another revert is under way.
            Err(_) => {}
        }
        Ok(())
    }

    /// Records a decision if the deployment still allows it.
    pub(super) async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        by: &str,
        action: &str,
        detail: String,
    ) -> Result<Deployment, DeployError> {
        let entry = self.entry(by, action, detail).reason(decision.reason());
        if let Some(deployment) = self.store.decide(id, decision, &entry).await? {
            self.publish_deployment(id).await;
            return Ok(deployment);
        }
        let deployment = self.store.deployment(id).await?.ok_or(DeployError::NoSuchDeployment)?;
        Err(DeployError::Decided(deployment.decision.as_str()))
    }

    /// The client for GitHub, if the person may use it.
    pub(super) fn github_for(&self, actor: &Actor, action: Action) -> Result<Arc<GitHub>, DeployError> {
        actor.require(action)?;
        self.github.clone().ok_or(DeployError::NotConfigured)
    }

    /// An audit entry about a deployment.
    pub(super) fn entry(&self, by: &str, action: &str, detail: String) -> NewAuditEntry {
        NewAuditEntry {
            at: self.clock.now(),
            actor: by.to_owned(),
            action: action.to_owned(),
            host_name: None,
            from_gen: None,
            to_gen: None,
            reason: None,
            detail,
            op: None,
        }
    }
}
