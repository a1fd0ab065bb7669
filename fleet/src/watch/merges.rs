//! Pull requests that were merged at GitHub itself.
//!
//! Their deployments are opened from the list of recently closed pull requests. Therefore a pull request counts even if it was
//! opened and merged between two readings, or merged while the server was down. Only GitHub's own times are compared, never the
//! server's clock: a merge is new if it is later than the newest one that has a deployment.

use std::collections::HashSet;

use backstay_model::DeploymentId;
use backstay_model::deployment::{Decision, Deployment, PullRequestRef};
use chrono::{DateTime, Utc};

use super::WatchError;
use crate::fleet::Fleet;
use crate::github::{GitHub, LOOKED_THROUGH, Listed, PullRequest, User};
use crate::state::watch::{Looked, Memory};
use crate::store::NewDeployment;

impl Fleet {
    pub(super) async fn find_merges(&self, github: &GitHub, memory: &mut Memory) -> Result<(), WatchError> {
        let deployments = self.deployments(None).await?;
        let looked = memory.looked;
        let is_enough = |listed: &Listed| is_enough(listed, &deployments, looked);
        let closed = github.closed_ones(&mut memory.memo, is_enough).await?;
        if !closed.is_whole {
            memory.too_many = Some(format!(
                "More than {LOOKED_THROUGH} closed pull requests changed since the last reading. If an earlier one was merged, it has no deployment."
            ));
        }
        let mut merged: Vec<&PullRequest> = closed.iter().filter(|pr| pr.merged_at.is_some()).collect();
        merged.sort_by_key(|pr| (pr.merged_at, pr.number));
        let known = memory.merged.clone();
        for pull_request in newer(&merged, &deployments, known.as_ref(), looked.map(|looked| looked.first)) {
            let from_here = self.watch.merging().contains_key(&pull_request.number);
            if from_here || github.updates().takes(pull_request) {
                self.open_if_merged(github, pull_request.number).await?;
            }
        }
        for pull_request in &merged {
            self.close_if_proposed(github, &deployments, pull_request.number).await?;
        }
        // Merges of this server are checked again: their answer may get lost.
        let mut from_here = self.watch.merging();
        from_here
            .retain(|number, merging| merging.is_under_way || merged.iter().any(|pr| pr.number == *number));
        let settled = merged.iter().map(|pr| pr.number).filter(|number| !from_here.contains_key(number));
        memory.merged = Some(settled.collect());
        let latest = closed.iter().map(|pr| pr.updated_at).max().unwrap_or(DateTime::<Utc>::MIN_UTC);
        let first = looked.map_or(latest, |looked| looked.first);
        memory.looked =
            Some(Looked { first, latest: looked.map_or(latest, |looked| looked.latest.max(latest)) });
        Ok(())
    }

    /// Opens the deployment of a merged pull request, unless this server is merging it and will open the deployment itself.
    async fn open_if_merged(&self, github: &GitHub, number: u64) -> Result<(), WatchError> {
        let merging = self.watch.merging().get(&number).cloned();
        if merging.as_ref().is_some_and(|merging| merging.is_under_way) {
            return Ok(());
        }
        let pull_request = github.pull_request(number).await?;
        let Some((commit, merged_at)) = pull_request.merge_commit_sha.clone().zip(pull_request.merged_at)
        else {
            return Ok(());
        };
        let merged_by =
            merging.map_or_else(|| at_github(pull_request.merged_by.as_ref()), |merging| merging.by);
        // As the pages showed it while it was open: its base has moved since.
        let open = self.pull_requests().open;
        let inputs = open.into_iter().find(|open| open.number == number).map(|open| open.inputs);
        let new = NewDeployment {
            id: DeploymentId::new(),
            pull_request: PullRequestRef { number, title: pull_request.title, url: pull_request.html_url },
            commit,
            merged_by,
            merged_at,
            inputs,
        };
        let detail = format!("Pull request #{number} was merged at GitHub.");
        self.record_merge(&new, detail).await?;
        self.watch.merge_ends(number);
        Ok(())
    }

    /// Records the revert if this pull request proposed it.
    async fn close_if_proposed(
        &self,
        github: &GitHub,
        deployments: &[Deployment],
        number: u64,
    ) -> Result<(), WatchError> {
        let is_it = |deployment: &&Deployment| matches!(&deployment.decision, Decision::Proposed { pull_request, .. } if pull_request.number == number);
        let Some(deployment) = deployments.iter().find(is_it) else { return Ok(()) };
        let pull_request = github.pull_request(number).await?;
        let Some(commit) = pull_request.merge_commit_sha.filter(|_| pull_request.merged) else {
            return Ok(());
        };
        let by = at_github(pull_request.merged_by.as_ref());
        self.proposal_merged(deployment, &by, commit).await?;
        Ok(())
    }
}

/// A person at GitHub, with the mark that no person of ours has: equal names need not be one person.
fn at_github(user: Option<&User>) -> String {
    format!("@{}", user.map_or("ghost", |user| &user.login))
}

/// Returns whether no merge since the last look is further back: the list starts with the latest change, and a merge changes a pull
/// request. After a start, the newest pull request with a deployment marks the last look. The very first look ignores the past.
fn is_enough(listed: &Listed, deployments: &[Deployment], looked: Option<Looked>) -> bool {
    let deployed =
        || listed.iter().filter(|pr| is_deployed(pr, deployments)).filter_map(|pr| pr.merged_at).max();
    let Some(since) = looked.map(|looked| looked.latest).or_else(deployed) else {
        return deployments.is_empty();
    };
    listed.iter().last().is_none_or(|oldest| oldest.updated_at < since)
}

fn is_deployed(pull_request: &PullRequest, deployments: &[Deployment]) -> bool {
    deployments.iter().any(|deployment| {
        deployment.pull_request.number == pull_request.number
            && Some(&deployment.commit) == pull_request.merge_commit_sha.as_ref()
    })
}

/// Returns the pull requests without a deployment that were merged after the newest one with a deployment. If no pull request has a
/// deployment, returns those that were merged after the first look and were unknown before; the first look returns none.
fn newer<'a>(
    merged: &[&'a PullRequest],
    deployments: &[Deployment],
    known: Option<&HashSet<u64>>,
    first_look: Option<DateTime<Utc>>,
) -> Vec<&'a PullRequest> {
    let from = merged.iter().rposition(|pr| is_deployed(pr, deployments));
    let after = &merged[from.map_or(0, |newest| newest + 1)..];
    let is_new = |pr: &&&PullRequest| match known {
        Some(known) => !known.contains(&pr.number) && (from.is_some() || pr.merged_at >= first_look),
        None => from.is_some(),
    };
    after.iter().filter(is_new).copied().collect()
}

#[cfg(test)]
mod tests {
    use backstay_model::sample;
    use serde_json::json;

    use super::*;

    fn merged(numbers: &[u64]) -> Vec<PullRequest> {
        let one = |number: &u64| {
            serde_json::from_value(json!({
                "number": number, "title": "t", "html_url": "u", "state": "closed",
                "updated_at": "2026-01-01T00:00:00Z", "user": null, "merge_commit_sha": format!("m{number}"),
                "head": { "ref": "b", "sha": "1" }, "base": { "ref": "main", "sha": "0" },
            }))
            .unwrap()
        };
        numbers.iter().map(one).collect()
    }

    fn deployment(number: u64) -> Deployment {
        sample::deployment(number, &format!("m{number}"))
    }

    #[test]
    fn what_was_merged_after_the_newest_deployment_is_new() {
        let all = merged(&[3, 1, 7, 5]);
        let all: Vec<_> = all.iter().collect();
        let told = |deployed: &[u64], known: Option<&[u64]>| {
            let deployments: Vec<_> = deployed.iter().copied().map(deployment).collect();
            let known = known.map(|known| known.iter().copied().collect());
            newer(&all, &deployments, known.as_ref(), None).iter().map(|pr| pr.number).collect::<Vec<_>>()
        };
        assert_eq!(told(&[], None), Vec::<u64>::new(), "the first look ignores the past");
        assert_eq!(told(&[1], None), [7, 5], "merged while the server was down");
        assert_eq!(told(&[5, 3], None), Vec::<u64>::new(), "an earlier omission stays");
        assert_eq!(told(&[], Some(&[3, 1])), [7, 5]);
        assert_eq!(told(&[1], Some(&[3, 1, 7])), [5]);
    }
}
