//! The commits between two configurations, according to the checkout.

use std::time::Duration;

use backstay_model::comparison::{COMMITS, CommitLine, Commits, CommitsBetween, SUBJECT_BYTES};
use backstay_model::wire::limits::cut;
use backstay_model::{Commit, Generation};

use crate::command;
use crate::config::Config;
use crate::facts::checkout::git;

/// Time limit for one question to git.
const LOOK: Duration = Duration::from_secs(20);

pub(super) fn between(config: &Config, from: &Generation, to: &Generation) -> Result<CommitsBetween, String> {
    let (from, to) = (commit(config, from)?, commit(config, to)?);
    Ok(CommitsBetween {
        gained: only_in(config, to, from)?,
        lost: only_in(config, from, to)?,
        same_files: tree(config, from)? == tree(config, to)?,
    })
}

/// Returns the commit of a generation, if the checkout has it.
fn commit<'a>(config: &Config, generation: &'a Generation) -> Result<&'a str, String> {
    let name = format!("Gen {}", generation.number);
    let commit = generation.commit.as_ref().ok_or_else(|| format!("{name} records no commit."))?.0.as_str();
    // It comes from the build: anything but a commit's name never reaches git.
    let is_name = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        return Err(format!(
            "{name} was not built from an unmodified commit: it records {}.",
            cut(commit, 60)
        ));
    }
    look(config, &["cat-file", "-e", &format!("{commit}^{{commit}}")])
        .map_err(|_| format!("The host's checkout does not have {name}'s commit {}.", &commit[..7]))?;
    Ok(commit)
}

fn tree(config: &Config, commit: &str) -> Result<String, String> {
    look(config, &["rev-parse", "--verify", &format!("{commit}^{{tree}}")])
}

/// Returns the commits that `one` has and `other` does not.
fn only_in(config: &Config, one: &str, other: &str) -> Result<Commits, String> {
    let range = format!("{other}..{one}");
    let all: u32 = look(config, &["rev-list", "--count", &range])?.trim().parse().unwrap_or_default();
    let most = format!("--max-count={COMMITS}");
    let listed = look(config, &["log", "--no-show-signature", "--format=%H %s", &most, &range])?;
    let newest: Vec<_> = listed.lines().filter_map(line).collect();
    let more = all.saturating_sub(u32::try_from(newest.len()).unwrap_or(u32::MAX));
    Ok(Commits { newest, more })
}

fn line(listed: &str) -> Option<CommitLine> {
    let (commit, subject) = listed.split_once(' ')?;
    Some(CommitLine { commit: Commit(commit.to_owned()), subject: cut(subject, SUBJECT_BYTES) })
}

fn look(config: &Config, words: &[&str]) -> Result<String, String> {
    let output = command::read(&git(config, words.iter().copied()), LOOK);
    output
        .map(|text| text.trim_end().to_owned())
        .map_err(|why| format!("git could not list the commits: {why}."))
}
