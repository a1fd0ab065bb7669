//! Commits.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::user::login_of;
use super::{Links, node_id, time, user};
use crate::git::{ChangedFile, Commit, FileStatus, Person};

fn person(person: &Person) -> Value {
    json!({ "name": person.name, "email": person.email, "date": time(person.at) })
}

/// Nothing here is signed.
fn unsigned() -> Value {
    json!({ "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null })
}

/// What `git/commits` and `commits` have in common: a commit's names and parents, with addresses below `path`.
fn named(links: &Links, path: &str, commit: &Commit) -> Value {
    let address = |sha: &str| {
        json!({
            "sha": sha,
            "url": links.repo(&format!("{path}/{sha}")),
            "html_url": links.page(&format!("commit/{sha}")),
        })
    };
    let mut shape = address(&commit.sha);
    shape["node_id"] = node_id("Commit", &commit.sha).into();
    shape["parents"] = commit.parents.iter().map(|sha| address(sha)).collect();
    shape
}

/// What git itself stores in a commit.
fn stored(links: &Links, commit: &Commit) -> Value {
    json!({
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "message": commit.message,
        "tree": { "sha": commit.tree, "url": links.repo(&format!("git/trees/{}", commit.tree)) },
        "verification": unsigned(),
    })
}

/// Adds the fields of `more` to a shape.
fn with(mut shape: Value, more: Value) -> Value {
    if let (Value::Object(shape), Value::Object(more)) = (&mut shape, more) {
        shape.extend(more);
    }
    shape
}

/// A commit as git stores it: `git/commits`.
pub(crate) fn git_commit(links: &Links, commit: &Commit) -> Value {
    with(named(links, "git/commits", commit), stored(links, commit))
}

/// A commit as GitHub shows it: `commits`.
pub(crate) fn commit(links: &Links, commit: &Commit) -> Value {
    let account = |person: &Person| login_of(&person.email).map(|login| user(links, login));
    let own = json!({ "url": links.repo(&format!("git/commits/{}", commit.sha)), "comment_count": 0 });
    let shown = json!({
        "commit": with(stored(links, commit), own),
        "comments_url": links.repo(&format!("commits/{}/comments", commit.sha)),
        "author": account(&commit.author),
        "committer": account(&commit.committer),
    });
    with(named(links, "commits", commit), shown)
}

/// A commit with its changes.
pub(crate) fn commit_with_files(links: &Links, of: &Commit, files: &[ChangedFile]) -> Value {
    let additions: u64 = files.iter().map(|file| file.additions).sum();
    let deletions: u64 = files.iter().map(|file| file.deletions).sum();
    let mut shape = commit(links, of);
    shape["stats"] =
        json!({ "additions": additions, "deletions": deletions, "total": additions + deletions });
    shape["files"] = files.iter().map(|changed| file(links, &of.sha, changed)).collect();
    shape
}

/// A file changed by a commit.
pub(crate) fn file(links: &Links, at: &str, file: &ChangedFile) -> Value {
    let status = match file.status {
        FileStatus::Added => "added",
        FileStatus::Removed => "removed",
        FileStatus::Modified => "modified",
        FileStatus::Renamed { .. } => "renamed",
    };
    let path = in_address(&file.path);
    let mut shape = json!({
        "sha": file.sha,
        "filename": file.path,
        "status": status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": links.page(&format!("blob/{at}/{path}")),
        "raw_url": links.page(&format!("raw/{at}/{path}")),
        "contents_url": links.repo(&format!("contents/{path}?ref={at}")),
    });
    if let FileStatus::Renamed { from } = &file.status {
        shape["previous_filename"] = json!(from);
    }
    shape
}

/// What is neither unreserved (RFC 3986) nor a slash.
const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Escapes a path for a URL.
pub(crate) fn in_address(path: &str) -> String {
    utf8_percent_encode(path, RESERVED).to_string()
}
