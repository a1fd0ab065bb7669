//! Takes back a pull that failed half-way, immediately or at the next pull.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::changes::{self, Change};
use super::{head, look, submodules};
use crate::command::Invocation;
use crate::facts::checkout::git;
use crate::runner::work::Work;
use crate::storage;

/// Files per git command.
const AT_ONCE: usize = 200;
/// Ends the message about a checkout that was restored or never changed.
const AS_IT_WAS: &str = "The checkout is as it was.";

/// A pull that is writing to the checkout, or that did not finish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unfinished {
    /// The checkout.
    pub(super) path: PathBuf,
    /// The checkout's commit before the pull.
    pub(super) before: String,
    /// The commit to pull.
    pub(super) to: String,
}

impl Unfinished {
    /// Records the pull.
    pub(super) fn begin(&self, work: &Work<'_>) -> io::Result<()> {
        storage::write_json(&file(work), self)
    }

    /// Forgets a pull that ended and left the checkout whole.
    pub(super) fn done(work: &Work<'_>) {
        forget(work);
    }

    /// Returns the files that the pull writes: changed ones and new ones.
    pub(super) fn written(&self, work: &Work<'_>) -> Result<Vec<String>, String> {
        self.differing(work, "d")
    }

    fn differing(&self, work: &Work<'_>, filter: &str) -> Result<Vec<String>, String> {
        let filter = format!("--diff-filter={filter}");
        let words =
            ["diff", "--name-only", "--no-renames", "--ignore-submodules", &filter, &self.before, &self.to];
        listed(work, &words)
    }
}

/// git on these files, which may have any characters in their names.
fn on_files(work: &Work<'_>, words: &[&str], files: &[String]) -> Invocation {
    let words = words.iter().copied().chain(files.iter().map(String::as_str));
    git(work.config(), words).with("GIT_LITERAL_PATHSPECS", "1")
}

/// Parses file names, one per line. Skips names that git quotes, which contain quotes or control characters.
fn listed(work: &Work<'_>, words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<_> = ["-c", "core.quotePath=false"].into_iter().chain(words.iter().copied()).collect();
    let output = look(work, &words)?;
    Ok(output.lines().filter(|name| !name.is_empty() && !name.starts_with('"')).map(str::to_owned).collect())
}

fn file(work: &Work<'_>) -> PathBuf {
    work.config().state_dir.join("unfinished-pull.json")
}

fn forget(work: &Work<'_>) {
    let _ = std::fs::remove_file(file(work));
}

/// Takes back whatever an earlier pull left half-written.
pub(super) fn finish_earlier(work: &mut Work<'_>) {
    let Ok(Some(earlier)) = storage::read_json::<Unfinished>(&file(work)) else { return };
    let is_there = earlier.path == work.config().checkout.path && head(work) == earlier.before;
    if !is_there {
        // All of its files were written, or somebody has moved the checkout since.
        return forget(work);
    }
    if changes::of_checkout(work).is_ok_and(|changes| changes.is_empty()) {
        return forget(work);
    }
    let result = put_back(work, &earlier);
    work.say(&format!("An earlier pull ended half-way. {result}"));
}

/// Restores the checkout and describes the result. Takes back only what the pull itself wrote.
pub(super) fn put_back(work: &mut Work<'_>, unfinished: &Unfinished) -> String {
    if head(work) == unfinished.to {
        let back = git(work.config(), ["reset", "--keep", &unfinished.before]);
        work.run_cleanup(&back);
    } else {
        restore(work, unfinished);
    }
    if submodules::are_used(work) {
        let back = git(work.config(), ["submodule", "update", "--recursive", "--no-fetch"]);
        work.run_cleanup(&back);
    }
    let is_back = head(work) == unfinished.before;
    let left = changes::of_checkout(work).map(|changes| {
        let changed = changes.into_iter().map(|change| change.path);
        changed.chain(added(work, unfinished)).collect::<Vec<_>>()
    });
    match left {
        Ok(left) if left.is_empty() && is_back => {
            forget(work);
            AS_IT_WAS.to_owned()
        }
        Ok(left) if is_back => format!(
            "The checkout's commit is as it was, but these files are half-written: {}. The next pull restores them if it \
             can.",
            changes::named(&left)
        ),
        _ => "The checkout could not be restored. Check it on the host.".to_owned(),
    }
}

/// Restores the files that the pull wrote or removed before it failed, and removes those that it added.
fn restore(work: &mut Work<'_>, unfinished: &Unfinished) {
    let changed = changes::of_checkout(work).unwrap_or_default();
    let ours = written_by_pull(work, unfinished, &changed).unwrap_or_default();
    for some in ours.chunks(AT_ONCE) {
        let words = ["checkout", "--quiet", "--force", &unfinished.before, "--"];
        let command = on_files(work, &words, some);
        work.run_cleanup(&command);
    }
    for some in added_by_pull(work, unfinished).chunks(AT_ONCE) {
        let words = ["clean", "--quiet", "--force", "-d", "-x", "--"];
        let command = on_files(work, &words, some);
        work.run_cleanup(&command);
    }
}

/// Returns the existing files that are new in the pulled commit.
fn added(work: &Work<'_>, unfinished: &Unfinished) -> Vec<String> {
    let root = &work.config().checkout.path;
    let mut added = unfinished.differing(work, "A").unwrap_or_default();
    added.retain(|path| root.join(path).symlink_metadata().is_ok());
    added
}

/// Returns those of them that hold what the pull wrote and not what a person wrote.
fn added_by_pull(work: &Work<'_>, unfinished: &Unfinished) -> Vec<String> {
    let added = added(work, unfinished);
    let mut ours = vec![];
    for some in added.chunks(AT_ONCE) {
        let names = || some.iter().map(String::as_str);
        let are = listed(work, &["hash-object", "--"].into_iter().chain(names()).collect::<Vec<_>>());
        let pulled = ["ls-tree", "-r", &unfinished.to, "--"].into_iter().chain(names()).collect::<Vec<_>>();
        let (Ok(are), Ok(pulled)) = (are, listed(work, &pulled)) else { continue };
        let is_pulled = |path: &str, hash: &str| {
            // `100644 blob HASH<tab>PATH`
            pulled.iter().any(|line| line.ends_with(&format!(" {hash}\t{path}")))
        };
        ours.extend(
            names().zip(&are).filter(|(path, hash)| is_pulled(path, hash)).map(|(path, _)| path.to_owned()),
        );
    }
    ours
}

/// Returns the changed files that are gone or hold the pulled content. What a person wrote matches neither.
fn written_by_pull(
    work: &Work<'_>,
    unfinished: &Unfinished,
    changed: &[Change],
) -> Result<Vec<String>, String> {
    let touched: HashSet<_> = unfinished.differing(work, "MDT")?.into_iter().collect();
    let other: HashSet<_> =
        listed(work, &["diff", "--name-only", "--no-renames", &unfinished.to])?.into_iter().collect();
    let root = &work.config().checkout.path;
    let is_ours = |path: &String| {
        let is_gone = root.join(path).symlink_metadata().is_err();
        touched.contains(path) && (is_gone || !other.contains(path))
    };
    Ok(changed.iter().map(|change| change.path.clone()).filter(is_ours).collect())
}
