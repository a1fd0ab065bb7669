//! Checks of a commit.

use serde::Deserialize;

/// A check run, as GitHub Actions reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Its conclusion (`success`, `failure`, …); `None` while it runs.
    pub conclusion: Option<String>,
}

impl Check {
    /// Creates a completed one.
    pub fn ended(name: impl Into<String>, conclusion: impl Into<String>) -> Self {
        Self { name: name.into(), conclusion: Some(conclusion.into()) }
    }

    /// Creates a running one.
    pub fn running(name: impl Into<String>) -> Self {
        Self { name: name.into(), conclusion: None }
    }

    pub(crate) fn has_passed(&self) -> bool {
        matches!(self.conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
    }
}

/// A commit status, as older services report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The reporting service.
    pub context: String,
    /// `success`, `pending`, `failure` or `error`.
    pub state: String,
}

impl CommitStatus {
    pub(crate) fn has_passed(&self) -> bool {
        self.state == "success"
    }
}
