//! The rule for which pull requests update the fleet.

use super::pull_request::PullRequest;

/// The prefix of Backstay's own branches. A pull request from one is a revert and updates nothing.
pub(crate) const OWN_BRANCHES: &str = "backstay/";

/// Pull requests that update the fleet: those with one of these labels, or with one of these texts in the title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRule {
    /// Labels, compared without regard to case.
    pub labels: Vec<String>,
    /// Parts of titles, compared without regard to case. An empty one matches every title.
    pub titles: Vec<String>,
}

impl Default for UpdateRule {
    /// The titles and labels of the usual flake updaters: `update-flake-lock` titles its pull requests “Update flake.lock” or
    /// “flake.lock: Update”, Renovate “Lock file maintenance”, people write “flake inputs”; Dependabot labels its own
    /// `dependencies`.
    fn default() -> Self {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            labels: own(&["dependencies", "flake-update"]),
            titles: own(&["flake.lock", "flake input", "lock file"]),
        }
    }
}

impl UpdateRule {
    /// Returns whether this pull request counts.
    pub(crate) fn takes(&self, pull_request: &PullRequest) -> bool {
        if pull_request.head.branch.starts_with(OWN_BRANCHES) {
            return false;
        }
        let title = pull_request.title.to_lowercase();
        let has_label = |wanted: &String| {
            pull_request.labels.iter().any(|label| label.name.to_lowercase() == wanted.to_lowercase())
        };
        self.labels.iter().any(has_label)
            || self.titles.iter().any(|part| title.contains(&part.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pull_request(title: &str, labels: &[&str], branch: &str) -> PullRequest {
        let labels: Vec<_> = labels.iter().map(|name| json!({ "name": name })).collect();
        serde_json::from_value(json!({
            "number": 1, "title": title, "html_url": "u", "state": "open", "labels": labels,
            "updated_at": "2026-01-01T00:00:00Z", "user": { "login": "bot" },
            "head": { "ref": branch, "sha": "1" }, "base": { "ref": "main", "sha": "0" },
        }))
        .unwrap()
    }

    #[test]
    fn what_the_usual_updaters_open_counts() {
        let rule = UpdateRule::default();
        for (title, labels, counts) in [
            ("Update flake.lock", &[][..], true),
            ("flake.lock: Update", &[], true),
            ("chore(deps): lock file maintenance", &[], true),
            ("Update flake inputs", &[], true),
            ("Bump nixpkgs", &["Dependencies"], true),
            ("Bump nixpkgs", &["nix"], false),
            ("Repair the printer", &[], false),
        ] {
            assert_eq!(rule.takes(&pull_request(title, labels, "b")), counts, "{title} {labels:?}");
        }
    }

    #[test]
    fn an_empty_text_takes_all_but_our_own() {
        let rule = UpdateRule { labels: vec![], titles: vec![String::new()] };
        assert!(rule.takes(&pull_request("Anything", &[], "b")));
        assert!(!rule.takes(&pull_request("Revert PR #42", &[], "backstay/revert-42")));
    }
}
