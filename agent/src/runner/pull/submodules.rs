//! The checkout's submodules: a pull brings along those that the checkout uses.

use super::changes::Change;
use super::{look, read};
use crate::facts::checkout::git;
use crate::runner::work::Work;

/// What brings submodules to the commits that the checkout names, also those that are new.
pub(super) const UPDATE: [&str; 4] = ["submodule", "update", "--init", "--recursive"];

/// Whether any submodule is checked out. Somebody who does without them is not given them.
pub(super) fn are_used(work: &Work<'_>) -> bool {
    if !work.config().checkout.path.join(".gitmodules").exists() {
        return false;
    }
    // One that is not checked out is listed with a minus.
    look(work, &["submodule", "status"])
        .is_ok_and(|listed| listed.lines().any(|line| !line.trim().is_empty() && !line.starts_with('-')))
}

/// Whether a change is only that a submodule was not brought along, by an earlier pull or by hand, so that updating it
/// loses nothing: its commit is one that its own remote has.
pub(super) fn only_lags(work: &Work<'_>, change: &Change) -> bool {
    let words = ["-C", &change.path, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes"];
    change.is_moved_submodule && read(&git(work.config(), words)).is_ok_and(|own| own.is_empty())
}
