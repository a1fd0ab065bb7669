//! Takes back a pull that failed half-way, at once or at the next pull.

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

/// How many files one git is given.
const AT_ONCE: usize = 200;
/// What is said of a checkout that was put back, or never changed.
const AS_IT_WAS: &str = "The checkout is as it was.";

/// A pull that writes to the checkout, or did so and did not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unfinished {
    /// The checkout.
    pub(super) path: PathBuf,
    /// The commit that it was at.
    pub(super) before: String,
    /// The commit that it is brought to.
    pub(super) to: String,
}

impl Unfinished {
    /// Writes it down.
    pub(super) fn begin(&self, work: &Work<'_>) -> io::Result<()> {
        storage::write_json(&file(work), self)
    }

    /// It has ended, and left the checkout whole.
    pub(super) fn done(work: &Work<'_>) {
        forget(work);
    }

    /// The files that it writes: those that are other ones, or new.
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

/// git on these files, whatever characters their names have.
fn on_files(work: &Work<'_>, words: &[&str], files: &[String]) -> Invocation {
    let words = words.iter().copied().chain(files.iter().map(String::as_str));
    git(work.config(), words).with("GIT_LITERAL_PATHSPECS", "1")
}

/// Names of files, one a line. Names that git has to quote are passed over: they hold quotes or control characters.
fn listed(work: &Work<'_>, words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<_> = ["-c", "core.quotePath=false"].into_iter().chain(words.iter().copied()).collect();
    let told = look(work, &words)?;
    Ok(told.lines().filter(|name| !name.is_empty() && !name.starts_with('"')).map(str::to_owned).collect())
}

fn file(work: &Work<'_>) -> PathBuf {
    work.config().state_dir.join("unfinished-pull.json")
}

fn forget(work: &Work<'_>) {
    let _ = std::fs::remove_file(file(work));
}

/// Takes back what an earlier pull left half-written, if anything.
pub(super) fn finish_earlier(work: &mut Work<'_>) {
    let Ok(Some(earlier)) = storage::read_json::<Unfinished>(&file(work)) else { return };
    let is_there = earlier.path == work.config().checkout.path && head(work) == earlier.before;
    if !is_there {
        // Its files were all written, or somebody has moved the checkout since.
        return forget(work);
    }
    if changes::of_checkout(work).is_ok_and(|changes| changes.is_empty()) {
        return forget(work);
    }
    let told = put_back(work, &earlier);
    work.say(&format!("An earlier pull ended half-way. {told}"));
}

/// Brings the checkout back to where it was, and says how that went. Only what the pull itself wrote is taken back.
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
            "The checkout's commit is as it was, but these files are half-written: {}. The next pull puts them back if it \
             can.",
            changes::named(&left)
        ),
        _ => "The checkout could not be put back. Look at it on the host.".to_owned(),
    }
}

/// Restores files that the pull wrote or removed before it failed, and removes those that it added.
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

/// The files that are new in what is pulled, and are there.
fn added(work: &Work<'_>, unfinished: &Unfinished) -> Vec<String> {
    let root = &work.config().checkout.path;
    let mut added = unfinished.differing(work, "A").unwrap_or_default();
    added.retain(|path| root.join(path).symlink_metadata().is_ok());
    added
}

/// Those of them that hold what the pull wrote, not what a person did.
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

/// The changed files that are gone, or as the pull would have them. What a person wrote is in neither state.
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
