//! Problems to report about damaged entries.

use std::path::Path;

use super::{DAMAGED, file_name};
use crate::storage;

/// Upper bound on the entries reported one by one.
const MOST: usize = 3;

/// Returns a sentence for each of the latest damaged entries, and one for the rest.
pub(crate) fn damage(state_dir: &Path) -> Vec<String> {
    let folder = state_dir.join("journal").join(DAMAGED);
    let entries = match storage::names_in(&folder) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("{} could not be read: {error}.", folder.display())],
    };
    let listed = entries.iter().rev().take(MOST).map(|entry| {
        format!(
            "The journal entry of op {} could not be read. It is unknown whether the op ran, and it will not be run again. \
             The entry is kept in {}. Remove it once you have examined it.",
            file_name(entry),
            entry.display()
        )
    });
    let rest = entries.len().saturating_sub(MOST);
    let more = (rest > 0).then(|| format!("{rest} more damaged entries are kept in {}.", folder.display()));
    listed.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn damaged_entries_are_reported_up_to_a_limit() {
        let state = tempfile::tempdir().unwrap();
        assert!(damage(state.path()).is_empty());
        for i in 1..=5 {
            fs::create_dir_all(state.path().join("journal/damaged").join(format!("op-{i}"))).unwrap();
        }
        let problems = damage(state.path());
        assert_eq!(problems.len(), 4);
        assert!(
            problems[0].contains("op-5") && problems[0].contains("journal/damaged/op-5"),
            "{}",
            problems[0]
        );
        assert!(problems[3].starts_with("2 more"), "{}", problems[3]);
    }
}
