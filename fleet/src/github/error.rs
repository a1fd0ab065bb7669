//! Errors at GitHub, in words that can be shown to a person.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;

/// An error at GitHub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// No answer, or not from GitHub itself.
    #[error("GitHub cannot be reached: {0}.")]
    Away(String),
    /// A rate limit was reached.
    #[error("GitHub takes no more requests {}.", .0.map_or_else(|| "for now".to_owned(), |at| format!("before {}", at.format("%H:%M UTC"))))]
    RateLimited(Option<DateTime<Utc>>),
    /// The token is wrong or has expired.
    #[error("GitHub does not accept the token. Put a valid one into the token file and restart the server.")]
    BadCredentials,
    /// GitHub does not know the app or its installation.
    #[error("GitHub does not accept the app: {0}. Check its identifier, its installation and its key.")]
    BadApp(String),
    /// The token may not do this.
    #[error(
        "GitHub does not allow this with the token ({0}). Give it read and write access to contents and pull requests."
    )]
    Forbidden(String),
    /// There is no such thing, or the token may not see it.
    #[error("GitHub knows no {0}, or the token may not see it.")]
    NotFound(String),
    /// The request conflicts with the state at GitHub.
    #[error("GitHub reports a conflict: {0}.")]
    Conflict(String),
    /// A pull request cannot be merged as it is.
    #[error("GitHub does not merge it: {0}.")]
    NotMergeable(String),
    /// The rules of the branch do not allow it.
    #[error("The branch is protected at GitHub: {0}.")]
    Protected(String),
    /// The branch has moved on.
    #[error("The branch has moved in the meantime.")]
    NotFastForward,
    /// Any other refusal.
    #[error("GitHub refused: {0}.")]
    Refused(String),
    /// An answer that does not follow GitHub's documentation.
    #[error("GitHub sent an unexpected answer: {0}.")]
    Unexpected(String),
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    documentation_url: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

/// The rate limit in the headers of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limit {
    /// Whether the limit is reached, or GitHub requests a pause.
    pub(super) is_reached: bool,
    /// The end of the limit or the pause.
    pub(super) until: Option<DateTime<Utc>>,
}

impl GitHubError {
    /// Returns whether a retry may succeed without anybody repairing anything.
    pub fn will_pass(&self) -> bool {
        matches!(self, Self::Away(_) | Self::RateLimited(_))
    }

    /// The error that an answer with this status means.
    pub(super) fn of(status: StatusCode, limit: Limit, what: &str, body: &str) -> Self {
        let refusal: Refusal = serde_json::from_str(body).unwrap_or_default();
        let said = message_of(&refusal);
        let is_protection = || is_protection(&said) || is_about_protection(&refusal.documentation_url);
        match status.as_u16() {
            403 | 429 if limit.is_reached || said.to_lowercase().contains("rate limit") => {
                Self::RateLimited(limit.until)
            }
            401 => Self::BadCredentials,
            403 if is_protection() => Self::Protected(said),
            403 => Self::Forbidden(said),
            404 => Self::NotFound(what.to_owned()),
            405 => Self::NotMergeable(said),
            409 => Self::Conflict(said),
            422 if said.contains("not a fast forward") => Self::NotFastForward,
            422 if is_protection() => Self::Protected(said),
            422 => Self::Refused(said),
            500.. => Self::Away(format!("it answered {status}")),
            _ => Self::Unexpected(format!("{status} {said}")),
        }
    }
}

/// The message of a refusal and the messages of its errors, in one line.
fn message_of(refusal: &Refusal) -> String {
    let errors =
        refusal.errors.iter().filter_map(|error| error.as_str().or_else(|| error.get("message")?.as_str()));
    let parts: Vec<_> = std::iter::once(refusal.message.as_str()).chain(errors).collect();
    let line = parts.join("; ").split_whitespace().collect::<Vec<_>>().join(" ");
    backstay_model::wire::limits::cut(line.trim_end_matches(['.', ';', ' ']), 300)
}

/// Returns whether a refusal links to the documentation of protected branches or of rulesets.
fn is_about_protection(documentation: &str) -> bool {
    ["protected-branches", "about-rulesets", "available-rules-for-rulesets"]
        .iter()
        .any(|page| documentation.contains(page))
}

/// Returns whether these are the words of a protected branch or of a ruleset.
fn is_protection(said: &str) -> bool {
    let said = said.to_lowercase();
    [
        "protected branch",
        "required status check",
        "not authorized to push",
        "rule violations",
        "made through a pull request",
        "reference update failed",
        "approving review",
        "verified signatures",
        "merge queue",
        "must not contain merge commits",
        "creations being restricted",
    ]
    .iter()
    .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> GitHubError {
        let status = StatusCode::from_u16(status).unwrap();
        GitHubError::of(status, Limit::default(), "pull request 42", body)
    }

    #[test]
    fn each_refusal_is_told_from_the_others() {
        let said = |message: &str| format!(r#"{{"message":"{message}","documentation_url":"x"}}"#);
        assert_eq!(of(401, &said("Bad credentials")), GitHubError::BadCredentials);
        assert!(matches!(
            of(403, &said("Resource not accessible by personal access token")),
            GitHubError::Forbidden(_)
        ));
        assert_eq!(of(404, &said("Not Found")), GitHubError::NotFound("pull request 42".into()));
        assert!(matches!(of(405, &said("Pull Request is not mergeable")), GitHubError::NotMergeable(_)));
        assert!(matches!(of(409, &said("Merge conflict")), GitHubError::Conflict(_)));
        assert_eq!(of(422, &said("Update is not a fast forward")), GitHubError::NotFastForward);
        for words in [
            "Reference update failed",
            "Repository rule violations found",
            "Changes must be made through a pull request.",
            "You're not authorized to push to this branch.",
            "Required status check \\\"ci\\\" is expected.",
            "At least 1 approving review is required by reviewers with write access.",
            "Commits must have verified signatures.",
            "Changes must be made through the merge queue",
            "This branch must not contain merge commits.",
            "Cannot create ref due to creations being restricted.",
        ] {
            assert!(matches!(of(422, &said(words)), GitHubError::Protected(_)), "{words}");
        }
        assert!(matches!(of(422, &said("Validation Failed")), GitHubError::Refused(_)));
        // As GitHub answered the bot bors; only the link identifies it.
        let documented = r#"{"message":"No.","documentation_url":"https://docs.github.com/articles/about-protected-branches"}"#;
        assert!(matches!(of(422, documented), GitHubError::Protected(_)));
        assert!(matches!(of(502, "<html>"), GitHubError::Away(_)));
        assert!(matches!(of(418, ""), GitHubError::Unexpected(_)));
    }

    #[test]
    fn a_limit_says_until_when() {
        let until = DateTime::from_timestamp(1_764_000_000, 0);
        let limit = Limit { is_reached: true, until };
        let error = GitHubError::of(StatusCode::FORBIDDEN, limit, "x", "{}");
        assert_eq!(error, GitHubError::RateLimited(until));
        assert_eq!(error.to_string(), "GitHub takes no more requests before 16:00 UTC.");
        let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
        assert_eq!(of(403, secondary), GitHubError::RateLimited(None));
    }

    #[test]
    fn the_errors_within_a_refusal_are_told_too() {
        let body = r#"{"message":"Validation Failed","errors":[{"message":"A pull request already exists for x."}, "y"]}"#;
        assert_eq!(
            of(422, body).to_string(),
            "GitHub refused: Validation Failed; A pull request already exists for x.; y."
        );
    }
}
