//! Watches the configuration repository at GitHub: the branch's head, the open pull requests, and the merges made there.
//!
//! ```text
//! at intervals ───┐
//! a delivery ─────┼─▶ one reading at a time ─▶ branch ─▶ merges ─▶ open pull requests ─▶ settings
//! merge, revert ──┘                              │         │              │                 │
//!                                             lights   deployments      pages           problems
//! ```
//!
//! A request for a reading that arrives during one waits for the next, and shares it with all other requests in between.
//! Answers from GitHub are cached, so that a reading that finds nothing new does not count against the rate limit.

mod follow;
mod merges;
mod updates;

pub(crate) use updates::read_details;

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use backstay_model::deployment::Decision;
use backstay_model::pull_request::{PullRequests, Reading};
use backstay_model::wire::event::Event;
use backstay_model::{Commit, DesiredState};
use chrono::{DateTime, Utc};

use crate::fleet::Fleet;
use crate::github::{BranchState, GitHub, GitHubError};
use crate::state::watch::Memory;
use crate::store::StoreError;

/// Why a reading ended early.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The desired state after a failed reading, in the words of the lights.
pub(crate) fn unreadable(before: &DesiredState, now: DateTime<Utc>, why: &str) -> DesiredState {
    let since = match before {
        DesiredState::Unreadable { since, .. } => *since,
        _ => now,
    };
    let reason = format!("Could not be read since {}. {why}", since.format("%Y-%m-%d %H:%M UTC"));
    DesiredState::Unreadable { since, reason }
}

impl Fleet {
    /// The open pull requests that update the fleet, as of the last reading.
    pub fn pull_requests(&self) -> PullRequests {
        self.watch.published()
    }

    /// Reads the repository at GitHub, if one is configured, and publishes what changed. A failed reading is a state too. A
    /// reading that another caller started after this call serves as well.
    ///
    /// # Errors
    /// [`StoreError`]. The lights and the pages show errors at GitHub.
    pub async fn read_github(&self) -> Result<(), StoreError> {
        let Some(github) = self.github.clone() else { return Ok(()) };
        let before = self.watch.begun.load(Ordering::SeqCst);
        let mut memory = self.watch.memory.lock().await;
        if memory.completed > before {
            return Ok(());
        }
        let this = self.watch.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.read_now(&github, &mut memory).await?;
        memory.completed = this;
        Ok(())
    }

    /// Reads the repository in the background, for example after a merge.
    pub(crate) fn read_github_soon(&self) {
        let fleet = self.clone();
        tokio::spawn(async move {
            if let Err(error) = fleet.read_github().await {
                tracing::error!(%error, "the repository at GitHub could not be read");
            }
        });
    }

    async fn read_now(&self, github: &GitHub, memory: &mut Memory) -> Result<(), StoreError> {
        let moves = self.watch.moves.load(Ordering::SeqCst);
        let branch = self.read_branch(github, memory).await;
        self.accept_branch(branch.as_ref(), moves).await?;
        let read = match branch {
            Ok(branch) => self.read_pull_requests(github, memory, &branch).await,
            Err(error) => Err(error.into()),
        };
        let now = self.clock.now();
        let mut published = self.watch.published();
        let (mut is_reachable, mut is_complete) = (true, false);
        match read {
            Ok(open) => {
                published.reading = Reading::Known { read_at: now };
                published.open = open;
                self.remove_scratch_branches(github, memory).await?;
                is_complete = true;
            }
            Err(WatchError::GitHub(error)) => {
                published.reading = failed_reading(&published.reading, now, &error);
                is_reachable = !error.will_pass();
                if is_reachable {
                    memory.settings_are_doubtful();
                }
            }
            Err(WatchError::Store(error)) => return Err(error),
        }
        if is_reachable {
            self.read_settings(github, memory).await;
        }
        published.problems = memory.problems();
        if is_complete {
            memory.memo.end_reading();
        }
        self.publish_pull_requests(published);
        Ok(())
    }

    async fn read_branch(&self, github: &GitHub, memory: &mut Memory) -> Result<BranchState, GitHubError> {
        if let Some(new) = github.branch_state(memory.branch.as_ref()).await? {
            memory.branch = Some(new);
        }
        let nothing = || GitHubError::Unexpected("it did not mention the branch".to_owned());
        memory.branch.clone().ok_or_else(nothing)
    }

    /// Removes the scratch branches of finished reverts. They do no harm, so nothing waits for this.
    async fn remove_scratch_branches(&self, github: &GitHub, memory: &mut Memory) -> Result<(), StoreError> {
        let left = github.scratched(&mut memory.memo).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the branches of reverts could not be listed");
            vec![]
        });
        if left.is_empty() {
            return Ok(());
        }
        // Read after the list: a revert is recorded before its branch is created.
        let deployments = self.deployments(None).await?;
        let is_reverting = |number: &u64| {
            deployments.iter().any(|deployment| {
                deployment.pull_request.number == *number
                    && matches!(deployment.decision, Decision::Reverting { .. })
            })
        };
        for number in left.into_iter().filter(|number| !is_reverting(number)) {
            if let Err(error) = github.remove_scratch(number).await {
                tracing::warn!(number, %error, "the scratch branch of a revert could not be removed");
            }
        }
        Ok(())
    }

    /// This server moved the branch: every page and every host's lights show that at once, and the branch is read soon.
    pub(crate) async fn branch_moved(&self, commit: &Commit, why: String) {
        self.watch.moves.fetch_add(1, Ordering::SeqCst);
        if self.desired().head() != Some(commit) {
            let since = self.clock.now();
            self.set_desired(DesiredState::Moved { commit: commit.clone(), since, why });
            self.publish_all().await;
        }
        self.read_github_soon();
    }

    /// Compares the branch with every host, unless this server moved the branch since the reading started.
    async fn accept_branch(
        &self,
        branch: Result<&BranchState, &GitHubError>,
        moves: u64,
    ) -> Result<(), StoreError> {
        if self.watch.moves.load(Ordering::SeqCst) != moves {
            return Ok(());
        }
        let now = self.clock.now();
        let next = match branch {
            Ok(BranchState { commit, tree, lock_hash, .. }) => DesiredState::Known {
                commit: commit.clone(),
                tree: tree.clone(),
                lock_hash: lock_hash.clone(),
                read_at: now,
            },
            Err(error) => unreadable(&self.desired(), now, &error.to_string()),
        };
        if self.set_desired(next) {
            self.publish_all().await;
        }
        Ok(())
    }

    /// Reads the settings if that is due.
    async fn read_settings(&self, github: &GitHub, memory: &mut Memory) {
        let now = self.clock.now();
        if memory.settings_are_due(now) {
            match github.settings(&mut memory.memo).await {
                Ok(settings) => memory.keep_settings(settings, now),
                Err(error) => tracing::debug!(%error, "the settings could not be read"),
            }
        }
    }

    /// Publishes that a pull request is no longer open, before the list is read again.
    pub(crate) fn publish_merged(&self, number: u64) {
        let mut published = self.watch.published.write();
        let before = published.open.len();
        published.open.retain(|open| open.number != number);
        if published.open.len() < before {
            self.events.publish(&Event::PullRequests { pull_requests: Box::new(published.clone()) });
        }
    }

    /// Publishes the pull requests if they changed.
    fn publish_pull_requests(&self, next: PullRequests) {
        let mut published = self.watch.published.write();
        log_changes(&published, &next);
        let changed = !is_same(&published, &next);
        *published = next.clone();
        // Under the lock, so that no page receives an older state after a newer one.
        if changed {
            self.events.publish(&Event::PullRequests { pull_requests: Box::new(next) });
        }
    }
}

fn failed_reading(before: &Reading, now: DateTime<Utc>, error: &GitHubError) -> Reading {
    let since = match before {
        Reading::Unreadable { since, .. } => *since,
        _ => now,
    };
    Reading::Unreadable { since, reason: error.to_string() }
}

/// Returns whether both show the same, regardless of the time of reading.
fn is_same(one: &PullRequests, other: &PullRequests) -> bool {
    let same_reading = match (&one.reading, &other.reading) {
        (Reading::Known { .. }, Reading::Known { .. }) => true,
        (one, other) => one == other,
    };
    same_reading && one.problems == other.problems && one.open == other.open
}

/// Logs each change once, for the administrator of the server.
fn log_changes(old: &PullRequests, new: &PullRequests) {
    let reason = |of: &PullRequests| match &of.reading {
        Reading::Unreadable { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    match (reason(old), reason(new)) {
        (before, Some(now)) if before.as_ref() != Some(&now) => {
            tracing::warn!(repository = new.repository, "{now}");
        }
        (Some(_), None) => tracing::info!(repository = new.repository, "GitHub can be read again"),
        _ => {}
    }
    for problem in new.problems.iter().filter(|problem| !old.problems.contains(problem)) {
        tracing::warn!("{problem}");
    }
    for problem in old.problems.iter().filter(|problem| !new.problems.contains(problem)) {
        tracing::info!("resolved: {problem}");
    }
}
