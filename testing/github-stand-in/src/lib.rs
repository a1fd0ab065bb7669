//! A stand-in for GitHub: its REST API and its webhooks over a real bare git repository, for the demo and for tests.
//!
//! git itself makes commits, trees, branches and merges. Memory holds everything else that GitHub knows (pull
//! requests, checks, rules, tokens, limits). This crate's tests check the answers against GitHub's own
//! description of its API. No program that ships depends on this crate.
//!
//! Tests have controls that nobody has at GitHub: [commit](StandIn::commit), open [pull
//! requests](StandIn::open_pull_request), take it [offline](StandIn::go_away), and pause it between any two
//! requests with a [gate](StandIn::gate):
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
//! As a program of its own, for the demo and the browser tests, it offers the same controls by
//! [`remote_control`].
//!
//! # Where it differs from GitHub
//! - One repository with branches only: no tags, reviews or comments, and of a fork only what a pull request
//!   brings. Everything besides git is lost at the end.
//! - Nothing is signed, and `verification` says so. GitHub signs the commits that its buttons make.
//! - One rate limit for everything, and none of the limits of search and GraphQL.
//! - Mergeability is known at once, unless a test decides otherwise; GitHub computes it in the background.
//! - A squash names no co-authors.
//! - The answer of `POST merges` on a protected branch (403) is a guess: GitHub does not document it in
//!   detail.

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
