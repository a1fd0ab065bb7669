//! Deployments: a pull request is merged, rolled out host by host, and reverted where it broke the fleet.
//!
//! ```text
//! merge ─▶ deployment (open) ─▶ ops on hosts fill it ─▶ a host failed: revert, or continue
//!                                                          │
//!            reverting ─▶ reverted | proposed ◀────────────┘
//!                └─▶ as it was before, if it could not be reverted; superseded, if a later one was merged meanwhile
//! ```
//!
//! A decision is recorded before anything is asked of GitHub, and only one can be: of two clicks at once, one counts. A
//! revert that was interrupted is taken up by [`Fleet::resume_reverts`] and at each look at GitHub.

mod decide;
mod fill;
mod reverting;

pub use decide::SeenPullRequest;

use backstay_model::DeploymentId;
use backstay_model::Role;
use backstay_model::deployment::Deployment;

use crate::fleet::Fleet;
use crate::github::GitHubError;
use crate::github::revert::RevertError;
use crate::store::StoreError;

/// Why something about a deployment comes to nothing. Each sentence can be shown to the person as it is.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The person may not do this.
    #[error("You may not do this: it takes the role “{needed}”. Nothing was changed.")]
    NotAllowed {
        /// The role that it takes.
        needed: Role,
    },
    /// The server knows no repository at GitHub.
    #[error("No repository at GitHub is configured on the server. Nothing was changed.")]
    NotConfigured,
    /// There is no such deployment.
    #[error("There is no such deployment. Nothing was changed.")]
    NoSuchDeployment,
    /// Somebody was faster, or it is over.
    #[error("This deployment is {0} already. Nothing was changed.")]
    Decided(&'static str),
    /// The pull request was not merged.
    #[error("Pull request #{number} was not merged. {error}")]
    NotMerged {
        /// Its number.
        number: u64,
        /// Why.
        error: GitHubError,
    },
    /// It is not to be merged from here, or not yet.
    #[error("Pull request #{number} was not merged. {why}")]
    NotToBeMerged {
        /// Its number.
        number: u64,
        /// Why, in a sentence or two.
        why: String,
    },
    /// The server has a fault and does not know whether GitHub merged.
    #[error(
        "The merge of pull request #{0} was interrupted by a fault of the server, and it is not known whether it was made. Look at the pull request."
    )]
    MergeInterrupted(u64),
    /// The server has a fault and does not know how far the revert came.
    #[error(
        "The revert was interrupted by a fault of the server, and it is not known how far it came. Look at the branch. Backstay takes it up again, and never makes it twice."
    )]
    Interrupted,
    /// See [`RevertError`].
    #[error(transparent)]
    NotReverted(#[from] RevertError),
    /// See [`StoreError`].
    #[error("The database failed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl Fleet {
    /// A deployment by its identifier.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        self.store.deployment(id).await
    }

    /// The newest deployment.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn newest_deployment(&self) -> Result<Option<Deployment>, StoreError> {
        Ok(self.store.deployments(None, 1).await?.into_iter().next())
    }

    /// Deployments, newest first, older than `before` where given.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn deployments(&self, before: Option<DeploymentId>) -> Result<Vec<Deployment>, StoreError> {
        self.store.deployments(before, DEPLOYMENTS_PAGE).await
    }
}

/// How many deployments are handed out at once.
const DEPLOYMENTS_PAGE: u32 = 20;
