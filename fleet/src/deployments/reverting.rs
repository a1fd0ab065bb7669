//! Reverts of merged pull requests, until each is made or came to nothing.
//!
//! A revert is recorded before anything is asked of GitHub, and made by one task at a time. One that was interrupted by a
//! crash, by the database or by a lost answer stays recorded as being made, and is taken up at the next look at GitHub.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backstay_model::deployment::{Decision, Deployment, PullRequestRef};
use backstay_model::wire::event::{Event, Tone};
use backstay_model::wire::message::ServerMessage;
use backstay_model::{Commit, DeploymentId, Person};

use super::DeployError;
use crate::fleet::Fleet;
use crate::github::GitHub;
use crate::github::revert::{RevertError, RevertRecord, Reverted};
use crate::store::{Store, StoreError};

/// How long a revert that is to be taken up waits for GitHub at first; each time twice as long.
const RESUME_PAUSE: Duration = Duration::from_secs(2);
/// And how long at most.
const LONGEST_RESUME_PAUSE: Duration = Duration::from_mins(5);

/// What a revert remembers between its steps, in the store.
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

impl Fleet {
    /// Reverts the pull request of a deployment on its branch, and tells everybody. It goes on if the caller does not
    /// wait for its end.
    ///
    /// # Errors
    /// [`DeployError`]; the deployment is as it was then, unless it is not known whether the branch was moved.
    pub async fn revert_pull_request(
        &self,
        person: &Person,
        id: DeploymentId,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(person)?;
        let by = person.name.clone();
        let Some(under_way) = self.watch.begin_revert(id) else {
            return Err(DeployError::Decided("reverting"));
        };
        let before = Box::new(Decision::Open);
        let decision = Decision::Reverting { by: by.clone(), at: self.clock.now(), before };
        let asked = "To revert the pull request.".to_owned();
        let deployment = self.decide(id, &decision, &by, "pr.revert-requested", asked).await?;
        let fleet = self.clone();
        let revert = tokio::spawn(async move {
            let made = fleet.make_revert(&github, &deployment, &by).await;
            drop(under_way);
            if let Err(DeployError::NotReverted(RevertError::AnswerLost { .. })) = &made {
                fleet.take_up(github, deployment, by);
            }
            made
        });
        revert.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a revert was interrupted");
            Err(DeployError::Interrupted)
        })
    }

    /// Takes up the reverts that were under way when the server ended, and waits for GitHub while it is away.
    ///
    /// # Errors
    /// [`StoreError`]; of what goes wrong at GitHub everybody is told.
    pub async fn resume_reverts(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        for (deployment, by) in self.interrupted_reverts().await? {
            self.resume_revert(&github, &deployment, &by).await?;
        }
        Ok(())
    }

    /// The same in the background, each by a task of its own.
    pub(crate) async fn take_up_reverts(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        for (deployment, by) in self.interrupted_reverts().await? {
            self.take_up(Arc::clone(&github), deployment, by);
        }
        Ok(())
    }

    /// The deployments that are recorded as being reverted, and by whom. Those that this server is at are among them.
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

    fn take_up(&self, github: Arc<GitHub>, deployment: Deployment, by: String) {
        let fleet = self.clone();
        tokio::spawn(async move {
            if let Err(error) = fleet.resume_revert(&github, &deployment, &by).await {
                tracing::error!(%error, "a revert could not be taken up");
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
                    tracing::warn!(number, %error, "a revert waits to be taken up");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RESUME_PAUSE);
                }
                Err(DeployError::NotReverted(error)) => {
                    tracing::warn!(number, %error, "a revert could not be taken up");
                    return self.revert_failed(deployment, by, &error).await;
                }
                Err(error) => {
                    tracing::warn!(number, %error, "a revert was taken up by somebody else");
                    return Ok(());
                }
            }
        }
    }

    /// Makes the revert. If it cannot be made, the deployment is as it was; if the answer was lost, it stays as being
    /// reverted until the branch tells.
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
        match reverted {
            Ok(Reverted::Pushed(commit) | Reverted::Already(commit)) => {
                let detail = format!("Pull request #{number} was reverted by {commit}.");
                let decision = Decision::Reverted { by: by.to_owned(), at, commit: commit.clone() };
                let reverted = self.decide(deployment.id, &decision, by, "pr.reverted", detail).await;
                self.branch_moved(&commit, format!("{}.", reverted_words(number))).await;
                let reverted = reverted?;
                self.tell_reverted(number);
                Ok(reverted)
            }
            Ok(Reverted::Proposed { number: proposed, url }) => {
                self.read_github_soon();
                let title = title(number);
                let detail = format!("Pull request #{proposed} with the revert waits to be merged.");
                let pull_request = PullRequestRef { number: proposed, title, url };
                let decision = Decision::Proposed { by: by.to_owned(), at, pull_request };
                self.decide(deployment.id, &decision, by, "pr.revert-proposed", detail).await
            }
            Err(error) => {
                self.read_github_soon();
                Err(error.into())
            }
        }
    }

    /// The deployment is as it was, and everybody hears why.
    async fn revert_failed(
        &self,
        deployment: &Deployment,
        by: &str,
        error: &RevertError,
    ) -> Result<(), StoreError> {
        let entry = self.entry(by, "pr.revert-failed", error.to_string());
        if self.store.revert_failed(deployment.id, &entry).await?.is_some() {
            self.publish_deployment(deployment.id).await;
            self.tell(Tone::Bad, error.to_string());
        }
        Ok(())
    }

    /// Every open page and every agent hears of a revert.
    pub(super) fn tell_reverted(&self, number: u64) {
        let message = "PR reverted - Pull to get reverted flake.lock".to_owned();
        self.events.publish(&Event::PrReverted { number, message: message.clone() });
        self.hub.send_all(&ServerMessage::PrReverted { number, message });
        self.tell(Tone::Good, reverted_words(number));
    }
}

/// Whether a revert may come to its end later without anybody repairing anything.
fn will_pass(error: &RevertError) -> bool {
    match error {
        RevertError::AnswerLost { .. } => true,
        RevertError::GitHub(error, _) => error.will_pass(),
        _ => false,
    }
}

fn reverted_words(number: u64) -> String {
    format!("PR #{number} reverted - Pull to get reverted flake.lock")
}

/// The first line of a revert's message.
fn title(number: u64) -> String {
    format!("Revert PR #{number} (auto-rollback after failed deployment)")
}

/// The message of a revert. Its last line is the one that git itself writes.
fn message(number: u64, commit: &Commit) -> String {
    format!("{}\n\nThis reverts commit {}.\n", title(number), commit.0)
}
