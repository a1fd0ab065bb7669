//! Tries a checkout's filters, such as git-lfs, before a pull depends on them. git removes the old file
//! before it finds out that the filter for the new one is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::undo::Unfinished;
use super::{look, read};
use crate::command;
use crate::facts::checkout::git;
use crate::runner::work::Work;

/// Files per git command.
const AT_ONCE: usize = 200;

/// Writes the files of the pull into a separate folder, if the checkout has any filters.
pub(super) fn of_filters(work: &Work<'_>, unfinished: &Unfinished) -> Result<(), String> {
    let filters = look(work, &["config", "--get-regexp", r"^filter\..*\.(smudge|process)$"]);
    if filters.unwrap_or_default().is_empty() {
        return Ok(());
    }
    let folder = PathBuf::from(look(work, &["rev-parse", "--absolute-git-dir"])?);
    let (index, aside) = (folder.join("backstay-index"), folder.join("backstay-rehearsal"));
    let rehearsed = write_aside(work, unfinished, &index, &aside);
    let _ = fs::remove_file(&index);
    let _ = fs::remove_dir_all(&aside);
    rehearsed
}

fn write_aside(work: &Work<'_>, unfinished: &Unfinished, index: &Path, aside: &Path) -> Result<(), String> {
    let with_index = |words: &[&str]| {
        git(work.config(), words.iter().copied())
            .with("GIT_INDEX_FILE", command::path(index))
            .with("GIT_ATTR_SOURCE", unfinished.to.clone())
    };
    read(&with_index(&["read-tree", &unfinished.to]))?;
    let prefix = format!("--prefix={}/", aside.display());
    for some in unfinished.written(work)?.chunks(AT_ONCE) {
        let words = ["checkout-index", "--quiet", "--force", &prefix, "--"];
        let words: Vec<_> = words.into_iter().chain(some.iter().map(String::as_str)).collect();
        read(&with_index(&words))?;
    }
    Ok(())
}
