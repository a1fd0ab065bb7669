//! The words for an open pull request.

use backstay_model::flake_lock::{InputChange, Pin};
use backstay_model::pull_request::{Checks, Inputs, Mergeable, UpdatePullRequest};

/// The checks: their look, and words.
pub(crate) fn checks(checks: &Checks) -> (&'static str, String) {
    let Checks { passed, running, failed } = checks;
    let mut parts = Vec::new();
    if !failed.is_empty() {
        parts.push(format!("{} failed ({})", failed.len(), failed.join(", ")));
    }
    if *running > 0 {
        parts.push(format!("{running} running"));
    }
    if *passed > 0 {
        parts.push(format!("{passed} passed"));
    }
    let look = match (failed.is_empty(), running, passed) {
        (false, ..) => "failed",
        (true, 1.., _) => "working",
        (true, 0, 1..) => "ok",
        (true, 0, 0) => return ("unknown", "No checks".to_owned()),
    };
    (look, format!("Checks: {}", parts.join(", ")))
}

/// Whether it can be merged: the look, and words.
pub(crate) fn mergeable(mergeable: &Mergeable) -> (&'static str, String) {
    match mergeable {
        Mergeable::Yes => ("ok", "Can be merged".to_owned()),
        Mergeable::No { reason } => ("failed", reason.clone()),
        Mergeable::Unknown => ("unknown", "GitHub is checking whether it can be merged".to_owned()),
    }
}

/// Returns whether a person may try to merge it. While GitHub is still checking, the merge itself gets the
/// answer.
pub(crate) fn may_be_merged(pull_request: &UpdatePullRequest) -> bool {
    !matches!(pull_request.mergeable, Mergeable::No { .. })
}

/// The revisions of an input: “1234567 → 89abcde”, “new: 89abcde”, “1234567, removed”.
pub(super) fn revisions(change: &InputChange) -> String {
    match (change.from.as_ref().map(Pin::short), change.to.as_ref().map(Pin::short)) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (None, Some(to)) => format!("new: {to}"),
        (Some(from), None) => format!("{from}, removed"),
        (None, None) => String::new(),
    }
}

/// The dates of the two revisions: “Nov 3 2025 → Nov 20 2025”.
pub(super) fn days(change: &InputChange) -> Option<String> {
    let day = |pin: &Option<Pin>| pin.as_ref()?.modified.map(crate::time::day);
    match (day(&change.from), day(&change.to)) {
        (Some(from), Some(to)) if from != to => Some(format!("{from} → {to}")),
        (Some(day), Some(_) | None) | (None, Some(day)) => Some(day),
        (None, None) => None,
    }
}

/// Returns whether merging it changes the branch's `flake.lock`, as far as is known.
pub(crate) fn changes_lock(inputs: &Inputs) -> bool {
    match inputs {
        Inputs::Known { changes } => !changes.is_empty(),
        Inputs::Unreadable { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::pull_request::{Origin, OtherFiles};
    use chrono::DateTime;

    use super::*;

    fn pin(revision: &str, day: i64) -> Pin {
        Pin { revision: revision.into(), modified: DateTime::from_timestamp(day * 86_400, 0) }
    }

    #[test]
    fn checks_say_the_worst_first() {
        let of = |passed, running, failed: &[&str]| {
            checks(&Checks { passed, running, failed: failed.iter().map(|&name| name.into()).collect() })
        };
        assert_eq!(of(0, 0, &[]), ("unknown", "No checks".into()));
        assert_eq!(of(3, 0, &[]), ("ok", "Checks: 3 passed".into()));
        assert_eq!(of(1, 2, &[]), ("working", "Checks: 2 running, 1 passed".into()));
        assert_eq!(of(1, 1, &["build"]), ("failed", "Checks: 1 failed (build), 1 running, 1 passed".into()));
    }

    #[test]
    fn inputs_are_added_changed_and_removed() {
        let change = |from, to| InputChange { name: "nixpkgs".into(), from, to, compare: None };
        let (old, new) = (|| Some(pin("1234567890", 0)), || Some(pin("89abcdef01", 40)));
        for (from, to, said, of) in [
            (old(), new(), "1234567 → 89abcde", Some("Jan 1 1970 → Feb 10 1970")),
            (None, new(), "new: 89abcde", Some("Feb 10 1970")),
            (old(), None, "1234567, removed", Some("Jan 1 1970")),
            (old(), Some(pin("89abcdef01", 0)), "1234567 → 89abcde", Some("Jan 1 1970")),
        ] {
            let change = change(from, to);
            assert_eq!((revisions(&change).as_str(), days(&change).as_deref()), (said, of));
        }
    }

    #[test]
    fn only_unmergeable_pull_requests_are_not_tried() {
        for (state, may) in [
            (Mergeable::Yes, true),
            (Mergeable::Unknown, true),
            (Mergeable::No { reason: "x".into() }, false),
        ] {
            let pull_request = UpdatePullRequest {
                number: 42,
                title: "Update".into(),
                url: "u".into(),
                author: "renovate".into(),
                head: backstay_model::Commit("c".into()),
                updated_at: DateTime::UNIX_EPOCH,
                origin: Origin { fork: None, is_known_author: true },
                other_files: OtherFiles::Known { paths: vec![], more: 0 },
                inputs: Inputs::Known { changes: vec![] },
                checks: Checks::default(),
                mergeable: state,
            };
            assert_eq!(may_be_merged(&pull_request), may);
        }
    }
}
