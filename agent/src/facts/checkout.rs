//! The checkout of the configuration repository.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_model::{Checkout, Commit, LocalState, NoCheckout};
use sha2::{Digest as _, Sha256};

pub(crate) use super::fingerprint::git_folder;
use crate::command::{self, Invocation, User};
use crate::config::Config;
use crate::user::{owner, user};

/// Time limit for git to answer.
const GIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Upper bound on a `flake.lock` that is read, in bytes.
const LOCK_BYTES: u64 = 16 * 1024 * 1024;

/// git on the checkout.
///
/// A repository's own configuration names programs that git runs: hooks, filters, `core.fsmonitor`,
/// `core.sshCommand`. An agent that is root must not run another user's programs. So git runs as the
/// checkout's owner, with the owner's configuration and keys, and git's own check of a repository's owner
/// stays on. That check is lifted only for a checkout that belongs to root.
pub(crate) fn git<'a>(config: &Config, words: impl IntoIterator<Item = &'a str>) -> Invocation {
    let path = config.checkout.path.to_string_lossy();
    let mut first = vec!["--no-optional-locks".to_owned(), "-C".to_owned(), path.clone().into_owned()];
    let runs_as = runs_as(config);
    if matches!(runs_as, RunsAs::Itself { of_root: true }) {
        let real = fs::canonicalize(&config.checkout.path).unwrap_or_else(|_| config.checkout.path.clone());
        first.splice(0..0, ["-c".to_owned(), format!("safe.directory={}", real.display())]);
    }
    let arguments: Vec<String> = first.into_iter().chain(words.into_iter().map(str::to_owned)).collect();
    let git = Invocation::new(&config.commands.git, arguments).with("LC_ALL", "C");
    match runs_as {
        RunsAs::Owner(user) => git.run_as(user),
        RunsAs::Itself { .. } => git,
    }
}

/// Another program on the checkout, as the user that git runs as.
pub(crate) fn as_owner(config: &Config, argv: &[&str]) -> Invocation {
    let program = Invocation::new::<&str>(&argv.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), []);
    match runs_as(config) {
        RunsAs::Owner(user) => program.run_as(user),
        RunsAs::Itself { .. } => program,
    }
}

/// The user that git runs as.
enum RunsAs {
    /// The agent's own user.
    Itself {
        /// True if the checkout belongs to root.
        of_root: bool,
    },
    /// The owner of the checkout, who is not root. The agent is.
    Owner(User),
}

fn runs_as(config: &Config) -> RunsAs {
    let owners =
        [&config.checkout.path, &git_folder(&config.checkout.path)].map(|path| owner(path).unwrap_or(0));
    let Some(owner) = owners.into_iter().find(|uid| *uid != 0) else {
        return RunsAs::Itself { of_root: true };
    };
    // A command of several words chooses the user itself.
    let may_choose = rustix::process::geteuid().is_root() && config.commands.git.len() == 1;
    match user(owner).filter(|_| may_choose) {
        Some(user) => RunsAs::Owner(user),
        None => RunsAs::Itself { of_root: false },
    }
}

/// Returns the user that runs git on the checkout, if it is not the agent's own.
pub(crate) fn runs_as_other(config: &Config) -> Option<String> {
    match runs_as(config) {
        RunsAs::Owner(user) => Some(user.name),
        RunsAs::Itself { .. } => None,
    }
}

/// Reads the checkout, or returns the reason that there is none.
pub(super) fn read(config: &Config) -> Result<Checkout, NoCheckout> {
    let path = &config.checkout.path;
    let none = |why| NoCheckout { path: path.to_string_lossy().into_owned(), why };
    match path.join(".git").symlink_metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(none(None)),
        Err(error) => return Err(none(Some(error.to_string()))),
    }
    let commit = look(config, &["rev-parse", "--verify", "HEAD"]).map_err(|why| none(Some(why)))?;
    Ok(Checkout {
        path: path.to_string_lossy().into_owned(),
        commit: Commit(commit),
        tree: None,
        lock_hash: lock_hash(&path.join("flake.lock")).map_err(|why| none(Some(why)))?,
        local: local(config).ok(),
    })
}

/// Reads what the host did to the checkout besides pulling.
fn local(config: &Config) -> Result<LocalState, String> {
    let branch = &config.checkout.branch;
    let on = look(config, &["symbolic-ref", "--short", "--quiet", "HEAD"]).unwrap_or_default();
    let changed = look(config, &["status", "--porcelain", "--untracked-files=no"])?;
    let upstream = upstream(config);
    let (ahead, behind) = match &upstream {
        Some(commit) => distance(config, commit)?,
        None => (0, 0),
    };
    Ok(LocalState {
        changed: u32::try_from(changed.lines().count()).unwrap_or(u32::MAX),
        on: (on != *branch).then_some(on),
        upstream,
        ahead,
        behind,
    })
}

/// Returns the remote's branch as of the last fetch.
fn upstream(config: &Config) -> Option<Commit> {
    let branch = &config.checkout.branch;
    let remote = remote(config);
    let name = format!("refs/remotes/{remote}/{branch}^{{commit}}");
    look(config, &["rev-parse", "--verify", "--quiet", &name]).ok().map(Commit)
}

/// Returns how many commits the checkout is ahead and behind.
fn distance(config: &Config, from: &Commit) -> Result<(u32, u32), String> {
    let range = format!("HEAD...{}", from.0);
    let output = look(config, &["rev-list", "--left-right", "--count", &range])?;
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut numbers = output.split_whitespace();
    Ok((number(numbers.next()), number(numbers.next())))
}

/// Returns the remote that the followed branch is pulled from.
pub(crate) fn remote(config: &Config) -> String {
    look(config, &["config", "--get", &format!("branch.{}.remote", config.checkout.branch)])
        .ok()
        .filter(|name| !name.is_empty() && !name.starts_with('-'))
        .unwrap_or_else(|| "origin".to_owned())
}

fn look(config: &Config, words: &[&str]) -> Result<String, String> {
    let answer = command::read(&git(config, words.iter().copied()), GIT_TIMEOUT)?;
    Ok(answer.trim_end().to_owned())
}

/// Returns the hash of `flake.lock`. Does not wait for anything else of that name, such as a pipe.
fn lock_hash(lock: &Path) -> Result<Option<String>, String> {
    let unreadable = |why: String| format!("{} could not be read: {why}", lock.display());
    match fs::metadata(lock) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
        Ok(found) if !found.is_file() => return Err(unreadable("it is not a regular file".to_owned())),
        Ok(found) if found.len() > LOCK_BYTES => return Err(unreadable("it is too large".to_owned())),
        Ok(_) => {}
    }
    let mut bytes = vec![];
    let read = File::open(lock).and_then(|file| file.take(LOCK_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(hex(&Sha256::digest(bytes))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the files of a checkout that change with its commit, its lock file or its state.
pub(super) fn files(config: &Config) -> Vec<PathBuf> {
    let checkout = &config.checkout.path;
    let git = git_folder(checkout);
    let mut files = vec![
        checkout.join("flake.lock"),
        git.join("HEAD"),
        git.join("index"),
        git.join("FETCH_HEAD"),
        git.join("logs/HEAD"),
        git.join("packed-refs"),
    ];
    if let Ok(head) = fs::read_to_string(git.join("HEAD"))
        && let Some(branch) = head.trim().strip_prefix("ref: ")
    {
        files.push(git.join(branch));
    }
    files
}
