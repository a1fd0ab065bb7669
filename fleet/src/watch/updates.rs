//! The open pull requests that update the fleet.

use backstay_protocol::pull_request::{Checks, Inputs, Mergeable, UpdatePullRequest};

use super::ReadError;
use super::memory::Memory;
use crate::fleet::Fleet;
use crate::github::{BranchState, GitHub, GitHubError, PullRequest};

/// How many of them are shown: the newest.
const SHOWN: usize = 20;

impl Fleet {
    /// Asks what was merged, and what is open.
    pub(super) async fn ask_for_pull_requests(
        &self,
        github: &GitHub,
        memory: &mut Memory,
        branch: &BranchState,
    ) -> Result<Vec<UpdatePullRequest>, ReadError> {
        self.hear_of_merges(github, memory).await?;
        let listed = github.open_ones(&mut memory.memo).await?;
        memory.no_checks = None;
        let mut open = vec![];
        for pull_request in listed.iter().filter(|pr| github.updates().takes(pr)).take(SHOWN) {
            open.push(update(github, memory, branch, pull_request).await?);
        }
        memory.note_early(open.iter().any(|update| update.mergeable == Mergeable::Unknown));
        Ok(open)
    }
}

async fn update(
    github: &GitHub,
    memory: &mut Memory,
    branch: &BranchState,
    listed: &PullRequest,
) -> Result<UpdatePullRequest, GitHubError> {
    let head = &listed.head.sha;
    let alone = match github.by_itself(&mut memory.memo, listed.number).await {
        Err(error) if error.will_pass() => return Err(error),
        alone => alone,
    };
    Ok(UpdatePullRequest {
        number: listed.number,
        title: listed.title.clone(),
        url: listed.html_url.clone(),
        author: listed.user.as_ref().map_or_else(|| "ghost".to_owned(), |user| user.login.clone()),
        head: head.clone(),
        updated_at: listed.updated_at,
        inputs: match github.inputs(&mut memory.memo, &branch.commit, head).await {
            Ok(inputs) => inputs,
            Err(error) if error.will_pass() => return Err(error),
            Err(error) => Inputs::Unreadable { reason: error.to_string() },
        },
        checks: checks(github, memory, listed).await?,
        mergeable: match alone {
            Ok(alone) => mergeable(&alone),
            Err(error) => Mergeable::No { reason: error.to_string() },
        },
    })
}

/// What the checks say, as far as the token may read them.
async fn checks(github: &GitHub, memory: &mut Memory, listed: &PullRequest) -> Result<Checks, GitHubError> {
    let (checks, missing) = github.checks(&mut memory.memo, &listed.head.sha).await?;
    if let Some(error) = missing {
        memory.no_checks = Some(format!(
            "The checks of pull requests are not all shown: the token may not read them. It takes read access to checks and to commit statuses. ({error})"
        ));
    }
    Ok(checks)
}

/// Whether it can be merged, from what GitHub says of it by itself.
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
            no(format!("The rules of {base} want something else first, such as a review or a check."))
        }
        (_, Some("behind")) => no(format!("The rules of {base} want it brought up to date first.")),
        (Some(true), _) => Mergeable::Yes,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn whether_it_can_be_merged_is_told_with_a_reason() {
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
