//! The questions that are asked again and again, each at no cost where the answer is as it was.

use std::sync::Arc;

use backstay_protocol::Commit;
use backstay_protocol::flake_lock::{self, LOCK_BYTES};
use backstay_protocol::pull_request::{Checks, Inputs};
use serde::Deserialize;

use super::branch::LOCK_FILE;
use super::error::GitHubError;
use super::memo::Memo;
use super::pull_request::PullRequest;
use super::repository::{GitHub, Object};

/// How many open pull requests are looked through for updates.
const OPEN: usize = 100;
/// How many closed ones are looked through for merges; the list has those that changed last first.
const CLOSED: usize = 30;
/// How many checks of a commit are read.
const CHECKS: usize = 100;

#[derive(Deserialize)]
struct Comparison {
    merge_base_commit: Object,
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    name: String,
    status: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct CombinedStatus {
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

/// A lock file that was read once: its text, or why it is not looked at.
type LockText = Result<String, String>;

impl GitHub {
    /// The open pull requests into the branch, newest first.
    pub(crate) async fn open_ones(&self, memo: &mut Memo) -> Result<Arc<Vec<PullRequest>>, GitHubError> {
        let path = format!("pulls?state=open&base={}&per_page={OPEN}", self.branch());
        self.ask_again(memo, "list of pull requests", &self.at(&path)).await
    }

    /// The closed pull requests into the branch that changed last.
    pub(crate) async fn closed_ones(&self, memo: &mut Memo) -> Result<Arc<Vec<PullRequest>>, GitHubError> {
        let path = format!(
            "pulls?state=closed&base={}&sort=updated&direction=desc&per_page={CLOSED}",
            self.branch()
        );
        self.ask_again(memo, "list of pull requests", &self.at(&path)).await
    }

    /// A pull request by itself, with what only that says: whether it can be merged.
    pub(crate) async fn by_itself(
        &self,
        memo: &mut Memo,
        number: u64,
    ) -> Result<Arc<PullRequest>, GitHubError> {
        self.ask_again(memo, &format!("pull request {number}"), &self.at(&format!("pulls/{number}"))).await
    }

    /// What the check runs and the statuses of a commit say, and why one of both is missing.
    pub(crate) async fn checks(
        &self,
        memo: &mut Memo,
        commit: &Commit,
    ) -> Result<(Checks, Option<GitHubError>), GitHubError> {
        let what = format!("commit {commit}");
        let path = self.at(&format!("commits/{}/check-runs?per_page={CHECKS}", commit.0));
        let runs = self.ask_again::<CheckRuns>(memo, &what, &path).await;
        let path = self.at(&format!("commits/{}/status?per_page={CHECKS}", commit.0));
        let combined = self.ask_again::<CombinedStatus>(memo, &what, &path).await;
        let (runs, no_runs) = unless_it_passes(runs)?;
        let (combined, no_statuses) = unless_it_passes(combined)?;
        let runs = runs.as_ref().map_or(&[][..], |answer| &answer.check_runs);
        let statuses = combined.as_ref().map_or(&[][..], |answer| &answer.statuses);
        Ok((count(runs, statuses), no_runs.or(no_statuses)))
    }

    /// The inputs that differ between where a commit left the branch and the commit itself.
    pub(crate) async fn inputs(
        &self,
        memo: &mut Memo,
        branch_head: &Commit,
        head: &Commit,
    ) -> Result<Inputs, GitHubError> {
        let path = self.at(&format!("compare/{}...{}?per_page=1", branch_head.0, head.0));
        let what = format!("way from {branch_head} to {head}");
        let comparison: Arc<Comparison> = self.ask_once(memo, &what, &path).await?;
        let old = self.lock_at(memo, &comparison.merge_base_commit.sha).await?;
        let new = self.lock_at(memo, head).await?;
        Ok(match (&*old, &*new) {
            (Ok(old), Ok(new)) => match flake_lock::changes(old, new) {
                Ok(changes) => Inputs::Known { changes },
                Err(error) => Inputs::Unreadable { reason: format!("{error}.") },
            },
            (Err(reason), _) | (_, Err(reason)) => Inputs::Unreadable { reason: reason.clone() },
        })
    }

    /// The lock file at a commit; empty where there is none.
    async fn lock_at(&self, memo: &mut Memo, commit: &Commit) -> Result<Arc<LockText>, GitHubError> {
        let key = format!("{LOCK_FILE} at {}", commit.0);
        if let Some((text, _)) = memo.recall::<LockText>(&key) {
            return Ok(text);
        }
        let text = self.file(LOCK_FILE, commit).await?.unwrap_or_default();
        // What is too large to look at is not kept either.
        let kept = if text.len() > LOCK_BYTES {
            Err(format!("{}.", flake_lock::LockError::TooLarge(text.len())))
        } else {
            Ok(text)
        };
        Ok(memo.keep(&key, kept, None))
    }
}

/// An answer, or why there will be none.
fn unless_it_passes<T>(
    answer: Result<T, GitHubError>,
) -> Result<(Option<T>, Option<GitHubError>), GitHubError> {
    match answer {
        Ok(answer) => Ok((Some(answer), None)),
        Err(error) if error.will_pass() => Err(error),
        Err(error) => Ok((None, Some(error))),
    }
}

fn count(runs: &[CheckRun], statuses: &[Status]) -> Checks {
    let mut checks = Checks::default();
    for run in runs {
        match run.conclusion.as_deref() {
            _ if run.status != "completed" => checks.running += 1,
            Some("success" | "neutral" | "skipped") => checks.passed += 1,
            _ => checks.failed.push(run.name.clone()),
        }
    }
    for status in statuses {
        match status.state.as_str() {
            "success" => checks.passed += 1,
            "pending" => checks.running += 1,
            _ => checks.failed.push(status.context.clone()),
        }
    }
    checks.failed.sort();
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_counted_by_how_they_ended() {
        let run = |name: &str, status: &str, conclusion: Option<&str>| CheckRun {
            name: name.to_owned(),
            status: status.to_owned(),
            conclusion: conclusion.map(str::to_owned),
        };
        let status = |context: &str, state: &str| Status { context: context.into(), state: state.into() };
        let runs = [
            run("build", "completed", Some("success")),
            run("docs", "completed", Some("skipped")),
            run("slow", "in_progress", None),
            run("late", "completed", Some("timed_out")),
        ];
        let statuses = [status("hydra", "pending"), status("garnix", "error"), status("old", "success")];
        let checks = count(&runs, &statuses);
        assert_eq!((checks.passed, checks.running), (3, 2));
        assert_eq!(checks.failed, ["garnix", "late"]);
    }
}
