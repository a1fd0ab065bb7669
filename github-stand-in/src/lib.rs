//! A stand-in for GitHub: its REST API and its webhooks over a real bare git repository, for the demo and for tests.
//!
//! Commits, trees, branches and merges are made by git itself. What else GitHub knows (pull requests, checks, rules,
//! tokens, limits) is kept in memory. The answers are held against GitHub's own description of its API in this crate's
//! tests. Nothing of the product's own programs depends on this crate.
//!
//! A test has hands on it that nobody has on GitHub: it [commits](StandIn::commit) and opens
//! [pull requests](StandIn::open_pull_request), sends it [away](StandIn::go_away), and stops the world between any two
//! requests by a [gate](StandIn::gate).

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

pub use control::{NewPullRequest, lock_file};
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
