//! What speaks against a target, in words. The server writes them, so that they cost the page nothing.

use super::OLD_AFTER;
use crate::Generation;
use crate::wire::limits::few;

/// A target and its drawbacks.
pub(super) struct Target<'a> {
    pub(super) generation: &'a Generation,
    pub(super) newer: bool,
    pub(super) left: bool,
    pub(super) reverted: bool,
    pub(super) old: bool,
    pub(super) same_commit: bool,
    /// The specialisation that is active now, if the target has none of that name.
    pub(super) lacks: Option<&'a str>,
}

impl Target<'_> {
    /// Short marks, for a list.
    pub(super) fn marks(&self) -> Vec<String> {
        let mut marks = Vec::new();
        if self.same_commit {
            marks.push("same commit as the current one".to_owned());
        }
        if self.reverted {
            marks.push("its pull request was reverted".to_owned());
        }
        if self.old {
            marks.push(format!("older than {} days", OLD_AFTER.num_days()));
        }
        if let Some(name) = self.lacks {
            marks.push(format!("without {name}"));
        }
        if self.generation.needs_reboot {
            marks.push("needs a reboot".to_owned());
        }
        if !self.generation.inhibitors.is_empty() {
            marks.push(format!("inhibited by {}", few(&self.generation.inhibitors)));
        }
        marks
    }

    /// Sentences, for the target that is chosen.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |warning: String| warnings.push(warning);
        if self.generation.current {
            warn("The profile points at it already, but something else runs: this activates it.".to_owned());
        }
        if self.newer {
            warn("It is newer than the current one: this goes forward, not back.".to_owned());
        }
        if self.left {
            warn(
                "Someone rolled back from it. It counts as working again once a person runs its tests on it and all pass."
                    .to_owned(),
            );
        }
        if self.reverted {
            warn("It was built from a pull request that was reverted.".to_owned());
        }
        if self.old {
            warn(format!(
                "It is more than {} days old: it may lack security fixes made since, and data formats may have changed.",
                OLD_AFTER.num_days()
            ));
        }
        if let Some(name) = self.lacks {
            let number = self.generation.number;
            warn(format!(
                "“{name}” is active now. Gen {number} has no such specialisation, so Gen {number} itself runs."
            ));
        }
        if self.generation.needs_reboot {
            warn(
                "Its kernel, initrd or modules differ from the booted ones: it needs a reboot to take full effect."
                    .to_owned(),
            );
        }
        if !self.generation.inhibitors.is_empty() {
            warn(format!(
                "The activation will probably be refused: it is inhibited by {}.",
                few(&self.generation.inhibitors)
            ));
        }
        warnings
    }
}
