//! Pull: brings the checkout to the head of its branch, forward only.

use std::time::Duration;

use backstay_protocol::{Commit, Phase};

use super::report::how;
use super::verdict::Verdict;
use super::work::Work;
use crate::command::{self, Ended, Invocation};
use crate::facts::checkout::git;

/// How long git may take to look at the checkout.
const LOOK: Duration = Duration::from_mins(1);
/// How many changed files are named.
const FILES: usize = 5;

pub(super) fn run(work: &mut Work<'_>) -> Verdict {
    work.phase(Phase::Pulling);
    let remote = match ready(work) {
        Ok(remote) => remote,
        Err(why) => return Verdict::refused(format!("{why} Nothing was changed.")),
    };
    match pull(work, &remote) {
        Ok((message, commit)) => Verdict::completed(message).with_exit(&Ended::Exited(0)).at(commit),
        Err(failed) => failed,
    }
}

/// Whether the checkout can be pulled, and from which remote.
fn ready(work: &Work<'_>) -> Result<String, String> {
    let config = work.config();
    let (path, branch) = (config.checkout.path.display(), &config.checkout.branch);
    look(work, &["rev-parse", "--git-dir"]).map_err(|why| format!("{path} is no git checkout: {why}."))?;
    let on = look(work, &["symbolic-ref", "--short", "HEAD"]).unwrap_or_default();
    if on != *branch {
        let on = if on.is_empty() { "no branch" } else { &on };
        return Err(format!("The checkout is on {on}, not on {branch}. Check {branch} out on the host."));
    }
    let changed = look(work, &["status", "--porcelain", "--untracked-files=no"])
        .map_err(|why| format!("The checkout cannot be looked at: {why}."))?;
    if !changed.is_empty() {
        return Err(format!(
            "The checkout has changes of its own: {}. Commit or undo them on the host.",
            files(&changed)
        ));
    }
    let remote = look(work, &["config", "--get", &format!("branch.{branch}.remote")]);
    Ok(remote
        .ok()
        .filter(|name| !name.is_empty() && !name.starts_with('-'))
        .unwrap_or_else(|| "origin".into()))
}

/// The names in `git status --porcelain`.
fn files(changed: &str) -> String {
    let names: Vec<_> = changed.lines().filter_map(|line| line.get(2..)).map(str::trim).collect();
    let more = names.len().saturating_sub(FILES);
    let first = names.iter().take(FILES).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

/// What was done, and the commit that the branch is at.
fn pull(work: &mut Work<'_>, remote: &str) -> Result<(String, Commit), Verdict> {
    let branch = work.config().checkout.branch.clone();
    let before = head(work);
    let fetch = git(work.config(), ["fetch", "--no-tags", remote, &format!("refs/heads/{branch}")]);
    // Nobody is there to answer a question.
    let fetch = if std::env::var_os("GIT_SSH_COMMAND").is_some() {
        fetch
    } else {
        fetch.with("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    };
    step(work, &fetch, |how, said| {
        format!("{branch} could not be fetched from {remote}: git {how}.{said} The checkout is as it was.")
    })?;
    // Somebody else may fetch meanwhile: this very commit is merged, and told.
    let fetched = look(work, &["rev-parse", "--verify", "FETCH_HEAD^{commit}"]).map_err(|why| {
        Verdict::failed(format!("What was fetched cannot be read: {why}. The checkout is as it was."))
    })?;
    let is_ancestor = |work: &Work<'_>, one: &str, other: &str| {
        look(work, &["merge-base", "--is-ancestor", one, other]).is_ok()
    };
    if !is_ancestor(work, "HEAD", &fetched) {
        let what = if is_ancestor(work, &fetched, "HEAD") { "is ahead of" } else { "has diverged from" };
        return Err(Verdict::failed(format!(
            "The checkout {what} {remote}/{branch}: it has commits that the branch has not. The checkout is as it was. \
             Push or drop them on the host."
        )));
    }
    let merge = git(work.config(), ["merge", "--ff-only", fetched.as_str()]);
    step(work, &merge, |how, said| format!("The checkout could not be moved forward: git {how}.{said}"))?;
    let now = head(work);
    let message =
        if now == before { format!("Already at {now}.") } else { format!("Pulled {before} → {now}.") };
    Ok((message, Commit(fetched)))
}

fn step(
    work: &mut Work<'_>,
    command: &Invocation,
    told: impl Fn(String, String) -> String,
) -> Result<(), Verdict> {
    let report = work.run(command);
    if report.ended.is_success() {
        return Ok(());
    }
    Err(Verdict::of(&report.ended, told(how(&report.ended), report.last_words())))
}

fn head(work: &Work<'_>) -> String {
    look(work, &["rev-parse", "--short=7", "HEAD"]).unwrap_or_default()
}

fn look(work: &Work<'_>, words: &[&str]) -> Result<String, String> {
    let answer = command::read(&git(work.config(), words.iter().copied()), LOOK)?;
    Ok(answer.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_files_are_named_up_to_a_point() {
        assert_eq!(files(" M flake.lock\nA  hosts/gpc0.nix"), "flake.lock, hosts/gpc0.nix");
        let many = (0..8).map(|i| format!(" M f{i}")).collect::<Vec<_>>().join("\n");
        assert_eq!(files(&many), "f0, f1, f2, f3, f4 and 3 more");
    }
}
