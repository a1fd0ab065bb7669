//! git itself, which knows what a revert is.

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

    /// What git says to something that has to go well.
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

    /// The tree of a merge; none where it conflicts.
    pub(crate) fn merged(&self, one: &str, other: &str) -> Option<String> {
        let output = self.run(&["merge-tree", "--write-tree", one, other]);
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// A commit of this tree.
    pub(crate) fn commit(&self, tree: &str, parents: &[&str], message: &str) -> String {
        let mut words = vec!["commit-tree", tree, "-m", message];
        words.extend(parents.iter().flat_map(|parent| ["-p", parent]));
        self.say(&words)
    }

    /// The commits that `head` has and `base` has not, newest first, without merges.
    pub(crate) fn own(&self, base: &str, head: &str) -> Vec<String> {
        let range = format!("{base}..{head}");
        let listed = self.say(&["rev-list", "--topo-order", "--no-merges", &range]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The tree that `git revert` makes of `head` when it takes back these commits, newest first; none where it
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
