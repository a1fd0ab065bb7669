//! The changed files of a checkout.

use super::look;
use crate::runner::work::Work;

/// Upper bound on the changed files that a message names.
const FILES: usize = 5;

/// A tracked file that differs from the checkout's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: String,
    /// True if it is a submodule at another commit, with no other change.
    pub(super) is_moved_submodule: bool,
}

pub(super) fn of_checkout(work: &Work<'_>) -> Result<Vec<Change>, String> {
    let output =
        look(work, &["-c", "core.quotePath=false", "status", "--porcelain=v2", "--untracked-files=no"])?;
    Ok(output.lines().filter_map(change).collect())
}

/// Parses a line of `git status --porcelain=v2`: a letter, the states, the submodule's state, and, after a
/// number of fields that depends on the letter, the path.
fn change(line: &str) -> Option<Change> {
    let fields_before_path = match line.split(' ').next()? {
        "1" => 8,
        "2" => 9,
        "u" => 10,
        _ => return None,
    };
    let mut fields = line.splitn(fields_before_path + 1, ' ');
    let (states, submodule) = (fields.nth(1)?, fields.next()?);
    let path = fields.nth(fields_before_path - 3)?;
    let path = path.split('\t').next().unwrap_or(path).trim_matches('"');
    Some(Change { path: path.to_owned(), is_moved_submodule: states == ".M" && submodule == "SC.." })
}

/// Joins the first names, and counts the others.
pub(super) fn named(paths: &[String]) -> String {
    let more = paths.len().saturating_sub(FILES);
    let first = paths[..paths.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_read() {
        let hash = "0".repeat(40);
        for (line, path, is_moved_submodule) in [
            (format!("1 .M N... 100644 100644 100644 {hash} {hash} hosts/a b.nix"), "hosts/a b.nix", false),
            (format!("1 .M SC.. 160000 160000 160000 {hash} {hash} sub"), "sub", true),
            (format!("1 .M SCM. 160000 160000 160000 {hash} {hash} sub"), "sub", false),
            (format!("1 M. SC.. 160000 160000 160000 {hash} {hash} sub"), "sub", false),
            (format!("2 R. N... 100644 100644 100644 {hash} {hash} R100 new.nix\told.nix"), "new.nix", false),
            (format!("u UU N... 100644 100644 100644 100644 {hash} {hash} {hash} both"), "both", false),
        ] {
            assert_eq!(change(&line), Some(Change { path: path.into(), is_moved_submodule }), "{line}");
        }
        assert_eq!(change("# branch.head main"), None);
    }

    #[test]
    fn changed_files_are_named_up_to_a_point() {
        let many: Vec<_> = (0..8).map(|i| format!("f{i}")).collect();
        assert_eq!(named(&many[..2]), "f0, f1");
        assert_eq!(named(&many), "f0, f1, f2, f3, f4 and 3 more");
    }
}
