//! What people decide: to merge, to go on. See `reverting` for reverts.

use std::sync::Arc;

use backstay_model::deployment::{Decision, Deployment, PullRequestRef};
use backstay_model::pull_request::Mergeable;
use backstay_model::wire::event::{Event, Tone};
use backstay_model::{Commit, DeploymentId, Person, Role};

use super::DeployError;
use crate::fleet::Fleet;
use crate::github::{GitHub, GitHubError, Memo, PullRequest};
use crate::store::{NewAuditEntry, NewDeployment, StoreError};
use crate::watch::look_at;

impl Fleet {
    /// Merges a pull request that updates the fleet, if it is still as the person saw it, and opens its deployment. It
    /// goes on if the caller does not wait for its end.
    ///
    /// # Errors
    /// [`DeployError`]
    pub async fn merge_pull_request(
        &self,
        person: &Person,
        seen: &SeenPullRequest,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(person)?;
        let (fleet, by, seen) = (self.clone(), person.name.clone(), seen.clone());
        let number = seen.number;
        let merge = tokio::spawn(async move { fleet.merge(&github, &seen, &by).await });
        merge.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a merge was interrupted");
            Err(DeployError::MergeInterrupted(number))
        })
    }

    async fn merge(
        &self,
        github: &GitHub,
        seen: &SeenPullRequest,
        by: &str,
    ) -> Result<Deployment, DeployError> {
        let number = seen.number;
        let failed = |error| DeployError::NotMerged { number, error };
        let pull_request = github.pull_request(number).await.map_err(failed)?;
        if let Err(refused) = must_be_as_seen(github, &pull_request, seen).await {
            // The page may show what was before.
            self.read_github_soon();
            return Err(refused);
        }
        self.watch.merge_begins(number, by);
        let merged = github.merge(number, &seen.head, github.merge_method()).await;
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
        self.branch_moved(&new.commit, format!("{}. Pull.", merged_by(number, by))).await;
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
            let message = format!("{} - Pull to get it", merged_by(number, &new.merged_by));
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

    pub(super) async fn decide(
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

    pub(super) fn github_for(&self, person: &Person) -> Result<Arc<GitHub>, DeployError> {
        may(person)?;
        self.github.clone().ok_or(DeployError::NotConfigured)
    }

    pub(super) fn entry(&self, by: &str, action: &str, detail: String) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), by, action, detail)
    }
}

/// A pull request as a person saw it when they decided to merge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPullRequest {
    /// Its number.
    pub number: u64,
    /// The commit that it was at.
    pub head: Commit,
    /// Whether the person says that they looked at what is no ordinary update in it.
    pub is_looked_at: bool,
}

/// Whether a pull request may be merged from here. What the page shows is of a moment ago, and who asks need not be a
/// page: the server decides by what GitHub says now.
async fn must_be_as_seen(
    github: &GitHub,
    pull_request: &PullRequest,
    seen: &SeenPullRequest,
) -> Result<(), DeployError> {
    let number = seen.number;
    let refuse = |why: String| Err(DeployError::NotToBeMerged { number, why });
    let (base, branch) = (&pull_request.base.branch, github.branch());
    if pull_request.state != "open" {
        return refuse("It is no longer open.".to_owned());
    }
    if base != branch {
        return refuse(format!("It goes into {base}, and hosts follow {branch}."));
    }
    if !github.updates().takes(pull_request) {
        return refuse("It is none of those that update the fleet. Merge it at GitHub.".to_owned());
    }
    if pull_request.head.sha != seen.head {
        return refuse(format!(
            "It is at {} now: somebody pushed to it since you looked. Look again.",
            pull_request.head.sha
        ));
    }
    let now = async {
        let at = github.head().await?;
        look_at(github, &mut Memo::default(), &at, pull_request).await
    };
    let (now, _) = now.await.map_err(|error| DeployError::NotMerged { number, error })?;
    if let Mergeable::No { reason } = &now.mergeable {
        return refuse(reason.clone());
    }
    let doubts = now.doubts();
    if !doubts.is_empty() && !seen.is_looked_at {
        return refuse(format!("{} Look at that first, and say that you did.", doubts.join(" ")));
    }
    Ok(())
}

fn merged_by(number: u64, by: &str) -> String {
    format!("PR #{number} merged by {by}")
}

fn may(person: &Person) -> Result<(), DeployError> {
    let needed = Role::Operator;
    if person.role < needed { Err(DeployError::NotAllowed { needed }) } else { Ok(()) }
}
