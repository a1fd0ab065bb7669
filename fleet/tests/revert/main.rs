//! The revert of a pull request through the API, against real git behind a stand-in for GitHub.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod bench;
mod crashes;
mod deployments;
mod git;
mod histories;
mod refusals;
mod ways;
