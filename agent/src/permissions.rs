//! Who may write what the agent obeys.
//!
//! The agent runs the programs that its configuration names, and every test in a folder, often as root. So only root and the
//! agent's own user may write there, and to the folders above; everybody else could become that user.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Result, bail};

use crate::config::Config;
use crate::storage;

/// The user that the agent runs as.
#[derive(Debug, Clone, Copy)]
struct Me {
    uid: u32,
    gid: u32,
}

impl Me {
    fn now() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }
}

/// Checks the configuration file, the tests and the state folder.
///
/// # Errors
/// The first that somebody else may write, and what to do.
pub(crate) fn check(file: &Path, config: &Config) -> Result<()> {
    let me = Me::now();
    let tests = storage::names_in(&config.tests.dir).unwrap_or_default();
    let obeyed = [file, &config.tests.dir, &config.state_dir].into_iter().map(Path::to_owned).chain(tests);
    for path in obeyed {
        if let Some(problem) = problem_with(&path, me) {
            bail!("{problem}");
        }
    }
    Ok(())
}

/// The problem with a file or folder, where its links lead, and the folders above it. None if it does not exist.
fn problem_with(path: &Path, me: Me) -> Option<String> {
    let path = path.canonicalize().ok()?;
    path.ancestors().find_map(|part| problem_with_one(part, part != path, me))
}

fn problem_with_one(part: &Path, is_above: bool, me: Me) -> Option<String> {
    let found = fs::metadata(part).ok()?;
    let shown = part.display();
    let told = |what: String, command: String| {
        Some(format!(
            "{what}, who could have the agent do anything. Nothing was started. Check what is there, then run: {command}"
        ))
    };
    if found.uid() != 0 && found.uid() != me.uid {
        return told(format!("{shown} belongs to user {}", found.uid()), format!("chown {} {shown}", me.uid));
    }
    // In such a folder, such as /tmp, nobody replaces what belongs to somebody else.
    if is_above && found.is_dir() && found.mode() & 0o1000 != 0 {
        return None;
    }
    if found.mode() & 0o002 != 0 {
        return told(format!("{shown} can be written by everybody"), format!("chmod o-w {shown}"));
    }
    // A user's own group is the user alone, as a rule.
    if found.mode() & 0o020 != 0 && found.gid() != me.gid && found.gid() != 0 {
        return told(
            format!("{shown} can be written by group {}", found.gid()),
            format!("chmod g-w {shown}"),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A folder with a file, and what the check says of the file.
    fn said(folder_mode: u32, file_mode: u32) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.toml");
        fs::write(&file, "").unwrap();
        set_mode(&file, file_mode);
        set_mode(folder.path(), folder_mode);
        problem_with(&file, Me::now()).unwrap_or_default()
    }

    #[test]
    fn what_only_its_owner_writes_is_obeyed() {
        assert_eq!(said(0o755, 0o644), "");
        assert_eq!(said(0o1777, 0o600), "", "a folder like /tmp");
        assert_eq!(problem_with(Path::new("/does/not/exist"), Me::now()), None);
    }

    #[test]
    fn what_others_may_write_is_not_obeyed_and_the_words_say_what_to_do() {
        let file = said(0o755, 0o646);
        assert!(
            file.contains("agent.toml can be written by everybody") && file.contains("chmod o-w"),
            "{file}"
        );
        assert!(said(0o757, 0o644).contains("chmod o-w"), "a folder above");
    }

    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o666);
        symlink(&file, &link).unwrap();
        assert!(problem_with(&link, Me::now()).is_some());
    }

    #[test]
    fn another_users_file_and_another_groups_folder_are_not_obeyed() {
        let folder = tempfile::tempdir().unwrap();
        let owner = folder.path().metadata().unwrap();
        let other = Me { uid: owner.uid() + 1, gid: owner.gid() };
        let problem = problem_with(folder.path(), other);
        assert_eq!(problem.is_some(), owner.uid() != 0, "{problem:?}");
        set_mode(folder.path(), 0o770);
        let other = Me { uid: owner.uid(), gid: owner.gid() + 1 };
        let problem = problem_with(folder.path(), other);
        assert_eq!(problem.is_some(), owner.gid() != 0, "{problem:?}");
    }
}
