//! Reverts merged pull requests, until each revert is made or has failed.
//!
//! A revert is recorded before the first request to GitHub, and one task at a time makes it. A revert that a crash, a database
//! error or a lost answer interrupted stays recorded as `reverting`, and is resumed at the next reading of GitHub.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, PullRequestRef};
use backstay_model::wire::event::{Event, Tone};
use backstay_model::wire::message::ServerMessage;
use backstay_model::{Action, Commit, DeploymentId};

use super::DeployError;
use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::github::GitHub;
use crate::github::revert::{RevertError, RevertRecord, Reverted};
use crate::ops::request::checked_reason;
use crate::store::{Store, StoreError};

/// How long an interrupted revert first waits for GitHub. Each further wait is twice as long.
const RESUME_PAUSE: Duration = Duration::from_secs(2);
/// Upper bound on that wait.
const LONGEST_RESUME_PAUSE: Duration = Duration::from_mins(5);

/// Stores what a revert remembers between its steps.
struct StoredRecord {
    store: Arc<dyn Store>,
    deployment: DeploymentId,
}

#[async_trait]
impl RevertRecord for StoredRecord {
    async fn candidates(&self) -> Result<Vec<Commit>, StoreError> {
        self.store.revert_candidates(self.deployment).await
    }

    async fn remember(&self, candidate: &Commit) -> Result<(), StoreError> {
        self.store.remember_revert(self.deployment, candidate).await
    }
}

/// What a person wants of a revert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevertRequest {
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// Whether to roll out to the hosts that the deployment has reached, once the revert is on the branch.
    pub then_roll_out: bool,
}

impl Fleet {
    /// Reverts the pull request of a deployment on its branch. Continues even if the caller drops the future.
    ///
    /// # Errors
    /// [`DeployError`]; in that case the deployment is as before, unless it is unknown whether the branch moved.
    pub async fn revert_pull_request(
        &self,
        actor: &Actor,
        id: DeploymentId,
        request: RevertRequest,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(actor, Action::Revert)?;
        let reason = checked_reason(request.reason).ok_or(DeployError::ReasonTooLong)?;
        let (actor, by) = (actor.clone(), actor.name().to_owned());
        let Some(under_way) = self.watch.begin_revert(id) else {
            return Err(DeployError::Decided("reverting"));
        };
        let before = Box::new(Decision::Open);
        let decision = Decision::Reverting { by: by.clone(), at: self.clock.now(), before, reason };
        let detail = "Requested the revert of the pull request.".to_owned();
        let deployment = self.decide(id, &decision, &by, "pr.revert-requested", detail).await?;
        let fleet = self.clone();
        let revert = tokio::spawn(async move {
            let made = fleet.make_revert(&github, &deployment, &by).await;
            drop(under_way);
            if let Err(DeployError::NotReverted(RevertError::AnswerLost { .. })) = &made {
                fleet.resume_soon(github, deployment, by);
            }
            let reverted = made?;
            if request.then_roll_out {
                fleet.roll_out_revert(&actor, &reverted).await?;
            }
            Ok(reverted)
        });
        revert.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a revert was interrupted");
            Err(DeployError::Interrupted)
        })
    }

    /// Rolls a revert out to the hosts that the deployment has reached. All of them have to get it, so a failure does not
    /// stop it. A revert that still has to be merged is not rolled out.
    async fn roll_out_revert(&self, actor: &Actor, reverted: &Deployment) -> Result<(), DeployError> {
        let hosts = reverted.attempted();
        if !matches!(reverted.decision, Decision::Reverted { .. }) || hosts.is_empty() {
            return Ok(());
        }
        let reason = reverted.decision.reason().map(str::to_owned);
        let started = self.roll_out_after(actor, hosts, false, reason).await;
        let done = format!("PR #{} was reverted", reverted.pull_request.number);
        started.map(drop).map_err(|error| DeployError::NotRolledOut { done, error })
    }

    /// Resumes interrupted reverts, and waits for GitHub while it is unreachable.
    ///
    /// # Errors
    /// [`StoreError`]. Notices report errors at GitHub.
    pub async fn resume_reverts(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        for (deployment, by) in self.interrupted_reverts().await? {
            self.resume_revert(&github, &deployment, &by).await?;
        }
        Ok(())
    }

    /// Resumes interrupted reverts in the background, each in its own task.
    pub(crate) async fn resume_reverts_soon(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        for (deployment, by) in self.interrupted_reverts().await? {
            self.resume_soon(Arc::clone(&github), deployment, by);
        }
        Ok(())
    }

    /// The deployments that are recorded as `reverting`, and by whom. Includes those that this server is reverting now.
    async fn interrupted_reverts(&self) -> Result<Vec<(Deployment, String)>, StoreError> {
        let latest = self.store.deployments(None, super::DEPLOYMENTS_PAGE).await?;
        let reverting = latest.into_iter().filter_map(|deployment| match &deployment.decision {
            Decision::Reverting { by, .. } => {
                let by = by.clone();
                Some((deployment, by))
            }
            _ => None,
        });
        Ok(reverting.collect())
    }

    fn resume_soon(&self, github: Arc<GitHub>, deployment: Deployment, by: String) {
        let fleet = self.clone();
        tokio::spawn(async move {
            if let Err(error) = fleet.resume_revert(&github, &deployment, &by).await {
                tracing::error!(%error, "a revert could not be resumed");
            }
        });
    }

    async fn resume_revert(
        &self,
        github: &GitHub,
        deployment: &Deployment,
        by: &str,
    ) -> Result<(), StoreError> {
        let Some(_under_way) = self.watch.begin_revert(deployment.id) else { return Ok(()) };
        let number = deployment.pull_request.number;
        let mut pause = RESUME_PAUSE;
        loop {
            match self.try_revert(github, deployment, by).await {
                Ok(_) => return Ok(()),
                Err(DeployError::Store(error)) => return Err(error),
                Err(DeployError::NotReverted(error)) if will_pass(&error) => {
                    tracing::warn!(number, %error, "a revert cannot continue yet; retrying");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RESUME_PAUSE);
                }
                Err(DeployError::NotReverted(error)) => {
                    tracing::warn!(number, %error, "a revert failed");
                    return self.revert_failed(deployment, by, &error).await;
                }
                Err(error) => {
                    tracing::warn!(number, %error, "another task resumed a revert");
                    return Ok(());
                }
            }
        }
    }

    /// Makes the revert. If it cannot be made, the deployment is as before. If the answer was lost, the deployment stays
    /// `reverting` until the branch shows the result.
    async fn make_revert(
        &self,
        github: &GitHub,
        deployment: &Deployment,
        by: &str,
    ) -> Result<Deployment, DeployError> {
        let made = self.try_revert(github, deployment, by).await;
        if let Err(DeployError::NotReverted(error)) = &made
            && !matches!(error, RevertError::AnswerLost { .. })
        {
            self.revert_failed(deployment, by, error).await?;
        }
        made
    }

    async fn try_revert(
        &self,
        github: &GitHub,
        deployment: &Deployment,
        by: &str,
    ) -> Result<Deployment, DeployError> {
        let record = StoredRecord { store: Arc::clone(&self.store), deployment: deployment.id };
        let number = deployment.pull_request.number;
        let reverted = github.revert(number, &message(number, &deployment.commit), &record).await;
        let at = self.clock.now();
        let reason = deployment.decision.reason().map(str::to_owned);
        match reverted {
            Ok(Reverted::Pushed(commit) | Reverted::Already(commit)) => {
                let detail = format!("Pull request #{number} was reverted by {commit}.");
                let decision = Decision::Reverted { by: by.to_owned(), at, commit: commit.clone(), reason };
                let reverted = self.decide(deployment.id, &decision, by, "pr.reverted", detail).await;
                self.branch_moved(&commit, format!("{}.", reverted_notice(number))).await;
                let reverted = reverted?;
                self.announce_revert(number);
                Ok(reverted)
            }
            Ok(Reverted::Proposed { number: proposed, url }) => {
                self.read_github_soon();
                let title = title(number);
                let detail = format!("Pull request #{proposed} proposes the revert. Merge it to revert.");
                let pull_request = PullRequestRef { number: proposed, title, url };
                let decision = Decision::Proposed { by: by.to_owned(), at, pull_request, reason };
                self.decide(deployment.id, &decision, by, "pr.revert-proposed", detail).await
            }
            Err(error) => {
                self.read_github_soon();
                Err(error.into())
            }
        }
    }

    /// Restores the decision from before the revert, and reports why the revert failed.
    async fn revert_failed(
        &self,
        deployment: &Deployment,
        by: &str,
        error: &RevertError,
    ) -> Result<(), StoreError> {
        let entry = self.entry(by, "pr.revert-failed", error.to_string());
        if self.store.revert_failed(deployment.id, &entry).await?.is_some() {
            self.publish_deployment(deployment.id).await;
            self.notify(Tone::Bad, error.to_string());
        }
        Ok(())
    }

    /// Tells every open page and every agent about a revert.
    pub(super) fn announce_revert(&self, number: u64) {
        let message = "PR reverted - Pull to get reverted flake.lock".to_owned();
        self.events.publish(&Event::PrReverted { number, message: message.clone() });
        self.hub.send_all(&ServerMessage::PrReverted { number, message });
        self.notify(Tone::Good, reverted_notice(number));
    }
}

/// Returns whether a retry may succeed without anybody repairing anything.
fn will_pass(error: &RevertError) -> bool {
    match error {
        RevertError::AnswerLost { .. } => true,
        RevertError::GitHub(error, _) => error.will_pass(),
        _ => false,
    }
}

fn reverted_notice(number: u64) -> String {
    format!("PR #{number} reverted - Pull to get reverted flake.lock")
}

/// The subject of a revert's commit message.
fn title(number: u64) -> String {
    format!("Revert PR #{number} (auto-rollback after failed deployment)")
}

/// A revert's commit message. Its last line is the one that git writes.
fn message(number: u64, commit: &Commit) -> String {
    format!("{}\n\nThis reverts commit {}.\n", title(number), commit.0)
}
