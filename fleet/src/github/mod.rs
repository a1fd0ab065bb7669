//! The configuration repository at GitHub: what is asked of its API, and the revert of a pull request.
//!
//! `client` asks and says in words what went wrong. `repository` and `questions` are what Backstay asks, the latter again
//! and again and so by a `memo` of the answers; `settings` says what is wrong with the configuration; `quiet` keeps
//! GitHub's limits. `undo` finds what a merged pull request did on the branch, [`revert`] takes it back, and
//! [`webhook`] reads what GitHub tells by itself. <https://docs.github.com/en/rest>

mod branch;
mod client;
mod error;
mod memo;
mod pull_request;
mod questions;
mod quiet;
mod repository;
pub mod revert;
mod settings;
mod undo;
mod update_rule;
pub mod webhook;

pub use branch::BranchState;
pub use client::{Access, GitHubConfig};
pub use error::GitHubError;
pub(crate) use memo::Memo;
pub use pull_request::{MergeMethod, PullRequest};
pub(crate) use questions::{LOOKED_THROUGH, Listed};
pub use repository::GitHub;
pub(crate) use settings::Settings;
pub use update_rule::UpdateRule;
