//! A Nix profile, read from its links, which needs neither root nor a lock.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use backstay_model::Generation;
use chrono::{DateTime, Datelike as _, Utc};

use crate::storage::names_in;

/// A Nix profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    path: PathBuf,
}

impl Profile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the generation that the profile points at.
    pub(crate) fn current(&self) -> Option<u32> {
        self.number_of(fs::read_link(&self.path).ok()?.file_name()?)
    }

    /// Describes a profile that points at none of its generations.
    pub(crate) fn points_astray(&self) -> String {
        let path = self.path.display();
        let at = match fs::read_link(&self.path) {
            Ok(target) => format!("points at {}, which is", target.display()),
            Err(error) => format!("cannot be followed ({error}), so it points at"),
        };
        format!(
            "The profile {path} {at} none of its generations. Set it: nix-env --profile {path} --switch-generation N."
        )
    }

    /// Returns the numbers of all generations, highest first, whether or not their builds still exist.
    pub(crate) fn numbers(&self) -> Result<Vec<u32>, String> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let names = names_in(folder)
            .map_err(|error| format!("The profile's folder {} cannot be read: {error}.", folder.display()))?;
        let mut numbers: Vec<_> = names.iter().filter_map(|path| self.number_of(path.file_name()?)).collect();
        numbers.sort_unstable_by_key(|&number| std::cmp::Reverse(number));
        Ok(numbers)
    }

    /// Returns all generations, newest first.
    pub(crate) fn generations(&self) -> Result<Vec<Generation>, String> {
        let current = self.current();
        let numbers = self.numbers()?;
        if numbers.is_empty() {
            return Err(format!("The profile {} has no generations.", self.path.display()));
        }
        Ok(numbers.into_iter().filter_map(|number| self.generation(number, current)).collect())
    }

    /// Returns the link of one generation.
    pub(crate) fn link(&self, number: u32) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}-{number}-link"))
    }

    fn generation(&self, number: u32, current: Option<u32>) -> Option<Generation> {
        let link = self.link(number);
        // A generation that was removed since the listing is left out.
        let store_path = fs::read_link(&link).ok()?;
        let made = link.symlink_metadata().ok().and_then(|found| made_at(&found)).unwrap_or_default();
        Some(Generation {
            number,
            present: store_path.exists(),
            store_path: store_path.to_string_lossy().into_owned(),
            commit: None,
            tree: None,
            version: None,
            kernel: None,
            created_at: made,
            current: current == Some(number),
            booted: false,
            needs_reboot: false,
            inhibitors: vec![],
            specialisations: vec![],
        })
    }

    /// Returns the number in `NAME-47-link`.
    fn number_of(&self, link: &OsStr) -> Option<u32> {
        let name = self.path.file_name()?.to_str()?;
        let digits = link.to_str()?.strip_prefix(name)?.strip_prefix('-')?.strip_suffix("-link")?;
        // `+7` would parse too.
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
    }
}

/// Returns when a link was made, or `None` for a time that no calendar has.
fn made_at(found: &Metadata) -> Option<DateTime<Utc>> {
    let made = DateTime::from_timestamp(found.mtime(), u32::try_from(found.mtime_nsec()).ok()?)?;
    (1..=9999).contains(&made.year()).then_some(made)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn profile() -> (tempfile::TempDir, Profile) {
        profile_in(tempfile::tempdir().unwrap())
    }

    fn profile_in(folder: tempfile::TempDir) -> (tempfile::TempDir, Profile) {
        let build = folder.path().join("build");
        fs::create_dir(&build).unwrap();
        for name in ["system-9-link", "system-10-link", "system-x-7-link", "system-+7-link", "other-3-link"] {
            symlink(&build, folder.path().join(name)).unwrap();
        }
        symlink(folder.path().join("gone"), folder.path().join("system-8-link")).unwrap();
        symlink("system-10-link", folder.path().join("system")).unwrap();
        let profile = Profile::at(folder.path().join("system"));
        (folder, profile)
    }

    #[test]
    fn generations_are_sorted_by_number() {
        let (_folder, profile) = profile();
        let read: Vec<_> =
            profile.generations().unwrap().iter().map(|g| (g.number, g.current, g.present)).collect();
        assert_eq!(read, [(10, true, true), (9, false, true), (8, false, false)]);
    }

    /// A file system in memory keeps any time; ext4 keeps those until the year 2446.
    #[test]
    fn a_link_with_an_odd_time_is_harmless() {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (folder, profile) = profile_in(folder);
        let link = folder.path().join("system-10-link");
        for time in ["@67767976233532799", "@9000000000000", "@-99999999999", "@0"] {
            let mut touch = std::process::Command::new("touch");
            touch.args(["-h", "-d", time]).arg(&link).stderr(std::process::Stdio::null());
            if touch.status().is_ok_and(|status| status.success()) {
                let read = profile.generations().unwrap();
                assert_eq!(read[0].number, 10, "{time}");
                assert!((1..=9999).contains(&read[0].created_at.year()), "{time}");
            }
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_a_problem() {
        let profile = Profile::at("/nowhere/at/all".into());
        assert!(profile.generations().unwrap_err().contains("/nowhere/at/all"));
        assert_eq!(profile.current(), None);
    }
}
