//! Lock files in the checkout's git folder. A git that is killed leaves them behind, and every later git then
//! refuses to work.
//!
//! The agent removes a lock file only if no git is at work on the checkout and one of these holds:
//!
//! - The file is older than the running boot.
//! - An earlier pull wrote it, and it was still there once all processes of that pull were gone.
//!
//! A pull that finds any other lock file is refused.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::boot;
use crate::command::{self, CommandStatus};
use crate::config::Config;
use crate::facts::checkout::{as_owner, git_folder};
use crate::journal::Entry;
use crate::runner::work::Work;
use crate::storage;

/// How long to wait for a git that is at work to remove its locks.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Upper bound on removing one file.
const REMOVAL: Duration = Duration::from_secs(10);
/// Files of a git folder that git locks, besides refs such as `HEAD`. Other programs have lock files of their own there.
const LOCKED: [&str; 6] = ["backstay-index", "config", "config.worktree", "index", "packed-refs", "shallow"];

/// A lock file, identified so that another git's file of the same name is not mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LockFile {
    path: PathBuf,
    inode: u64,
    modified: SystemTime,
}

/// Notes the lock files that a pull has left behind, for the next pull to remove. All of its processes must
/// be gone.
pub(crate) fn note_left(entry: &Entry) {
    let (Ok(config), Some(begun_at)) = (entry.config(), entry.begun_at()) else { return };
    let mut left = of_checkout(&config);
    left.retain(|lock| lock.modified >= begun_at);
    if left.is_empty() {
        return;
    }
    left.extend(noted(&config));
    if let Err(error) = storage::write_json(&note(&config), &left) {
        tracing::warn!(op = %entry.op(), %error, "git's lock files that the pull left behind cannot be noted");
    }
}

/// Removes the lock files that a failed git of this pull has left behind.
pub(super) fn clean_up(work: &mut Work<'_>, status: &CommandStatus) {
    if *status != CommandStatus::StillAtWork {
        note_left(work.entry());
        let _ = clear(work);
    }
}

/// Removes stale lock files, and waits briefly for a git that is at work to remove its own. Returns the first
/// that remains.
pub(super) fn clear(work: &mut Work<'_>) -> Result<(), PathBuf> {
    let until = Instant::now() + PATIENCE;
    loop {
        remove_stale(work);
        let Some(remaining) = of_checkout(work.config()).into_iter().next() else {
            let _ = fs::remove_file(note(work.config()));
            return Ok(());
        };
        if Instant::now() >= until {
            return Err(remaining.path);
        }
        thread::sleep(PAUSE);
    }
}

fn remove_stale(work: &mut Work<'_>) {
    let mut locks = of_checkout(work.config());
    let (noted, booted_at) = (noted(work.config()), boot::time());
    locks.retain(|lock| noted.contains(lock) || booted_at.is_some_and(|boot| lock.modified < boot));
    if locks.is_empty() || git_is_at_work(&work.config().checkout.path) {
        return;
    }
    for LockFile { path, .. } in locks {
        let remove = as_owner(work.config(), &["rm", "-f", "--", &command::path(&path)]);
        if command::read(&remove, REMOVAL).is_ok() {
            work.say(&format!("Removed {}, which a git that was killed left behind.", path.display()));
        }
    }
}

/// The lock files in the git folder of the checkout, and of its submodules.
fn of_checkout(config: &Config) -> Vec<LockFile> {
    let folder = git_folder(&config.checkout.path);
    let mut found = vec![];
    // A worktree shares the refs of the repository that it belongs to.
    if let Ok(common) = fs::read_to_string(folder.join("commondir")) {
        collect(&folder.join(common.trim()), &mut found);
    }
    collect(&folder, &mut found);
    found
}

/// Collects the lock files of a git folder.
fn collect(folder: &Path, found: &mut Vec<LockFile>) {
    let files = storage::names_in(folder).unwrap_or_default();
    found.extend(files.iter().filter(|path| locks_own_file(path)).filter_map(|path| lock_file(path)));
    collect_refs(&folder.join("refs"), found);
    collect_submodules(&folder.join("modules"), found);
}

fn collect_refs(folder: &Path, found: &mut Vec<LockFile>) {
    for path in storage::names_in(folder).unwrap_or_default() {
        if is_folder(&path) {
            collect_refs(&path, found);
        } else {
            found.extend(lock_file(&path));
        }
    }
}

/// The name of a submodule may contain slashes, so its git folder may be further down.
fn collect_submodules(folder: &Path, found: &mut Vec<LockFile>) {
    for path in storage::names_in(folder).unwrap_or_default().into_iter().filter(|path| is_folder(path)) {
        if path.join("HEAD").exists() {
            collect(&path, found);
        } else {
            collect_submodules(&path, found);
        }
    }
}

/// Whether this is the lock of a file in a git folder that git itself locks.
fn locks_own_file(path: &Path) -> bool {
    let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let is_ref = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_ref || LOCKED.contains(&name)
}

/// Links are not followed: they may lead out of the repository.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

fn lock_file(path: &Path) -> Option<LockFile> {
    let found = path.symlink_metadata().ok().filter(Metadata::is_file)?;
    let is_lock = path.extension().is_some_and(|extension| extension == "lock");
    let modified = found.modified().unwrap_or_else(|_| SystemTime::now());
    is_lock.then(|| LockFile { path: path.to_owned(), inode: found.ino(), modified })
}

fn note(config: &Config) -> PathBuf {
    config.state_dir.join("left-locks.json")
}

fn noted(config: &Config) -> Vec<LockFile> {
    storage::read_json(&note(config)).ok().flatten().unwrap_or_default()
}

/// Whether a git may be at work on the checkout: one whose folder this process may not see counts.
#[cfg(target_os = "linux")]
fn git_is_at_work(checkout: &Path) -> bool {
    let checkout = checkout.canonicalize().unwrap_or_else(|_| checkout.to_owned());
    let is_git = |process: &PathBuf| {
        fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end().starts_with("git"))
    };
    let is_here = |process: &PathBuf| match fs::read_link(process.join("cwd")) {
        Ok(folder) => folder.starts_with(&checkout),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    };
    storage::names_in(Path::new("/proc"))
        .unwrap_or_default()
        .iter()
        .any(|process| is_git(process) && is_here(process))
}

/// Whether any git is at work on this host.
#[cfg(not(target_os = "linux"))]
fn git_is_at_work(_checkout: &Path) -> bool {
    let pgrep = ["/usr/bin/pgrep".to_owned()];
    command::read(&command::Invocation::new(&pgrep, ["-x", "git"]), REMOVAL).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_locks_of_git_itself_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        let write = |path: &str| {
            let path = git.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let ours = [
            "HEAD.lock",
            "index.lock",
            "modules/a/b/shallow.lock",
            "packed-refs.lock",
            "refs/remotes/origin/feature/x.lock",
        ];
        let others = [
            "HEAD",
            "index",
            "lfs/lfs.lock",
            "modules/a/b/HEAD",
            "objects/maintenance.lock",
            "refs/heads/main",
            "some-ide.lock",
        ];
        ours.iter().chain(&others).for_each(|path| write(path));
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(folder.path().join("elsewhere/index.lock"), "").unwrap();
        symlink(folder.path().join("elsewhere"), git.join("refs/link")).unwrap();
        symlink(folder.path().join("elsewhere"), git.join("modules/link")).unwrap();
        symlink(folder.path().join("elsewhere/index.lock"), git.join("config.lock")).unwrap();
        let mut found = vec![];
        collect(&git, &mut found);
        let mut found: Vec<_> =
            found.iter().map(|lock| lock.path.strip_prefix(&git).unwrap().to_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, ours);
    }

    #[test]
    fn the_host_was_booted_in_the_past() {
        let booted_at = boot::time().unwrap();
        assert!(booted_at < SystemTime::now() && booted_at > SystemTime::UNIX_EPOCH);
    }
}
