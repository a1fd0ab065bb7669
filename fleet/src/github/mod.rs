//! The configuration repository at GitHub: what is asked of its API, and the revert of a pull request.
//!
//! `client` asks and says in words what went wrong, `repository` is the handful of questions that Backstay has, and
//! [`revert`] puts them together; [`webhook`] reads what GitHub tells by itself. <https://docs.github.com/en/rest>

mod branch;
mod client;
mod error;
mod pull_request;
mod repository;
pub mod revert;
pub mod webhook;

pub use branch::BranchState;
pub use client::{Access, GitHubConfig};
pub use error::GitHubError;
pub use pull_request::{MergeMethod, PullRequest};
pub use repository::GitHub;
