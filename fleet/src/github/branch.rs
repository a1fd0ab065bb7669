//! The state of the branch that hosts follow.

use backstay_model::Commit;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::client::Fresh;
use super::error::GitHubError;
use super::repository::{GitHub, Object};
use crate::secret::hex;

/// The file that pins a flake's inputs.
pub(super) const LOCK_FILE: &str = "flake.lock";

/// The state of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchState {
    /// Its head.
    pub commit: Commit,
    /// The tree of its head: the same if two commits hold the same files.
    pub tree: Commit,
    /// SHA-256 of its `flake.lock`, in lower-case hexadecimal, or `None` if there is no such file.
    pub lock_hash: Option<String>,
    /// Sent with the next request, so that an unchanged answer does not count against the rate limit.
    etag: Option<String>,
}

/// The answer to `GET commits/{ref}`.
#[derive(Deserialize)]
struct Head {
    sha: Commit,
    commit: Inner,
}

#[derive(Deserialize)]
struct Inner {
    tree: Object,
}

impl GitHub {
    /// Returns the state of the branch, or `None` if it is still `known`.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub async fn branch_state(
        &self,
        known: Option<&BranchState>,
    ) -> Result<Option<BranchState>, GitHubError> {
        let etag = known.and_then(|known| known.etag.as_deref());
        let Fresh::New { value: Head { sha, commit }, etag } = self.head_if_changed(etag).await? else {
            return Ok(None);
        };
        if let Some(known) = known.filter(|known| known.commit == sha) {
            return Ok((known.etag != etag).then(|| BranchState { etag, ..known.clone() }));
        }
        let lock = self.file(LOCK_FILE, &sha).await?;
        let lock_hash = lock.map(|text| hex(&Sha256::digest(text)));
        Ok(Some(BranchState { commit: sha, tree: commit.tree.sha, lock_hash, etag }))
    }

    async fn head_if_changed(&self, etag: Option<&str>) -> Result<Fresh<Head>, GitHubError> {
        let what = format!("branch {}", self.branch());
        let path = self.at(&format!("commits/{}", self.branch()));
        match self.client().if_changed(&what, &path, etag).await {
            // GitHub treats the name as that of any commit, and an empty repository as a conflict.
            Err(GitHubError::Refused(said) | GitHubError::Conflict(said))
                if said.contains("No commit found") || said.contains("is empty") =>
            {
                Err(GitHubError::NotFound(what))
            }
            answer => answer,
        }
    }
}
