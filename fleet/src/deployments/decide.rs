//! What people decide: to merge, to go on, to revert.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backstay_protocol::deployment::{Decision, Deployment, PullRequestRef};
use backstay_protocol::event::{Event, Tone};
use backstay_protocol::message::ServerMessage;
use backstay_protocol::view::{Person, Role};
use backstay_protocol::{Commit, DeploymentId};

use super::DeployError;
use crate::fleet::Fleet;
use crate::github::revert::{RevertError, RevertRecord, Reverted};
use crate::github::{GitHub, GitHubError};
use crate::store::{NewAuditEntry, NewDeployment, Store, StoreError};

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
    /// Merges a pull request, if its head is still at the commit that the person saw, and opens its deployment. It goes
    /// on if the caller does not wait for its end.
    ///
    /// # Errors
    /// [`DeployError`]
    pub async fn merge_pull_request(
        &self,
        person: &Person,
        number: u64,
        seen_head: &Commit,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(person)?;
        let (fleet, by, seen_head) = (self.clone(), person.name.clone(), seen_head.clone());
        let merge = tokio::spawn(async move { fleet.merge(&github, number, &seen_head, &by).await });
        merge.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a merge was interrupted");
            Err(DeployError::MergeInterrupted(number))
        })
    }

    async fn merge(
        &self,
        github: &GitHub,
        number: u64,
        seen_head: &Commit,
        by: &str,
    ) -> Result<Deployment, DeployError> {
        let failed = |error| DeployError::NotMerged { number, error };
        let pull_request = github.pull_request(number).await.map_err(failed)?;
        self.watch.merge_begins(number, by);
        let merged = github.merge(number, seen_head, github.merge_method()).await;
        let commit = match merged {
            Ok(commit) => commit,
            Err(error) => {
                // Perhaps it was merged, and only the answer was lost: the branch tells.
                if matches!(error, GitHubError::Away(_)) {
                    self.watch.merge_unclear(number);
                } else {
                    self.watch.merge_ends(number);
                }
                self.read_github_soon();
                return Err(failed(error));
            }
        };
        let new = NewDeployment {
            id: DeploymentId::new(),
            pull_request: PullRequestRef { number, title: pull_request.title, url: pull_request.html_url },
            commit,
            merged_by: by.to_owned(),
            merged_at: self.clock.now(),
        };
        let recorded = self.record_merge(&new, format!("Pull request #{number} was merged.")).await;
        self.watch.merge_ends(number);
        self.read_github_soon();
        match recorded? {
            Some(deployment) => Ok(deployment),
            None => Ok(self.of_commit(&new.commit).await?.ok_or_else(|| {
                StoreError::Corrupt("deployments: the one of the merged commit is missing".to_owned())
            })?),
        }
    }

    /// Opens the deployment of a merged pull request and tells everybody; none where that was done before.
    pub(crate) async fn record_merge(
        &self,
        new: &NewDeployment,
        detail: String,
    ) -> Result<Option<Deployment>, StoreError> {
        let entry = self.entry(&new.merged_by, "pr.merged", detail);
        let opened = self.store.open_deployment(new, &entry).await?;
        if let Some(opened) = &opened {
            self.publish_opened(opened.id).await;
            let number = new.pull_request.number;
            let message = format!("PR #{number} merged by {} - Pull to get it", new.merged_by);
            self.events.publish(&Event::PrMerged { number, message: message.clone() });
            self.tell(Tone::Neutral, message);
        }
        Ok(opened)
    }

    /// Somebody merged the pull request in which a revert was proposed: the deployment is reverted by it.
    pub(crate) async fn proposal_merged(
        &self,
        deployment: &Deployment,
        by: &str,
        commit: Commit,
    ) -> Result<(), StoreError> {
        let number = deployment.pull_request.number;
        let detail = format!("Pull request #{number} was reverted by {commit}, merged at GitHub.");
        let decision = Decision::Reverted { by: by.to_owned(), at: self.clock.now(), commit };
        match self.decide(deployment.id, &decision, by, "pr.reverted", detail).await {
            Ok(_) => self.tell_reverted(number),
            Err(DeployError::Store(error)) => return Err(error),
            // Somebody else has seen it first, or it is being reverted once more.
            Err(_) => {}
        }
        Ok(())
    }

    /// Decides to go on although a host failed.
    ///
    /// # Errors
    /// [`DeployError`]; nothing was decided then.
    pub async fn continue_anyway(
        &self,
        person: &Person,
        id: DeploymentId,
    ) -> Result<Deployment, DeployError> {
        may(person)?;
        let decision = Decision::Continued { by: person.name.clone(), at: self.clock.now() };
        self.decide(
            id,
            &decision,
            &person.name,
            "pr.continued",
            "To go on although a host failed.".to_owned(),
        )
        .await
    }

    /// Reverts the pull request of a deployment on its branch, and tells everybody. It goes on if the caller does not
    /// wait for its end.
    ///
    /// # Errors
    /// [`DeployError`]; the deployment is as it was then.
    pub async fn revert_pull_request(
        &self,
        person: &Person,
        id: DeploymentId,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(person)?;
        let by = person.name.clone();
        let decision = Decision::Reverting { by: by.clone(), at: self.clock.now() };
        let asked = "To revert the pull request.".to_owned();
        let deployment = self.decide(id, &decision, &by, "pr.revert-requested", asked).await?;
        let fleet = self.clone();
        let revert = tokio::spawn(async move { fleet.make_revert(&github, &deployment, &by).await });
        revert.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a revert was interrupted");
            Err(DeployError::Interrupted)
        })
    }

    /// Takes up the reverts that were under way when the server ended, and waits for GitHub where it is away.
    ///
    /// # Errors
    /// [`StoreError`]; of what goes wrong at GitHub everybody is told.
    pub async fn resume_reverts(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        // Those of now: whatever is asked for later is made by whoever asked.
        for deployment in self.store.deployments(None, super::DEPLOYMENTS_PAGE).await? {
            let Decision::Reverting { by, .. } = &deployment.decision else { continue };
            self.resume_revert(&github, &deployment, by).await?;
        }
        Ok(())
    }

    async fn resume_revert(
        &self,
        github: &GitHub,
        deployment: &Deployment,
        by: &str,
    ) -> Result<(), StoreError> {
        let number = deployment.pull_request.number;
        let mut pause = RESUME_PAUSE;
        loop {
            match self.try_revert(github, deployment, by).await {
                Ok(_) => return Ok(()),
                Err(DeployError::Store(error)) => return Err(error),
                Err(DeployError::NotReverted(RevertError::GitHub(error, _))) if error.will_pass() => {
                    tracing::warn!(number, %error, "a revert waits to be taken up");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RESUME_PAUSE);
                }
                Err(DeployError::NotReverted(error)) => {
                    tracing::warn!(number, %error, "a revert could not be taken up");
                    return match self.revert_failed(deployment, by, &error).await {
                        Err(DeployError::Store(error)) => Err(error),
                        _ => Ok(()),
                    };
                }
                Err(error) => {
                    tracing::warn!(number, %error, "a revert was taken up by somebody else");
                    return Ok(());
                }
            }
        }
    }

    /// Makes the revert; where it cannot be made, the deployment is as it was.
    async fn make_revert(
        &self,
        github: &GitHub,
        deployment: &Deployment,
        by: &str,
    ) -> Result<Deployment, DeployError> {
        match self.try_revert(github, deployment, by).await {
            Err(DeployError::NotReverted(error)) => {
                self.revert_failed(deployment, by, &error).await?;
                Err(error.into())
            }
            made => made,
        }
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
        self.read_github_soon();
        match reverted {
            Ok(Reverted::Pushed(commit) | Reverted::Already(commit)) => {
                let detail = format!("Pull request #{number} was reverted by {commit}.");
                let decision = Decision::Reverted { by: by.to_owned(), at, commit };
                let reverted = self.decide(deployment.id, &decision, by, "pr.reverted", detail).await?;
                self.tell_reverted(number);
                Ok(reverted)
            }
            Ok(Reverted::Proposed { number: proposed, url }) => {
                let title = title(number);
                let detail = format!("Pull request #{proposed} with the revert waits to be merged.");
                let pull_request = PullRequestRef { number: proposed, title, url };
                let decision = Decision::Proposed { by: by.to_owned(), at, pull_request };
                self.decide(deployment.id, &decision, by, "pr.revert-proposed", detail).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The deployment is as it was, and everybody hears why.
    async fn revert_failed(
        &self,
        deployment: &Deployment,
        by: &str,
        error: &RevertError,
    ) -> Result<(), DeployError> {
        self.decide(deployment.id, &Decision::Open, by, "pr.revert-failed", error.to_string()).await?;
        self.tell(Tone::Bad, error.to_string());
        Ok(())
    }

    /// Every open page and every agent hears of a revert; the lights follow when the branch has been read.
    fn tell_reverted(&self, number: u64) {
        let message = "PR reverted - Pull to get reverted flake.lock".to_owned();
        self.events.publish(&Event::PrReverted { number, message: message.clone() });
        self.hub.send_all(&ServerMessage::PrReverted { number, message });
        self.tell(Tone::Good, format!("PR #{number} reverted - Pull to get reverted flake.lock"));
    }

    async fn decide(
        &self,
        id: DeploymentId,
        decision: &Decision,
        by: &str,
        action: &str,
        detail: String,
    ) -> Result<Deployment, DeployError> {
        let entry = self.entry(by, action, detail);
        if let Some(deployment) = self.store.decide(id, decision, &entry).await? {
            self.publish_deployment(id).await;
            return Ok(deployment);
        }
        let deployment = self.store.deployment(id).await?.ok_or(DeployError::NoSuchDeployment)?;
        Err(DeployError::Decided(deployment.decision.as_str()))
    }

    async fn of_commit(&self, commit: &Commit) -> Result<Option<Deployment>, StoreError> {
        let latest = self.store.deployments(None, super::DEPLOYMENTS_PAGE).await?;
        Ok(latest.into_iter().find(|deployment| deployment.commit == *commit))
    }

    fn github_for(&self, person: &Person) -> Result<Arc<GitHub>, DeployError> {
        may(person)?;
        self.github.clone().ok_or(DeployError::NotConfigured)
    }

    fn entry(&self, by: &str, action: &str, detail: String) -> NewAuditEntry {
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

fn may(person: &Person) -> Result<(), DeployError> {
    let needed = Role::Operator;
    if person.role < needed { Err(DeployError::NotAllowed { needed }) } else { Ok(()) }
}

/// The first line of a revert's message.
fn title(number: u64) -> String {
    format!("Revert PR #{number} (auto-rollback after failed deployment)")
}

/// The message of a revert. Its last line is the one that git itself writes.
fn message(number: u64, commit: &Commit) -> String {
    format!("{}\n\nThis reverts commit {}.\n", title(number), commit.0)
}
