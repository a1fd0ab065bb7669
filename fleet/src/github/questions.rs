//! The repeated requests. An unchanged answer does not count against the rate limit.

use std::sync::Arc;

use backstay_model::Commit;
use backstay_model::flake_lock::{self, LOCK_BYTES};
use backstay_model::pull_request::{Checks, Inputs, OtherFiles};
use backstay_model::wire::limits::cut;
use serde::Deserialize;

use super::branch::LOCK_FILE;
use super::error::GitHubError;
use super::memo::Memo;
use super::pull_request::PullRequest;
use super::repository::{GitHub, Object};

/// Number of open pull requests on one page of the search for updates.
const OPEN: usize = 100;
/// Number of closed pull requests on one page of the search for merges. The list starts with the latest change.
const CLOSED: usize = 30;
/// Upper bound on the pull requests of either kind that are searched.
pub(crate) const LOOKED_THROUGH: usize = 1200;
/// Number of files of a pull request that are named.
const NAMED_FILES: usize = 10;
/// Upper bound on the bytes of a name.
const NAME_BYTES: usize = 200;
/// Number of files of a pull request that are read.
const FILES: usize = 100;
/// Number of checks of a commit that are read.
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

#[derive(Deserialize)]
struct ChangedFile {
    filename: String,
}

/// Pull requests, page by page.
pub(crate) struct Listed {
    pages: Vec<Arc<Vec<PullRequest>>>,
    /// Whether the search found everything.
    pub(crate) is_whole: bool,
}

impl Listed {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PullRequest> {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

/// A lock file that was read: its text, or why it is ignored.
type LockText = Result<String, String>;

impl GitHub {
    /// Returns the open pull requests into the branch, newest first.
    pub(crate) async fn open_ones(&self, memo: &mut Memo) -> Result<Listed, GitHubError> {
        let path = format!("pulls?state=open&base={}&per_page={OPEN}", self.branch());
        self.list(memo, &path, OPEN, |_| false).await
    }

    /// Returns the closed pull requests into the branch, latest change first, until `is_enough`.
    pub(crate) async fn closed_ones(
        &self,
        memo: &mut Memo,
        is_enough: impl Fn(&Listed) -> bool,
    ) -> Result<Listed, GitHubError> {
        let path = format!(
            "pulls?state=closed&base={}&sort=updated&direction=desc&per_page={CLOSED}",
            self.branch()
        );
        self.list(memo, &path, CLOSED, is_enough).await
    }

    async fn list(
        &self,
        memo: &mut Memo,
        path: &str,
        size: usize,
        is_enough: impl Fn(&Listed) -> bool,
    ) -> Result<Listed, GitHubError> {
        let mut listed = Listed { pages: vec![], is_whole: false };
        for number in 1..=LOOKED_THROUGH / size {
            let more = if number == 1 { String::new() } else { format!("&page={number}") };
            let path = self.at(&format!("{path}{more}"));
            let page: Arc<Vec<PullRequest>> = self.ask_again(memo, "list of pull requests", &path).await?;
            let is_last = page.len() < size;
            listed.pages.push(page);
            if is_last || is_enough(&listed) {
                listed.is_whole = true;
                break;
            }
        }
        Ok(listed)
    }

    /// Returns the files that a pull request changes besides `flake.lock`.
    pub(crate) async fn other_files(
        &self,
        memo: &mut Memo,
        pull_request: &PullRequest,
    ) -> Result<OtherFiles, GitHubError> {
        let what = format!("pull request {}", pull_request.number);
        let path = self.at(&format!("pulls/{}/files?per_page={FILES}", pull_request.number));
        let files: Arc<Vec<ChangedFile>> = self.ask_again(memo, &what, &path).await?;
        let names = files.iter().map(|file| file.filename.as_str()).filter(|name| *name != LOCK_FILE);
        let mut paths: Vec<String> = names.map(|name| cut(name, NAME_BYTES)).collect();
        let listed = u64::try_from(files.len()).unwrap_or(u64::MAX);
        let mut more = pull_request.changed_files.unwrap_or(listed).saturating_sub(listed);
        while paths.len() > NAMED_FILES {
            paths.pop();
            more += 1;
        }
        Ok(OtherFiles::Known { paths, more })
    }

    /// Returns a single pull request, with what lists lack: whether it can be merged.
    pub(crate) async fn single_pull_request(
        &self,
        memo: &mut Memo,
        number: u64,
    ) -> Result<Arc<PullRequest>, GitHubError> {
        self.ask_again(memo, &format!("pull request {number}"), &self.at(&format!("pulls/{number}"))).await
    }

    /// Returns the check runs and statuses of a commit, and why one of them is missing.
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

    /// Returns the flake inputs that differ between a commit and the point where it left the branch.
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

    /// The lock file at a commit; empty if there is none.
    async fn lock_at(&self, memo: &mut Memo, commit: &Commit) -> Result<Arc<LockText>, GitHubError> {
        let key = format!("{LOCK_FILE} at {}", commit.0);
        if let Some((text, _)) = memo.recall::<LockText>(&key) {
            return Ok(text);
        }
        let text = self.file(LOCK_FILE, commit).await?.unwrap_or_default();
        // A file that is too large to read is not cached either.
        let kept = if text.len() > LOCK_BYTES {
            Err(format!("{}.", flake_lock::LockError::TooLarge(text.len())))
        } else {
            Ok(text)
        };
        Ok(memo.keep(&key, kept, None))
    }
}

/// The answer, or the permanent reason for its absence.
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
