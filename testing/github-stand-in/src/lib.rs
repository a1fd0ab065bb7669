//! A stand-in for GitHub: its REST API and its webhooks over a real bare git repository, for the demo and for tests.
//!
//! Commits, trees, branches and merges are made by git itself. What else GitHub knows (pull requests, checks, rules,
//! tokens, limits) is kept in memory. The answers are held against GitHub's own description of its API in this crate's
//! tests. Nothing of the product's own programs depends on this crate.
//!
//! A test has hands on it that nobody has on GitHub: it [commits](StandIn::commit) and opens
//! [pull requests](StandIn::open_pull_request), sends it [away](StandIn::go_away), and stops the world between any two
//! requests by a [gate](StandIn::gate):
//!
//! ```no_run
//! # async fn story() -> Result<(), Box<dyn std::error::Error>> {
//! use backstay_github_stand_in::{Change, Moment, NewPullRequest, Options, StandIn, lock_file};
//!
//! let github = StandIn::start(Options::default()).await?;
//! let (old, new) = ("1".repeat(40), "2".repeat(40));
//! let lock = |revision: &str| vec![Change::write("flake.lock", lock_file(&[("nixpkgs", revision)]))];
//! github.commit("main", "alice", "A flake", &lock(&old)).await?;
//! let update = NewPullRequest::new("update/nixpkgs", "Update nixpkgs", lock(&new));
//! let number = github.open_pull_request(NewPullRequest { number: Some(42), ..update }).await?;
//!
//! // A client of `github.url` merges it; the branch has moved, but the answer is lost.
//! let mut gate = github.gate(Moment::After, move |asked| asked.is("PUT", &format!("pulls/{number}/merge")));
//! gate.stops().await.hang_up();
//! # Ok(())
//! # }
//! ```
//!
//! As a program of its own, for the demo and for browser tests, it is told the same by [`remote_control`].
//!
//! # Where it differs from GitHub
//! - One repository, branches only (no tags, reviews, comments; of a fork only what a pull request brings), and
//!   everything beside git is forgotten at the end.
//! - Nothing is signed: `verification` says so. GitHub signs what its buttons make.
//! - One rate limit for all, and none of the limits of search and GraphQL.
//! - Mergeability is known at once, unless a test says otherwise; GitHub works it out in the background.
//! - A squash names no co-authors.
//! - What `POST merges` answers on a protected branch (403) is not documented in detail, and is a guess.

mod api;
mod control;
mod git;
mod merge;
mod options;
mod push;
mod shape;
mod stand_in;
mod state;
mod web;
mod webhook;
mod world;

pub use control::{NewPullRequest, lock_file, remote_control};
pub use git::{Change, GitError};
pub use options::{Options, TOKEN};
pub use stand_in::{StandIn, StartError};
pub use state::{
    App, AppKey, Check, CommitStatus, MergeMethods, Permission, Protection, ProtectionKind, Token,
};
pub use web::{Asked, Away, Gate, Moment, Stopped};
pub use webhook::{Delivery, Webhook};

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
