//! The changes between two commits.

use super::{Git, GitError};

/// The empty tree, which every repository knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The kind of change to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileStatus {
    Added,
    Removed,
    Modified,
    Renamed { from: String },
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedFile {
    pub(crate) path: String,
    /// Its current blob, or its last one.
    pub(crate) sha: String,
    pub(crate) status: FileStatus,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
}

impl Git {
    /// The files that differ between two commits; all files if there is no first commit.
    pub(crate) async fn changed_files(
        &self,
        before: Option<&str>,
        after: &str,
    ) -> Result<Vec<ChangedFile>, GitError> {
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "-M",
            "--raw",
            "--numstat",
            "--no-abbrev",
            before.unwrap_or(EMPTY_TREE),
            after,
        ];
        let said = self.text(&args).await?;
        parse(&said).ok_or_else(|| GitError::Unexpected("the list of changed files".to_owned()))
    }
}

/// All `--raw` entries come first, then all `--numstat` entries, in the same order.
fn parse(said: &str) -> Option<Vec<ChangedFile>> {
    let mut fields = said.split('\0').peekable();
    let mut files = vec![];
    while let Some(raw) = fields.next_if(|field| field.starts_with(':')) {
        let mut facts = raw[1..].split(' ').skip(2);
        let (old, new, letter) = (facts.next()?, facts.next()?, facts.next()?.chars().next()?);
        let path = fields.next()?.to_owned();
        let (path, status) = match letter {
            'A' => (path, FileStatus::Added),
            'D' => (path, FileStatus::Removed),
            'R' => (fields.next()?.to_owned(), FileStatus::Renamed { from: path }),
            _ => (path, FileStatus::Modified),
        };
        let sha = if status == FileStatus::Removed { old } else { new }.to_owned();
        files.push(ChangedFile { path, sha, status, additions: 0, deletions: 0 });
    }
    for file in &mut files {
        let mut counts = fields.next()?.split('\t');
        // A binary file has `-` for both.
        file.additions = counts.next()?.parse().unwrap_or(0);
        file.deletions = counts.next()?.parse().unwrap_or(0);
        if counts.next()?.is_empty() {
            // A rename: both names follow as fields of their own.
            fields.nth(1)?;
        }
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renamed_added_and_binary_files_are_told_apart() {
        let said = ":100644 100644 aa bb R090\0old\0new\0:000000 100644 00 cc A\0bin\x001\t2\t\0old\0new\0-\t-\tbin\0";
        let files = parse(said).expect("it is well formed");
        assert_eq!(files[0].status, FileStatus::Renamed { from: "old".to_owned() });
        assert_eq!((files[0].path.as_str(), files[0].additions, files[0].deletions), ("new", 1, 2));
        assert_eq!((files[1].status.clone(), files[1].sha.as_str()), (FileStatus::Added, "cc"));
    }
}
