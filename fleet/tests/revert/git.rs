//! git itself, as the reference for reverts.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A repository.
pub(crate) struct Git {
    folder: PathBuf,
}

impl Git {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "advice.mergeConflict=false"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The output of a git command that has to succeed.
    #[track_caller]
    pub(crate) fn say(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn bytes(&self, words: &[&str]) -> Vec<u8> {
        self.run(words).stdout
    }

    pub(crate) fn tree(&self, commit: &str) -> String {
        self.say(&["rev-parse", &format!("{commit}^{{tree}}")])
    }

    /// The tree of a merge, or `None` if it conflicts.
    pub(crate) fn merged(&self, one: &str, other: &str) -> Option<String> {
        let output = self.run(&["merge-tree", "--write-tree", one, other]);
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// Creates a commit of this tree.
    pub(crate) fn commit(&self, tree: &str, parents: &[&str], message: &str) -> String {
        let mut words = vec!["commit-tree", tree, "-m", message];
        words.extend(parents.iter().flat_map(|parent| ["-p", parent]));
        self.say(&words)
    }

    /// The commits that `head` has and `base` lacks, newest first, without merges.
    pub(crate) fn own(&self, base: &str, head: &str) -> Vec<String> {
        let range = format!("{base}..{head}");
        let listed = self.say(&["rev-list", "--topo-order", "--no-merges", &range]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The tree after `git revert` of these commits on `head`, newest first, or `None` if it
    /// conflicts. `mainline` is the parent of a merge commit that stays.
    pub(crate) fn reverted(&self, head: &str, commits: &[String], mainline: Option<&str>) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work");
        self.say(&["worktree", "add", "--quiet", "--detach", path.to_str().unwrap(), head]);
        let work = Self::at(&path);
        let mut words = vec!["revert", "--no-commit"];
        if let Some(parent) = mainline {
            words.extend(["-m", parent]);
        }
        words.extend(commits.iter().map(String::as_str));
        let went_well = work.run(&words).status.success();
        let tree = went_well.then(|| work.say(&["write-tree"]));
        self.say(&["worktree", "remove", "--force", path.to_str().unwrap()]);
        tree
    }
}
