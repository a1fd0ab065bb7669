//! The configuration repository at GitHub: the client for its API, and the revert of a pull request.
//!
//! `client` sends requests and turns failures into words. `repository` holds single requests; `questions` holds the repeated
//! ones, whose answers `memo` caches. `settings` finds faults in the configuration, and `quiet` respects GitHub's limits.
//! `undo` finds what a merged pull request did on the branch, [`revert`] takes it back, and [`webhook`] reads deliveries.
//! <https://docs.github.com/en/rest>

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
pub use pull_request::{MergeMethod, PullRequest, User};
pub(crate) use questions::{LOOKED_THROUGH, Listed};
pub use repository::GitHub;
pub(crate) use settings::Settings;
pub use update_rule::UpdateRule;
