//! Deployments: a person merges a pull request, rolls it out host by host, and reverts it if it broke the fleet.
//!
//! ```text
//! merge ─▶ deployment (open) ─▶ ops on hosts fill it ─▶ a host failed: revert, or continue
//!                                                          │
//!            reverting ─▶ reverted | proposed ◀────────────┘
//!                └─▶ as before, if the revert failed; superseded, if a later pull request was merged in between
//! ```
//!
//! A decision is recorded before the first request to GitHub, and only one can be: of two simultaneous clicks, one counts.
//! [`Fleet::resume_reverts`] and each reading of GitHub resume interrupted reverts.

mod decision;
mod fill;
mod merge;
mod revert;
mod revert_effect;

pub use merge::SeenPullRequest;
pub use revert::RevertRequest;

use backstay_model::DeploymentId;
use backstay_model::NotAllowed;
use backstay_model::deployment::Deployment;

use crate::fleet::Fleet;
use crate::github::GitHubError;
use crate::github::revert::RevertError;
use crate::ops::request::RequestError;
use crate::rollouts::RolloutError;
use crate::store::StoreError;

/// Why a request about a deployment was refused. Each text can be shown to the person.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// See [`NotAllowed`].
    #[error("{0} Nothing was changed.")]
    NotAllowed(#[from] NotAllowed),
    /// The server knows no repository at GitHub.
    #[error("No repository at GitHub is configured on the server. Nothing was changed.")]
    NotConfigured,
    /// There is no such deployment.
    #[error("There is no such deployment. Nothing was changed.")]
    NoSuchDeployment,
    /// Another decision came first.
    #[error("This deployment is already {0}. Nothing was changed.")]
    Decided(&'static str),
    /// The pull request was not merged.
    #[error("Pull request #{number} was not merged. {error}")]
    NotMerged {
        /// Its number.
        number: u64,
        /// Why.
        error: GitHubError,
    },
    /// It may not be merged from here, or not yet.
    #[error("Pull request #{number} was not merged. {why}")]
    NotToBeMerged {
        /// Its number.
        number: u64,
        /// Why, in a sentence or two.
        why: String,
    },
    /// A fault of the server interrupted the merge, and its result is unknown.
    #[error(
        "A fault of the server interrupted the merge of pull request #{0}, and its result is unknown. Check the pull request at GitHub."
    )]
    MergeInterrupted(u64),
    /// A fault of the server interrupted the revert, and its result is unknown.
    #[error(
        "A fault of the server interrupted the revert, and its result is unknown. Backstay resumes it, and never reverts twice. Check the branch."
    )]
    Interrupted,
    /// The reason is too long.
    #[error("{}", RequestError::ReasonTooLong)]
    ReasonTooLong,
    /// The merge or the revert was made, and the roll-out that was to follow did not start.
    #[error("{done}, but the roll-out did not start. {error}")]
    NotRolledOut {
        /// What was done: “PR #42 was merged”.
        done: String,
        /// Why it did not start.
        error: RolloutError,
    },
    /// See [`RevertError`].
    #[error(transparent)]
    NotReverted(#[from] RevertError),
    /// See [`StoreError`].
    #[error("The database failed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl Fleet {
    /// Returns a deployment, or `None` if there is no such deployment.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        self.store.deployment(id).await
    }

    /// Returns the newest deployment.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn newest_deployment(&self) -> Result<Option<Deployment>, StoreError> {
        Ok(self.store.deployments(None, 1).await?.into_iter().next())
    }

    /// Returns a page of deployments, newest first; those older than `before`, if given.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn deployments(&self, before: Option<DeploymentId>) -> Result<Vec<Deployment>, StoreError> {
        self.store.deployments(before, DEPLOYMENTS_PAGE).await
    }
}

/// Number of deployments on one page.
const DEPLOYMENTS_PAGE: u32 = 20;
