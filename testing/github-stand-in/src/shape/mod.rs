//! GitHub's JSON.

mod app;
mod check;
mod commit;
mod links;
mod protection;
mod pull;
mod repository;
mod user;

use base64::Engine as _;
use chrono::{DateTime, SecondsFormat, Utc};

pub(crate) use app::{installation, integration};
pub(crate) use check::{check_runs, combined_status};
pub(crate) use commit::{commit, commit_with_files, file, git_commit, in_address};
pub(crate) use links::Links;
pub(crate) use protection::{protection, rules};
pub(crate) use pull::{PullShape, label, pull, pull_simple};
pub(crate) use repository::{full_repository, repository};
pub(crate) use user::{email_of, user};

/// A time, to the second.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The global identifier of an object.
pub(crate) fn node_id(kind: &str, id: impl std::fmt::Display) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}
