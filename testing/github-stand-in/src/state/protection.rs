//! Rules of a branch.

use serde::Deserialize;

/// Where the rules are written; GitHub's wording of a refusal and the URL of the rules depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtectionKind {
    /// A protected branch, `GET branches/{branch}/protection`.
    Classic,
    /// A ruleset, `GET rules/branches/{branch}`.
    Ruleset,
}

/// The requirements for a change to a branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// Where the rules are written.
    pub kind: ProtectionKind,
    /// Whether changes require a pull request.
    #[serde(default = "yes")]
    pub pull_requests_only: bool,
    /// Number of approving reviews that a pull request needs.
    #[serde(default)]
    pub approvals: u32,
    /// The checks that a pull request's head must have passed.
    #[serde(default)]
    pub checks: Vec<String>,
    /// GitHub's refusal of a push for any other reason: signatures, a linear history, a merge queue.
    #[serde(default)]
    pub words: Option<String>,
    /// Logins of those who may push anyway.
    #[serde(default)]
    pub exempt: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Protection {
    /// Requires a pull request for each change.
    pub fn pull_requests(kind: ProtectionKind) -> Self {
        Self { kind, pull_requests_only: true, approvals: 0, checks: vec![], words: None, exempt: vec![] }
    }

    /// Refuses pushes with these words.
    pub fn refusing(kind: ProtectionKind, words: &str) -> Self {
        Self { pull_requests_only: false, words: Some(words.to_owned()), ..Self::pull_requests(kind) }
    }

    /// Returns what forbids a push to the branch, or `None`.
    pub(crate) fn against_push(&self, login: &str) -> Option<String> {
        if self.exempt.iter().any(|exempt| exempt == login) {
            return None;
        }
        let mut broken: Vec<String> = self.words.clone().into_iter().collect();
        if self.pull_requests_only {
            broken.push("Changes must be made through a pull request.".to_owned());
        }
        broken.extend(
            self.checks.iter().map(|check| format!("Required status check \"{check}\" is expected.")),
        );
        let first = broken.first()?.clone();
        Some(match self.kind {
            ProtectionKind::Classic => first,
            ProtectionKind::Ruleset => {
                format!("Repository rule violations found\n\n{}\n\n", broken.join("\n\n"))
            }
        })
    }

    /// Returns what forbids a merge of a pull request with these check results, or `None`.
    pub(crate) fn against_merge(&self, passed: impl Fn(&str) -> Option<bool>) -> Option<String> {
        if self.approvals > 0 {
            let plural = if self.approvals == 1 { "review is" } else { "reviews are" };
            return Some(format!(
                "At least {} approving {plural} required by reviewers with write access.",
                self.approvals
            ));
        }
        self.checks.iter().find_map(|check| match passed(check) {
            Some(true) => None,
            Some(false) => Some(format!("Required status check \"{check}\" is failing.")),
            None => Some(format!("Required status check \"{check}\" is expected.")),
        })
    }
}
