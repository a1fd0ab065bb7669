//! Watches the configuration repository at GitHub: what the branch is at, which pull requests are open, which were
//! merged there.
//!
//! ```text
//! every so often ─┐
//! a delivery ─────┼─▶ one reading at a time ─▶ branch ─▶ merges ─▶ open pull requests ─▶ settings
//! merge, revert ──┘                              │         │              │                 │
//!                                             lights   deployments      pages           problems
//! ```
//!
//! Whoever asks while a reading is under way gets one that begins after that, and shares it with all others who asked
//! meanwhile. What GitHub said before is kept, so that a reading that finds nothing new costs nothing of the rate limit.

mod follow;
mod memory;
mod merges;
mod updates;

pub(crate) use updates::look_at;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use backstay_model::deployment::Decision;
use backstay_model::pull_request::{PullRequests, Reading};
use backstay_model::wire::event::Event;
use backstay_model::{Commit, DeploymentId, DesiredState};
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::fleet::Fleet;
use crate::github::{BranchState, GitHub, GitHubError};
use crate::store::StoreError;
use memory::Memory;

/// What is known of the repository at GitHub, and who reads it.
pub(crate) struct Watch {
    /// How many readings have begun.
    begun: AtomicU64,
    /// What readings remember from one to the next; held by the one that is under way.
    memory: tokio::sync::Mutex<Memory>,
    /// What pages see.
    shown: RwLock<PullRequests>,
    /// That somebody wants a reading soon.
    wanted: Notify,
    /// How often the branch was moved from here.
    moves: AtomicU64,
    /// The deployments whose revert this server is making.
    reverting: Mutex<HashSet<DeploymentId>>,
    /// The pull requests that were asked to be merged from here, and by whom, until their deployment is recorded.
    merging: Mutex<HashMap<u64, Merging>>,
}

/// A merge that was asked for from here.
#[derive(Debug, Clone)]
struct Merging {
    by: String,
    /// Whether the answer is still waited for. Otherwise it was lost, and a reading has to find out.
    is_under_way: bool,
}

/// Why a reading ended early.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Watch {
    /// A watch that knows nothing yet.
    pub(crate) fn new(github: Option<&GitHub>) -> Self {
        let shown = github.map_or_else(PullRequests::default, |github| PullRequests {
            reading: Reading::NotYet,
            repository: github.name().to_owned(),
            branch: github.branch().to_owned(),
            ..PullRequests::default()
        });
        Self {
            begun: AtomicU64::new(0),
            memory: tokio::sync::Mutex::default(),
            shown: RwLock::new(shown),
            wanted: Notify::new(),
            moves: AtomicU64::new(0),
            reverting: Mutex::default(),
            merging: Mutex::default(),
        }
    }

    /// Remembers who merges a pull request, until that [ends](Self::merge_ends).
    pub(crate) fn merge_begins(&self, number: u64, by: &str) {
        let merging = Merging { by: by.to_owned(), is_under_way: true };
        self.merging().insert(number, merging);
    }

    /// The merge's answer was lost: the next reading finds out what became of it.
    pub(crate) fn merge_unclear(&self, number: u64) {
        if let Some(merging) = self.merging().get_mut(&number) {
            merging.is_under_way = false;
        }
    }

    /// The merge is recorded, or was refused.
    pub(crate) fn merge_ends(&self, number: u64) {
        self.merging().remove(&number);
    }

    /// Takes the revert of a deployment, unless it is being made already. It is free again when what comes back is
    /// dropped.
    pub(crate) fn begin_revert(self: &Arc<Self>, deployment: DeploymentId) -> Option<RevertUnderWay> {
        let is_new = self.reverting().insert(deployment);
        is_new.then(|| RevertUnderWay { watch: Arc::clone(self), deployment })
    }

    fn reverting(&self) -> MutexGuard<'_, HashSet<DeploymentId>> {
        self.reverting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn merging(&self) -> MutexGuard<'_, HashMap<u64, Merging>> {
        self.merging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> PullRequests {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A revert that this server is making.
pub(crate) struct RevertUnderWay {
    watch: Arc<Watch>,
    deployment: DeploymentId,
}

impl Drop for RevertUnderWay {
    fn drop(&mut self) {
        self.watch.reverting().remove(&self.deployment);
    }
}

/// When something could not be read any more, in the words of the lights.
pub(crate) fn unreadable(before: &DesiredState, now: DateTime<Utc>, why: &str) -> DesiredState {
    let since = match before {
        DesiredState::Unreadable { since, .. } => *since,
        _ => now,
    };
    let reason = format!("Could not be read since {}. {why}", since.format("%Y-%m-%d %H:%M UTC"));
    DesiredState::Unreadable { since, reason }
}

impl Fleet {
    /// The open pull requests that update the fleet, as they were last read.
    pub fn pull_requests(&self) -> PullRequests {
        self.watch.shown()
    }

    /// Reads the repository at GitHub, where one is configured, and tells every open page what has changed. That it
    /// cannot be read is a state too. A reading that somebody else began after this was asked for will do as well.
    ///
    /// # Errors
    /// [`StoreError`]; of what goes wrong at GitHub the lights and the pages tell.
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

    /// Reads the repository in the background, as after something was done to it.
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
        let branch = self.ask_for_branch(github, memory).await;
        self.take_in_branch(branch.as_ref(), moves).await?;
        let read = match branch {
            Ok(branch) => self.ask_for_pull_requests(github, memory, &branch).await,
            Err(error) => Err(error.into()),
        };
        let now = self.clock.now();
        let mut shown = self.watch.shown();
        let (mut is_there, mut is_complete) = (true, false);
        match read {
            Ok(open) => {
                shown.reading = Reading::Known { read_at: now };
                shown.open = open;
                self.remove_scratch_branches(github, memory).await?;
                is_complete = true;
            }
            Err(ReadError::GitHub(error)) => {
                shown.reading = cannot_be_read(&shown.reading, now, &error);
                is_there = !error.will_pass();
                if is_there {
                    memory.settings_are_doubtful();
                }
            }
            Err(ReadError::Store(error)) => return Err(error),
        }
        if is_there {
            self.look_at_settings(github, memory).await;
        }
        shown.problems = memory.problems();
        if is_complete {
            memory.memo.end_reading();
        }
        self.show(shown);
        Ok(())
    }

    async fn ask_for_branch(&self, github: &GitHub, memory: &mut Memory) -> Result<BranchState, GitHubError> {
        if let Some(new) = github.branch_state(memory.branch.as_ref()).await? {
            memory.branch = Some(new);
        }
        let nothing = || GitHubError::Unexpected("it said nothing of the branch".to_owned());
        memory.branch.clone().ok_or_else(nothing)
    }

    /// Removes the scratch branches of reverts that are over. They do no harm, so nothing else waits for that.
    async fn remove_scratch_branches(&self, github: &GitHub, memory: &mut Memory) -> Result<(), StoreError> {
        let left = github.scratched(&mut memory.memo).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the branches of reverts could not be listed");
            vec![]
        });
        if left.is_empty() {
            return Ok(());
        }
        // Read after the list: a revert is recorded before its branch is made.
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

    /// The branch was moved from here: every page and every host's lights say so at once, and what it holds now is read
    /// soon.
    pub(crate) async fn branch_moved(&self, commit: &Commit, why: String) {
        self.watch.moves.fetch_add(1, Ordering::SeqCst);
        if self.desired().head() != Some(commit) {
            let since = self.clock.now();
            self.set_desired(DesiredState::Moved { commit: commit.clone(), since, why });
            self.publish_all().await;
        }
        self.read_github_soon();
    }

    /// What the branch says is compared with every host, unless it was moved from here since it was asked.
    async fn take_in_branch(
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

    /// Looks at the settings where that is due.
    async fn look_at_settings(&self, github: &GitHub, memory: &mut Memory) {
        let now = self.clock.now();
        if memory.settings_are_due(now) {
            match github.settings(&mut memory.memo).await {
                Ok(settings) => memory.keep_settings(settings, now),
                Err(error) => tracing::debug!(%error, "the settings could not be looked at"),
            }
        }
    }

    /// Shows pages what is known now, and tells them where it has changed.
    fn show(&self, next: PullRequests) {
        let mut shown = self.watch.shown.write().unwrap_or_else(PoisonError::into_inner);
        log_changes(&shown, &next);
        let changed = !is_same(&shown, &next);
        *shown = next.clone();
        // Under the lock, so that no page hears an older state after a newer one.
        if changed {
            self.events.publish(&Event::PullRequests { pull_requests: Box::new(next) });
        }
    }
}

fn cannot_be_read(before: &Reading, now: DateTime<Utc>, error: &GitHubError) -> Reading {
    let since = match before {
        Reading::Unreadable { since, .. } => *since,
        _ => now,
    };
    Reading::Unreadable { since, reason: error.to_string() }
}

/// Whether both say the same, whenever that was read.
fn is_same(one: &PullRequests, other: &PullRequests) -> bool {
    let same_reading = match (&one.reading, &other.reading) {
        (Reading::Known { .. }, Reading::Known { .. }) => true,
        (one, other) => one == other,
    };
    same_reading && one.problems == other.problems && one.open == other.open
}

/// Each change once, for who looks after the server.
fn log_changes(old: &PullRequests, new: &PullRequests) {
    let reason = |of: &PullRequests| match &of.reading {
        Reading::Unreadable { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    match (reason(old), reason(new)) {
        (before, Some(now)) if before.as_ref() != Some(&now) => {
            tracing::warn!(repository = new.repository, "{now}");
        }
        (Some(_), None) => tracing::info!(repository = new.repository, "can be read again"),
        _ => {}
    }
    for problem in new.problems.iter().filter(|problem| !old.problems.contains(problem)) {
        tracing::warn!("{problem}");
    }
    for problem in old.problems.iter().filter(|problem| !new.problems.contains(problem)) {
        tracing::info!("no longer: {problem}");
    }
}
