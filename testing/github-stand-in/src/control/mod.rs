//! What a test or the demo can do to the stand-in, besides its API.

mod access;
mod branches;
mod lock;
mod observe;
mod pulls;
mod remote;
mod rules;

pub use lock::lock_file;
pub use pulls::NewPullRequest;
pub use remote::remote_control;

use crate::git::GitError;
use crate::web::Refusal;

fn refused(refusal: &Refusal) -> GitError {
    GitError::Unexpected(refusal.body("")["message"].to_string())
}
