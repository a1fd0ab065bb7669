//! Pull requests.

use serde_json::{Map, Value, json};

use super::{Links, node_id, repository, time, user};
use crate::state::{Pull, State};

/// The part of a pull request that GitHub computes only when asked for that one.
#[derive(Debug, Clone)]
pub(crate) struct PullShape {
    /// `None` while it is not known yet.
    pub(crate) mergeable: Option<bool>,
    pub(crate) rebaseable: Option<bool>,
    pub(crate) mergeable_state: &'static str,
    pub(crate) commits: usize,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
    pub(crate) changed_files: usize,
}

/// A pull request in a list.
pub(crate) fn pull_simple(links: &Links, state: &State, pull: &Pull) -> Value {
    let api = links.repo(&format!("pulls/{}", pull.number));
    let page = links.page(&format!("pull/{}", pull.number));
    let id = 2_000_000_000 + pull.number;
    json!({
        "id": id,
        "node_id": node_id("PullRequest", id),
        "number": pull.number,
        "url": api,
        "html_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "issue_url": links.repo(&format!("issues/{}", pull.number)),
        "commits_url": format!("{api}/commits"),
        "review_comments_url": format!("{api}/comments"),
        "review_comment_url": links.repo("pulls/comments{/number}"),
        "comments_url": links.repo(&format!("issues/{}/comments", pull.number)),
        "statuses_url": links.repo(&format!("statuses/{}", pull.head_sha)),
        "state": if pull.is_open() { "open" } else { "closed" },
        "locked": false,
        "active_lock_reason": null,
        "title": pull.title,
        "body": pull.body,
        "user": user(links, &pull.author),
        "labels": pull.labels.iter().map(|name| label(links, name)).collect::<Vec<_>>(),
        "milestone": null,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": pull.is_draft,
        "created_at": time(pull.created),
        "updated_at": time(pull.updated),
        "closed_at": pull.closed.map(time),
        "merged_at": pull.merged.as_ref().map(|merged| time(merged.at)),
        "merge_commit_sha": pull.merge_commit(),
        "head": head(links, state, pull),
        "base": side(links, state, &pull.base, &pull.base_sha),
        "author_association": pull.association,
        "auto_merge": null,
        "_links": addresses(links, pull),
    })
}

/// A single pull request.
pub(crate) fn pull(links: &Links, state: &State, pull: &Pull, found: &PullShape) -> Value {
    let mut shape = pull_simple(links, state, pull);
    let more = json!({
        "merged": pull.merged.is_some(),
        "mergeable": found.mergeable,
        "rebaseable": found.rebaseable,
        "mergeable_state": found.mergeable_state,
        "merged_by": pull.merged.as_ref().map(|merged| user(links, &merged.by)),
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": false,
        "commits": found.commits,
        "additions": found.additions,
        "deletions": found.deletions,
        "changed_files": found.changed_files,
    });
    if let (Value::Object(shape), Value::Object(more)) = (&mut shape, more) {
        shape.extend(more);
    }
    shape
}

/// Its head. A fork has the repository's name and an owner of its own.
fn head(links: &Links, state: &State, pull: &Pull) -> Value {
    let Some(owner) = &pull.fork else { return side(links, state, &pull.head, &pull.head_sha) };
    let mut shape = side(&Links { owner: owner.clone(), ..links.clone() }, state, &pull.head, &pull.head_sha);
    shape["repo"]["fork"] = json!(true);
    shape
}

fn side(links: &Links, state: &State, branch: &str, sha: &str) -> Value {
    json!({
        "label": format!("{}:{branch}", links.owner),
        "ref": branch,
        "sha": sha,
        "user": user(links, &links.owner),
        "repo": repository(links, state),
    })
}

/// A label.
pub(crate) fn label(links: &Links, name: &str) -> Value {
    let id = super::user::number_of(name);
    json!({
        "id": id,
        "node_id": node_id("Label", id),
        "url": links.repo(&format!("labels/{}", super::in_address(name))),
        "name": name,
        "description": "",
        "color": "0366d6",
        "default": false,
    })
}

fn addresses(links: &Links, pull: &Pull) -> Value {
    let number = pull.number;
    let addresses = [
        ("self", links.repo(&format!("pulls/{number}"))),
        ("html", links.page(&format!("pull/{number}"))),
        ("issue", links.repo(&format!("issues/{number}"))),
        ("comments", links.repo(&format!("issues/{number}/comments"))),
        ("review_comments", links.repo(&format!("pulls/{number}/comments"))),
        ("review_comment", links.repo("pulls/comments{/number}")),
        ("commits", links.repo(&format!("pulls/{number}/commits"))),
        ("statuses", links.repo(&format!("statuses/{}", pull.head_sha))),
    ];
    let addresses = addresses.into_iter().map(|(name, href)| (name.to_owned(), json!({ "href": href })));
    Value::Object(addresses.collect::<Map<_, _>>())
}
