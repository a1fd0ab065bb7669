//! Free space.

use std::path::{Path, PathBuf};

use super::Found;

/// One mebibyte, in bytes.
pub(crate) const MIB: u64 = 1 << 20;

/// Returns the free bytes of the file system that holds a path, for people who are not root.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Each of these places that exists has as many MiB free.
pub(super) fn free(places: &[(PathBuf, u64)]) -> Found {
    let known =
        places.iter().filter_map(|(path, least)| Some((path.display(), free_bytes(path)? / MIB, *least)));
    let (full, well): (Vec<_>, Vec<_>) = known.partition(|(_, free, least)| free < least);
    if full.is_empty() {
        let each: Vec<_> =
            well.iter().map(|(path, free, _)| format!("{free} MiB are free in {path}.")).collect();
        return Found::Well(each.join("\n"));
    }
    let each = full
        .iter()
        .map(|(path, free, least)| format!("{free} MiB are free in {path}; a switch needs {least}."));
    Found::Unwell(each.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_fails_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let place = |least| (folder.path().to_owned(), least);
        assert!(matches!(free(&[place(0)]), Found::Well(_)));
        let Found::Unwell(why) = free(&[place(0), place(u64::MAX)]) else { panic!("it passed") };
        assert!(why.contains(&folder.path().display().to_string()), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
        assert_eq!(free(&[("/does/not/exist".into(), u64::MAX)]), Found::Well(String::new()));
    }
}
