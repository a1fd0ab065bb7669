//! The repository.

use serde_json::{Map, Value, json};

use super::user::number_of;
use super::{Links, node_id, user};
use crate::state::{Permission, State};

/// The URLs that every repository has: name in the answer, and path.
const ADDRESSES: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// When the repository was made.
const MADE: &str = "2024-01-04T11:56:00Z";

/// The repository as part of something else: a pull request, an event.
pub(crate) fn repository(links: &Links, state: &State) -> Value {
    let mut shape = facts(links, state);
    for (name, path) in ADDRESSES {
        // A template is not a URL yet, so its braces stay.
        shape.insert((*name).to_owned(), json!(format!("{}{path}", links.repo(""))));
    }
    shape.extend(features());
    Value::Object(shape)
}

/// The repository itself, as seen with this permission.
pub(crate) fn full_repository(links: &Links, state: &State, permission: Permission) -> Value {
    let mut shape = object(repository(links, state));
    shape.extend(settings(state));
    shape.insert(
        "permissions".to_owned(),
        json!({
            "admin": permission >= Permission::Admin,
            "maintain": permission >= Permission::Admin,
            "push": permission >= Permission::Write,
            "triage": permission >= Permission::Write,
            "pull": permission >= Permission::Read,
        }),
    );
    Value::Object(shape)
}

fn facts(links: &Links, state: &State) -> Map<String, Value> {
    let full_name = format!("{}/{}", links.owner, links.name);
    let id = number_of(&full_name);
    let clone = format!("{}.git", links.page(""));
    let open = state.pulls.values().filter(|pull| pull.is_open()).count();
    object(json!({
        "id": id,
        "node_id": node_id("Repository", id),
        "name": links.name,
        "full_name": full_name,
        "private": state.private,
        "visibility": if state.private { "private" } else { "public" },
        "owner": user(links, &links.owner),
        "html_url": links.page(""),
        "description": null,
        "fork": false,
        "url": links.repo(""),
        "created_at": MADE,
        "updated_at": MADE,
        "pushed_at": MADE,
        "git_url": format!("git://{}.git", links.page("").trim_start_matches("http://")),
        "ssh_url": format!("git@localhost:{full_name}.git"),
        "clone_url": clone,
        "svn_url": links.page(""),
        "mirror_url": null,
        "homepage": null,
        "language": "Nix",
        "license": null,
        "default_branch": state.default_branch,
        "open_issues": open,
        "open_issues_count": open,
        "topics": [],
    }))
}

fn features() -> Map<String, Value> {
    object(json!({
        "size": 108,
        "stargazers_count": 0,
        "watchers_count": 0,
        "watchers": 0,
        "forks_count": 0,
        "forks": 0,
        "has_issues": true,
        "has_projects": false,
        "has_downloads": true,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "archived": false,
        "disabled": false,
        "allow_forking": true,
        "is_template": false,
        "web_commit_signoff_required": false,
    }))
}

fn settings(state: &State) -> Map<String, Value> {
    object(json!({
        "network_count": 0,
        "subscribers_count": 1,
        "allow_merge_commit": state.methods.merge,
        "allow_squash_merge": state.methods.squash,
        "allow_rebase_merge": state.methods.rebase,
        "allow_auto_merge": false,
        "allow_update_branch": false,
        "delete_branch_on_merge": false,
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "merge_commit_title": "MERGE_MESSAGE",
        "merge_commit_message": "PR_TITLE",
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
