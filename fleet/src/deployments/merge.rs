//! Merges pull requests, and opens their deployments.

use backstay_model::deployment::{Deployment, PullRequestRef};
use backstay_model::pull_request::{Mergeable, UpdatePullRequest};
use backstay_model::wire::event::{Event, Tone};
use backstay_model::{Action, Commit, DeploymentId};

use super::DeployError;
use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::github::{GitHub, GitHubError, Memo, PullRequest};
use crate::store::{NewDeployment, StoreError};
use crate::watch::read_details;

impl Fleet {
    /// Merges a pull request that updates the fleet, if it is still as the person saw it, and opens its deployment. Continues
    /// even if the caller drops the future.
    ///
    /// # Errors
    /// [`DeployError`]
    pub async fn merge_pull_request(
        &self,
        actor: &Actor,
        seen: &SeenPullRequest,
    ) -> Result<Deployment, DeployError> {
        let github = self.github_for(actor, Action::Merge)?;
        let (fleet, actor, seen) = (self.clone(), actor.clone(), seen.clone());
        let number = seen.number;
        let merge = tokio::spawn(async move {
            let merged = fleet.merge(&github, &seen, actor.name()).await?;
            if seen.then_roll_out {
                fleet.roll_out_merge(&actor, number).await?;
            }
            Ok(merged)
        });
        merge.await.unwrap_or_else(|fault| {
            tracing::error!(%fault, "a merge was interrupted");
            Err(DeployError::MergeInterrupted(number))
        })
    }

    /// Rolls a merge out to all hosts, until one fails.
    async fn roll_out_merge(&self, actor: &Actor, number: u64) -> Result<(), DeployError> {
        let hosts = self.store.hosts().await?.into_iter().map(|host| host.name).collect();
        let started = self.roll_out_after(actor, hosts, true, None).await;
        let done = format!("PR #{number} was merged");
        started.map(drop).map_err(|error| DeployError::NotRolledOut { done, error })
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
        let inputs = match check_mergeable(github, &pull_request, seen).await {
            Ok(now) => now.inputs,
            Err(refused) => {
                // The page may be out of date.
                self.read_github_soon();
                return Err(refused);
            }
        };
        self.watch.merge_begins(number, by);
        let merged = github.merge(number, &seen.head, github.merge_method()).await;
        let commit = match merged {
            Ok(commit) => commit,
            Err(error) => {
                // GitHub may have merged it and the answer was lost: the branch shows that.
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
            inputs: Some(inputs),
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

    /// Opens the deployment of a merged pull request and publishes it. Returns `None` if it was already open.
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
            self.publish_merged(number);
            let message = format!("{} - Pull to get it", merged_by(number, &new.merged_by));
            self.events.publish(&Event::PrMerged { number, message: message.clone() });
            self.notify(Tone::Neutral, message);
        }
        Ok(opened)
    }

    async fn of_commit(&self, commit: &Commit) -> Result<Option<Deployment>, StoreError> {
        let latest = self.store.deployments(None, super::DEPLOYMENTS_PAGE).await?;
        Ok(latest.into_iter().find(|deployment| deployment.commit == *commit))
    }
}

/// A pull request as a person saw it when they decided to merge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPullRequest {
    /// Its number.
    pub number: u64,
    /// Its head commit.
    pub head: Commit,
    /// Whether the person confirmed having looked at whatever is unusual about it.
    pub is_looked_at: bool,
    /// Whether to roll it out to all hosts once it is merged.
    pub then_roll_out: bool,
}

/// Checks that a pull request may be merged from here. A page may be out of date, and a request need not come from a page, so
/// the server decides from GitHub's current answer, and returns it.
async fn check_mergeable(
    github: &GitHub,
    pull_request: &PullRequest,
    seen: &SeenPullRequest,
) -> Result<UpdatePullRequest, DeployError> {
    let number = seen.number;
    let refuse = |why: String| Err(DeployError::NotToBeMerged { number, why });
    let (base, branch) = (&pull_request.base.branch, github.branch());
    if pull_request.state != "open" {
        return refuse("It is no longer open.".to_owned());
    }
    if base != branch {
        return refuse(format!("It targets {base}, and hosts follow {branch}."));
    }
    if !github.updates().takes(pull_request) {
        return refuse("It is not one that updates the fleet. Merge it at GitHub.".to_owned());
    }
    if pull_request.head.sha != seen.head {
        return refuse(format!(
            "It is now at {}: somebody pushed to it after you looked. Look again.",
            pull_request.head.sha
        ));
    }
    let now = async {
        let at = github.head().await?;
        read_details(github, &mut Memo::default(), &at, pull_request).await
    };
    let (now, _) = now.await.map_err(|error| DeployError::NotMerged { number, error })?;
    if let Mergeable::No { reason } = &now.mergeable {
        return refuse(reason.clone());
    }
    let doubts = now.doubts();
    if !doubts.is_empty() && !seen.is_looked_at {
        return refuse(format!("{} Review that first, and confirm that you did.", doubts.join(" ")));
    }
    Ok(now)
}

fn merged_by(number: u64, by: &str) -> String {
    format!("PR #{number} merged by {by}")
}
