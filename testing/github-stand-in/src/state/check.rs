//! What ran on a commit.

use serde::Deserialize;

/// A check run, as GitHub Actions reports them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// How it ended (`success`, `failure`, …); none while it runs.
    pub conclusion: Option<String>,
}

impl Check {
    /// One that ended so.
    pub fn ended(name: impl Into<String>, conclusion: impl Into<String>) -> Self {
        Self { name: name.into(), conclusion: Some(conclusion.into()) }
    }

    /// One that runs.
    pub fn running(name: impl Into<String>) -> Self {
        Self { name: name.into(), conclusion: None }
    }

    pub(crate) fn has_passed(&self) -> bool {
        matches!(self.conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
    }
}

/// A commit status, as older services report them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// Who says so.
    pub context: String,
    /// `success`, `pending`, `failure` or `error`.
    pub state: String,
}

impl CommitStatus {
    pub(crate) fn has_passed(&self) -> bool {
        self.state == "success"
    }
}
