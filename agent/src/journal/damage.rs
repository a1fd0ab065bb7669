//! What is told of entries that could not be read.

use std::path::Path;

use super::{DAMAGED, file_name};
use crate::storage;

/// How many are told of one by one.
const MOST: usize = 3;

/// A sentence for each of the latest damaged entries of the journal, and one for the rest.
pub(crate) fn damage(state_dir: &Path) -> Vec<String> {
    let folder = state_dir.join("journal").join(DAMAGED);
    let entries = match storage::names_in(&folder) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("{} could not be read: {error}.", folder.display())],
    };
    let told = entries.iter().rev().take(MOST).map(|entry| {
        format!(
            "The journal's entry of op {} could not be read: whether it ran is not known, and it is not run again. It is \
             kept in {}. Remove it there once you have looked at it.",
            file_name(entry),
            entry.display()
        )
    });
    let rest = entries.len().saturating_sub(MOST);
    let more = (rest > 0).then(|| format!("{rest} more damaged entries are kept in {}.", folder.display()));
    told.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn damaged_entries_are_told_up_to_a_point() {
        let state = tempfile::tempdir().unwrap();
        assert!(damage(state.path()).is_empty());
        for i in 1..=5 {
            fs::create_dir_all(state.path().join("journal/damaged").join(format!("op-{i}"))).unwrap();
        }
        let told = damage(state.path());
        assert_eq!(told.len(), 4);
        assert!(told[0].contains("op-5") && told[0].contains("journal/damaged/op-5"), "{}", told[0]);
        assert!(told[3].starts_with("2 more"), "{}", told[3]);
    }
}
