//! The checkout's submodules. A pull updates those in use.

use super::changes::Change;
use super::{look, read};
use crate::facts::checkout::git;
use crate::runner::work::Work;

/// Brings submodules, new ones included, to the commits that the checkout names.
pub(super) const UPDATE: [&str; 4] = ["submodule", "update", "--init", "--recursive"];

/// Whether any submodule is checked out. A host that does without them gets none.
pub(super) fn are_used(work: &Work<'_>) -> bool {
    if !work.config().checkout.path.join(".gitmodules").exists() {
        return false;
    }
    // git lists one that is not checked out with a minus.
    look(work, &["submodule", "status"])
        .is_ok_and(|listed| listed.lines().any(|line| !line.trim().is_empty() && !line.starts_with('-')))
}

/// Whether a change is only a submodule that an earlier pull, or somebody by hand, left behind. Updating it
/// loses nothing, because its remote has its commit.
pub(super) fn only_lags(work: &Work<'_>, change: &Change) -> bool {
    let words = ["-C", &change.path, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes"];
    change.is_moved_submodule && read(&git(work.config(), words)).is_ok_and(|own| own.is_empty())
}
