//! The open pull requests that update the fleet.

use backstay_model::Commit;
use backstay_model::pull_request::{Inputs, Mergeable, Origin, OtherFiles, UpdatePullRequest};

use super::WatchError;
use crate::fleet::Fleet;
use crate::github::{BranchState, GitHub, GitHubError, LOOKED_THROUGH, Memo, PullRequest};
use crate::state::watch::Memory;

/// Number of updates that are shown: the newest.
const SHOWN: usize = 20;

impl Fleet {
    /// Reads the merged and the open pull requests.
    pub(super) async fn read_pull_requests(
        &self,
        github: &GitHub,
        memory: &mut Memory,
        branch: &BranchState,
    ) -> Result<Vec<UpdatePullRequest>, WatchError> {
        memory.too_many = None;
        self.find_merges(github, memory).await?;
        let listed = github.open_ones(&mut memory.memo).await?;
        if !listed.is_whole {
            memory.too_many = Some(format!(
                "More than {LOOKED_THROUGH} pull requests are open. Updates among the oldest of them are not shown."
            ));
        }
        memory.no_checks = None;
        let mut open = vec![];
        for pull_request in listed.iter().filter(|pr| github.updates().takes(pr)).take(SHOWN) {
            let (update, missing) =
                read_details(github, &mut memory.memo, &branch.commit, pull_request).await?;
            if let Some(error) = missing {
                memory.no_checks = Some(format!(
                    "The checks of pull requests are not all shown: the token may not read them. Give it read access to checks and to commit statuses. ({error})"
                ));
            }
            open.push(update);
        }
        memory.note_early(open.iter().any(|update| update.mergeable == Mergeable::Unknown));
        Ok(open)
    }
}

/// Reads the details of a pull request. Also returns the error if the token may not read all checks.
pub(crate) async fn read_details(
    github: &GitHub,
    memo: &mut Memo,
    branch: &Commit,
    listed: &PullRequest,
) -> Result<(UpdatePullRequest, Option<GitHubError>), GitHubError> {
    let head = &listed.head.sha;
    let alone = match github.single_pull_request(memo, listed.number).await {
        Err(error) if error.will_pass() => return Err(error),
        alone => alone,
    };
    let other_files = match &alone {
        Ok(alone) => github.other_files(memo, alone).await,
        Err(_) => github.other_files(memo, listed).await,
    };
    let (checks, missing) = github.checks(memo, head).await?;
    let update = UpdatePullRequest {
        number: listed.number,
        title: listed.title.clone(),
        url: listed.html_url.clone(),
        author: listed.user.as_ref().map_or_else(|| "ghost".to_owned(), |user| user.login.clone()),
        head: head.clone(),
        updated_at: listed.updated_at,
        origin: Origin { fork: listed.fork().map(str::to_owned), is_known_author: listed.is_known_author() },
        other_files: match other_files {
            Ok(files) => files,
            Err(error) if error.will_pass() => return Err(error),
            Err(error) => OtherFiles::Unreadable { reason: error.to_string() },
        },
        inputs: match github.inputs(memo, branch, head).await {
            Ok(inputs) => inputs,
            Err(error) if error.will_pass() => return Err(error),
            Err(error) => Inputs::Unreadable { reason: error.to_string() },
        },
        checks,
        mergeable: match alone {
            Ok(alone) => mergeable(&alone),
            Err(error) => Mergeable::No { reason: error.to_string() },
        },
    };
    Ok((update, missing))
}

/// Returns whether it can be merged, according to the single pull request.
fn mergeable(pull_request: &PullRequest) -> Mergeable {
    let base = &pull_request.base.branch;
    let no = |reason: String| Mergeable::No { reason };
    if pull_request.draft {
        return no("It is a draft.".to_owned());
    }
    match (pull_request.mergeable, pull_request.mergeable_state.as_deref()) {
        (None, _) => Mergeable::Unknown,
        (Some(false), _) | (_, Some("dirty")) => no(format!("It conflicts with {base}.")),
        (_, Some("blocked")) => {
            no(format!("The rules of {base} require something else first, such as a review or a check."))
        }
        (_, Some("behind")) => no(format!("The rules of {base} require it to be up to date first.")),
        (Some(true), _) => Mergeable::Yes,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn whether_it_can_be_merged_comes_with_a_reason() {
        let told = |mergeable: Value, state: &str, draft: bool| {
            let text = json!({
                "number": 1, "title": "t", "html_url": "u", "state": "open", "draft": draft,
                "updated_at": "2026-01-01T00:00:00Z", "user": null,
                "mergeable": mergeable, "mergeable_state": state,
                "head": { "ref": "b", "sha": "1" }, "base": { "ref": "main", "sha": "0" },
            });
            match super::mergeable(&serde_json::from_value(text).unwrap()) {
                Mergeable::Yes => "yes".to_owned(),
                Mergeable::Unknown => "unknown".to_owned(),
                Mergeable::No { reason } => reason,
            }
        };
        assert_eq!(told(json!(true), "clean", false), "yes");
        assert_eq!(told(json!(true), "unstable", false), "yes");
        assert_eq!(told(json!(null), "unknown", false), "unknown");
        assert_eq!(told(json!(false), "dirty", false), "It conflicts with main.");
        assert_eq!(told(json!(true), "draft", true), "It is a draft.");
        assert!(told(json!(true), "blocked", false).contains("a review or a check"));
        assert!(told(json!(true), "behind", false).contains("up to date"));
    }
}
