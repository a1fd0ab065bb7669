//! Pull: brings the checkout forward to the head of its branch, or leaves it as it was.

mod changes;
mod locks;
mod rehearsal;
mod submodules;
mod undo;

use std::time::Duration;

use backstay_model::{Commit, Phase};

use super::op_end::OpEnd;
use super::report::how;
use super::work::Work;
use crate::command::{self, CommandStatus, Invocation};
use crate::facts::checkout::{git, remote, runs_as_other};
pub(crate) use locks::note_left;
use undo::Unfinished;

/// Time limit for git to read the checkout.
const LOOK: Duration = Duration::from_mins(1);

pub(super) fn run(work: &mut Work<'_>) -> OpEnd {
    work.phase(Phase::Pulling);
    if let Some(owner) = runs_as_other(work.config()) {
        work.say(&format!("git runs as {owner}, whose checkout this is."));
    }
    let remote = match ready(work) {
        Ok(remote) => remote,
        Err(Obstacle { reason, advice }) => {
            return OpEnd::refused(format!("{reason} Nothing was changed. {advice}").trim_end());
        }
    };
    match pull(work, &remote) {
        Ok((message, commit)) => OpEnd::completed(message).with_exit(&CommandStatus::Exited(0)).at(commit),
        Err(failed) => failed,
    }
}

/// A reason not to begin a pull.
struct Obstacle {
    reason: String,
    advice: String,
}

impl Obstacle {
    fn new(reason: String, advice: impl Into<String>) -> Self {
        Self { reason, advice: advice.into() }
    }
}

/// Checks that the checkout can be pulled, and returns the remote to pull from.
fn ready(work: &mut Work<'_>) -> Result<String, Obstacle> {
    let config = std::sync::Arc::clone(work.config());
    let (path, branch) = (config.checkout.path.display(), &config.checkout.branch);
    look(work, &["rev-parse", "--git-dir"])
        .map_err(|why| Obstacle::new(format!("{path} is not a git checkout: {why}."), ""))?;
    let on = look(work, &["symbolic-ref", "--short", "HEAD"]).unwrap_or_default();
    if on != *branch {
        let on = if on.is_empty() { "no branch" } else { &on };
        let reason = format!("The checkout is on {on}, not on {branch}.");
        return Err(Obstacle::new(reason, format!("Check out {branch} on the host.")));
    }
    locks::clear(work).map_err(|path| {
        Obstacle::new(
            format!("{} exists: another git may be at work on the checkout.", path.display()),
            "Wait for it to end. If no git is running on the host, remove the file.",
        )
    })?;
    undo::finish_earlier(work);
    let changes = changes::of_checkout(work)
        .map_err(|why| Obstacle::new(format!("The checkout cannot be read: {why}."), ""))?;
    let own: Vec<_> = changes
        .into_iter()
        .filter(|change| !submodules::only_lags(work, change))
        .map(|change| change.path)
        .collect();
    if !own.is_empty() {
        let reason = format!("The checkout has changes of its own: {}.", changes::named(&own));
        return Err(Obstacle::new(reason, "Commit or undo them on the host."));
    }
    Ok(remote(&config))
}

/// Returns a description of what was done, and the commit that the branch is at.
fn pull(work: &mut Work<'_>, remote: &str) -> Result<(String, Commit), OpEnd> {
    let branch = work.config().checkout.branch.clone();
    let before = head(work);
    let fetched = fetch(work, remote, &branch)?;
    let is_ancestor = |work: &Work<'_>, one: &str, other: &str| {
        look(work, &["merge-base", "--is-ancestor", one, other]).is_ok()
    };
    if !is_ancestor(work, "HEAD", &fetched) {
        let what = if is_ancestor(work, &fetched, "HEAD") { "is ahead of" } else { "has diverged from" };
        return Err(OpEnd::failed(format!(
            "The checkout {what} {remote}/{branch}: it has commits that the branch does not have. The checkout is as it was. \
             Push or drop them on the host."
        )));
    }
    // From here on git writes to the checkout. If this process dies, the next pull must know about it.
    let unfinished = Unfinished { path: work.config().checkout.path.clone(), before, to: fetched };
    if unfinished.before != unfinished.to {
        forward(work, &unfinished)?;
    }
    if submodules::are_used(work) {
        let update = asking_nobody(work, git(work.config(), submodules::UPDATE));
        put_back_if_failed(work, &unfinished, &update, "The checkout's submodules could not be updated")?;
    }
    Unfinished::done(work);
    let (before, now) = (short(work, &unfinished.before), short(work, "HEAD"));
    let message =
        if now == before { format!("Already at {now}.") } else { format!("Pulled {before} → {now}.") };
    Ok((message, Commit(unfinished.to)))
}

/// Fetches the branch with what its submodules need, and returns its head.
fn fetch(work: &mut Work<'_>, remote: &str, branch: &str) -> Result<String, OpEnd> {
    let words =
        ["fetch", "--no-tags", "--recurse-submodules=on-demand", remote, &format!("refs/heads/{branch}")];
    let fetch = asking_nobody(work, git(work.config(), words));
    let report = work.run(&fetch);
    if !report.status.is_success() {
        locks::clean_up(work, &report.status);
        let message = format!(
            "{branch} could not be fetched from {remote}: git {}.{} The checkout is as it was.",
            how(&report.status),
            report.last_words()
        );
        return Err(OpEnd::of(&report.status, message));
    }
    // Another process may fetch at the same time. Merge and report exactly this commit.
    look(work, &["rev-parse", "--verify", "FETCH_HEAD^{commit}"]).map_err(|why| {
        OpEnd::failed(format!("The fetched commit cannot be read: {why}. The checkout is as it was."))
    })
}

/// Keeps ssh from prompting. Leaves alone an ssh command that the checkout or its owner configured, such as
/// one with a deploy key: the variable would override it.
fn asking_nobody(work: &Work<'_>, fetch: Invocation) -> Invocation {
    let is_chosen = std::env::var_os("GIT_SSH_COMMAND").is_some()
        || std::env::var_os("GIT_SSH").is_some()
        || look(work, &["config", "--get", "core.sshCommand"]).is_ok_and(|command| !command.is_empty());
    if is_chosen { fetch } else { fetch.with("GIT_SSH_COMMAND", "ssh -o BatchMode=yes") }
}

/// Moves the branch and its files forward, after every check that git can make beforehand.
fn forward(work: &mut Work<'_>, unfinished: &Unfinished) -> Result<(), OpEnd> {
    // A file that was only touched must not count as changed.
    let _ = look(work, &["update-index", "-q", "--refresh"]);
    look(work, &["read-tree", "--dry-run", "-m", "-u", "HEAD", &unfinished.to])
        .and_then(|_| rehearsal::of_filters(work, unfinished))
        .map_err(|why| {
            OpEnd::failed(format!(
                "The checkout cannot be moved forward: {}. The checkout is as it was. Fix that on the host and pull again.",
                why.trim_end_matches('.')
            ))
        })?;
    unfinished.begin(work).map_err(|error| {
        OpEnd::failed(format!("The pull could not be recorded: {error}. The checkout is as it was."))
    })?;
    let merge = git(work.config(), ["merge", "--ff-only", unfinished.to.as_str()]);
    put_back_if_failed(work, unfinished, &merge, "The checkout could not be moved forward")
}

/// Runs a step that writes to the checkout, and takes its writes back if it fails.
fn put_back_if_failed(
    work: &mut Work<'_>,
    unfinished: &Unfinished,
    step: &Invocation,
    what: &str,
) -> Result<(), OpEnd> {
    let report = work.run(step);
    if report.status.is_success() {
        return Ok(());
    }
    locks::clean_up(work, &report.status);
    let put_back = undo::put_back(work, unfinished);
    locks::clean_up(work, &report.status);
    let told = format!("{what}: git {}.{} {put_back}", how(&report.status), report.last_words());
    Err(OpEnd::of(&report.status, told))
}

fn head(work: &Work<'_>) -> String {
    look(work, &["rev-parse", "--verify", "HEAD"]).unwrap_or_default()
}

fn short(work: &Work<'_>, commit: &str) -> String {
    look(work, &["rev-parse", "--short=7", commit]).unwrap_or_default()
}

fn look(work: &Work<'_>, words: &[&str]) -> Result<String, String> {
    read(&git(work.config(), words.iter().copied()))
}

fn read(invocation: &Invocation) -> Result<String, String> {
    Ok(command::read(invocation, LOOK)?.trim_end().to_owned())
}
